"""An A/B by labels: no verdict on arms that were divided wrongly or on too little, and few wrong ones else."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from data_checks import schema as s
from monitoring.ab import (
    CHALLENGER,
    CHALLENGER_PROBABILITY,
    CHAMPION,
    DAY,
    IS_CHALLENGER,
    KEY,
    NEITHER,
    PROBABILITY,
    UNDECIDED,
    AbRules,
    Comparison,
    compare_arms,
    compare_pairs,
    differences_by_day,
    one_armed,
    sample_ratio,
)
from monitoring.labels import IS_LATE
from monitoring.sample_size import required_flights

RULES = AbRules(least_gain=0.1)
SHARE = 0.5
FIRST = date(2013, 7, 1)
REACH = 1.6449 + 0.8416
"""How many standard errors a gain is off 0 that is seen at 5 % with 80 %."""


def flights(
    days: int = 28, per_day: int = 200, gain: float = 0.0, share: float = SHARE, seed: int = 1
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Answers of both arms and labels: days differ, and the challenger knows more of each flight by `gain` or so."""
    dice = np.random.default_rng(seed)
    count = days * per_day
    truth = 1 / (1 + np.exp(-(np.repeat(dice.normal(-1, 0.5, days), per_day) + dice.normal(0, 1, count))))
    is_challenger = dice.random(count) < share
    blur = np.where(is_challenger, 1.0, np.exp(-gain))
    ids = [f"flight-{number}" for number in range(count)]
    answers = pl.DataFrame(
        {
            KEY: ids,
            s.FLIGHT_ID: ids,
            DAY: [FIRST + timedelta(number // per_day) for number in range(count)],
            IS_CHALLENGER: is_challenger,
            PROBABILITY: blur * truth + (1 - blur) * 0.5,
        }
    )
    return answers, pl.DataFrame({s.FLIGHT_ID: ids, IS_LATE: dice.random(count) < truth})


def compare(rules: AbRules = RULES, share: float = SHARE, **world: object) -> Comparison:
    return compare_arms(*flights(share=share, **world), share, rules)


def test_three_days_by_hand():
    """Day 1: 1 - 0.5 of one flight each: weight 1/2. Day 2: 3 and 1 flights, 2 - 1: weight 3/4. Day 3 has one arm."""
    loss = np.array([1.0, 0.5, 2, 2, 2, 1, 9])
    theirs = np.array([False, True, False, False, False, True, False])

    sums, weights = differences_by_day(loss, theirs, np.array([1, 1, 2, 2, 2, 2, 3]))

    assert (sums.tolist(), weights.tolist()) == ([0.25, 0.75], [0.5, 0.75])


def test_no_flights_are_no_days():
    empty = np.array([])

    assert [len(found) for found in differences_by_day(empty, empty.astype(bool), empty)] == [0, 0]


@given(st.integers(0, 1000), st.lists(st.floats(-5, 5), min_size=4, max_size=4))
def test_what_a_day_adds_to_the_loss_of_everybody_is_no_gain(seed, weather):
    dice = np.random.default_rng(seed)
    loss, theirs, day = dice.random(80), dice.random(80) < 0.3, np.repeat(np.arange(4), 20)

    calm = differences_by_day(loss, theirs, day)[0]
    stormy = differences_by_day(loss + np.array(weather)[day], theirs, day)[0]

    assert stormy == pytest.approx(calm)


def test_a_share_that_was_raised_in_bad_weather_is_not_taken_for_harm():
    """Ten calm days at 5 %, ten stormy ones at half: of all flights at once the challenger's lost more."""
    day = np.repeat(np.arange(20), 100)
    stormy = day >= 10
    theirs = np.tile(np.arange(100), 20) < np.where(stormy, 50, 5)
    loss = np.where(stormy, 0.7, 0.2)

    sums, _ = differences_by_day(loss, theirs, day)

    assert loss[theirs].mean() - loss[~theirs].mean() > 0.25
    assert sums == pytest.approx(0)


def test_a_challenger_that_knows_more_wins():
    found = compare(gain=1.0)

    assert (found.winner, found.lower > 0) == (CHALLENGER, True)


def test_a_challenger_that_knows_less_loses():
    answers, labels = flights(gain=1.0)

    found = compare_arms(answers.with_columns(~pl.col(IS_CHALLENGER)), labels, SHARE, RULES)

    assert (found.winner, found.upper < 0) == (CHAMPION, True)


def test_equal_arms_end_with_neither_once_there_is_enough():
    found = compare()

    assert (found.winner, found.lower < 0 < found.upper) == (NEITHER, True)


@pytest.mark.parametrize(("days", "winner"), [(13, UNDECIDED), (14, CHALLENGER), (15, CHALLENGER)])
def test_it_takes_enough_days(days, winner):
    assert compare(days=days, per_day=400, gain=1.5).winner == winner


def test_too_few_days_are_counted():
    assert compare(days=3).reason == "3 days with labels of both, needed 14"


def test_without_labels_there_is_no_verdict():
    answers, labels = flights()

    assert compare_arms(answers, labels.head(0), SHARE, RULES).reason == "0 days with labels of both, needed 14"


@pytest.mark.parametrize(("more", "winner"), [(-1, UNDECIDED), (0, CHALLENGER), (1, CHALLENGER)])
def test_it_takes_as_many_flights_as_the_least_gain_needs(more, winner):
    """The least gain is laid where just so many flights are needed, one more, or one less."""
    finely = replace(RULES, least_gain=1e-5, early_alpha=1e-12)
    there = compare(finely, gain=1.0)
    least = finely.least_gain * np.sqrt(there.flights_needed / (there.flights - more - 0.5))

    found = compare(replace(finely, least_gain=least), gain=1.0)

    assert (found.flights_needed, found.winner) == (there.flights - more, winner)


def test_too_few_flights_are_told_in_flights_and_days_also_where_the_interval_is_above_nothing():
    found = compare(replace(RULES, least_gain=0.001, early_alpha=1e-12), gain=1.0)

    assert (found.winner, found.lower > 0) == (UNDECIDED, True)
    assert found.reason.startswith(
        f"{found.flights_needed - 5600} more flights, about {-(-(found.flights_needed - 5600) // 200)} days, "
        "to see a gain of 0.001 with 80%; gain +"
    )


@pytest.mark.parametrize(("beside", "early"), [(1 - 1e-6, False), (1 + 1e-6, True)])
@pytest.mark.parametrize("better", [CHALLENGER, CHAMPION])
def test_before_there_are_enough_flights_only_what_is_surer_than_the_early_bound_counts(better, beside, early):
    answers, labels = flights(gain=0.5)
    answers = answers.with_columns(pl.col(IS_CHALLENGER) ^ (better == CHAMPION))
    there = compare_arms(answers, labels, SHARE, RULES)
    errors = abs(there.gain) / ((there.upper - there.lower) / 2 / student.isf(RULES.alpha, 27))
    rules = replace(RULES, least_gain=0.001, early_alpha=student.sf(errors, 27) * beside)

    found = compare_arms(answers, labels, SHARE, rules)

    assert found.winner == (better if early else UNDECIDED)
    assert ("before there are enough flights" in found.reason) == early


def test_arms_that_were_not_divided_as_planned_get_no_verdict():
    answers, labels = flights(gain=1.0)

    found = compare_arms(answers, labels, 0.4, RULES)

    assert found.winner == UNDECIDED
    assert found.reason.startswith("the arms were not divided as planned: ")


def test_a_batch_is_one_key_however_many_flights_it_has():
    """A batch of 2,000 flights in one arm is a lot of flights and one throw of the dice."""
    answers, labels = flights()
    batch = answers.head(2000).with_columns(pl.lit("batch").alias(KEY), pl.lit(True).alias(IS_CHALLENGER))

    assert not compare_arms(pl.concat([batch, answers[2000:]]), labels, SHARE, RULES).ratio.mismatch


@pytest.mark.parametrize(
    ("counts", "p_value"),
    [((50, 50), 1.0), ((60, 40), 0.0455), ((40, 60), 0.0455), ((5100, 4900), 0.0455)],
)
def test_the_sample_ratio_is_chi_square(counts, p_value):
    """60 of 100 and 5,100 of 10,000 are two deviations off: squared 4, of which 4.55 % is above."""
    assert sample_ratio(counts, 0.5).p_value == pytest.approx(p_value, abs=1e-4)


@pytest.mark.parametrize(("counts", "p_value"), [((75, 25), 1.0), ((25, 75), 0.0)])
def test_the_share_is_the_challengers(counts, p_value):
    assert sample_ratio(counts, 0.25).p_value == pytest.approx(p_value)


@pytest.mark.parametrize(("champion", "mismatch"), [(5000, False), (5164, False), (5165, True), (4835, True)])
def test_a_mismatch_is_called_from_a_thousandth_on(champion, mismatch):
    """Of 10,000 the deviation is 50; 3.29 of them are 164.5."""
    assert sample_ratio((champion, 10_000 - champion), 0.5).mismatch == mismatch


def test_a_p_value_at_the_bound_is_no_mismatch():
    assert not sample_ratio((60, 40), 0.5, sample_ratio((60, 40), 0.5).p_value).mismatch


@pytest.mark.parametrize(("counts", "says"), [((0, 9), "too few"), ((0, 0), "too few"), ((0, 10), "planned 50.0%")])
def test_a_handful_of_keys_cannot_be_seen_to_be_divided_wrongly(counts, says):
    found = sample_ratio(counts, 0.5)

    assert says in found.reason
    assert found.mismatch == ("planned" in found.reason and found.p_value < 0.001)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.1])
def test_one_arm_alone_has_no_ratio(share):
    with pytest.raises(ValueError, match="expected a share between 0 and 1"):
        sample_ratio((5, 5), share)


def test_the_first_answer_of_a_flight_counts_and_one_that_both_arms_gave_does_not():
    answers = pl.DataFrame(
        {
            s.FLIGHT_ID: ["a", "a", "b", "b"],
            IS_CHALLENGER: [True, True, True, False],
            PROBABILITY: [0.1, 0.2, 0.3, 0.4],
        }
    )

    assert one_armed(answers).rows() == [("a", True, 0.1)]


def test_a_flight_that_is_asked_again_and_again_is_judged_once():
    answers, labels = flights()
    answers = answers.with_columns(pl.col(PROBABILITY).alias(CHALLENGER_PROBABILITY))
    asked_again = pl.concat([answers, answers.with_columns(pl.col(PROBABILITY) * 0.9)])

    judged = [
        (compare_arms(asked, labels, SHARE, RULES), compare_pairs(asked, labels, RULES))
        for asked in (answers, asked_again)
    ]

    assert judged[0] == judged[1]


def shadowed(gain: float, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """As `flights`, both models on each flight."""
    answers, labels = flights(days=14, seed=seed)
    said = answers[PROBABILITY]
    return answers.with_columns(
        said.alias(CHALLENGER_PROBABILITY), (np.exp(-gain) * said + (1 - np.exp(-gain)) * 0.5).alias(PROBABILITY)
    ), labels


def test_a_shadow_sees_on_few_days_what_an_ab_does_not():
    least = AbRules(least_gain=0.01)

    paired = compare_pairs(*shadowed(gain=0.3), least)

    assert (paired.winner, compare(least, days=14, gain=0.3).winner) == (CHALLENGER, UNDECIDED)


def test_a_shadow_that_says_the_same_gains_nothing():
    found = compare_pairs(*shadowed(gain=0.0), RULES)

    assert (found.winner, found.gain, found.lower, found.upper) == (NEITHER, 0.0, 0.0, 0.0)


def test_equal_arms_have_a_winner_about_as_seldom_as_was_said():
    """Twice alpha, one for each side, is 10 %: of 400 that is 40, give or take three times 6."""
    found = [compare(days=14, per_day=60, seed=seed, rules=replace(RULES, least_gain=1.0)) for seed in range(400)]

    assert 20 <= sum(one.winner in (CHALLENGER, CHAMPION) for one in found) <= 58
    assert sum(one.ratio.mismatch for one in found) <= 3


def test_a_gain_is_seen_after_the_flights_that_were_required_about_as_often_as_was_said():
    """Gain and spread are those of 2,000 days; 80 % of 200 are 160, give or take three times 6."""
    there = compare(days=2000, per_day=20, gain=1.0)
    days = -(-required_flights(there.gain, np.sqrt(there.flights_needed) * RULES.least_gain / REACH) // 20)

    seen = [compare(days=days, per_day=20, gain=1.0, seed=seed).lower > 0 for seed in range(200)]

    assert 142 <= sum(seen) <= 178
