"""What a million flights cost, part by part, at one size and at ten times it, and what follows for larger sizes.

`python -m benchmarks.scaling --home var --write docs/scaling.md`: a lived home is read, never written. Each part runs
in a process of its own at each size, beside a floor taken there: reading four weeks of features and hashing them. A
part over its floor compares between machines and busy hours; seconds alone do not. Processor time is what is told.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time

from benchmarks.data_path import CHECK, FEATURES, READ, Leg, live

DATA, SCORE, LOG, FIT, MONITOR = LEGS = "data", "score", "log", "fit", "monitor"
FLOOR_WEEKS = ("2013-07-01", "2013-07-08", "2013-07-15", "2013-07-22")
FLOOR_ROUNDS, REQUESTS_A_WEEK, TIMES = 5, 2_500, 10


def main() -> int:
    """Measure every part at both sizes, print the tables, and write them where that is asked for."""
    chosen = _arguments()
    if chosen.leg:
        print(json.dumps(run_leg(chosen.leg, chosen.home, chosen.folder, chosen.weeks)))
        return 0
    if not (chosen.home / "features" / f"{FLOOR_WEEKS[-1]}.parquet").exists():
        sys.stderr.write(f"expected a home in which the year was lived, got {chosen.home}; run: make demo\n")
        return 1
    from benchmarks import scaling_report as tables
    from preflight import show

    found = tables.Found(
        small=_measure(chosen.home, chosen.weeks),
        large=_measure(chosen.home, chosen.weeks * TIMES),
        online=tables.online_of(chosen.serving.read_text()),
        engine=json.loads(chosen.engine.read_text()) if chosen.engine else None,
    )
    if chosen.write:
        chosen.write.write_text(tables.between_markers(chosen.write.read_text(), tables.markdown(found)))
    if not chosen.json:
        show.tell(tables.markdown(found))
    show.finish(tables.outcome(found), found.as_dict(), chosen.json)
    return 0


def run_leg(leg: str, home: Path, scratch: Path, weeks: int) -> dict:
    """One part over so many weeks: processor seconds by part and floor, rows, bytes written, memory at most."""
    from infra.settings import load_settings
    from preflight.session import prepare

    os.environ["PREFECT_LOGGING_TO_API_ENABLED"] = "false"  # tasks run outside of a flow
    prepare(load_settings(home=scratch), verbose=False)
    spent = Leg()
    work: dict[str, Callable[[], None]] = {
        DATA: lambda: _data(spent, scratch, weeks),
        SCORE: lambda: _score(spent, home, scratch, weeks),
        LOG: lambda: _log(spent, home, scratch, weeks),
        FIT: lambda: _fit(spent, home, weeks),
        MONITOR: lambda: _monitor(spent, home, weeks),
    }
    work[leg]()
    document = spent.document()  # the peak before the floor
    return {**document, "floor_per_million": _floor(home)}


def _measure(home: Path, weeks: int) -> dict[str, dict]:
    """The document of every leg at a size."""
    found = {}
    for leg in LEGS:
        sys.stderr.write(f"{leg}, {weeks} weeks ...\n")
        with tempfile.TemporaryDirectory(prefix="preflight-scaling-") as folder:
            command = [sys.executable, "-m", "benchmarks.scaling", "--leg", leg, "--home", str(home)]
            command += ["--folder", folder, "--weeks", str(weeks)]
            ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            found[leg] = json.loads(ended.stdout)
    return found


def _floor(home: Path) -> float:
    """Processor seconds to read and hash a million rows of features, the median of some rounds."""
    from infra.storage import Store, content_hash

    spent = []
    for _ in range(FLOOR_ROUNDS):
        began = process_time()
        rows = Store(home).read_weeks("features", FLOOR_WEEKS)
        content_hash(rows)
        spent.append((process_time() - began) / rows.height * 1e6)
    return median(spent)


def _data(spent: Leg, scratch: Path, weeks: int) -> None:
    """Land, validate and build features of the first weeks of the year, by our own tasks."""
    live(spent, scratch / "home", weeks)
    spent.facts["bytes"] = {
        part: sum(path.stat().st_size for folder in folders for path in (scratch / "home" / folder).rglob("*.parquet"))
        for part, folders in ((READ, ("landed",)), (CHECK, ("accepted", "quarantined")), (FEATURES, ("features",)))
    }


def _score(spent: Leg, home: Path, scratch: Path, weeks: int) -> None:
    """The newest version's predictions of the last weeks, written week by week."""
    from infra.storage import Store
    from pipelines.scoring import score_flights

    context, version = _lived(home)
    scorer, kept = context.registry.scorer(version), Store(scratch)
    for week in context.all_weeks()[-weeks:]:
        with spent.part(SCORE):
            features = context.store.read_table("features", week.id)
            kept.write_table("predictions", week.id, score_flights(scorer, version, features))
        spent.facts["flights"] = spent.facts.get("flights", 0) + features.height
    spent.facts["bytes"] = {SCORE: sum(path.stat().st_size for path in kept.files("predictions", "*.parquet"))}


def _log(spent: Leg, home: Path, scratch: Path, weeks: int) -> None:
    """Answers to requests for one flight, as the lived home logged them, loaded into SQLite; bytes are the log's.

    They are repeated under ids of their own: a line for many flights shares what each of a request pays alone.
    """
    import orjson

    from infra.online_predictions import FILE, open_predictions
    from infra.segments import segments, whole_lines
    from infra.storage import Store
    from services.loading import load_log
    from services.prediction_log import FOLDER

    logged = (orjson.loads(line) for segment in segments(home / FOLDER) for line in whole_lines(segment, 0))
    alone = [line for line in logged if line["kind"] == "predict"]
    if not alone:
        raise ValueError(f"expected answers for one flight in the log of {home}; ask some: preflight ask")
    count = weeks * REQUESTS_A_WEEK
    lines = [orjson.dumps(alone[number % len(alone)] | {"id": f"request-{number}"}) + b"\n" for number in range(count)]
    size = sum(map(len, lines))
    Store(scratch).write_bytes(f"{FOLDER}/000001.jsonl", b"".join(lines))
    del lines
    engine = open_predictions(scratch, None)
    with spent.part(LOG):
        spent.facts["flights"] = load_log(Store(scratch), engine)
    spent.facts["bytes"] = {LOG: size}
    spent.facts["database_bytes"] = (scratch / FILE).stat().st_size


def _fit(spent: Leg, home: Path, weeks: int) -> None:
    """One fit with the plain parameters, of which a training round makes some forty."""
    from pipelines.encoding import encode_features
    from pipelines.estimators import plain_parameters
    from pipelines.fitting import labels_of
    from pipelines.folds import fit_matrix

    context, _ = _lived(home)
    labelled = _labelled(context, weeks)
    X, is_late = encode_features(labelled), labels_of(labelled)
    with spent.part(FIT):
        fit_matrix(X, is_late, plain_parameters(context.settings))
    spent.facts |= {"flights": len(X), "bytes": {FIT: X.nbytes}}


def _monitor(spent: Leg, home: Path, weeks: int) -> None:
    """Quality, drift by Evidently and the profile of so many weeks as one window, against the newest reference."""
    from monitoring.drift import measure_drift
    from monitoring.quality import measure_quality
    from pipelines.feature_catalog import CATEGORICAL, NAMES
    from pipelines.fitting import labels_of
    from pipelines.watching import profile_week

    context, version = _lived(home)
    labelled = _labelled(context, weeks)
    said = context.registry.scorer(version).probability(_encoded(labelled))
    reference, current = context.store.read_table("reference_windows", f"version-{version}"), labelled.select(NAMES)
    with spent.part(MONITOR):
        measure_quality(said, labels_of(labelled))
        measure_drift(reference, current, CATEGORICAL)
        profile_week(labelled)
    spent.facts |= {"flights": labelled.height, "bytes": {MONITOR: 0}}


def _lived(home: Path) -> tuple:
    """The context of a home as it was lived, and the version that was promoted last."""
    from infra.settings import load_settings
    from pipelines.context import Context

    context = Context(load_settings(home=home)).as_lived()
    return context, context.promoted_versions()[-1]


def _labelled(context: object, weeks: int) -> object:
    """The labelled flights of the last weeks."""
    from monitoring.labels import IS_LATE
    from pipelines.worth import with_labels

    features = context.store.read_weeks("features", [week.id for week in context.all_weeks()[-weeks:]])
    return with_labels(features, context.year().outcomes).drop_nulls(IS_LATE)


def _encoded(flights: object) -> object:
    from pipelines.encoding import encode_features

    return encode_features(flights)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path("var"), help="home folder in which the year was lived")
    parser.add_argument("--weeks", type=int, default=4, help=f"weeks of the small size; the large is {TIMES} times it")
    parser.add_argument(
        "--serving", type=Path, default=Path("docs/serving-measured.md"), help="what answers online cost"
    )
    parser.add_argument("--engine", type=Path, help="what `preflight prove engine --json` printed, for its table")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the tables between the markers of a document")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of the tables")
    parser.add_argument("--leg", choices=LEGS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
