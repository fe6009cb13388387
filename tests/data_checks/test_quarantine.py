"""One verdict per landed row: who is stopped at the door, who by the contract, and that none gets lost."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_checks import schema as s
from data_checks.deliveries import BATCH, OBJECTION, ROW_NUMBER, landed_schema
from data_checks.quarantine import (
    ACCEPTED,
    DISCARDED,
    OPEN,
    REPLAYED,
    STATUS,
    SUPERSEDED,
    TICK,
    VERDICTS,
    Hearing,
    RowsLost,
    accepted_rows,
    contract_hash,
    judge_rows,
    quarantined_rows,
    replace_verdicts,
    require_every_row,
    supersede_open,
    verdicts_of,
    with_verdicts,
)
from data_checks.validation import BROKEN_RULES, BatchBlocked, RuleResult

NOON = datetime(2013, 7, 1, 16, tzinfo=UTC)
WEEK_END = NOON + timedelta(days=7)
NOTHING = VERDICTS.to_frame()
NO_WORDS = s.OUTCOMES.polars_schema.to_frame()


def landed(*rows: dict) -> pl.DataFrame:
    """Landed weather rows, an hour apart; `batch`, `hour`, `mph`, `objection` as given."""
    told = [
        {
            s.ORIGIN: "JFK",
            s.OBSERVED_AT: NOON + timedelta(hours=row.get("hour", number)),
            s.WIND_SPEED: row.get("mph", 10.0),
            s.KNOWN_AT: NOON + timedelta(hours=row.get("hour", number) + 1),
            OBJECTION: row.get(OBJECTION),
            BATCH: row.get(BATCH, "weather-a"),
            ROW_NUMBER: number,
        }
        for number, row in enumerate(rows)
    ]
    return pl.DataFrame(told, schema=landed_schema(s.WEATHER))


def slow_winds_only(rows: pl.DataFrame) -> list[RuleResult]:
    """A checker with one rule."""
    fast = tuple(rows.select(pl.arg_where(pl.col(s.WIND_SPEED) > 100)).to_series())
    return [RuleResult("slow winds", s.QUARANTINE, not fast, rows.height, len(fast), fast)]


def blocking(rows: pl.DataFrame) -> list[RuleResult]:
    """A checker that nothing passes."""
    return [RuleResult("nothing", s.BLOCK, False, rows.height, 1, observed=f"{rows.height} rows")]


def judged(rows: pl.DataFrame, verdicts: pl.DataFrame = NOTHING, **changes: object) -> pl.DataFrame:
    """The verdicts on those of the rows that have none, as status and rules by row number."""
    usual = {"feed": s.WEATHER, "moment": WEEK_END, "check": slow_winds_only, "superseded": {}, "words": NO_WORDS}
    fresh = rows.join(verdicts, on=[BATCH, ROW_NUMBER], how="anti", maintain_order="left")
    return judge_rows(fresh, with_verdicts(rows, verdicts), Hearing(**usual | changes)).verdicts


def fates(verdicts: pl.DataFrame) -> list[tuple]:
    return verdicts.sort(ROW_NUMBER).select(STATUS, BROKEN_RULES).rows()


def test_a_row_that_keeps_the_contract_is_accepted_and_known_when_it_says():
    rows = landed({})

    verdicts = judged(rows)

    assert fates(verdicts) == [(ACCEPTED, None)]
    assert accepted_rows(with_verdicts(rows, verdicts), s.WEATHER)[s.KNOWN_AT].to_list() == [NOON + timedelta(hours=1)]


def test_a_row_that_breaks_the_contract_is_quarantined_under_the_rule():
    assert fates(judged(landed({}, {"mph": 101.0}))) == [(ACCEPTED, None), (OPEN, "slow winds")]


def test_the_second_of_two_equal_rows_landed_before():
    rows = landed({"hour": 1}, {"hour": 1}, {"hour": 1, BATCH: "weather-b"})

    assert fates(judged(rows)) == [(ACCEPTED, None), (OPEN, "landed before"), (OPEN, "landed before")]


def test_a_row_that_differs_in_one_value_did_not_land_before():
    assert fates(judged(landed({"hour": 1}, {"hour": 1, "mph": 11.0}))) == [(ACCEPTED, None)] * 2


@pytest.mark.parametrize("status", [ACCEPTED, OPEN, REPLAYED, DISCARDED])
def test_a_row_equal_to_one_that_was_judged_landed_before(status):
    rows = landed({"hour": 1}, {"hour": 1, BATCH: "weather-b"})
    before = judged(rows[:1]).with_columns(pl.lit(status).alias(STATUS))

    assert fates(judged(rows, before, late_at=WEEK_END)) == [(OPEN, "landed before")]


def test_a_row_equal_to_one_that_was_superseded_did_not_land_before():
    rows = landed({"hour": 1}, {"hour": 1, BATCH: "weather-b"})
    before = judged(rows[:1]).with_columns(pl.lit(SUPERSEDED).alias(STATUS))

    assert fates(judged(rows, before, late_at=WEEK_END)) == [(ACCEPTED, None)]


def test_a_row_like_one_that_could_not_be_read_did_not_land_before():
    rows = landed({"hour": 1, OBJECTION: "pressure_mbar cannot be read, got x"}, {"hour": 1, BATCH: "weather-b"})

    assert fates(judged(rows, judged(rows[:1]), late_at=WEEK_END)) == [(ACCEPTED, None)]


def test_rows_of_a_superseded_batch_stay_out_and_make_room():
    rows = landed({"hour": 1}, {"hour": 1, BATCH: "weather-b"})

    found = judged(rows, superseded={"weather-a": "weather-b"})

    assert fates(found) == [(SUPERSEDED, "superseded by weather-b"), (ACCEPTED, None)]


def test_a_row_with_an_objection_is_quarantined_under_its_rule_without_the_value():
    rows = landed({OBJECTION: "wind_speed_mph cannot be read, got fast"})

    assert fates(judged(rows)) == [(OPEN, "wind_speed_mph cannot be read")]


def test_a_block_keeps_an_open_week_out():
    with pytest.raises(BatchBlocked, match="nothing, got 1 rows"):
        judged(landed({}), check=blocking)


def test_a_block_quarantines_rows_that_come_late_and_leaves_the_others_where_they_are():
    rows = landed({}, {BATCH: "weather-b"})

    late = judged(rows, judged(rows[:1]), check=blocking, late_at=WEEK_END)

    assert fates(late) == [(OPEN, "weather stays out, it broke: nothing, got 2 rows")]


def test_late_rows_are_checked_beside_those_that_were_accepted():
    seen = []
    rows = landed({}, {"mph": 200.0}, {BATCH: "weather-b"})

    judged(rows, judged(rows[:2]), check=lambda batch: seen.append(batch.height) or [], late_at=WEEK_END)

    assert seen == [2]


@pytest.mark.parametrize(
    ("came", "known"),
    [
        (NOON - timedelta(days=1), NOON + timedelta(hours=1)),
        (NOON + timedelta(hours=1) - TICK, NOON + timedelta(hours=1)),
        (NOON + timedelta(hours=1), NOON + timedelta(hours=1) + TICK),
        (WEEK_END, WEEK_END + TICK),
    ],
)
def test_a_late_row_is_known_just_after_it_came_and_never_before_it_says(came, known):
    rows = landed({})

    table = with_verdicts(rows, judged(rows, late_at=came))

    assert accepted_rows(table, s.WEATHER)[s.KNOWN_AT].to_list() == [known]
    assert accepted_rows(table, s.WEATHER, as_claimed=True)[s.KNOWN_AT].to_list() == [NOON + timedelta(hours=1)]


def test_a_flight_of_a_closed_week_stays_out_with_the_rules_it_breaks_or_for_being_late():
    plan = pl.DataFrame(
        [{s.FLIGHT_ID: name, s.SCHEDULED_DEPARTURE: NOON, s.KNOWN_AT: NOON, s.DISTANCE: miles, BATCH: "schedule-a",
          ROW_NUMBER: number} for number, (name, miles) in enumerate([("a", 100.0), ("b", 9000.0)])],
        schema=landed_schema(s.SCHEDULE),
    )  # fmt: skip

    def near(rows: pl.DataFrame) -> list[RuleResult]:
        far = tuple(rows.select(pl.arg_where(pl.col(s.DISTANCE) > 5000)).to_series())
        return [RuleResult("near", s.QUARANTINE, not far, 2, len(far), far)]

    verdicts = judged(plan, feed=s.SCHEDULE, check=near, late_at=WEEK_END)

    assert fates(verdicts) == [(OPEN, "arrived after its week was closed"), (OPEN, "near")]


def outcome(*rows: tuple) -> pl.DataFrame:
    told = [
        {s.FLIGHT_ID: "a", s.EVENT: s.ARRIVED, s.DELAY: delay, s.KNOWN_AT: NOON + timedelta(days=days), s.REVISION: 0,
         BATCH: "outcomes-a", ROW_NUMBER: number} for number, (delay, days) in enumerate(rows)
    ]  # fmt: skip
    return pl.DataFrame(told, schema=landed_schema(s.OUTCOMES))


def test_words_about_one_flight_are_numbered_and_words_that_come_too_late_stay_out():
    rows = outcome((5, 0), (20, 14), (30, 15))

    verdicts = judged(rows, feed=s.OUTCOMES, check=lambda batch: [])

    too_late = (OPEN, "revised more than 14 days after the first word")
    assert fates(verdicts) == [(ACCEPTED, None), (ACCEPTED, None), too_late]
    taken = accepted_rows(with_verdicts(rows, verdicts), s.OUTCOMES)
    assert taken.select(s.DELAY, s.REVISION).rows() == [(5, 0), (20, 1)]


def test_the_checker_sees_the_revision_as_numbered_and_the_moment_as_claimed():
    seen = []

    judged(outcome((5, 0), (20, 1)), feed=s.OUTCOMES, late_at=WEEK_END, check=lambda rows: seen.append(rows) or [])

    assert seen[0].select(s.REVISION, s.KNOWN_AT).rows() == [(0, NOON), (1, NOON + timedelta(days=1))]


def test_the_checker_sees_rows_that_were_taken_late_as_they_claimed_too():
    seen = []
    rows = landed({}, {BATCH: "weather-b"})

    judged(rows, judged(rows[:1], late_at=WEEK_END), late_at=WEEK_END, check=lambda batch: seen.append(batch) or [])

    assert seen[0][s.KNOWN_AT].to_list() == rows[s.KNOWN_AT].to_list()


def test_both_halves_have_what_they_need_and_landed_values():
    rows = landed({}, {"mph": 200.0})

    table = with_verdicts(rows, judged(rows))

    assert accepted_rows(table, s.WEATHER).columns == list(s.WEATHER.polars_schema)
    (bad,) = quarantined_rows(table, s.WEATHER).to_dicts()
    assert (bad[s.WIND_SPEED], bad[BATCH], bad[STATUS], len(bad["row_hash"])) == (200.0, "weather-a", OPEN, 64)
    assert (bad["judged_at_utc"], bad["contract"]) == (WEEK_END, contract_hash())


@pytest.mark.parametrize(("status", "counts"), [(OPEN, True), (DISCARDED, True), (SUPERSEDED, True), (REPLAYED, False)])
def test_a_row_counts_once_as_accepted_when_replayed_and_else_as_quarantined(status, counts):
    statuses = pl.Series([status])

    require_every_row("weather", 3, 2 if counts else 3, statuses)
    with pytest.raises(RowsLost, match="weather: 4 rows landed"):
        require_every_row("weather", 4, 2 if counts else 3, statuses)


def test_superseding_settles_what_still_waits_and_leaves_what_was_accepted():
    rows = landed({}, {"mph": 200.0}, {"mph": 200.0, BATCH: "weather-b"})

    after = supersede_open(judged(rows), "weather-a", "weather-c", WEEK_END + TICK)

    assert fates(after) == [(ACCEPTED, None), (SUPERSEDED, "superseded by weather-c"), (OPEN, "slow winds")]
    assert after["judged_at_utc"].to_list() == [WEEK_END, WEEK_END + TICK, WEEK_END]


def test_replaced_verdicts_take_the_place_of_the_old_ones_and_only_theirs():
    before = judged(landed({}, {"mph": 200.0}))
    changed = before.filter(pl.col(STATUS) == OPEN).with_columns(pl.lit(DISCARDED).alias(STATUS))

    assert fates(replace_verdicts(before, changed)) == [(ACCEPTED, None), (DISCARDED, "slow winds")]
    assert replace_verdicts(before, changed[:0]).equals(before)


def test_verdicts_are_the_same_after_they_were_kept_as_text():
    rows = landed({}, {"mph": 200.0, "hour": 300})
    verdicts = pl.concat([judged(rows[:1]), judged(rows[1:], late_at=WEEK_END)])
    moments = ("judged_at_utc", "accepted_known_at_utc")
    told = [row | {name: row[name] and row[name].isoformat() for name in moments} for row in verdicts.to_dicts()]

    assert verdicts_of(told).equals(verdicts)


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "hour": st.integers(0, 3),
            "mph": st.sampled_from([10.0, 200.0]),
            BATCH: st.sampled_from(["weather-a", "weather-b", "weather-c"]),
            OBJECTION: st.sampled_from([None, None, "unread"]),
        }
    ),
    max_size=12,
)


@given(ROWS, st.booleans())
def test_every_landed_row_has_one_verdict_and_stands_in_one_half(told, corrected):
    rows = landed(*told)

    verdicts = judged(rows, superseded={"weather-a": "weather-b"} if corrected else {})

    table = with_verdicts(rows, verdicts)
    halves = accepted_rows(table, s.WEATHER).height, quarantined_rows(table, s.WEATHER).height
    assert (verdicts.height, sum(halves)) == (rows.height, rows.height)
    assert not accepted_rows(table, s.WEATHER).is_duplicated().any()


@given(ROWS, st.randoms(use_true_random=False))
def test_what_is_accepted_does_not_depend_on_the_order_of_arrival(told, chance):
    one, other = landed(*told), landed(*told)
    shuffled = other.sample(fraction=1, shuffle=True, seed=chance.randrange(10**6))

    halves = [accepted_rows(with_verdicts(rows, judged(rows)), s.WEATHER) for rows in (one, shuffled)]

    assert halves[0].equals(halves[1])
