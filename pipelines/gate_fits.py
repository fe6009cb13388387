"""The fits behind the gate's error rates: models of equal recipe and equal rows that differ by luck alone.

Two kinds of luck: another seed, and other days drawn with replacement from the days that are learned from. Each fit
is kept as soon as it is made, under the name of all that it depends on, so that a killed run goes on.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from data_checks import schema as s
from infra.arrays import pack_arrays, unpack_arrays
from infra.storage import Store, content_hash
from monitoring.labels import LABEL_KNOWN_AT
from pipelines.clock import Week, local_day, midnight
from pipelines.estimators import ModelParameters
from pipelines.evidence import JudgedFlights
from pipelines.fitting import labels_of
from pipelines.slices import slice_names, with_region
from pipelines.training import fit_model, predict_probability

SEEDS, DAYS = "seeds", "days"
KINDS = (SEEDS, DAYS)
DAY_TWINS = 3
WEEKS_TO_LEARN_FROM = 8
FOLDER = "gate/fits"


@dataclass(frozen=True)
class Twin:
    """One fit: it learns from all before its Monday, and differs from its twins of that Monday by luck alone."""

    monday: date
    kind: str
    number: int

    @property
    def is_followed(self) -> bool:
        """Whether its answers are wanted for the rest of the year too, not for its gate alone: of one per Monday."""
        return (self.kind, self.number) == (SEEDS, 0)


@dataclass(frozen=True)
class Answers:
    """What a fit says of the flights of its gate, or of all from its Monday on: `probability` (n_rows,), in order."""

    probability: np.ndarray


@dataclass(frozen=True)
class Year:
    """All labelled flights in the order of departure, with destination and region, their local day, and their hash."""

    labelled: pl.DataFrame
    day: np.ndarray
    sha256: str

    @classmethod
    def of(cls, labelled: pl.DataFrame, schedule: pl.DataFrame, airports: pl.DataFrame) -> "Year":
        """The year of features and labels; the other tables say where the flights go."""
        ordered = labelled.sort(s.SCHEDULED_DEPARTURE, s.FLIGHT_ID)
        day = ordered.select(local_day(s.SCHEDULED_DEPARTURE)).to_series().to_numpy()
        return cls(with_region(ordered, schedule, airports), day, content_hash(ordered))

    def before(self, monday: date, gate_days: int) -> pl.DataFrame:
        """The flights that left before a Monday, those whose label was known when its gate would judge."""
        judged_at = midnight(monday + timedelta(days=gate_days))
        return self.labelled.filter(
            pl.col(s.SCHEDULED_DEPARTURE) < midnight(monday), pl.col(LABEL_KNOWN_AT) <= judged_at
        )

    def since(self, monday: date, days: int | None = None) -> np.ndarray:
        """Which rows leave on a Monday or later, within so many days where they are given, (n_rows,)."""
        since = self.day >= np.datetime64(monday)
        return since if days is None else since & (self.day < np.datetime64(monday) + np.timedelta64(days, "D"))

    def gate(self, monday: date, gate_days: int) -> JudgedFlights:
        """The flights of so many days from a Monday on, as the gate wants them."""
        inside = self.since(monday, gate_days)
        rows = self.labelled.filter(inside)
        return JudgedFlights(
            labels_of(rows), self.day[inside], slice_names(rows), rows.select(s.CARRIER, s.DESTINATION)
        )


def mondays(first_day: date, last_day: date, gate_days: int) -> list[date]:
    """The Mondays at which a gate begins: as many as there are, none sharing a day with another, eight weeks in."""
    first = Week.holding(first_day + timedelta(weeks=WEEKS_TO_LEARN_FROM)).monday
    step = timedelta(weeks=-(-gate_days // 7))
    windows = (last_day + timedelta(days=1) - timedelta(days=gate_days) - first) // step + 1
    return [first + number * step for number in range(max(windows, 0))]


def twins_needed(windows: int, trials: int) -> int:
    """How many twins that differ by the seed a Monday needs so that their pairs make at least so many trials."""
    twins = 2
    while windows * twins * (twins - 1) // 2 < trials:
        twins += 1
    return twins


def fits_of(mondays: list[date], twins: int) -> list[Twin]:
    """Every fit that is needed, in the order of time; of those that drew other days there are three at most."""
    numbers = {SEEDS: twins, DAYS: min(twins, DAY_TWINS)}
    return [Twin(monday, kind, number) for monday in mondays for kind in KINDS for number in range(numbers[kind])]


def answers_of(store: Store, year: Year, twin: Twin, parameters: ModelParameters, gate_days: int) -> Answers:
    """What a twin says, fitted now or read from where an earlier run has kept it."""
    about = {"twin": [twin.monday.isoformat(), twin.kind, twin.number], "year": year.sha256, "days": gate_days}
    named = json.dumps({**about, "parameters": parameters.as_dict()}, sort_keys=True)
    name = f"{FOLDER}/{twin.monday}-{twin.kind}-{twin.number}-{hashlib.sha256(named.encode()).hexdigest()[:12]}.npz"
    kept = store.read_bytes(name)
    if kept is not None:
        return unpack_arrays(Answers, kept)
    answers = _fit(year, twin, parameters, gate_days)
    store.write_bytes(name, pack_arrays(answers))
    return answers


def _fit(year: Year, twin: Twin, parameters: ModelParameters, gate_days: int) -> Answers:
    learned = year.before(twin.monday, gate_days)
    if twin.kind == SEEDS:
        parameters = replace(parameters, seed=parameters.seed + twin.number)
    else:
        learned = draw_days(learned, np.random.default_rng([parameters.seed, twin.number]))
    asked = year.labelled.filter(year.since(twin.monday, None if twin.is_followed else gate_days))
    return Answers(predict_probability(fit_model(learned, parameters), asked).astype(np.float32))


def draw_days(rows: pl.DataFrame, dice: np.random.Generator) -> pl.DataFrame:
    """As many days as the rows have, drawn with replacement, each with all its rows."""
    day = rows.select(local_day(s.SCHEDULED_DEPARTURE)).to_series().to_numpy()
    days, start = np.unique(day, return_index=True)
    ends = np.append(start[1:], len(day))  # the rows are in the order of time
    drawn = np.sort(dice.integers(0, len(days), len(days)))
    return rows[np.concatenate([np.arange(start[one], ends[one]) for one in drawn])]
