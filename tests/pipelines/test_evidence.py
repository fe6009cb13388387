"""What the gate looks at: slices with enough flights, gaps of small and large, gain and cost of the same rows."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_checks import schema as s
from monitoring.decision_cost import CostTable
from monitoring.gain_interval import gain_interval
from monitoring.quality import loss_per_row
from pipelines.evidence import (
    Artefact,
    JudgedFlights,
    Looking,
    gather_evidence,
    measure_fairness,
    measure_slices,
    slices_with_too_little,
)

FILE = Artefact("a", 0.0, 1, 1.0, "f", "f")
COSTS = CostTable()
LOOKING = Looking(slice_flights=10, slice_late=3, slice_days=2)


def flights(names: list[str | None], is_late: list[int], day: list[int] | None = None) -> JudgedFlights:
    """Flights whose one family of slices has these names; a flight a day unless the days are given."""
    rows = len(names)
    return JudgedFlights(
        np.array(is_late),
        np.array(day if day is not None else np.arange(rows)),
        pl.DataFrame({"origin": names}, schema={"origin": pl.String}),
        pl.DataFrame({s.CARRIER: ["UA"] * rows, s.DESTINATION: ["IAH"] * rows}),
    )


def of_one_slice(rows: int, late: int, days: int = 5) -> JudgedFlights:
    return flights(["JFK"] * rows, [1] * late + [0] * (rows - late), [row % days for row in range(rows)])


def names_of(judged: JudgedFlights, looking: Looking = LOOKING) -> list[str]:
    rows = len(judged.is_late)
    return [one.name for one in measure_slices(np.linspace(0.1, 0.9, rows), np.zeros(rows), judged, looking)]


@pytest.mark.parametrize(
    ("rows", "late", "days", "counts"),
    [
        (9, 3, 5, False), (10, 3, 5, True), (11, 3, 5, True),
        (10, 2, 5, False), (10, 4, 5, True),
        (10, 9, 5, True), (10, 10, 5, False),
        (10, 3, 1, False), (10, 3, 2, True), (10, 3, 3, True),
    ],
)  # fmt: skip
def test_a_slice_counts_from_so_many_flights_late_ones_and_days_on_and_needs_one_in_time(rows, late, days, counts):
    assert names_of(of_one_slice(rows, late, days)) == (["JFK"] if counts else [])


def test_slices_that_nothing_can_be_said_of_are_named():
    judged = flights(["JFK"] * 40 + ["LGA"] * 4, ([1] * 10 + [0] * 30) + [1, 0, 0, 0], [row % 5 for row in range(44)])

    assert slices_with_too_little(judged, LOOKING) == ("origin LGA",)


def test_the_figures_of_a_slice_are_of_its_flights_alone():
    """EWR: of 1 * 2 pairs the late one (0.6) exceeds 0.2 and not 0.8: AUC 0.5; gains 1, 2, 3: mean 2."""
    judged = flights(["EWR", "EWR", "EWR", "JFK", None], [1, 0, 0, 1, 0])
    probability, gain = np.array([0.6, 0.2, 0.8, 0.1, 0.9]), np.array([1.0, 2, 3, 100, -100])

    (found,) = measure_slices(probability, gain, judged, replace(LOOKING, slice_flights=2, slice_late=1))

    assert (found.family, found.name, found.flights, found.late) == ("origin", "EWR", 3, 1)
    assert (found.roc_auc, found.gain) == (0.5, 2.0)
    assert found.gain_at_most > 2.0


def test_the_more_slices_are_looked_at_the_more_it_takes_to_call_one_worse():
    gain = np.random.default_rng(1).normal(-0.1, 0.2, 400)
    few = flights(["one"] * 100 + [None] * 300, [1, 0, 0, 0] * 100, [row // 4 % 10 for row in range(400)])
    many = replace(few, slices=few.slices.with_columns(more=pl.Series(np.repeat(["a", "b", "c", "d"], 100))))

    of_one = measure_slices(np.linspace(0, 1, 400), gain, few, LOOKING)[0]
    of_five = measure_slices(np.linspace(0, 1, 400), gain, many, LOOKING)[0]

    assert of_one.gain == of_five.gain
    assert of_one.gain_at_most == pytest.approx(-gain_interval(-gain[:100], many.day[:100], 0.95).lower)
    assert of_five.gain_at_most == pytest.approx(-gain_interval(-gain[:100], many.day[:100], 0.99).lower)


def test_a_slice_that_lost_on_every_day_is_surely_worse_and_one_that_varies_is_not():
    judged = of_one_slice(40, 10)
    surely = np.full(40, -0.02)
    perhaps = np.where(np.arange(40) % 5 < 2, -0.5, 0.3)

    bounds = [
        measure_slices(np.linspace(0, 1, 40), gain, judged, LOOKING)[0].gain_at_most for gain in (surely, perhaps)
    ]

    assert bounds[0] == pytest.approx(-0.02)
    assert bounds[1] > 0 > perhaps.mean()


def test_small_is_a_carrier_under_a_twentieth_and_a_destination_under_a_half_percent():
    """Of 200 flights 9 are of a carrier (4.5 %), 10 of another (5 %); one goes to a place of its own (0.5 %)."""
    judged = replace(
        of_one_slice(200, 100),
        is_late=np.arange(200) % 2,
        places=pl.DataFrame(
            {s.CARRIER: ["AA"] * 9 + ["BB"] * 10 + ["CC"] * 181, s.DESTINATION: ["XXX"] + ["IAH"] * 199}
        ),
    )

    (found,) = measure_fairness(np.full(200, 0.9), np.full(200, 0.1), judged, COSTS)

    assert (found.family, found.challenger.flights) == ("carriers", {"small": 9, "large": 191})


def test_the_rise_of_a_gap_is_the_challengers_less_the_rivals():
    """The challenger misses every small late flight and no large one, the rival none."""
    judged = replace(
        of_one_slice(200, 100),
        is_late=np.arange(200) % 2,
        places=pl.DataFrame({s.CARRIER: ["AA"] * 8 + ["CC"] * 192, s.DESTINATION: ["IAH"] * 200}),
    )
    challenger = np.where(np.arange(200) < 8, 0.1, 0.9)

    (found,) = measure_fairness(challenger, np.full(200, 0.9), judged, COSTS)

    assert (found.challenger.missed_gap, found.challenger.worst, found.rival.worst, found.rise) == (1.0, 1.0, 0.0, 1.0)


def test_small_and_large_are_those_of_the_families_that_are_looked_at():
    judged = replace(
        of_one_slice(200, 100), is_late=np.arange(200) % 2, places=pl.DataFrame({"shop": ["A"] * 30 + ["B"] * 170})
    )
    asked = judged, FILE, COSTS

    shops, nobody = (
        gather_evidence(np.full(200, 0.9), np.full(200, 0.1), "", *asked, replace(LOOKING, families=families)).fairness
        for families in ({"shops": ("shop", 0.2)}, {})
    )

    assert [(one.family, one.challenger.flights) for one in shops] == [("shops", {"small": 30, "large": 170})]
    assert nobody == ()


def test_cost_and_gain_are_of_the_same_flights():
    """Rival: silent about all, two late of four, 2 * 3 / 4; challenger: right about all."""
    judged = flights(["JFK"] * 4, [1, 0, 1, 0])
    challenger, rival = np.array([0.9, 0.1, 0.9, 0.1]), np.full(4, 0.2)

    found = gather_evidence(challenger, rival, "version 1", judged, FILE, COSTS, LOOKING)

    assert (found.cost_per_thousand, found.rival_cost_per_thousand, found.cost_saved.mean) == (0.0, 1500.0, 1500.0)
    expected = (loss_per_row(rival, judged.is_late) - loss_per_row(challenger, judged.is_late)).mean()
    assert found.gain.mean == pytest.approx(expected)
    assert found.cost_saved.lower < 1500 < found.cost_saved_at_most


@given(st.integers(0, 500))
def test_to_swap_challenger_and_rival_turns_gain_and_saving_round(seed):
    dice = np.random.default_rng(seed)
    judged = flights(["JFK"] * 60, [*dice.integers(0, 2, 58), 0, 1], list(np.repeat(range(6), 10)))
    one, other = dice.uniform(0.05, 0.95, (2, 60))

    there = gather_evidence(one, other, "", judged, FILE, COSTS, LOOKING)
    back = gather_evidence(other, one, "", judged, FILE, COSTS, LOOKING)

    assert there.gain.mean == pytest.approx(-back.gain.mean)
    assert there.cost_saved_at_most == pytest.approx(-back.cost_saved.lower)
