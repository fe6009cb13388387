"""From what each feature added to a score to reasons a person can read. Light: the service may give them too."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from infra.errors import PreflightError
from pipelines.calibration_map import IDENTITY, CalibrationMap
from pipelines.feature_catalog import FEATURES, Feature

EXACT = 1e-9
"""Log-odds and probability: how far reasons may be off what the model said, which is rounding of float64."""

LATE, IN_TIME, NEITHER = "late", "in time", "neither"

_DELAYS = {
    "aircraft_last_arrival_delay_min": "the aircraft's last landing out there was {}",
    "aircraft_last_departure_delay_min": "the aircraft's last departure from New York was {}",
    "origin_departure_delay_1h_min": "the airport's departures of one hour were {} on average",
    "origin_departure_delay_3h_min": "the airport's departures of three hours were {} on average",
    "origin_departure_delay_24h_min": "the airport's departures of a day were {} on average",
    "carrier_origin_departure_delay_6h_min": "the carrier's departures here of six hours were {} on average",
    "destination_arrival_delay_6h_min": "landings at the destination of six hours were {} on average",
    "route_arrival_delay_24h_min": "the route's landings of a day were {} on average",
    "flight_number_arrival_delay_14d_min": "this flight number's landings of two weeks were {} on average",
}
"""Delays, which are told as late or early; every other feature is told by its meaning in the catalog, or by these."""
_MEANINGS = {
    "aircraft_landed_hours_ago": "time since the aircraft's last landing out there",
    "aircraft_left_hours_ago": "time since the aircraft's last departure from New York",
    "aircraft_due_hours_ago": "time since the aircraft's last flight was due, negative while still due",
    "aircraft_turn_slack_min": "slack of the aircraft's turn",
}
_CLOCK, _WEEKDAY = "departure_minute_of_day", "departure_weekday"
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Value = str | float | None


class InexactReasons(PreflightError, ValueError):  # noqa: N818
    """Contributions do not add up to what the model said."""


@dataclass(frozen=True)
class Reason:
    """One feature's part in a score: its value, None where missing, and what that adds, above 0 speaks for late."""

    feature: str
    group: str
    value: Value
    unit: str
    contribution: float
    speaks_for: str
    words: str


@dataclass(frozen=True)
class GroupReason:
    """What the features of one group add together, and the probability with that left out."""

    group: str
    contribution: float
    speaks_for: str
    probability_without: float


@dataclass(frozen=True)
class Reasons:
    """Why a flight has its probability: `bias` plus the contributions of `features`, or of `groups`, is `score`.

    In log-odds. `additive`: the score is that of the said probability, calibration is inside the contributions.
    Otherwise (isotonic calibration, no map of which is a sum) the score is the one before calibration, and
    `probability_before` becomes `probability` in a step of its own. `features` and `groups` are the strongest first.
    """

    bias: float
    score: float
    calibration: str
    additive: bool
    probability_before: float
    probability: float
    features: tuple[Reason, ...]
    groups: tuple[GroupReason, ...]

    def codes(self, most: int = 3) -> tuple[Reason, ...]:
        """The strongest reasons, at most so many; a feature that adds nothing is none."""
        return tuple(reason for reason in self.features[:most] if reason.contribution != 0)


def give_reasons(
    values: Sequence[Value],
    contributions: np.ndarray,
    bias: float,
    *,
    log_odds: float,
    probability: float,
    calibration: CalibrationMap,
    catalog: Sequence[Feature] = FEATURES,
) -> Reasons:
    """The reasons of one flight from its feature values and their contributions (n_features,), in catalog order.

    `bias`, `contributions` and `log_odds` are before calibration, as the scorer gives them. Identity and affine
    calibration keep the sum a sum: the affine map scales every contribution. What a group does to the probability
    is told by leaving its contribution out of the score; it is a statement about the model, not about the
    world without that cause. Raises InexactReasons unless all adds up to `log_odds` and `probability`.
    """
    inside, added, after = fold_calibration(calibration, bias, np.asarray(contributions, dtype=np.float64))
    score = float(inside + added.sum())
    said = float(after.apply(np.float64(score)))
    _require_exact("log-odds", float(bias + np.sum(contributions)), log_odds)
    _require_exact("probability", said, probability)
    features = [_reason(*row) for row in zip(catalog, values, added.tolist(), strict=True)]
    return Reasons(
        bias=float(inside),
        score=score,
        calibration=calibration.kind,
        additive=after is IDENTITY,
        probability_before=float(IDENTITY.apply(np.float64(score))),
        probability=said,
        features=tuple(sorted(features, key=_strength)),
        groups=tuple(sorted(_groups(features, score, after), key=_strength)),
    )


def fold_calibration(
    calibration: CalibrationMap, bias: float, contributions: np.ndarray
) -> tuple[float, np.ndarray, CalibrationMap]:
    """Bias and contributions with as much of the calibration inside as keeps them a sum, and the map that is left.

    >>> bias, added, left = fold_calibration(CalibrationMap("affine", 2.0, 0.5), -1.0, np.array([0.25]))
    >>> bias, added.tolist(), left.kind
    (-1.5, [0.5], 'identity')
    """
    if calibration.kind == "isotonic":
        return bias, contributions, calibration
    if calibration.kind == "identity":
        return bias, contributions, IDENTITY
    return calibration.slope * bias + calibration.intercept, calibration.slope * contributions, IDENTITY


def sum_by_group(contributions: np.ndarray, catalog: Sequence[Feature] = FEATURES) -> dict[str, np.ndarray]:
    """Contributions (..., n_features) added up by group of the catalog, (...,) each, groups in the catalog's order."""
    names = [feature.group for feature in catalog]
    return {
        group: contributions[..., [place for place, name in enumerate(names) if name == group]].sum(axis=-1)
        for group in dict.fromkeys(names)
    }


def tell_value(feature: Feature, value: Value) -> str:
    """A value as a person says it, with its unit.

    >>> tell_value(Feature("origin_departure_delay_1h_min", "airport", "min", "", ""), -4.0)
    '4 min early'
    """
    if value is None or value != value:  # NaN
        return "not known"
    if isinstance(value, str):
        return value
    if feature.name in _DELAYS:
        rounded = round(value, 1)
        return f"{abs(rounded):g} min {'late' if rounded > 0 else 'early'}" if rounded else "on time"
    if feature.name == _CLOCK:
        return f"{int(value) // 60:02d}:{int(value) % 60:02d}"
    if feature.name == _WEEKDAY:
        return _WEEKDAYS[int(value) - 1]
    if feature.unit == "share":
        return f"{value:.1%}"
    return f"{round(value, 2):g} {feature.unit}".strip()


def tell_reason(feature: Feature, value: Value) -> str:
    """What is so about the flight, in words, without what it adds."""
    sentence = _DELAYS.get(feature.name)
    if sentence is None or value is None or value != value:
        return f"{_MEANINGS.get(feature.name, feature.meaning)} ({tell_value(feature, value)})"
    return sentence.format(tell_value(feature, value))


def speaks_for(contribution: float) -> str:
    """What a contribution speaks for: late above 0, in time below."""
    if contribution == 0:
        return NEITHER
    return LATE if contribution > 0 else IN_TIME


def _reason(feature: Feature, value: Value, contribution: float) -> Reason:
    plain = None if value is None or value != value else value
    return Reason(
        feature=feature.name,
        group=feature.group,
        value=plain,
        unit=feature.unit,
        contribution=contribution,
        speaks_for=speaks_for(contribution),
        words=f"{tell_reason(feature, plain)}: {contribution:+.2f}",
    )


def _groups(features: Sequence[Reason], score: float, after: CalibrationMap) -> list[GroupReason]:
    names = dict.fromkeys(reason.group for reason in features)
    sums = {name: sum(reason.contribution for reason in features if reason.group == name) for name in names}
    return [
        GroupReason(name, added, speaks_for(added), float(after.apply(np.float64(score - added))))
        for name, added in sums.items()
    ]


def _strength(reason: Reason | GroupReason) -> float:
    return -abs(reason.contribution)


def _require_exact(what: str, ours: float, said: float) -> None:
    if not abs(ours - said) <= EXACT:
        raise InexactReasons(
            f"reasons add up to a {what} of {ours!r}, the model said {said!r}, expected at most {EXACT} between "
            "them; export the version again"
        )
