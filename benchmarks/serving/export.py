"""What the servers are fed: one model in the forms they take, the requests they are asked with, the right answers."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import polars as pl

from data_checks import schema as s
from infra.bundle import MODEL_NAME, write_bundle
from infra.errors import PreflightError
from infra.model_file import load_model, verify_model
from infra.scorer import Scorer, load_bundle
from infra.settings import load_settings
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.encoding import CODES, encode_features
from pipelines.feature_catalog import NAMES
from preflight.trial_home import copy_home
from services.exporting import export_week
from services.messages import MOST_FLIGHTS
from services.parity import as_message

FLIGHTS, PAGES, FEATURES, ROWS, SPLIT = "flights", "pages", "features", "rows", "split"
"""Forms of the same requests: ours, alone and 1,000 in one; the features by name, in a list, as MLflow takes them."""


class NothingToMeasure(PreflightError, LookupError):  # noqa: N818
    """There is no lived year whose champion could be served."""


@dataclass(frozen=True)
class Export:
    """A folder with everything. `model` is the registered scikit-learn model, as `mlflow models serve` takes it.

    `encoded` (n, n_features) are the rows behind the requests, `expected` (n,) what has to be answered.
    """

    folder: Path
    version: int
    week: str
    model: Path
    features: pl.DataFrame
    encoded: np.ndarray
    expected: np.ndarray
    scorer: Scorer
    flights_per_page: int

    @property
    def home(self) -> Path:
        """The home folder of our service: a copy, so that the lived one stays as it is."""
        return self.folder / "home"

    def bodies(self, form: str) -> Path:
        """The file with the requests of a form, one JSON document a line."""
        return self.folder / f"{form}.jsonl"


def export_all(lived: Path, folder: Path) -> Export:
    """Everything of the champion and the newest scored week of a lived home. Raises NothingToMeasure without one."""
    if not (lived / "mlflow").exists():
        raise NothingToMeasure(f"{lived} holds no year whose champion could be served; run: preflight replay")
    year = Context(load_settings(home=lived)).as_lived()
    version, scored = year.answering_version(), year.journal.weeks("score")
    if version is None or not scored:
        raise NothingToMeasure(f"nothing has been scored under {lived} yet; run: preflight replay")
    week = Week.from_id(scored[-1])
    copy = copy_home(year, week, folder / "home")
    export_week(copy, version, week)
    bundle = copy.registry.bundle(version)
    scorer = load_bundle(write_bundle(folder / "bundle", bundle), bundle.sha256)
    model = _copy_model(version, copy.registry.version_tags(version)["sha256"], folder)
    (folder / "codes.json").write_text(json.dumps(CODES))
    schedule, features = _flights(year, week)
    _write_bodies(folder, schedule, features)
    encoded = encode_features(features)
    return Export(
        folder=folder,
        version=version,
        week=week.id,
        model=model,
        features=features,
        encoded=encoded,
        expected=scorer.probability(encoded),
        scorer=scorer,
        flights_per_page=min(MOST_FLIGHTS, schedule.height),
    )


def _copy_model(version: int, sha256: str, folder: Path) -> Path:
    """The registered model in a folder of its own, MLflow writes into the one it reads; and as joblib beside it."""
    from mlflow.artifacts import download_artifacts  # late, as it reads from the environment whether it may phone home

    from infra.registry import MODEL_FILE

    model = Path(download_artifacts(f"models:/{MODEL_NAME}/{version}", dst_path=str(folder / "model")))
    joblib.dump(load_model(verify_model(model / MODEL_FILE, sha256)), folder / "pipeline.joblib")
    return model


def _flights(year: Context, week: Week) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The plan of a week and the features it was scored with, row by row."""
    schedule = year.accepted(s.SCHEDULE, week, 1)
    built = year.require("features", week, f"preflight features {week.id}")
    features = schedule.select(s.FLIGHT_ID).join(built, on=s.FLIGHT_ID, maintain_order="left")
    return schedule, features.select(NAMES)


def _write_bodies(folder: Path, schedule: pl.DataFrame, features: pl.DataFrame) -> None:
    flights = [as_message(row) for row in schedule.iter_rows(named=True)]
    named = features.to_dicts()
    split = ({"dataframe_split": {"columns": list(row), "data": [list(row.values())]}} for row in named)
    _write(folder, FLIGHTS, flights)
    _write(folder, PAGES, _pages(flights))
    _write(folder, FEATURES, named)
    _write(folder, ROWS, ({"flights": [row]} for row in named))
    _write(folder, SPLIT, split)


def _pages(flights: list[dict], number: int = 10) -> Iterable[dict]:
    """Pages of as many flights as one request takes at most, each beginning elsewhere in the week."""
    size = min(MOST_FLIGHTS, len(flights))
    for start in range(0, len(flights), -(-len(flights) // number)):
        yield {"flights": (flights + flights)[start : start + size]}


def _write(folder: Path, form: str, bodies: Iterable[dict]) -> None:
    (folder / f"{form}.jsonl").write_text("".join(json.dumps(body) + "\n" for body in bodies))
