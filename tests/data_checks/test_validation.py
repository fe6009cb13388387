"""What becomes of a batch, from rule results as any checker would give them."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from data_checks import schema as s
from data_checks.validation import BROKEN_RULES, BatchBlocked, RuleResult, judge_batch, later_copies


def batch(rows: int = 4) -> pl.DataFrame:
    """A batch whose rows are told apart by their flight number."""
    return pl.DataFrame({s.FLIGHT_NUMBER: range(rows)})


def result(rule: str = "distance", severity: str = s.QUARANTINE, rows: tuple[int, ...] = (), **changes) -> RuleResult:
    """A rule that failed, on `rows`."""
    return RuleResult(**{"rule": rule, "severity": severity, "passed": False, "checked": 4, "failed": len(rows),
                         "failed_rows": rows} | changes)  # fmt: skip


def test_a_batch_that_keeps_every_rule_is_accepted_whole():
    verdict = judge_batch(batch(), s.SCHEDULE, [result(passed=True)])

    assert_frame_equal(verdict.accepted, batch())


def test_a_broken_blocking_rule_keeps_the_whole_batch_out():
    with pytest.raises(BatchBlocked, match="schedule stays out, it broke: volume, got 3 rows"):
        judge_batch(batch(), s.SCHEDULE, [result("volume", s.BLOCK, observed="3 rows")])


def test_a_block_names_every_blocking_rule_that_broke():
    broken = [result("volume", s.BLOCK, observed="3 rows"), result("columns", s.BLOCK, observed="2 columns")]

    with pytest.raises(BatchBlocked, match="volume, got 3 rows; columns, got 2 columns"):
        judge_batch(batch(), s.SCHEDULE, broken)


def test_a_blocking_rule_that_was_kept_blocks_nothing():
    verdict = judge_batch(batch(), s.SCHEDULE, [result("volume", s.BLOCK, passed=True)])

    assert verdict.accepted.height == 4


def test_a_row_that_breaks_a_rule_is_quarantined_with_its_name():
    verdict = judge_batch(batch(), s.SCHEDULE, [result("distance", rows=(2,))])

    assert verdict.quarantined.rows() == [(2, "distance")]


def test_the_other_rows_are_accepted_in_their_order():
    verdict = judge_batch(batch(), s.SCHEDULE, [result(rows=(2,))])

    assert verdict.accepted[s.FLIGHT_NUMBER].to_list() == [0, 1, 3]


def test_a_row_that_breaks_two_rules_is_quarantined_once_naming_both():
    verdict = judge_batch(batch(), s.SCHEDULE, [result("distance", rows=(1, 2)), result("carrier", rows=(2,))])

    assert verdict.quarantined.rows() == [(1, "distance"), (2, "carrier; distance")]


def test_a_warning_costs_no_row():
    verdict = judge_batch(batch(), s.SCHEDULE, [result("volume", s.WARN, rows=(0, 1))])

    assert_frame_equal(verdict.accepted, batch())


def test_a_rule_that_was_kept_costs_no_row():
    verdict = judge_batch(batch(), s.SCHEDULE, [result(rows=(0, 1), passed=True)])

    assert verdict.quarantined.is_empty()


def test_a_batch_may_be_quarantined_to_the_last_row():
    verdict = judge_batch(batch(2), s.SCHEDULE, [result(rows=(0, 1))])

    assert (verdict.accepted.height, verdict.quarantined.height) == (0, 2)


def test_an_empty_batch_is_accepted_when_no_rule_blocks_it():
    verdict = judge_batch(batch(0), s.SCHEDULE, [])

    assert (verdict.accepted.height, verdict.quarantined.height) == (0, 0)


def test_accepted_rows_keep_the_columns_of_the_batch():
    verdict = judge_batch(batch(), s.SCHEDULE, [result(rows=(2,))])

    assert (verdict.accepted.columns, verdict.quarantined.columns) == (
        [s.FLIGHT_NUMBER],
        [s.FLIGHT_NUMBER, BROKEN_RULES],
    )


def test_a_result_about_a_row_that_never_landed_costs_no_row():
    verdict = judge_batch(batch(2), s.SCHEDULE, [result(rows=(7,))])

    assert (verdict.accepted.height, verdict.quarantined.height) == (2, 0)


def test_a_rule_that_failed_without_naming_a_row_keeps_the_batch_out():
    with pytest.raises(BatchBlocked, match="schedule stays out, it broke: distance"):
        judge_batch(batch(2), s.SCHEDULE, [result("distance", rows=())])


ROWS = 20
FAILED = st.lists(st.lists(st.integers(0, ROWS - 1), min_size=1, unique=True).map(tuple), max_size=4)


@given(FAILED)
def test_every_landed_row_is_accepted_or_quarantined(failed):
    results = [result(f"rule {number}", rows=rows) for number, rows in enumerate(failed)]

    verdict = judge_batch(batch(ROWS), s.SCHEDULE, results)

    halves = verdict.accepted[s.FLIGHT_NUMBER].to_list() + verdict.quarantined[s.FLIGHT_NUMBER].to_list()
    assert sorted(halves) == list(range(ROWS))


@given(FAILED)
def test_exactly_the_rows_that_broke_a_rule_are_quarantined(failed):
    results = [result(f"rule {number}", rows=rows) for number, rows in enumerate(failed)]

    verdict = judge_batch(batch(ROWS), s.SCHEDULE, results)

    assert set(verdict.quarantined[s.FLIGHT_NUMBER]) == {row for rows in failed for row in rows}


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_results_does_not_matter(random):
    results = [result("b", rows=(1, 2)), result("a", rows=(2, 3)), result("c", rows=(2,))]
    shuffled = random.sample(results, len(results))

    assert_frame_equal(
        judge_batch(batch(), s.SCHEDULE, shuffled).quarantined, judge_batch(batch(), s.SCHEDULE, results).quarantined
    )


@given(FAILED)
def test_the_batch_is_not_changed(failed):
    landed = batch(ROWS)

    judge_batch(landed, s.SCHEDULE, [result(rows=rows) for rows in failed])

    assert_frame_equal(landed, batch(ROWS))


def test_the_first_copy_of_a_key_counts_and_the_later_ones_do_not():
    rows = pl.DataFrame({s.ORIGIN: ["EWR", "JFK", "EWR", "EWR"], s.FLIGHT_NUMBER: [1, 1, 1, 2]})

    assert later_copies(rows, (s.ORIGIN, s.FLIGHT_NUMBER)) == (2,)


def test_a_key_seen_three_times_has_two_later_copies():
    assert later_copies(pl.DataFrame({s.ORIGIN: ["EWR"] * 3}), (s.ORIGIN,)) == (1, 2)


def test_keys_that_are_all_different_have_no_copies():
    assert later_copies(batch(), (s.FLIGHT_NUMBER,)) == ()
