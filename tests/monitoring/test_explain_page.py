"""The page of what a model listens to: offline, escaped, the same for the same values, honest about empty parts."""

import re

import pytest

from monitoring.explain_page import render_explain_page

SVG = "http://www.w3.org/2000/svg"


def one(name: str = "rain", group: str = "weather", mean: float = 0.3) -> dict:
    return {"name": name, "group": group, "mean": mean, "lower": mean - 0.1, "upper": mean + 0.1}


def curve(**changes: object) -> dict:
    """Partial dependence on a number."""
    usual = {
        "feature": "rain",
        "unit": "in",
        "values": (0.0, 1.0, 2.0),
        "means": (0.2, 0.3, 0.4),
        "deciles": tuple(number / 5 for number in range(1, 10)),
        "shares": (),
        "share_missing": 0.0,
        "mean_missing": None,
    }
    return {**usual, **changes}


def category() -> dict:
    return curve(feature="origin", unit="", values=("EWR", "JFK", "LGA"), deciles=(), shares=(0.6, 0.4, 0.0))


def example(**changes: object) -> dict:
    usual = {"why": "highest", "flight_id": "2013-07-01-UA1545-EWR", "is_late": True, "bias": -1.4, "score": 0.6}
    told = {"probability": 0.65, "groups": {"weather": 2.5, "plan": -0.5}, "reasons": ["rain (2 in): +2.50"]}
    return {**usual, **told, **changes}


def story(**changes: object) -> dict:
    """What was measured of a version."""
    ranked = {"features": [one(), one("seats", "plane", 0.1)], "groups": [one("weather"), one("plane", mean=0.1)]}
    usual = {
        **{"version": 8, "flights": 7711, "days": 9, "from": "2013-12-23", "to": "2013-12-31", "late_share": 0.269},
        **{"mean_probability": 0.3, "log_loss": 0.49, "confidence": 0.95, "repeats": 3, "calibration": "identity"},
        **{"additive": True, "decision_threshold": 0.25, "contributions": ranked, "permutation": ranked},
        **{"dependence": [curve(), category()], "dependence_flights": 1000, "examples": [example()]},
        "learned_from": 0.0,
        "audit": {
            **{"flights": 200, "background": 64, "groups": ("weather", "plane"), "top_group": 0.605},
            **{"top_sign": 0.98, "rank_correlation": 0.728, "correlation": 0.894},
        },
    }
    return {**usual, **changes}


@pytest.fixture(scope="module")
def page() -> str:
    return render_explain_page(story())


def test_the_page_opens_without_a_network(page):
    assert set(re.findall(r"\w+://[^\s\"'<>)]*", page)) == {SVG}
    assert re.findall(r"<(?:script|img|link|iframe)|\ssrc=", page) == []


def test_the_same_values_give_the_same_bytes(page):
    assert render_explain_page(story()) == page


def test_the_audit_is_told_as_it_came_out(page):
    assert all(figure in page for figure in ("60.5%", "98.0%", "0.728", "0.894"))


def test_every_id_of_the_plots_is_of_one_plot_alone(page):
    ids = re.findall(r'\sid="([^"]+)"', page)

    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "changes",
    [
        {"examples": [example(reasons=["<script>alert(1)</script>"], flight_id="<script>")]},
        {"contributions": {"features": [one("<script>")], "groups": [one("<script>")]}},
        {"dependence": [curve(feature="<script>")]},
    ],
)
def test_hostile_text_is_shown_and_not_run(changes):
    assert "<script" not in render_explain_page(story(**changes))


def test_calibration_that_is_no_sum_is_said_to_be_a_step_of_its_own(page):
    isotonic = render_explain_page(story(calibration="isotonic", additive=False))

    words = "Calibration is a step of its own"
    assert (words in page, words in isotonic) == (False, True)


def test_flights_that_were_learned_from_are_told_to_flatter(page):
    words = "What was learned from flatters"

    assert (words in page, words in render_explain_page(story(learned_from=0.4))) == (False, True)


def test_a_missing_value_and_a_long_tail_are_drawn(page):
    tail = (1.0, 2.0, 3.0, 4.0, 5.0, 50.0, 500.0, 1000.0, 5000.0)
    drawn = render_explain_page(
        story(dependence=[curve(values=(1.0, 5.0, 5000.0), deciles=tail, share_missing=0.12, mean_missing=0.3)])
    )

    assert all(words in drawn for words in ("missing, 12% of flights", "log scale"))
    assert "log scale" not in page
