"""Which of two models answered better, by labels: divided between flights (A/B), or both on each flight (shadow).

Never imported by the service. The unit that is divided is a key, the unit that is judged a flight, the unit that
varies a day: flights of one day share its weather.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import chisquare
from scipy.stats import t as student

from data_checks import schema as s
from monitoring.gain_interval import mean_and_error
from monitoring.labels import IS_LATE
from monitoring.quality import loss_per_row
from monitoring.sample_size import required_flights, spread_of

KEY, DAY, IS_CHALLENGER = "key", "day", "is_challenger"
PROBABILITY, CHALLENGER_PROBABILITY = "probability", "challenger_probability"
UNDECIDED, NEITHER, CHAMPION, CHALLENGER = "undecided", "neither", "champion", "challenger"
FEWEST_EXPECTED = 5
"""Keys to be expected in each arm for chi-square to hold. Source: Cochran 1954, Biometrics 10(4)."""


@dataclass(frozen=True)
class SampleRatio:
    """Whether the arms got the share of keys they were meant to get; a low `p_value` says they did not."""

    p_value: float
    mismatch: bool
    reason: str


@dataclass(frozen=True)
class AbRules:
    """What a verdict needs: `least_gain` in log loss is to be seen with `power`; `alpha` is one-sided, for each side.

    Before there are enough flights only a difference that is sure at `early_alpha` counts, so that it may be looked
    at every day. Source: Haybittle 1971, British Journal of Radiology 44. The arms were not divided as planned below
    `ratio_alpha`: so low because nothing at all is concluded then.
    """

    least_gain: float = 0.004
    alpha: float = 0.05
    early_alpha: float = 0.005
    power: float = 0.8
    fewest_days: int = 14
    ratio_alpha: float = 0.001


@dataclass(frozen=True)
class Comparison:
    """Who is better, why, and the numbers; a gain is the champion's log loss less the challenger's, above 0 is better.

    `winner` is UNDECIDED while nothing may be said, NEITHER where enough flights show no difference. Between `lower`
    and `upper` the gain lies, each one-sided; `flights_needed` is for the least gain; all None without two days.
    """

    winner: str
    reason: str
    flights: int
    days: int
    gain: float | None = None
    lower: float | None = None
    upper: float | None = None
    flights_needed: int | None = None
    ratio: SampleRatio | None = None


def sample_ratio(counts: Sequence[int], share: float, alpha: float = 0.001) -> SampleRatio:
    """Whether `counts`, the champion's keys and the challenger's, fit a planned share of the challenger's.

    Keys, not flights: flights of one batch go to one arm together, and would look like a mismatch. Source: Fabijan et
    al. 2019, Diagnosing Sample Ratio Mismatch in Online Controlled Experiments, KDD: chi-square, alarm from 0.001.
    Raises ValueError for a share that divides nothing.
    """
    if not 0 < share < 1:
        raise ValueError(f"expected a share between 0 and 1, got {share}; at either end there is one arm alone")
    champion, challenger = counts
    expected = np.array([1 - share, share]) * (champion + challenger)
    if expected.min() < FEWEST_EXPECTED:
        return SampleRatio(1.0, False, f"{champion + challenger} keys are too few to see how they were divided")
    p_value = float(chisquare([champion, challenger], expected).pvalue)
    found = (
        f"{challenger} of {champion + challenger} keys were the challenger's, planned {share:.1%} (p = {p_value:.2g})"
    )
    return SampleRatio(p_value, p_value < alpha, found)


def compare_arms(answers: pl.DataFrame, labels: pl.DataFrame, share: float, rules: AbRules) -> Comparison:
    """The verdict of an A/B by the labels known.

    `answers` has a row per answered flight, in the order of time: `key` (what was divided), `flight_id`, `day`,
    `is_challenger`, `probability`; `labels` has `flight_id` and `is_late`. Of a flight asked twice the first answer
    counts; one that both arms answered counts for neither.
    """
    keys = answers.unique([KEY, IS_CHALLENGER])[IS_CHALLENGER]
    ratio = sample_ratio((int((~keys).sum()), int(keys.sum())), share, rules.ratio_alpha)
    judged = with_labels(one_armed(answers), labels)
    loss = loss_per_row(judged[PROBABILITY].to_numpy(), judged[IS_LATE].to_numpy())
    sums, weights = differences_by_day(loss, judged[IS_CHALLENGER].to_numpy(), judged[DAY].to_numpy())
    return _judge(sums, weights, judged.height, rules, ratio)


def compare_pairs(answers: pl.DataFrame, labels: pl.DataFrame, rules: AbRules) -> Comparison:
    """The verdict of a shadow by the labels known: both scored each flight, so that only their difference varies.

    `answers` has `flight_id`, `day`, `probability` (the champion's) and `challenger_probability`.
    """
    judged = with_labels(answers.unique(s.FLIGHT_ID, keep="first", maintain_order=True), labels)
    is_late = judged[IS_LATE].to_numpy()
    gain = loss_per_row(judged[PROBABILITY].to_numpy(), is_late) - loss_per_row(
        judged[CHALLENGER_PROBABILITY].to_numpy(), is_late
    )
    _, index = np.unique(judged[DAY].to_numpy(), return_inverse=True)
    sums, weights = np.bincount(index, weights=gain), np.bincount(index).astype(float)
    return _judge(sums, weights, judged.height, rules, None)


def one_armed(answers: pl.DataFrame) -> pl.DataFrame:
    """The first answer of each flight that one arm alone has answered."""
    alone = pl.col(IS_CHALLENGER).n_unique().over(s.FLIGHT_ID) == 1
    return answers.filter(alone).unique(s.FLIGHT_ID, keep="first", maintain_order=True)


def with_labels(answers: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """The answers whose flight has a label, with it as 0 or 1."""
    known = labels.select(s.FLIGHT_ID, pl.col(IS_LATE).cast(pl.Int8))
    return answers.join(known, on=s.FLIGHT_ID, maintain_order="left").filter(pl.col(IS_LATE).is_not_null())


def differences_by_day(loss: np.ndarray, is_challenger: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the champion's arm lost more than the challenger's on each day that has both, and the day's weight.

    All are (n_rows,); both results are (n_days,), their ratio of sums is the gain. A day is compared with itself
    alone, so that neither its weather nor a share that was changed on the way is taken for a gain. Source of the
    weights: Mantel and Haenszel 1959, Journal of the National Cancer Institute 22(4).
    """
    _, index = np.unique(day, return_inverse=True)
    days = index.max(initial=-1) + 1
    flights, total = np.zeros((2, 2, days))
    for arm, rows in enumerate((~is_challenger, is_challenger)):
        flights[arm] = np.bincount(index[rows], minlength=days)
        total[arm] = np.bincount(index[rows], weights=loss[rows], minlength=days)
    both = (flights > 0).all(axis=0)
    ours, theirs = flights[:, both]
    lost, lost_by_challenger = total[:, both]
    weights = ours * theirs / (ours + theirs)
    return weights * (lost / ours - lost_by_challenger / theirs), weights


def _judge(
    sums: np.ndarray, weights: np.ndarray, flights: int, rules: AbRules, ratio: SampleRatio | None
) -> Comparison:
    days = len(sums)
    if ratio is not None and ratio.mismatch:
        reason = f"the arms were not divided as planned: {ratio.reason}; find out why, then begin again"
        return Comparison(UNDECIDED, reason, flights, days, ratio=ratio)
    if days < rules.fewest_days:
        reason = f"{days} days with labels of both, needed {rules.fewest_days}"
        return Comparison(UNDECIDED, reason, flights, days, ratio=ratio)
    (gain,), (error,) = mean_and_error(sums[None], weights[None])
    needed = required_flights(rules.least_gain, spread_of(sums, weights, flights), rules.power, rules.alpha)
    enough = flights >= needed
    reach, early_reach = (student.isf([rules.alpha, rules.early_alpha], days - 1) * error).tolist()
    asked = reach if enough else early_reach
    winner = CHALLENGER if gain > asked else CHAMPION if gain < -asked else NEITHER if enough else UNDECIDED
    reason = f"gain {gain:+.4f}, {gain - reach:+.4f} to {gain + reach:+.4f}, over {flights} flights of {days} days"
    if winner == UNDECIDED:
        reason = f"{_lacking(needed - flights, flights / days, rules)}; {reason}"
    elif not enough:
        reason = f"sure at {1 - rules.early_alpha:.1%} before there are enough flights: {reason}"
    return Comparison(
        winner, reason, flights, days, float(gain), float(gain - reach), float(gain + reach), needed, ratio
    )


def _lacking(flights: int, per_day: float, rules: AbRules) -> str:
    days = math.ceil(flights / per_day)
    return f"{flights} more flights, about {days} days, to see a gain of {rules.least_gain:g} with {rules.power:.0%}"
