"""Rows that stayed out try again after a fix of the contract, or are given up; every step is kept, none done twice."""

import polars as pl
import pytest
from small_life import WEEKS, Checker, accepted, bring, few_flights, life, live, of_week, quarantine_of

from data_checks import schema as s
from data_checks.deliveries import OBJECTION, readable
from data_checks.quarantine import DISCARDED, OPEN, REPLAYED, ROW_HASH, STATUS, TICK, SelectionError
from data_checks.validation import BROKEN_RULES
from infra.storage import content_hash
from pipelines.context import Context
from pipelines.landing import land_batch, require_nothing_lost
from pipelines.quarantine import Selection, count_by_rule, describe_row, discard_rows, quarantined, replay_rows

FIRST, SECOND, THIRD, _ = WEEKS
EVERYTHING = Selection()


class Narrow(Checker):
    """A checker whose contract does not know diverted flights, until it is mended."""

    mended = False

    def check(self, feed: s.Feed, batch, *more) -> list:
        results = super().check(feed, batch, *more)
        if feed is s.OUTCOMES and not self.mended:
            known = Checker.check(self, s.OUTCOMES, batch)[0]
            wrong = tuple(number for number, event in enumerate(batch[s.EVENT]) if event == s.CANCELLED)
            rule = "event is known"
            results.append(type(known)(rule, s.QUARANTINE, not wrong, batch.height, len(wrong), wrong))
        return results


@pytest.fixture(scope="module")
def few(feeds):
    return few_flights(feeds, one_in=10)


@pytest.fixture
def narrow(few, tmp_path) -> Context:
    """Two weeks under a contract that kept every cancellation out."""
    context = life(tmp_path, Narrow())
    live(context, few, FIRST, SECOND)
    return context


def cancelled(few, week) -> int:
    return of_week(few, s.OUTCOMES, week).filter(event=s.CANCELLED).height


def test_counts_say_what_is_quarantined_by_week_feed_and_rule(few, narrow):
    counts = count_by_rule(quarantined(narrow, EVERYTHING)).rows()

    assert counts == [
        (week.id, "outcomes", "event is known", OPEN, cancelled(few, week))
        for week in (FIRST, SECOND)
        if cancelled(few, week)
    ]
    assert sum(count for *_, count in counts) > 5


@pytest.mark.parametrize(
    ("selection", "share"),
    [
        (Selection(feed="weather"), 0),
        (Selection(feed="outcomes", rule="is known"), 1),
        (Selection(rule="no such rule"), 0),
        (Selection(status=DISCARDED), 0),
        (Selection(weeks=(THIRD.id,)), 0),
    ],
)
def test_a_selection_means_the_rows_that_it_says(narrow, selection, share):
    assert quarantined(narrow, selection).height == share * quarantined(narrow, EVERYTHING).height


def test_before_the_contract_is_mended_a_replay_changes_nothing(narrow):
    before = len(narrow.ledger.entries())

    assert replay_rows(narrow, EVERYTHING) == []
    assert len(narrow.ledger.entries()) == before


def test_after_the_contract_was_mended_the_rows_take_their_place_known_from_now(few, narrow):
    narrow.validator.mended = True
    of_first = of_week(few, s.OUTCOMES, FIRST).filter(event=s.CANCELLED)

    entries = replay_rows(narrow, EVERYTHING)

    taken = accepted(narrow, s.OUTCOMES, FIRST).filter(event=s.CANCELLED)
    assert set(taken[s.FLIGHT_ID]) == set(of_first[s.FLIGHT_ID])
    assert taken[s.KNOWN_AT].unique().to_list() == [SECOND.end + TICK]
    assert quarantine_of(narrow, s.OUTCOMES, FIRST)[STATUS].unique().to_list() == [REPLAYED]
    assert sum(len(entry["rows"]) for entry in entries) == cancelled(few, FIRST) + cancelled(few, SECOND)
    for week in (FIRST, SECOND):
        require_nothing_lost(narrow, week)


def test_replaying_twice_is_replaying_once(narrow):
    narrow.validator.mended = True
    replay_rows(narrow, EVERYTHING)
    before = content_hash(accepted(narrow, s.OUTCOMES, FIRST)), len(narrow.ledger.entries())

    assert replay_rows(narrow, EVERYTHING) == []
    assert (content_hash(accepted(narrow, s.OUTCOMES, FIRST)), len(narrow.ledger.entries())) == before


def test_only_the_rows_that_are_meant_are_replayed(narrow):
    narrow.validator.mended = True

    replay_rows(narrow, Selection(weeks=(SECOND.id,)))

    assert quarantine_of(narrow, s.OUTCOMES, FIRST)[STATUS].unique().to_list() == [OPEN]
    assert quarantine_of(narrow, s.OUTCOMES, SECOND)[STATUS].unique().to_list() == [REPLAYED]


def test_a_flight_that_keeps_the_contract_now_comes_too_late_and_says_so(few, tmp_path):
    checker = Checker(longest_miles=1000)
    context = life(tmp_path, checker)
    live(context, few, FIRST)
    before = content_hash(accepted(context, s.SCHEDULE, FIRST))
    checker.longest_miles = 1500

    (entry,) = replay_rows(context, EVERYTHING)

    assert {row["rules_after"] for row in entry["rows"]} == {"arrived after its week was closed"}
    assert set(quarantine_of(context, s.SCHEDULE, FIRST)[BROKEN_RULES]) == {
        "arrived after its week was closed", "not too far",
    }  # fmt: skip
    assert content_hash(accepted(context, s.SCHEDULE, FIRST)) == before
    assert replay_rows(context, EVERYTHING) == []


def test_of_two_equal_rows_one_is_released_and_the_other_stays(few, tmp_path):
    context = life(tmp_path, Narrow())
    live(context, few, FIRST, SECOND)
    word = of_week(few, s.OUTCOMES, FIRST).filter(event=s.CANCELLED)[:1]
    bring(context, s.OUTCOMES, word)
    bring(context, s.OUTCOMES, word[[0, 0]])
    context.validator.mended = True

    replay_rows(context, Selection(weeks=(FIRST.id,)))

    of_word = quarantine_of(context, s.OUTCOMES, FIRST).join(word, on=s.FLIGHT_ID, how="semi")
    assert sorted(of_word.select(STATUS, BROKEN_RULES).rows()) == [
        (OPEN, "landed before"), (OPEN, "landed before"), (OPEN, "landed before"), (REPLAYED, "event is known"),
    ]  # fmt: skip


def test_discarded_rows_stay_marked_and_are_not_replayed(narrow):
    narrow.validator.mended = True

    entries = discard_rows(narrow, Selection(weeks=(FIRST.id,)), "nobody asks for them")

    assert [entry["reason"] for entry in entries] == ["nobody asks for them"]
    assert quarantine_of(narrow, s.OUTCOMES, FIRST)[STATUS].unique().to_list() == [DISCARDED]
    assert replay_rows(narrow, Selection(weeks=(FIRST.id,))) == []
    assert discard_rows(narrow, Selection(weeks=(FIRST.id,)), "again") == []
    require_nothing_lost(narrow, FIRST)


def test_a_correction_settles_rows_of_the_old_batch_that_still_wait(few, narrow):
    rows = of_week(few, s.OUTCOMES, FIRST)
    (batch,) = narrow.journal.read(FIRST.id, "validate")["feeds"]["outcomes"]["batches"]

    entry = bring(narrow, s.OUTCOMES, rows.filter(event=s.CANCELLED).with_columns(delay_min=1), corrects=batch)

    old = quarantine_of(narrow, s.OUTCOMES, FIRST).filter(batch=batch)
    assert set(old.select(STATUS, BROKEN_RULES).rows()) == {("superseded", f"superseded by {entry['batch']}")}
    assert accepted(narrow, s.OUTCOMES, FIRST).height == rows.filter(~(rows[s.EVENT] == s.CANCELLED)).height


def test_one_row_tells_its_values_its_rules_its_delivery_and_its_history(narrow):
    narrow.validator.mended = True
    row = quarantined(narrow, Selection(weeks=(FIRST.id,)))[ROW_HASH][0]
    discard_rows(narrow, Selection(row=row), "an example")
    replay_rows(narrow, EVERYTHING)

    (copy,) = describe_row(narrow, row[:10])["copies"]

    assert (copy[s.EVENT], copy[STATUS], copy[BROKEN_RULES], copy["delivery"]) == (
        s.CANCELLED, DISCARDED, "event is known", 2,
    )  # fmt: skip
    assert [(step["action"], step["reason"]) for step in copy["history"]] == [("discard", "an example")]


def test_the_history_of_a_replayed_row_names_its_rules_and_contracts_before_and_after(narrow):
    narrow.validator.mended = True
    row = quarantined(narrow, Selection(weeks=(FIRST.id,)))[ROW_HASH][0]

    replay_rows(narrow, EVERYTHING)

    (step,) = describe_row(narrow, row)["copies"][0]["history"]
    assert (step["action"], step["rules_before"], step["rules_after"]) == ("replay", "event is known", None)
    assert step["contract"] == step["contract_before"]
    assert step["at_utc"] == SECOND.end.isoformat()


def test_a_hash_that_is_no_rows_or_many_is_refused(narrow):
    with pytest.raises(SelectionError, match=r"no quarantined row has the hash xyz\.\.\."):
        describe_row(narrow, "xyz")
    with pytest.raises(SelectionError, match=r"rows have the hash \.\.\., one is [0-9a-f]{16}; say more of it"):
        describe_row(narrow, "")


def test_a_row_that_cannot_be_read_stays_whatever_the_contract_says(few, tmp_path):
    context = life(tmp_path)
    live(context, few, FIRST)
    word = readable(of_week(few, s.OUTCOMES, FIRST)[:1])
    unread = word.with_columns(pl.lit("delay_min cannot be read, got x").alias(OBJECTION))
    land_batch(context, s.OUTCOMES, unread, {"file": "x"})

    assert replay_rows(context, EVERYTHING) == []
    assert quarantine_of(context, s.OUTCOMES, FIRST)[BROKEN_RULES].to_list() == ["delay_min cannot be read"]
