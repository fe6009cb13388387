"""What an answer costs: the served bundle beside the estimator it was made from, one row and 10,000, in one run.

Run with `python -m benchmarks.scoring`. Rows are real flights, encoded; every model is one forest of 60 trees.
The parity of both is measured in the same run, so that equal work is timed.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from data_checks import schema as s
from data_checks.feeds import split_feeds
from infra.bundle import write_bundle
from infra.scorer import Scorer, load_bundle
from infra.source import open_source
from monitoring.labels import IS_LATE, known_labels
from pipelines.artefact import build_bundle
from pipelines.artefact_parity import estimator_probability, measure_parity
from pipelines.calibration_map import IDENTITY
from pipelines.clock import Week
from pipelines.encoding import encode_features
from pipelines.features import build_features
from pipelines.state import World, prepare_state
from pipelines.time_travel import world_of_week
from preflight import show

WEEKS, HISTORY_WEEKS, ROWS, ROUNDS = ("2013-07-01", "2013-07-08"), 8, 10_000, 9
MODELS = {
    "scikit-learn": HistGradientBoostingClassifier(max_iter=60, learning_rate=0.15, max_features=0.7, random_state=1),
    "LightGBM": LGBMClassifier(n_estimators=60, learning_rate=0.15, n_jobs=1, verbose=-1, random_state=1),
}


def main() -> None:
    """Print microseconds and ratios, the median of several rounds each."""
    flights = pl.concat([_labelled(week) for week in map(Week.from_id, WEEKS)]).head(ROWS)
    features, late = encode_features(flights), flights[IS_LATE].to_numpy()
    table = []
    with threadpool_limits(1), tempfile.TemporaryDirectory() as scratch:
        for name, model in MODELS.items():
            scorer = _scorer(Path(scratch, name), model.fit(features, late))
            apart = measure_parity(estimator_probability(model, IDENTITY, features), scorer.probability(features))
            show.tell(f"{name}: {apart.sentence}")
            table += [_row(name, model, scorer, features[:rows]) for rows in (1, len(features))]
    headings = ["estimator µs", "bundle µs", "with reasons µs", "bundle / estimator", "with reasons / estimator"]
    show.table("Scoring", {"model": "left", "rows": "right", **dict.fromkeys(headings, "right")}, table)
    one = _microseconds(lambda: encode_features(flights[:1]), 200)
    many = _microseconds(lambda: encode_features(flights))
    show.tell(f"encoding one row {one:.1f} µs, {len(features)} rows {many:.0f} µs")


def _labelled(week: Week) -> pl.DataFrame:
    feeds = split_feeds(open_source(None, s.SOURCE_COLUMNS).tables(s.SOURCE_COLUMNS))
    year = World(**{name: feeds[name] for name in s.FEEDS}, planes=feeds["planes"])
    world = world_of_week(year, week, HISTORY_WEEKS)
    schedule = world.schedule.filter(pl.col(s.SCHEDULED_DEPARTURE) >= week.start)
    labels = known_labels(feeds["outcomes"], week.plus(2).end)
    rows = build_features(schedule, prepare_state(world)).join(labels, on=s.FLIGHT_ID, maintain_order="left")
    return rows.filter(pl.col(IS_LATE).is_not_null())


def _scorer(folder: Path, model: object) -> Scorer:
    bundle = build_bundle(model, IDENTITY, 0.5, {})
    return load_bundle(write_bundle(folder, bundle), bundle.sha256)


def _row(name: str, model: object, scorer: Scorer, features: np.ndarray) -> tuple:
    repeat = 200 if len(features) == 1 else 1
    ways = (model.predict_proba, scorer.probability, scorer.explain)
    own, bundle, reasons = (_microseconds(lambda way=way: way(features), repeat) for way in ways)
    times = [f"{cost:.1f}" for cost in (own, bundle, reasons)]
    return (name, len(features), *times, f"{bundle / own:.3f}", f"{reasons / own:.3f}")


def _microseconds(way: Callable[[], object], repeat: int = 1) -> float:
    """Median time of one call over several rounds, in microseconds; the first round warms up."""
    way()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(repeat):
            way()
        times.append((time.perf_counter() - start) / repeat)
    return 1e6 * median(times)


if __name__ == "__main__":
    main()
