"""The week's online answers, as they were loaded from the prediction log, held against what they should have been."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

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
from pipelines.feature_catalog import CATEGORICAL, NAMES
from pipelines.mismatch import EVERY_FLIGHT, Mismatch
from pipelines.scoring import VERSION
from pipelines.skew import features_used, measure_skew

TAIL_PLACE = COLUMNS.index(s.TAIL_NUMBER)
MOMENTS = (s.SCHEDULED_DEPARTURE, s.SCHEDULED_ARRIVAL)


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
    """The readings of the detectors that look at a week's answers; none without an answer.

    A record that cannot be read is an answer that is not the model's.
    """
    if answers.is_empty():
        return
    used = as_used(answers)
    yield read_freshness(count_modes(answers), FRESH)
    yield read_answers(answers["probability"].to_numpy(), _own(context, answers, used))
    fresh = [one for one, mode in zip(used, answers["mode"], strict=True) if one and mode == FRESH]
    if fresh:
        names = Pseudonyms(context.settings.home, context.settings.pseudonym_key)
        wrong = measure_skew(fresh, context.world(week), names)
        flights = {one.flight_id for one in fresh}
        yield read_skew([(flight, one.feature) for one in wrong for flight in _about(one, flights)], len(flights))


def count_modes(answers: pl.DataFrame) -> dict[str, int]:
    """How many answers were given in each mode."""
    return dict(sorted(Counter(answers["mode"].to_list()).items()))


def as_used(answers: pl.DataFrame) -> list[Answer | None]:
    """The rows with what they hold as JSON read; None where that is not what the service writes."""
    columns = ("flight", "tail_key", "flight_id", "as_of", "features")
    return [_read(*row) for row in answers.select(columns).iter_rows()]


def _read(flight: str, tail: str | None, name: str, moment: str, features: str) -> Answer | None:
    try:
        said, used = orjson.loads(flight), orjson.loads(features)
        plan = dict(zip(COLUMNS, (*said[:TAIL_PLACE], tail, *said[TAIL_PLACE:]), strict=True))
        moments = [datetime.fromisoformat(plan[column]) for column in MOMENTS]
        typed = all(
            value is None or isinstance(value, str if feature in CATEGORICAL else int | float)
            for feature, value in used.items()
        )
    except (ValueError, TypeError, AttributeError, KeyError):  # orjson's own error is a ValueError
        return None
    return Answer(tuple(plan.values()), name, moment, used) if typed and all(one.tzinfo for one in moments) else None


def _about(wrong: Mismatch, flights: set[str]) -> set[str]:
    return flights if wrong.flight_id == EVERY_FLIGHT else {wrong.flight_id}


def _own(context: Context, answers: pl.DataFrame, used: list[Answer | None]) -> np.ndarray:
    """What the version that is said to have answered says of the same features; NaN where nobody can tell."""
    known = {int(version["version"]) for version in context.registry.versions()}
    own = np.full(len(used), np.nan)
    whole = np.array([one is not None and one.features.keys() >= set(NAMES) for one in used])
    for version in known & set(answers[VERSION].to_list()):
        rows = np.flatnonzero(whole & (answers[VERSION].to_numpy() == version))
        if len(rows):
            features = features_used([used[row] for row in rows])
            own[rows] = context.registry.scorer(version).probability(encode_features(features))
    return own
