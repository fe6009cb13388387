"""Which detector sees which fault, and after how many weeks: real weeks, spoilt, held against what is normal.

A feed fault is tried with the contract switched off: what would monitoring see if the rule on rows were not there?
What rings in the clean week as well does not count.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import polars as pl

from data_checks import schema as s
from data_checks.faults import Fault, all_faults
from data_checks.feeds import rows_of_week
from monitoring.bands import rate_per_week
from monitoring.history_bands import read_history
from monitoring.labels import IS_LATE, known_labels, without_label
from monitoring.normal import Normal, Reading, read_week
from monitoring.online import read_answers, read_skew
from monitoring.week_facts import BASE_RATE, DAY, FROZEN, LIVE, Coverage, tell_facts
from monitoring.windows import FALSE_ALARMS_PER_YEAR
from pipelines.clock import Week, local_day
from pipelines.context import Context
from pipelines.encoding import encode_features
from pipelines.feature_catalog import CATEGORIES, NAMES
from pipelines.features import build_features
from pipelines.mismatch import find_mismatches
from pipelines.model_faults import Answered, ModelFault
from pipelines.registering import costs_of
from pipelines.scoring import VERSION
from pipelines.state import World, prepare_state
from pipelines.watching import normal_of, profile_week


@dataclass(frozen=True)
class Ground:
    """A week on which faults are tried: its world, features and labels as they were, the model, what is normal.

    `clean` is what rings in it without any fault, by detector.
    """

    week: Week
    world: World
    features: pl.DataFrame
    labels: pl.DataFrame
    scorer: object
    normal: Normal
    before: list[dict]
    clean: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """One fault in one week: the subject of each detector that rang, and that does not ring in the clean week."""

    fault: str
    week: str
    rang: dict[str, str]


def lay_ground(context: Context, week: Week) -> Ground:
    """The week as it was lived, with the weeks before it."""
    version = context.store.read_table("predictions", week.id)[VERSION][0]
    ground = Ground(
        week=week,
        world=context.world(week),
        features=context.store.read_table("features", week.id),
        labels=known_labels(context.accepted(s.OUTCOMES, week, 2), week.end),
        scorer=context.registry.scorer(version),
        normal=normal_of(context, version),
        before=[event for event in context.journal.events("monitor") if event["week"] < week.id and "bands" in event],
    )
    as_lived = _answer(ground, ground.features, ground.labels)
    return replace(ground, clean=_rang(read_all(context, ground, as_lived, ground.features)))


def try_model_fault(context: Context, ground: Ground, fault: ModelFault) -> Trial:
    """A fault behind the contract."""
    answered = fault.spoil(_answer(ground, fault.spoil_features(ground.features), ground.labels))
    return _trial(context, ground, fault.name, answered, ground.features)


def try_feed_fault(context: Context, ground: Ground, fault: Fault, seed: int) -> Trial:
    """A fault of a feed that nobody kept out: features are built from it, online as offline."""
    spoilt = _spoil(ground, fault, seed)
    flights = rows_of_week(spoilt.schedule.lazy(), s.SCHEDULE, *_span(ground.week)).collect()
    flights = flights.unique(s.FLIGHT_ID, keep="last", maintain_order=True)
    built = build_features(flights, prepare_state(spoilt)).with_columns(flights[s.SCHEDULED_DEPARTURE])
    labels = known_labels(spoilt.outcomes, ground.week.end).unique(s.FLIGHT_ID, keep="last", maintain_order=True)
    return _trial(context, ground, fault.name, _answer(ground, built, labels), built)


def feed_faults() -> tuple[Fault, ...]:
    """One of each of the eight feed faults, where it does most."""
    wanted = {
        "miles to kilometres": (s.SCHEDULE.name, None), "+5 hours": (s.WEATHER.name, None),
        "HHMM as minutes": (s.SCHEDULE.name, None), "lower-cased carriers": (s.SCHEDULE.name, None),
        "airport missing": (s.OUTCOMES.name, "JFK"), "20 % duplicates": (s.WEATHER.name, None),
        "30 % nulls": (s.WEATHER.name, s.VISIBILITY), "shuffled": (s.SCHEDULE.name, s.TAIL_NUMBER),
    }  # fmt: skip
    found = {}
    for fault in all_faults():
        feed, where = wanted.get(fault.name, (None, None))
        if fault.feed.name == feed and where in (None, fault.where):
            found.setdefault(fault.name, fault)
    return tuple(found.values())


def read_all(context: Context, ground: Ground, answered: Answered, offline: pl.DataFrame) -> list[Reading]:
    """The readings of every detector; `offline` are the features as batch scoring has them."""
    profile = profile_week(answered.features)
    facts = _facts(context, ground, answered)
    return [
        *_serving(ground, answered, offline),
        *read_week(ground.normal, profile, answered.probability),
        *read_history(facts, ground.before, rate_per_week(FALSE_ALARMS_PER_YEAR)),
    ]


def _trial(context: Context, ground: Ground, name: str, answered: Answered, offline: pl.DataFrame) -> Trial:
    rang = _rang(read_all(context, ground, answered, offline))
    new = {one: subject for one, subject in rang.items() if ground.clean.get(one) != subject}
    return Trial(name, ground.week.id, new)


def _rang(readings: list[Reading]) -> dict[str, str]:
    return {one.detector: one.subject for one in readings if one.is_alarming}


def _answer(ground: Ground, features: pl.DataFrame, labels: pl.DataFrame) -> Answered:
    return Answered(features, labels, ground.scorer.probability(encode_features(features)))


def _serving(ground: Ground, answered: Answered, offline: pl.DataFrame) -> Iterator[Reading]:
    """What needs no past: features that differ from those of offline, answers that are not the model's own."""
    columns = [s.FLIGHT_ID, *NAMES]
    wrong = find_mismatches(offline.select(columns), answered.features.select(columns))
    yield read_skew([(one.flight_id, one.feature) for one in wrong], answered.features.height)
    yield read_answers(answered.probability, ground.scorer.probability(encode_features(answered.features)))


def _facts(context: Context, ground: Ground, answered: Answered) -> dict:
    flights = (
        answered.features.select(s.FLIGHT_ID, s.SCHEDULED_DEPARTURE, *CATEGORIES)
        .with_columns(pl.Series(LIVE, answered.probability), pl.lit(0.5).alias(FROZEN), pl.lit(0.5).alias(BASE_RATE))
        .with_columns(local_day(s.SCHEDULED_DEPARTURE).alias(DAY))
        .join(answered.labels.select(s.FLIGHT_ID, IS_LATE), on=s.FLIGHT_ID, how="left", maintain_order="left")
    )
    ended = without_label(ground.world.outcomes, ground.week.end)
    able = flights.join(ended, on=s.FLIGHT_ID, how="anti")
    coverage = Coverage(flights.height, able.height, able[IS_LATE].count())
    facts = tell_facts(flights, coverage, costs_of(context.settings), CATEGORIES, context.settings.seed)
    return facts | {
        "flights_per_day": flights.height / flights[DAY].n_unique(),
        "rows_landed": 1,
        "rows_quarantined": 0,
    }


def _spoil(ground: Ground, fault: Fault, seed: int) -> World:
    """The world with the batch of the week spoilt, and what came before as it was."""
    feed = getattr(ground.world, fault.feed.name)
    batch = rows_of_week(feed.lazy(), fault.feed, *_span(ground.week)).collect()
    kept = feed.join(batch, on=batch.columns, how="anti", nulls_equal=True, maintain_order="left")
    return replace(ground.world, **{fault.feed.name: pl.concat([kept, fault.spoil(batch, seed).select(feed.columns)])})


def _span(week: Week) -> tuple:
    return week.start, week.end
