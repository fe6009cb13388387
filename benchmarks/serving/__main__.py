"""Our service beside its peers: same machine, same model, one worker each: `python -m benchmarks.serving`.

Peers are `mlflow models serve`, a textbook BentoML service with and without adaptive batching, a minimal FastAPI
service, and a server that answers a constant; beside them the model alone in this process. The server has a core
to itself and so has wrk, which makes the load. The year has to be lived in `--home`; it is copied, not written to.
Seven to eight minutes; shorter with `--seconds 1 --repeats 1`, and then good for nothing but a look.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import joblib

from benchmarks.serving.bare import measure_bare
from benchmarks.serving.export import Export, export_all
from benchmarks.serving.findings import Findings, Measured
from benchmarks.serving.load import Patience, require_wrk
from benchmarks.serving.measure import Server, logs_per_request, measure, running
from benchmarks.serving.report import markdown, report
from benchmarks.serving.targets import CLIENTS, Target, ours, ours_by_the_page, peers
from benchmarks.serving.variants import variants
from infra.errors import PreflightError
from infra.settings import load_settings
from preflight.session import prepare

PATIENCE_SECONDS, PEERS_SECONDS, SETTINGS_SECONDS = 40, 270, 390
"""Waited for quiet at most; after so many no further round is begun with the peers, and with the settings."""


def main() -> int:
    """Measure, print, and write the table where that is asked for."""
    options = _options()
    try:
        require_wrk()
        with tempfile.TemporaryDirectory(prefix="preflight-serving-") as scratch:
            prepare(load_settings(home=Path(scratch)), verbose=False)
            home = load_settings(home=options.home).home
            found = run(export_all(home, Path(scratch)), options)
    except PreflightError as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    if options.write:
        options.write.write_text(markdown(found))
    report(found, options.json)
    return 0


def run(export: Export, options: argparse.Namespace) -> Findings:
    """Everything that was asked for, on an export."""
    began, patience = time.perf_counter(), Patience(PATIENCE_SECONDS)
    os.environ["OMP_NUM_THREADS"] = "1"
    pace = {"seconds": options.seconds, "repeats": options.repeats, "patience": patience}
    bare = measure_bare(export, joblib.load(export.folder / "pipeline.joblib"))
    with _started([ours(), *_chosen(options)], export) as servers:
        by_the_page = servers[0].asked(ours_by_the_page())
        log_bytes = logs_per_request(servers[0], export)
        measure(servers, export, clients=CLIENTS, until=began + PEERS_SECONDS, **pace)
        measure([by_the_page], export, clients=CLIENTS, until=began + PEERS_SECONDS, **pace)  # last: its log is long
    settings = []
    if not options.without_settings:
        with _started(variants(), export) as settings:
            measure(settings, export, clients=CLIENTS, until=began + SETTINGS_SECONDS, **pace)
    return Findings(
        version=export.version,
        week=export.week,
        machine=f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        servers=[_measured(server) for server in servers],
        settings=[_measured(server) for server in settings],
        bare=bare,
        page=by_the_page.medians()[1],
        flights_per_page=export.flights_per_page,
        log_bytes=log_bytes,
        rounds=min(len(legs) for server in (*servers, *settings) for legs in server.legs.values()),
        took_seconds=time.perf_counter() - began,
    )


def _started(targets: list[Target], export: Export):
    sys.stderr.write(f"{len(targets)} servers, one after the other: {', '.join(target.name for target in targets)}\n")
    return running(targets, export)


def _chosen(options: argparse.Namespace) -> list[Target]:
    if options.settings:
        return []
    return [target for target in peers() if not options.only or target.name in options.only]


def _measured(server: Server) -> Measured:
    return Measured(
        name=server.target.name,
        what=server.target.what,
        legs=server.medians(),
        ready_seconds=server.ready_seconds,
        worker_bytes=server.worker_bytes,
        all_bytes=server.all_bytes,
        largest_difference=server.largest_difference,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    names = [target.name for target in peers()]
    parser.add_argument("--home", type=Path, help="home folder in which the year was lived; default: that of preflight")
    parser.add_argument("--seconds", type=int, default=3, help="seconds of a leg (3)")
    parser.add_argument("--repeats", type=int, default=3, help="legs of which the median counts (3)")
    parser.add_argument("--only", nargs="*", choices=names, default=[], help="these peers alone, beside ours")
    parser.add_argument("--settings", action="store_true", help="no peers: ours, and what each setting is worth")
    parser.add_argument("--without-settings", action="store_true", help="leave out what each setting is worth")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of the tables")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the tables as Markdown")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
