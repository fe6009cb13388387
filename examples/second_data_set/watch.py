"""What is seen of a week: drift by Evidently, alarms by bands, quality once there are labels; and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from examples.second_data_set.features import CATEGORIES, IS_EAST, NAMES
from examples.second_data_set.source import Week
from examples.second_data_set.training import SEED, Model, scanned
from monitoring.alarms import Alarm
from monitoring.bands import rate_per_week
from monitoring.decision import Decision, Policy, Signals, decide_action
from monitoring.drift import Drift, measure_drift
from monitoring.normal import Normal, learn_normal, read_week
from monitoring.persistence import standing_alarms
from monitoring.profiles import Profile, profile_of
from monitoring.quality import Quality, measure_quality
from monitoring.windows import FALSE_ALARMS_PER_YEAR, sample_reference

POLICY = Policy(retrain_every_weeks=3)  # a new hand a week ages a model faster than a season does


@dataclass(frozen=True)
class Champion:
    """The model that answers, since the end of which week, the skill the gate saw in it, and what is normal for it."""

    model: Model
    since: Week
    skill: float
    reference: pl.DataFrame
    normal: Normal


@dataclass(frozen=True)
class Seen:
    """What is known of a week at a moment: `quality` is None while no label is."""

    coverage: float
    drift: Drift
    alarms: tuple[Alarm, ...]
    quality: Quality | None


def crown(model: Model, since: Week, skill: float, features: pl.DataFrame) -> Champion:
    """The champion, with the window that drift is measured against and the bands of the weeks that it knows."""
    weeks = [scanned(features, Week(n).start, Week(n).end) for n in range(1, since.number + 1)]
    normal = learn_normal(
        [profile_week(week) for week in weeks],
        [model.probability(week) for week in weeks],
        rate_per_week(FALSE_ALARMS_PER_YEAR),
    )
    learned = scanned(features, model.slices.start, model.slices.calibration)
    return Champion(model, since, skill, sample_reference(learned.select(NAMES), SEED), normal)


def look(champion: Champion, week: Week, features: pl.DataFrame, labels: pl.DataFrame) -> Seen:
    """A week as it is known now; `labels` are those known."""
    scans = scanned(features, week.start, week.end)
    probability = champion.model.probability(scans)
    readings = read_week(champion.normal, profile_week(scans), probability)
    answered = scans.with_columns(pl.Series("probability", probability)).join(
        labels, on="scan_id", maintain_order="left"
    )
    quality = None
    if not answered.is_empty():
        quality = measure_quality(answered["probability"].to_numpy(), answered[IS_EAST].to_numpy())
    return Seen(
        coverage=answered.height / scans.height,
        drift=measure_drift(champion.reference, scans.select(NAMES), tuple(CATEGORIES)),
        alarms=tuple(one.as_alarm(str(week.number)) for one in readings if one.is_alarming),
        quality=quality,
    )


def decide(
    champion: Champion, seen: Seen, before: Sequence[Sequence[Alarm]], weeks_since_training: int, was_refused: bool
) -> Decision:
    """What to do about a week; `before` are the alarms of the champion's weeks before it."""
    signals = Signals(
        label_coverage=seen.coverage,
        weeks_since_training=weeks_since_training,
        was_refused=was_refused,
        refused_in_a_row=0,
        skill=seen.quality.skill if seen.quality else champion.skill,
        expected_skill=champion.skill,
        calibration_gap=seen.quality.calibration_gap if seen.quality else 0.0,
        share_drifted=seen.drift.share_drifted,
        alarms=standing_alarms([*before, seen.alarms]),
    )
    return decide_action(signals, POLICY)


def profile_week(features: pl.DataFrame) -> Profile:
    """The profile of a week's features."""
    return profile_of(features.select(NAMES), tuple(CATEGORIES))
