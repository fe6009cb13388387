"""One flight from raw rows to a decision: what was known, the features, the reasons, what was said, what came of it."""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from data_checks import schema as s
from data_checks.words import ENDING, last_word
from infra.errors import PreflightError, UsageError
from infra.scorer import Scorer
from infra.stopwatch import part
from monitoring.decision_cost import CostTable, decide_warnings
from pipelines.calibration_map import CalibrationMap
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.encoding import encode_features
from pipelines.erasing import is_erased_in
from pipelines.feature_catalog import NAMES
from pipelines.flight_rows import KnownRows, find_flight, known_rows
from pipelines.reasons import Reasons, give_reasons
from pipelines.registering import costs_of
from pipelines.scoring import PROBABILITY, VERSION

SAME = 1e-6
"""How far the explained probability may be off the recorded one: what serving promises too."""


class OtherAnswer(PreflightError, ValueError):  # noqa: N818
    """The explained probability is not the one that was recorded."""


@dataclass(frozen=True)
class Decision:
    """Whether to warn, why, and what either answer costs on average in units of the cost table."""

    warn: bool
    threshold: float
    cost_of_warning: float
    cost_of_silence: float
    reason: str


@dataclass(frozen=True)
class Recorded:
    """The live prediction of that week: who made it, what it was, and how far the explanation is off it.

    `difference` is None where another version is explained than the one that predicted, or other features: those of
    an aircraft that was erased since.
    """

    version: int
    probability: float
    difference: float | None


@dataclass(frozen=True)
class Truth:
    """How the flight ended, as far as the system's clock knows: `is_late` is None without a label."""

    is_late: bool | None
    delay_min: int | None
    words: str


@dataclass(frozen=True)
class FlightStory:
    """The whole way of one flight."""

    flight_id: str
    week: str
    version: int
    rows: KnownRows
    reasons: Reasons
    decision: Decision
    recorded: Recorded | None
    truth: Truth


def scorer_of(context: Context, version: int) -> Scorer:
    """The verified bundle of a version, answering. Raises RegistryError, ModelFileError."""
    with part("MLflow"):
        return context.registry.scorer(version)


def tell_flight(
    context: Context, name: str, day: date, origin: str | None = None, version: int | None = None
) -> FlightStory:
    """The story of one flight, explained with the version that scored its week, or with another.

    Raises PeriodError for a day without data, MissingTable for a week not lived yet, NoSuchFlight, OtherAnswer.
    """
    (week,) = context.weeks(day.isoformat())
    features = context.require("features", week, f"preflight replay --until {day}")
    flight = find_flight(context.accepted(s.SCHEDULE, week, 1), name, day, origin)
    identifier = flight[s.FLIGHT_ID].item()
    said = _prediction(context, week, identifier)
    chosen = version or _version_of(said, week)
    scorer = scorer_of(context, chosen)
    with part("reasons"):
        reasons = explain_row(scorer, features.filter(pl.col(s.FLIGHT_ID) == identifier))
    return FlightStory(
        flight_id=identifier,
        week=week.id,
        version=chosen,
        rows=known_rows(context.world(week), flight),
        reasons=reasons,
        decision=decide(reasons.probability, scorer.manifest["decision_threshold"], costs_of(context.settings)),
        recorded=_beside(context, week, flight, said, chosen, reasons.probability),
        truth=find_truth(_outcomes_known(context), identifier, context.clock_shows()),
    )


def explain_row(scorer: Scorer, features: pl.DataFrame) -> Reasons:
    """The reasons of the one flight in a table of named features."""
    return explain_rows(scorer, features)[0]


def explain_rows(scorer: Scorer, features: pl.DataFrame) -> list[Reasons]:
    """The reasons of every flight in a table of named features, in order."""
    encoded = encode_features(features)
    found, probability = scorer.explain(encoded), scorer.probability(encoded)
    calibration = CalibrationMap.from_dict(scorer.manifest["calibration"])
    return [
        give_reasons(
            values,
            found.contributions[row],
            found.bias,
            log_odds=float(found.log_odds[row]),
            probability=float(probability[row]),
            calibration=calibration,
        )
        for row, values in enumerate(features.select(NAMES).iter_rows())
    ]


def decide(probability: float, threshold: float, costs: CostTable) -> Decision:
    """Whether to warn of a flight; at the threshold it is warned of."""
    warn = bool(decide_warnings(np.float64(probability), threshold))
    warning, silence = (1 - probability) * costs.false_alarm, probability * costs.missed_late
    return Decision(
        warn=warn,
        threshold=threshold,
        cost_of_warning=warning,
        cost_of_silence=silence,
        reason=(
            f"{probability:.4f} is {'at least' if warn else 'below'} {threshold:.4f}; on average a warning costs "
            f"{warning:.2f} ({costs.false_alarm:g} if in time), silence {silence:.2f} ({costs.missed_late:g} if late)"
        ),
    )


def compare(said: dict | None, version: int, probability: float, flight: str) -> Recorded | None:
    """The recorded prediction beside the explained one. Raises OtherAnswer when one version gave two answers."""
    if said is None:
        return None
    if said[VERSION] != version:
        return Recorded(said[VERSION], said[PROBABILITY], None)
    difference = abs(said[PROBABILITY] - probability)
    if not difference <= SAME:
        raise OtherAnswer(
            f"version {version} said {said[PROBABILITY]:.9f} of {flight} in its week and says {probability:.9f} now, "
            f"expected at most {SAME:g} between them; run: preflight parity --day {flight[:10]}"
        )
    return Recorded(version, said[PROBABILITY], difference)


def find_truth(outcomes: pl.DataFrame, flight: str, at: datetime) -> Truth:
    """How a flight ended, by the last word known at a moment."""
    words = last_word(outcomes.filter(pl.col(s.FLIGHT_ID) == flight, pl.col(s.EVENT).is_in(ENDING)), at)
    if words.is_empty():
        return Truth(None, None, f"not known yet: the clock shows {at:%Y-%m-%d %H:%M} UTC")
    last = words.row(0, named=True)
    since = f"known since {last[s.KNOWN_AT]:%Y-%m-%d %H:%M} UTC"
    if last[s.EVENT] != s.ARRIVED:
        return Truth(None, None, f"{last[s.EVENT]}: it has no label, {since}")
    delay = last[s.DELAY]
    is_late = delay >= s.LATE_MIN
    told = f"landed {abs(delay)} min {'after' if delay >= 0 else 'before'} schedule"
    return Truth(is_late, delay, f"{'late' if is_late else 'in time'}: {told}, {since}")


def _beside(
    context: Context, week: Week, flight: pl.DataFrame, said: dict | None, version: int, probability: float
) -> Recorded | None:
    """The recorded prediction; of an aircraft that was erased since it was made by features that are gone."""
    if said and flight[s.TAIL_NUMBER].item() is None and is_erased_in(context.ledger.entries(), week.id):
        return Recorded(said[VERSION], said[PROBABILITY], None)
    return compare(said, version, probability, flight[s.FLIGHT_ID].item())


def _prediction(context: Context, week: Week, flight: str) -> dict | None:
    if not context.store.has_table("predictions", week.id):
        return None
    found = context.store.read_table("predictions", week.id).filter(pl.col(s.FLIGHT_ID) == flight)
    return found.row(0, named=True) if found.height else None


def _version_of(said: dict | None, week: Week) -> int:
    if said is None:
        raise UsageError(f"nothing was predicted in week {week.id}, it was learned from; choose one with --version")
    return said[VERSION]


def _outcomes_known(context: Context) -> pl.DataFrame:
    return context.accepted(s.OUTCOMES, Week.from_id(context.journal.weeks("validate")[-1]))
