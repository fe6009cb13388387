"""The fits of a bake-off: shared by every policy that asks, each kept in a file as soon as it is done.

A fit is named by what it learned from and how; what is kept is what the model says of every later flight,
so that policies and tables need the model no more.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from time import perf_counter

import numpy as np
import polars as pl
from sklearn.pipeline import Pipeline

from data_checks import schema as s
from infra.arrays import ArraysError, pack_arrays, unpack_arrays
from infra.errors import PreflightError
from infra.storage import Store, content_hash
from monitoring.labels import IS_LATE, LABEL_KNOWN_AT
from pipelines.clock import local_day
from pipelines.estimators import ModelParameters
from pipelines.feature_catalog import NAMES
from pipelines.training import TooFewRows, fit_model, predict_probability

FOLDER = "bakeoff"

Learn = Callable[[pl.DataFrame, ModelParameters, Sequence[str]], Pipeline]


class AskedAboutThePast(PreflightError, ValueError):  # noqa: N818
    """A model was asked about flights that it may have learned from."""


class LabelledYear:
    """Every flight that has a label, in the order of departure: features, label, and when the label was known."""

    def __init__(self, labelled: pl.DataFrame) -> None:
        self.rows = labelled.sort(s.SCHEDULED_DEPARTURE, s.FLIGHT_ID)
        self.is_late = self.rows[IS_LATE].cast(pl.Int8).to_numpy()
        self.day = self.rows.select(local_day(s.SCHEDULED_DEPARTURE)).to_series().to_numpy()
        self.month = self.day.astype("datetime64[M]")
        self._departure, self._known_at = (
            self.rows[name].dt.replace_time_zone(None).to_numpy() for name in (s.SCHEDULED_DEPARTURE, LABEL_KNOWN_AT)
        )

    @cached_property
    def sha256(self) -> str:
        """A name for the rows."""
        return content_hash(self.rows)

    def place(self, moment: datetime) -> int:
        """The number of the first flight that leaves at that moment or later."""
        return int(np.searchsorted(self._departure, _in_utc(moment)))

    def between(self, start: datetime, end: datetime) -> slice:
        """The flights that leave from `start` to before `end`."""
        return slice(self.place(start), self.place(end))

    def in_month(self, first: date) -> slice:
        """The flights that leave in the month of a day."""
        return slice(*np.searchsorted(self.month, [np.datetime64(first, "M"), np.datetime64(first, "M") + 1]))

    def known(self, rows: slice, at: datetime) -> np.ndarray:
        """Which of the flights have a label that is known at a moment, (n_rows,)."""
        return self._known_at[rows] <= _in_utc(at)

    def learned(self, start: datetime, cutoff: datetime) -> pl.DataFrame:
        """The flights that leave from `start` on whose label is known at `cutoff`."""
        rows = slice(self.place(start), len(self.is_late))
        return self.rows[rows].filter(pl.Series(self.known(rows, cutoff)))


@dataclass(frozen=True)
class Fit:
    """A model by what it learned from: departures from `start` on whose label was known at `cutoff`; and how."""

    start: datetime
    cutoff: datetime
    parameters: ModelParameters
    learn: Learn = fit_model

    def key(self, data: str, names: Sequence[str]) -> str:
        """A name for the fit on these features of rows with this hash: another one when anything of it differs."""
        inputs = {
            "start": self.start.isoformat(),
            "cutoff": self.cutoff.isoformat(),
            "parameters": self.parameters.as_dict(),
            "learn": f"{self.learn.__module__}.{self.learn.__qualname__}",
            "data": data,
            "features": list(names),
        }
        return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Kept:
    """What is kept of a fit: the probability of every flight from its cutoff on, and the seconds that it took, (1,)."""

    probability: np.ndarray
    seconds: np.ndarray


class Fits:
    """Fits by name, made once: in this run, or in one before it that was killed."""

    def __init__(
        self,
        year: LabelledYear,
        store: Store,
        names: Sequence[str] = NAMES,
        watch: Callable[[], float] = perf_counter,
        fitted: Callable[[str], None] = lambda what: None,
    ) -> None:
        self._year, self._store, self._names, self._watch, self._fitted = year, store, names, watch, fitted
        self._kept: dict[Fit, Kept] = {}

    @property
    def made(self) -> tuple[Fit, ...]:
        """The fits that were asked for so far, in that order."""
        return tuple(self._kept)

    def probability(self, fit: Fit, rows: slice) -> np.ndarray:
        """What the model says of some flights, (n_rows,). Raises AskedAboutThePast for flights before its cutoff."""
        first = self._year.place(fit.cutoff)
        if rows.start < first:
            raise AskedAboutThePast(
                f"the model of {fit.cutoff:%Y-%m-%d} was asked about {first - rows.start} flights before that day; "
                "ask a model that is older than the flights"
            )
        return self._get(fit).probability[rows.start - first : rows.stop - first]

    def seconds(self, fit: Fit) -> float:
        """How long fitting and predicting took, whenever it was done."""
        return float(self._get(fit).seconds[0])

    def _get(self, fit: Fit) -> Kept:
        if fit not in self._kept:
            name = f"{FOLDER}/fits/{fit.key(self._year.sha256, self._names)}.npz"
            self._kept[fit] = self._read(name) or self._make(fit, name)
        return self._kept[fit]

    def _read(self, name: str) -> Kept | None:
        content = self._store.read_bytes(name)
        try:
            return unpack_arrays(Kept, content) if content else None
        except ArraysError:
            return None

    def _make(self, fit: Fit, name: str) -> Kept:
        learned = self._year.learned(fit.start, fit.cutoff)
        if learned[IS_LATE].n_unique() < 2:
            raise TooFewRows(
                f"{learned.height} labelled flights are known on {fit.cutoff:%Y-%m-%d}, needed late ones and others; "
                "choose an earlier PREFLIGHT_FIRST_DAY"
            )
        began = self._watch()
        model = fit.learn(learned, fit.parameters, self._names)
        probability = predict_probability(model, self._year.rows[self._year.place(fit.cutoff) :], self._names)
        kept = Kept(probability, np.array([self._watch() - began]))
        self._store.write_bytes(name, pack_arrays(kept))
        self._fitted(f"learned from {fit.start:%d %b} to {fit.cutoff:%d %b}")
        return kept


def _in_utc(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
