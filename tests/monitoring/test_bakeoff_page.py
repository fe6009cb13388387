"""What a bake-off says in words, tables and pictures: nothing its intervals do not show, and no network needed."""

import re

import numpy as np
import pytest

from monitoring.bakeoff import (
    Age,
    Bakeoff,
    Comparison,
    Effort,
    MonthScore,
    Result,
    Staleness,
    Trained,
    Verdict,
)
from monitoring.bakeoff_page import render_bakeoff_page, write_document
from monitoring.bakeoff_tables import tabulate_bakeoff
from monitoring.bakeoff_words import conclude, say_best, say_gate, say_pair, say_staleness
from monitoring.day_blocks import Gain
from monitoring.decision_cost import CostTable
from monitoring.quality import Quality

BETTER, UNSURE, WORSE = Gain(0.01, 0.001, 0.02), Gain(0.01, -0.001, 0.02), Gain(-0.01, -0.02, -0.001)
MONTHS = ("2013-07", "2013-08")


def result(policy: str, log_loss: float, over: Gain | None = UNSURE, trained: int = 2, **changes: object) -> Result:
    """A policy that had the same log loss in both months."""
    quality = Quality(flights=1000, late_share=0.2, mean_probability=0.21, roc_auc=0.75, log_loss=log_loss, brier=0.15)
    months = [MonthScore(month, quality, 0.02, 440.0, 0.004, Effort(1, 1, 0, 2.5)) for month in MONTHS]
    made = [Trained(f"{month}-01", True, "expanding") for month in MONTHS][:trained]
    usual = {"recipe": "untuned", "months": tuple(months), "over_monthly": over, "trained": tuple(made)}
    return Result(policy, **{**usual, **changes})


def verdict(promoted: bool, gain: Gain, decided_on: str = "2013-07-15") -> Verdict:
    return Verdict(decided_on, promoted, "because", "recent", 0.45 - gain.mean, 0.45, gain, 20_000)


def bakeoff(*results: Result, comparisons: tuple[Comparison, ...] = (), ages: tuple[Age, ...] = ()) -> Bakeoff:
    grid = np.array([[0.45, 0.46], [np.nan, 0.44]])
    return Bakeoff(
        results=results or (result("never", 0.46, WORSE, 1), result("monthly", 0.45, None)),
        comparisons=comparisons,
        staleness=Staleness(MONTHS, MONTHS, grid, grid, ages),
        costs=CostTable(),
        flights=2000,
        fits=3,
        seconds=7.5,
    )


@pytest.mark.parametrize(
    ("gain", "words"), [(BETTER, "it is better"), (UNSURE, "no difference is shown"), (WORSE, "it is worse")]
)
def test_a_pair_is_said_to_differ_only_when_its_interval_excludes_zero(gain, words):
    said = say_pair(Comparison("monthly (untuned)", "never (untuned)", gain))

    assert said.startswith(f"Monthly (untuned) against never (untuned): {words}, ")


def test_an_interval_that_touches_zero_shows_no_difference():
    assert "no difference is shown" in say_pair(Comparison("a (x)", "b (x)", Gain(0.01, 0.0, 0.02)))


def test_equal_answers_are_no_difference_that_was_measured():
    said = say_pair(Comparison("monthly (untuned)", "never (untuned)", Gain(0.0, 0.0, 0.0)))

    assert said == "Monthly (untuned) and never (untuned) gave the same answers."


def test_the_best_is_a_policy_and_neither_hindsight_nor_what_was_lived():
    best = say_best(bakeoff(result("gated", 0.44, BETTER), result("hindsight", 0.40), result("as lived", 0.43)))

    assert best.startswith("The lowest mean log loss is that of gated (untuned): 0.4400")
    assert best.endswith("Against plain monthly retraining it gains +0.0100 [+0.0010, +0.0200].")


def test_the_lowest_mean_is_not_called_better_when_its_interval_holds_zero():
    assert "it shows no difference, +0.0100" in say_best(bakeoff(result("gated", 0.44, UNSURE)))


def test_when_plain_monthly_is_best_those_it_is_not_told_from_are_named():
    best = say_best(bakeoff(result("monthly", 0.44, None), result("gated", 0.45, UNSURE), result("never", 0.46, WORSE)))

    assert best.endswith("No difference is shown to gated (untuned).")


def test_the_gate_is_counted_by_later_labels_and_the_clearest_refusal_is_named():
    verdicts = (
        verdict(False, UNSURE),
        verdict(False, Gain(-0.001, -0.01, 0.01), "2013-08-05"),
        verdict(False, WORSE, "2013-09-16"),
        verdict(True, BETTER),
    )

    said = say_gate(result("gated", 0.44, verdicts=verdicts))

    assert "it refused 3 (rightly 2, mean gain of the challengers -0.0003)" in said
    assert "promoted 1 (rightly 1, mean gain of the challengers +0.0100)" in said
    assert "agrees with 2 of the verdicts and contradicts 0" in said
    assert "The clearest refusal is that of 2013-09-16 (window recent): on the 20,000 flights" in said


def test_a_gate_that_was_never_right_to_refuse_names_no_refusal():
    said = say_gate(result("gated", 0.44, verdicts=(verdict(False, BETTER),)))

    assert "clearest" not in said
    assert "contradicts 1" in said


def test_a_refusal_of_the_champion_itself_spared_nothing_and_is_not_named():
    said = say_gate(result("gated", 0.44, verdicts=(verdict(False, Gain(0.0, 0.0, 0.0)),)))

    assert "clearest" not in said


@pytest.mark.parametrize(
    ("gains", "words"),
    [
        ((UNSURE, BETTER), "From 2 months on a model is shown to be worse"),
        ((BETTER, UNSURE), "From 1 month on a model is shown to be worse"),
        ((UNSURE, UNSURE), "At no age is a model shown to be worse"),
    ],
)
def test_models_are_said_to_age_from_the_first_age_whose_interval_shows_it(gains, words):
    ages = tuple(Age(number, 2, gain, 0.01) for number, gain in enumerate(gains, 1))

    assert words in say_staleness(Staleness(MONTHS, MONTHS, np.eye(2), np.eye(2), ages))


def test_every_question_that_was_played_is_answered_and_no_other():
    pairs = (Comparison("monthly (untuned)", "never (untuned)", BETTER),)

    said = conclude(bakeoff(comparisons=pairs, ages=(Age(1, 1, BETTER, 0.01),)))

    assert [paragraph.partition("? ")[0] for paragraph in said[1:]] == ["Does retraining pay", "How fast do models age"]


def test_recipes_are_compared_policy_by_policy():
    pairs = (Comparison("monthly (tuned)", "monthly (untuned)", WORSE),)

    assert conclude(bakeoff(comparisons=pairs))[-1].startswith("Does tuning pay? Monthly (tuned) against")


def test_a_trigger_that_was_never_reached_is_named():
    said = conclude(bakeoff(result("monthly", 0.45, None), result("quality-triggered", 0.46, WORSE, trained=1)))

    assert "Quality-triggered (untuned) kept the first model all year: their trigger was never reached." in said


def test_tables_have_a_cell_for_every_heading():
    found = bakeoff(
        result("never", 0.46, WORSE, 1),
        result("gated", 0.44, verdicts=(verdict(False, WORSE),)),
        ages=(Age(1, 1, BETTER, 0.01),),
    )

    for table in tabulate_bakeoff(found):
        assert {len(row) for row in table.rows} == {len(table.columns)}, table.title


def test_seconds_nobody_measured_are_left_open():
    lived = result("as lived", 0.45, months=(MonthScore("2013-07", result("x", 0.4).months[0].quality, 0.0, 0.0, 0.0,
                                                         Effort(1, 1, 0, None)),))  # fmt: skip

    assert lived.seconds is None


def test_the_page_names_no_other_host_and_fetches_nothing():
    page = render_bakeoff_page(bakeoff(ages=(Age(1, 1, BETTER, 0.01),)))

    assert set(re.findall(r"\w+://[^\s\"'<>)]*", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(src|srcset)=|<image", page)


def test_the_same_bakeoff_gives_the_same_bytes():
    assert render_bakeoff_page(bakeoff()) == render_bakeoff_page(bakeoff())


def test_the_page_and_the_document_hold_the_conclusion_and_every_table():
    found = bakeoff(result("gated", 0.44, verdicts=(verdict(False, WORSE),)), ages=(Age(1, 1, BETTER, 0.01),))
    page, document = render_bakeoff_page(found), write_document(found, "preflight bakeoff --write docs/bakeoff.md")

    for table in tabulate_bakeoff(found):
        assert table.title in page
        assert f"## {table.title}" in document
    assert all(paragraph in document for paragraph in conclude(found))
    assert "Made by `preflight bakeoff --write docs/bakeoff.md`" in document


def test_hostile_names_are_shown_and_not_run():
    assert "<script" not in render_bakeoff_page(bakeoff(result("<script>", 0.44)))


def test_what_is_known_of_a_bakeoff_is_plain_values():
    said = bakeoff(result("gated", 0.44, verdicts=(verdict(False, WORSE),))).as_dict()

    assert said["policies"]["gated (untuned)"]["mean_log_loss"] == pytest.approx(0.44)
    assert said["policies"]["gated (untuned)"]["verdicts"][0]["was_right"] is True
    assert said["staleness"]["log_loss"] == [[0.45, 0.46], [None, 0.44]]
