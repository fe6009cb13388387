"""The page of every rule: whole, offline, safe against what records say, and the same for the same records."""

import re

import pytest

from monitoring.validation_page import draw_course, render_validation_page, tabulate

MONDAYS = ("2013-07-01", "2013-07-08")


def rule(name: str = "carrier is there", **changes: object) -> dict:
    """What one rule said of one batch: kept by all hundred rows."""
    usual = {"rule": name, "severity": "quarantine", "passed": True, "checked": 100, "failed": 0, "observed": "0 rows"}
    return {**usual, "value": None, **changes}


def measure(value: float | None, **changes: object) -> dict:
    """What one measure said: at most one half."""
    said = {"severity": "block", "value": value, "observed": str(value), "checked": int(value is not None)}
    return rule("share_late at most 0.5 share", **{**said, "minimum": None, "maximum": 0.5, **changes})


def record(week: str = MONDAYS[0], feed: str = "schedule", rules: tuple[dict, ...] = (rule(),)) -> dict:
    return {"week": week, "feed": feed, "rows": 100, "rules": list(rules)}


def states(*records: dict) -> dict[str, list[str]]:
    table = tabulate(records)
    return {row.rule: [cell.state for cell in row.cells] for row in (*table.rows, *table.measures)}


def test_a_rule_is_told_week_by_week_in_their_order():
    broken = rule(passed=False, failed=3, observed="3 rows")

    assert states(record(MONDAYS[1], rules=(broken,)), record()) == {"carrier is there": ["kept", "quarantine"]}


def test_a_measure_that_could_not_be_taken_is_silent():
    assert states(record(rules=(measure(None),))) == {"share_late at most 0.5 share": ["silent"]}


def test_a_rule_that_is_new_is_silent_in_the_weeks_before():
    assert states(record(), record(MONDAYS[1], rules=(rule(), rule("origin is there"))))["origin is there"] == [
        "silent", "kept"
    ]  # fmt: skip


def test_measures_are_told_apart_from_rules_about_rows_and_drawn():
    table = tabulate([record(rules=(rule(), measure(0.2)))])

    assert ([row.rule for row in table.rows], [row.chart[:4] for row in table.measures]) == (
        ["carrier is there"],
        ["<svg"],
    )


def test_a_week_outside_the_bounds_is_marked():
    drawn = draw_course([0.2, 0.7, None, 0.4], None, 0.5, "x")

    assert re.findall(r'circle class="(\w+)"', drawn) == ["right", "wrong", "right"]


def test_the_line_has_a_gap_where_nothing_was_said():
    assert draw_course([0.2, 0.3, None, 0.4, 0.1], 0, 1, "x").count("M") == 2


@pytest.mark.parametrize("values", [[], [None], [None, None]])
def test_a_measure_that_was_never_taken_has_no_chart(values):
    assert draw_course(values, 0, 1, "x") == ""


def test_the_page_names_no_other_host_and_fetches_nothing():
    page = render_validation_page([record(rules=(rule(), measure(0.2)))])

    assert set(re.findall(r"\w+://[^\s\"'<>)]*", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(src|srcset)=", page)


def test_the_same_records_give_the_same_bytes_in_any_order():
    records = [record(week, feed) for feed in ("weather", "schedule") for week in MONDAYS]

    assert render_validation_page(records) == render_validation_page(records[::-1])


def test_hostile_names_are_shown_and_not_run():
    hostile = rule("<img onerror=x> at most 1", observed="<script>")
    course = measure(0.2) | {"rule": '"><script>x at most 1'}

    page = render_validation_page([record(rules=(hostile, course))])

    assert "<img" not in page
    assert "<script" not in page


def test_a_home_without_records_says_so():
    assert "No week has been validated yet." in render_validation_page([])
