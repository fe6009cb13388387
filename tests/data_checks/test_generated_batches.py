"""Generated batches: those that keep the contract pass whole, those that break one rule are kept out under its name."""

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from strategies import Case, anything, kept, spoilt

from data_checks import rules as r
from data_checks import schema as s
from data_checks.joint import with_derived
from data_checks.suites import Validator
from data_checks.validation import BROKEN_RULES, BatchBlocked, judge_batch

FEW, MANY = 80, 3334
"""Batches of each of three feeds: 240 in `make test`, 10,002 in `make test-contract`."""


def enough(examples: int) -> settings:
    """So many examples, however long they take; not made smaller when they fail, which would take minutes."""
    phases = (Phase.explicit, Phase.generate)
    return settings(max_examples=examples, phases=phases, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Validator:
    """One for all: a suite holds nothing of the batches it has seen."""
    return Validator(tmp_path_factory.mktemp("gx"))


def judged(validator: Validator, case: Case) -> tuple[set[str], pl.DataFrame, pl.DataFrame]:
    """The broken rules, and the two halves with the position of each row; of a blocked batch nothing is accepted."""
    results = validator.check_rows(case.feed, case.batch, case.history)
    numbered = case.batch.with_row_index("position")
    broken = {result.rule for result in results if not result.passed}
    try:
        verdict = judge_batch(numbered, case.feed, results)
    except BatchBlocked:
        return broken, numbered.clear(), numbered.with_columns(pl.lit("").alias(BROKEN_RULES))
    return broken, verdict.accepted, verdict.quarantined


def as_read_by_polars(case: Case) -> dict[str, list[int]]:
    """The rows that break each rule about single rows, worked out without Great Expectations."""
    derived = with_derived(case.feed, case.batch, case.history)
    rules = [rule for rule in r.row_rules(case.feed) if rule.kind != r.MOSTLY_THERE]
    found = {rule.name: derived.select(pl.arg_where(r.broken(rule))).to_series().to_list() for rule in rules}
    return {name: rows for name, rows in found.items() if rows}


def keeps(validator: Validator, case: Case) -> None:
    broken, accepted, _ = judged(validator, case)

    assert broken == set()
    assert accepted.height == case.batch.height


def breaks(validator: Validator, case: Case) -> None:
    broken, accepted, quarantined = judged(validator, case)

    assert case.rule.name in broken
    assert case.row not in accepted["position"].to_list()
    if case.row is not None and not accepted.is_empty():
        named = quarantined.filter(pl.col("position") == case.row)[BROKEN_RULES].item()
        assert case.rule.name in named.split("; ")


@pytest.mark.parametrize("feed", s.FEEDS.values(), ids=s.FEEDS)
def test_a_batch_that_keeps_the_contract_is_accepted_whole(validator, feed):
    @enough(FEW)
    @given(kept(feed))
    def every(case):
        keeps(validator, case)

    every()


@pytest.mark.parametrize("feed", s.FEEDS.values(), ids=s.FEEDS)
def test_a_row_that_breaks_a_rule_is_kept_out_under_its_name(validator, feed):
    @enough(FEW)
    @given(spoilt(feed))
    def every(case):
        breaks(validator, case)

    every()


@pytest.mark.parametrize(
    ("feed", "rule"),
    [(feed, rule) for feed in s.FEEDS.values() for rule in r.row_rules(feed)],
    ids=lambda value: value.name,
)
def test_every_rule_about_rows_keeps_out_a_row_that_breaks_it(validator, feed, rule):
    @enough(1)
    @given(spoilt(feed, rule))
    def every(case):
        breaks(validator, case)

    every()


@pytest.mark.parametrize("feed", s.FEEDS.values(), ids=s.FEEDS)
def test_great_expectations_and_a_plain_reading_of_the_rules_name_the_same_rows(validator, feed):
    @enough(FEW // 2)
    @given(anything(feed) | spoilt(feed))
    def every(case):
        results = validator.check_rows(case.feed, case.batch, case.history)
        found = {result.rule: sorted(result.failed_rows) for result in results if result.failed_rows}

        assert found == as_read_by_polars(case)

    every()


@pytest.mark.contract
@pytest.mark.parametrize("feed", s.FEEDS.values(), ids=s.FEEDS)
def test_thousands_of_batches_that_keep_the_contract_are_accepted_whole(validator, feed):
    @enough(MANY)
    @given(kept(feed))
    def every(case):
        keeps(validator, case)

    every()


@pytest.mark.contract
@pytest.mark.parametrize("feed", s.FEEDS.values(), ids=s.FEEDS)
def test_thousands_of_rows_that_break_a_rule_are_kept_out_under_its_name(validator, feed):
    @enough(MANY)
    @given(spoilt(feed))
    def every(case):
        breaks(validator, case)

    every()
