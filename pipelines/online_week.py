"""The week's online answers, as they were loaded from the prediction log, held against what they should have been."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import orjson
import polars as pl

from data_checks import schema as s
from infra.online_predictions import read_between
from infra.pseudonyms import Pseudonyms
from monitoring.normal import Reading
from monitoring.online import read_answers, read_freshness, read_skew
from pipelines.asked import COLUMNS, FRESH
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.encoding import encode_features
from pipelines.scoring import VERSION
from pipelines.skew import features_used, measure_skew

TAIL_PLACE = COLUMNS.index(s.TAIL_NUMBER)


@dataclass(frozen=True)
class Answer:
    """One flight of an answered request, as `pipelines.skew.Used`."""

    plan: tuple
    flight_id: str
    as_of: str
    features: Mapping[str, str | float | None]


def answers_of(context: Context, week: Week) -> pl.DataFrame:
    """What the service answered about flights of a week, one row for each flight of each request; none if it never did.

    Raises DatabaseError.
    """
    settings = context.settings
    return read_between(settings.home, settings.predictions_url, week.id, week.plus(1).id)


def read_online(context: Context, week: Week, answers: pl.DataFrame) -> Iterator[Reading]:
    """The readings of the detectors that look at a week's answers; none without an answer."""
    if answers.is_empty():
        return
    used = as_used(answers)
    yield read_freshness(count_modes(answers), FRESH)
    yield read_answers(answers["probability"].to_numpy(), _own(context, answers, used))
    fresh = [one for one, mode in zip(used, answers["mode"], strict=True) if mode == FRESH]
    if fresh:
        names = Pseudonyms(context.settings.home, context.settings.pseudonym_key)
        wrong = measure_skew(fresh, context.world(week), names)
        flights = len({one.flight_id for one in fresh})
        yield read_skew([(one.flight_id, one.feature) for one in wrong], flights)


def count_modes(answers: pl.DataFrame) -> dict[str, int]:
    """How many answers were given in each mode."""
    return dict(sorted(Counter(answers["mode"].to_list()).items()))


def as_used(answers: pl.DataFrame) -> list[Answer]:
    """The rows with what they hold as JSON read."""
    columns = ("flight", "tail_key", "flight_id", "as_of", "features")
    return [
        Answer(_plan(orjson.loads(flight), tail), name, moment, orjson.loads(features))
        for flight, tail, name, moment, features in answers.select(columns).iter_rows()
    ]


def _plan(said: list, tail: str | None) -> tuple:
    return (*said[:TAIL_PLACE], tail, *said[TAIL_PLACE:])


def _own(context: Context, answers: pl.DataFrame, used: list[Answer]) -> np.ndarray:
    """What the version that is said to have answered says of the same features; NaN of one that nobody knows."""
    known = {int(version["version"]) for version in context.registry.versions()}
    own = np.full(len(used), np.nan)
    for version in answers[VERSION].unique().to_list():
        if version in known:
            rows = np.flatnonzero(answers[VERSION].to_numpy() == version)
            features = features_used([used[row] for row in rows])
            own[rows] = context.registry.scorer(version).probability(encode_features(features))
    return own
