"""How often detectors cry wolf where nothing has changed: the weeks of a year, drawn into two halves again and again.

One half is what is normal, each week of the other is held against it. Both halves have every season, so that whatever
rings is a false alarm; what a detector was told to allow is beside it. What Evidently would ring by its own defaults is
measured on weeks that are drawn from the rows of its reference, among which nothing can have changed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from monitoring.bands import WEEKS_A_YEAR, rate_per_week
from monitoring.drift import drifted_by_default
from monitoring.history_bands import read_history
from monitoring.normal import learn_normal, read_week
from monitoring.profiles import Profile


def draw_halves(
    profiles: Sequence[Profile],
    probabilities: Sequence[np.ndarray],
    facts: Sequence[Mapping],
    allowed_per_year: float,
    draws: int,
    seed: int,
) -> Iterator[dict[str, float]]:
    """False alarms a year of every detector, draw by draw.

    `profiles` and `probabilities` (n_rows,) are of the same weeks; `facts` are those of scored weeks, whose alarms are
    left aside here.
    """
    dice, rate = np.random.default_rng(seed), rate_per_week(allowed_per_year)
    calm = [{**week, "alarms": []} for week in facts]
    for _ in range(draws):
        rung: Counter[str] = Counter()
        looked: Counter[str] = Counter()
        for readings in (*_unlabelled(profiles, probabilities, dice, rate), *_by_history(calm, dice, rate)):
            for reading in readings:
                looked[reading.detector] += 1
                rung[reading.detector] += reading.is_alarming
        yield {detector: rung[detector] / looked[detector] * WEEKS_A_YEAR for detector in looked}


def false_alarms_by_default(
    reference: pl.DataFrame,
    learned: pl.DataFrame,
    categorical: tuple[str, ...],
    rows_a_week: int,
    draws: int,
    seed: int,
) -> float:
    """False alarms a year of a look at every feature each week by Evidently's own choice; one drifted is an alarm.

    `reference` was drawn from `learned`, and so is each week, of `rows_a_week` rows.
    """
    weeks = (learned.sample(rows_a_week, seed=seed + draw) for draw in range(draws))
    rang = [bool(drifted_by_default(reference, week, categorical)) for week in weeks]
    return float(np.mean(rang)) * WEEKS_A_YEAR


def _unlabelled(
    profiles: Sequence[Profile], probabilities: Sequence[np.ndarray], dice: np.random.Generator, rate: float
) -> Iterator[list]:
    known, tried = _halves(len(profiles), dice)
    normal = learn_normal([profiles[place] for place in known], [probabilities[place] for place in known], rate)
    for place in tried:
        yield read_week(normal, profiles[place], probabilities[place])


def _by_history(facts: Sequence[Mapping], dice: np.random.Generator, rate: float) -> Iterator[list]:
    known, tried = _halves(len(facts), dice)
    for place in tried:
        yield read_history(facts[place], [facts[other] for other in known], rate)


def _halves(count: int, dice: np.random.Generator) -> tuple[list[int], list[int]]:
    order = dice.permutation(count).tolist()
    return order[: count // 2], order[count // 2 :]
