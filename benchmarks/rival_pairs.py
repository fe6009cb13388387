"""Champion and challenger on the flights after each verdict of the gate: real pairs of models for the benchmarks."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from data_checks import schema as s
from infra.settings import load_settings
from monitoring.labels import IS_LATE, known_labels
from monitoring.quality import loss_per_row
from pipelines.clock import local_day, midnight
from pipelines.context import Context
from pipelines.encoding import encode_features
from pipelines.training import departing

WEEKS = 8
FEWEST_WEEKS = 4


def lived_context(description: str) -> Context:
    """The context of the home that the command line names. Ends the program with a sentence where nothing was lived."""
    options = argparse.ArgumentParser(description=description.splitlines()[0])
    options.add_argument("--home", type=Path, default=Path("var"), help="home folder in which the year was lived")
    home = options.parse_args().home
    if not (home / "records").exists():
        sys.exit(f"{home} has no verdicts of the gate; run: make demo")
    return Context(load_settings(home=home))


@dataclass(frozen=True)
class RivalPair:
    """What both models say of the flights of eight weeks that neither has learned from; all are (n_flights,)."""

    champion_version: int
    challenger_version: int
    flight_id: list[str]
    day: np.ndarray
    is_late: np.ndarray
    champion: np.ndarray
    challenger: np.ndarray

    @property
    def name(self) -> str:
        """Who challenges whom."""
        return f"{self.challenger_version} against {self.champion_version}"

    @property
    def gain(self) -> np.ndarray:
        """The champion's log loss less the challenger's on each flight."""
        return loss_per_row(self.champion, self.is_late) - loss_per_row(self.challenger, self.is_late)

    @property
    def per_day(self) -> float:
        """Labelled flights of a day."""
        return len(self.day) / len(np.unique(self.day))


def rival_pairs(context: Context) -> Iterator[RivalPair]:
    """The pairs of a lived year whose verdict was four weeks before its end or earlier, oldest first."""
    rows = labelled_year(context)
    for version in context.registry.versions():
        record = context.store.read_json(f"records/version-{version['version']}.json")
        if record is None or record["champion"] is None:
            continue
        start = midnight(date.fromisoformat(record["decided_on"]))
        flights = departing(rows, start, start + timedelta(weeks=WEEKS))
        day = flights.select(local_day(s.SCHEDULED_DEPARTURE)).to_series()
        if day.n_unique() < 7 * FEWEST_WEEKS:
            continue
        features = encode_features(flights)
        champion, challenger = (context.registry.scorer(record[name]) for name in ("champion", "version"))
        yield RivalPair(
            champion_version=record["champion"],
            challenger_version=record["version"],
            flight_id=flights[s.FLIGHT_ID].to_list(),
            day=day.to_numpy(),
            is_late=flights[IS_LATE].to_numpy(),
            champion=champion.probability(features),
            challenger=challenger.probability(features),
        )


def labelled_year(context: Context) -> pl.DataFrame:
    """Features and final labels of every labelled flight of the year, in order of departure."""
    weeks = context.all_weeks()
    features = context.store.read_weeks("features", [week.id for week in weeks])
    labels = known_labels(context.accepted(s.OUTCOMES, weeks[-1]), weeks[-1].plus(2).end)
    return features.join(labels, on=s.FLIGHT_ID, how="inner").sort(s.SCHEDULED_DEPARTURE, s.FLIGHT_ID)
