"""One training round on six months of flights: seconds by stage, and the share that is not fitting models.

`python -m benchmarks.training_round --home var`: from a home in which the year was lived, the rows and features
up to June are copied to a scratch home in which nothing was trained; there the model of 1 July is tuned, calibrated,
fitted, judged, registered, promoted and fitted again, by the flow itself, once with every import paid before.
"""

import argparse
import shutil
import sys
import tempfile
from datetime import date
from pathlib import Path
from time import perf_counter

from infra.settings import load_settings
from infra.stopwatch import STOPWATCH
from infra.storage import Store
from pipelines.clock import Week
from preflight import show
from preflight.session import REGISTRY, prepare, working

JULY = date(2013, 7, 1)
COPIED = ("accepted", "features", "reference")
FITTING = ("tuning", "model")
"""The parts of the stopwatch in which models are fitted, those of the search among them."""


def main() -> int:
    """Measure a round and print it."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--home", type=Path, default=Path("var"), help="home folder in which the year was lived")
    home = options.parse_args().home
    if not (home / "features" / "2013-06-24.parquet").exists():
        sys.stderr.write(f"{home} has no features up to June; run: make demo\n")
        return 1
    with tempfile.TemporaryDirectory(prefix="preflight-round-") as scratch:
        print_round(measure_round(home, Path(scratch)))
    return 0


def measure_round(lived: Path, scratch: Path) -> dict[str, float]:
    """Seconds of each part of the round, and `all` of it by the clock on the wall."""
    copy_first_half(lived, scratch)
    settings = load_settings(home=scratch, first_scored_week=JULY)
    prepare(settings, verbose=False)
    with working(settings, "pipelines.train_flow", REGISTRY, "pipelines.tuning") as flow:
        before, began = STOPWATCH.seconds(), perf_counter()
        flow.train(JULY.isoformat(), settings=settings)
        spent = perf_counter() - began
        after = STOPWATCH.seconds()
    parts = {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}
    parts = {name: seconds for name, seconds in parts.items() if seconds >= 0.05}
    return {**parts, "Prefect and the rest": spent - sum(parts.values()), "all": spent}


def copy_first_half(lived: Path, scratch: Path) -> None:
    """The rows and features of the weeks before July, and the record that they were validated."""
    for folder in COPIED:
        shutil.copytree(lived / folder, scratch / folder, ignore=_from_july)
    (scratch / "journal").mkdir()
    for path in Store(lived).files("journal", "*-validate.json"):
        if Week.from_id(path.name[:10]).monday < JULY:
            shutil.copy(path, scratch / "journal")


def print_round(parts: dict[str, float]) -> None:
    """The parts as a table, the outcome last."""
    total = parts["all"]
    fitting = sum(parts.get(name, 0.0) for name in FITTING)
    rows = [(name, f"{seconds:.1f}", f"{seconds / total:.0%}") for name, seconds in parts.items()]
    show.table(
        "One training round on six months of flights", {"part": "left", "seconds": "right", "share": "right"}, rows
    )
    show.tell(f"{total:.1f} s, of which {fitting:.1f} s fit models; {1 - fitting / total:.0%} is everything else")


def _from_july(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name[:4].isdigit() and name[:10] >= JULY.isoformat()}


if __name__ == "__main__":
    sys.exit(main())
