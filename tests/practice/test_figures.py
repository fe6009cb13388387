"""Figures that pages quote: read from their page, and held against every quotation."""

from pathlib import Path

import pytest

from practice.figures import Figure, figures_of, figures_page, read_figures, wrong_quotes

FIGURES = {"live_auc": "0.7666"}


@pytest.fixture
def page(tmp_path: Path):
    def written(text: str) -> Path:
        (tmp_path / "gate.md").write_text("| false promotions | **2.1 %** of trials |")
        (tmp_path / "answers.md").write_text(text)
        return tmp_path / "answers.md"

    return written


@pytest.mark.parametrize(
    "text",
    [
        "an AUC of [0.7666](figures.md#live_auc)",
        "it errs in [2.1 % of trials](gate.md)",
        "no number: [the gate](nowhere.md), [0.5](https://example.org/x.md)",
    ],
)
def test_a_number_that_stands_where_it_points_is_right(page, text):
    assert wrong_quotes(page(text), FIGURES) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[0.7667](figures.md#live_auc)", "says 0.7667 for live_auc, which is 0.7666"),
        ("[0.7666](figures.md#dead_auc)", "which is None"),
        ("[2.2 %](gate.md)", "does not stand in gate.md"),
        ("[1 %](gate.md)", "does not stand in gate.md"),
        ("[+0.1 [+0.0, +0.2]](gate.md)", "says +0.1 [+0.0, +0.2], which does not stand in gate.md"),
        ("[-0.1](gone.md)", "which is not there"),
    ],
)
def test_a_number_that_does_not_is_named(page, text, said):
    (problem,) = wrong_quotes(page(text), FIGURES)

    assert said in problem


def test_a_page_of_figures_says_what_was_written():
    figures = [Figure("a", "1.5", "what", "preflight status"), Figure("b", "+2 %", "what else", "preflight gate")]

    assert read_figures(figures_page(figures)) == {"a": "1.5", "b": "+2 %"}


def test_the_figures_of_a_life_are_those_of_its_events(lived):
    from pipelines.report import year_so_far

    year = year_so_far(lived.context)
    figures = {one.name: one.value for one in figures_of(year)}

    assert int(figures["promoted"]) + int(figures["refused"]) == len(year.of("gate"))
    assert figures["live_log_loss"] == f"{year.as_dict()['mean_log_loss']['live']:.4f}"
