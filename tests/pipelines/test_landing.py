"""Deliveries as they really come: early, late, doubled, out of order, corrected; and nothing of the past changes."""

import random
import shutil
from datetime import timedelta
from itertools import count
from pathlib import Path

import polars as pl
import pytest
from small_life import (
    WEEKS,
    Checker,
    accepted,
    bring,
    close,
    few_flights,
    life,
    live,
    of_week,
    quarantine_of,
)

import infra.storage
from data_checks import schema as s
from data_checks.deliveries import DeliveryRefused, readable
from data_checks.quarantine import STATUS, SUPERSEDED, RowsLost
from data_checks.validation import BROKEN_RULES, BatchBlocked
from infra.storage import MissingTable, content_hash
from monitoring.labels import IS_LATE, known_labels
from pipelines.as_of import AS_OF
from pipelines.context import Context
from pipelines.delivery import fate_of
from pipelines.features import build_features
from pipelines.judging import blocked_weeks, close_week
from pipelines.landing import land_batch, landed_rows, require_nothing_lost
from pipelines.quarantine import Selection, discard_rows, replay_rows
from pipelines.state import World, prepare_state

FIRST, SECOND, THIRD, FOURTH = WEEKS
HASHED = [(feed, week) for feed in s.FEEDS.values() for week in (FIRST, SECOND)]


@pytest.fixture(scope="module")
def few(feeds: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return few_flights(feeds)


def hashes(context: Context) -> list[str]:
    return [content_hash(accepted(context, feed, week)) for feed, week in HASHED]


def words(*rows: tuple) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=s.OUTCOMES.polars_schema, orient="row")


def rules(context: Context, feed: s.Feed, week: object) -> dict[str, int]:
    return dict(quarantine_of(context, feed, week).group_by(BROKEN_RULES).len().iter_rows())


def split_at_random(rows: pl.DataFrame, chance: random.Random, files: int) -> list[pl.DataFrame]:
    """The rows shuffled, one in five twice, cut into files."""
    doubled = pl.concat([rows, rows.sample(fraction=0.2, seed=chance.randrange(10**6))])
    shuffled = doubled.sample(fraction=1, shuffle=True, seed=chance.randrange(10**6))
    cuts = sorted(chance.sample(range(1, shuffled.height), files - 1))
    return [shuffled[start:end] for start, end in zip([0, *cuts], [*cuts, shuffled.height], strict=True)]


@pytest.mark.parametrize("seed", range(8))
def test_rows_for_open_weeks_come_to_the_same_accepted_bytes_in_any_order_files_and_number(few, tmp_path, seed):
    chance = random.Random(seed)
    ordered, messy = life(tmp_path / "ordered"), life(tmp_path / "messy")
    live(ordered, few, FIRST, SECOND)
    until = {feed: pl.concat([of_week(few, feed, week) for week in (FIRST, SECOND)]) for feed in s.FEEDS.values()}
    files = [(feed, part) for feed, rows in until.items() for part in split_at_random(rows, chance, files=5)]
    chance.shuffle(files)

    for feed, part in files:
        bring(messy, feed, part)
    for week in (FIRST, SECOND):
        close(messy, week)

    assert hashes(messy) == hashes(ordered)
    assert {rule for feed, week in HASHED for rule in rules(messy, feed, week)} == {"landed before"}


def test_the_same_rows_a_second_time_land_nothing(few, tmp_path):
    context = life(tmp_path)
    rows = of_week(few, s.SCHEDULE, FIRST)
    first = bring(context, s.SCHEDULE, rows)

    again = bring(context, s.SCHEDULE, rows.reverse())

    assert (again, len(context.ledger.entries())) == (first, 1)


def test_rows_for_weeks_to_come_wait_for_them(few, tmp_path):
    context = life(tmp_path)

    entry = bring(context, s.SCHEDULE, few["schedule"])

    assert entry["weeks"] == {week.id: of_week(few, s.SCHEDULE, week).height for week in WEEKS}
    assert fate_of(context, entry).waiting == few["schedule"].height


def test_a_correction_takes_the_place_of_the_batch_it_corrects(few, tmp_path):
    context, mended = life(tmp_path / "a"), life(tmp_path / "b")
    plan = of_week(few, s.SCHEDULE, FIRST)
    in_km = bring(context, s.SCHEDULE, plan.with_columns(pl.col(s.DISTANCE) * 1.609))
    for feed in (s.OUTCOMES, s.WEATHER):
        bring(context, feed, of_week(few, feed, FIRST))

    fixed = bring(context, s.SCHEDULE, plan, corrects=in_km["batch"])
    event = close(context, FIRST)
    live(mended, few, FIRST)

    assert content_hash(accepted(context, s.SCHEDULE, FIRST)) == content_hash(accepted(mended, s.SCHEDULE, FIRST))
    assert rules(context, s.SCHEDULE, FIRST) == {f"superseded by {fixed['batch']}": plan.height}
    assert quarantine_of(context, s.SCHEDULE, FIRST)[STATUS].unique().to_list() == [SUPERSEDED]
    assert event["feeds"]["schedule"]["batches"] == dict.fromkeys(sorted([in_km["batch"], fixed["batch"]]), plan.height)


def test_rows_that_a_correction_leaves_as_they_were_are_no_repeats(few, tmp_path):
    context = life(tmp_path)
    plan = of_week(few, s.SCHEDULE, FIRST)
    first = bring(context, s.SCHEDULE, plan)

    bring(context, s.SCHEDULE, plan[1:], corrects=first["batch"])
    close(context, FIRST)

    assert accepted(context, s.SCHEDULE, FIRST).equals(plan[1:])


@pytest.mark.parametrize(
    ("corrects", "words"),
    [("schedule-000000000000", "no batch schedule-000000000000 has landed"), ("{outcomes}", "is a batch of outcomes"),
     ("{old}", "was superseded by schedule-")],
)  # fmt: skip
def test_what_cannot_be_corrected_is_refused_and_nothing_lands(few, tmp_path, corrects, words):
    context = life(tmp_path)
    plan = of_week(few, s.SCHEDULE, FIRST)
    names = {
        "outcomes": bring(context, s.OUTCOMES, of_week(few, s.OUTCOMES, FIRST))["batch"],
        "old": bring(context, s.SCHEDULE, plan)["batch"],
    }
    bring(context, s.SCHEDULE, plan[1:], corrects=names["old"])
    before = len(context.ledger.entries())

    with pytest.raises(DeliveryRefused, match=words):
        bring(context, s.SCHEDULE, plan[2:], corrects=corrects.format(**names))

    assert len(context.ledger.entries()) == before


def test_rows_that_belong_to_no_week_are_quarantined_and_not_lost(few, tmp_path):
    context = life(tmp_path)
    live(context, few, FIRST)
    next_year = of_week(few, s.SCHEDULE, FIRST)[:2].with_columns(pl.col(s.SCHEDULED_DEPARTURE) + timedelta(days=365))

    entry = bring(context, s.SCHEDULE, next_year)

    assert fate_of(context, entry).quarantined == {"scheduled_departure_utc is in no week of the year": 2}
    require_nothing_lost(context, FIRST)


def test_an_outcome_that_comes_late_is_known_late(few, tmp_path):
    context = life(tmp_path)
    late = of_week(few, s.OUTCOMES, FIRST)[3:5]
    early = few | {"outcomes": few["outcomes"].join(late, on=s.OUTCOMES.key, how="anti", maintain_order="left")}
    live(context, early, FIRST, SECOND)

    bring(context, s.OUTCOMES, late)

    found = accepted(context, s.OUTCOMES, FIRST).join(late, on=s.OUTCOMES.key, how="semi")
    assert found[s.KNOWN_AT].to_list() == [SECOND.end + timedelta(microseconds=1)] * 2
    claimed = landed_rows(context, s.OUTCOMES, FIRST.id).join(late, on=s.OUTCOMES.key, how="semi")
    assert claimed[s.KNOWN_AT].to_list() == late[s.KNOWN_AT].to_list()


def test_a_flight_that_comes_after_its_week_was_closed_stays_out(few, tmp_path):
    context = life(tmp_path)
    late = of_week(few, s.SCHEDULE, FIRST)[:3]
    live(context, few | {"schedule": few["schedule"].join(late, on=s.FLIGHT_ID, how="anti")}, FIRST)

    bring(context, s.SCHEDULE, late)

    assert rules(context, s.SCHEDULE, FIRST) == {"arrived after its week was closed": 3}


def test_a_late_batch_that_would_block_is_quarantined_whole_with_what_blocks_it(few, tmp_path):
    checker = Checker()
    context = life(tmp_path, checker)
    live(context, few, FIRST)
    checker.fewest_rows = {"weather": 10**6}
    report = of_week(few, s.WEATHER, FIRST)[:1].with_columns(pl.lit("JFK").alias(s.ORIGIN))
    odd = report.with_columns(pl.col(s.OBSERVED_AT) + timedelta(minutes=1))

    entry = bring(context, s.WEATHER, odd)

    assert list(fate_of(context, entry).quarantined) == ["weather stays out, it broke: enough rows, got 505 rows"]


def labels_at(context: Context, *weeks: object) -> dict[str, bool]:
    outcomes = pl.concat([accepted(context, s.OUTCOMES, week) for week in weeks])
    return dict(known_labels(outcomes, FOURTH.end + timedelta(days=28)).select(s.FLIGHT_ID, IS_LATE).iter_rows())


def revised(outcomes: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One landing in ten gets another delay, said one to fourteen days later."""
    landings = outcomes.filter(pl.col(s.EVENT) == s.ARRIVED).gather_every(10)
    chance = random.Random(seed)
    days = pl.Series([timedelta(days=chance.uniform(1, 14)) for _ in range(landings.height)], dtype=pl.Duration("us"))
    return landings.with_columns(
        pl.col(s.DELAY) * -1 + 16, pl.col(s.KNOWN_AT) + days, pl.lit(1, dtype=pl.Int64).alias(s.REVISION)
    ).filter(pl.col(s.KNOWN_AT) < FOURTH.end)


@pytest.mark.parametrize("seed", range(5))
def test_labels_that_come_up_to_14_days_late_in_any_order_end_as_those_that_came_in_order(few, tmp_path, seed):
    chance = random.Random(seed)
    ordered, messy = life(tmp_path / "ordered"), life(tmp_path / "messy")
    said = pl.concat([few["outcomes"], revised(few["outcomes"], seed)])
    live(ordered, few | {"outcomes": said}, *WEEKS)
    arrives = pl.Series("arrives", [chance.uniform(0, 14) for _ in range(said.height)])
    due = said.with_columns(pl.col(s.KNOWN_AT) + arrives.cast(pl.Float64) * timedelta(days=1)).get_column(s.KNOWN_AT)

    for number, week in enumerate(WEEKS):
        for feed in (s.SCHEDULE, s.WEATHER):
            bring(messy, feed, of_week(few, feed, week))
        arrived = (due < week.end) & (due >= week.start) if number else due < week.end
        for part in split_at_random(said.filter(arrived), chance, files=4):
            bring(messy, s.OUTCOMES, part)
        close(messy, week)
    for part in split_at_random(said.filter(due >= FOURTH.end), chance, files=4):
        bring(messy, s.OUTCOMES, part)

    first_words = labels_at(life_of_first_words(tmp_path, few), *WEEKS)
    assert labels_at(messy, *WEEKS) == labels_at(ordered, *WEEKS)
    assert labels_at(ordered, *WEEKS) != first_words
    for week in WEEKS:
        require_nothing_lost(messy, week)


def life_of_first_words(home: Path, few: dict[str, pl.DataFrame]) -> Context:
    context = life(home / "first")
    live(context, few, *WEEKS)
    return context


def world(context: Context, *weeks: object) -> World:
    feeds = {feed.name: pl.concat([accepted(context, feed, week) for week in weeks]) for feed in s.FEEDS.values()}
    return World(**feeds, planes=pl.DataFrame(schema=s.PLANES))


def features_of(context: Context, week: object, *known: object) -> pl.DataFrame:
    return build_features(accepted(context, s.SCHEDULE, week), prepare_state(world(context, *known)))


def test_features_of_the_past_are_the_same_bytes_after_late_rows_and_revisions(few, tmp_path):
    context = life(tmp_path)
    kept = {"outcomes": few["outcomes"].gather_every(2), "weather": few["weather"].gather_every(2)}
    live(context, few | kept, FIRST, SECOND, THIRD)
    weeks = (FIRST, SECOND, THIRD)
    before = [content_hash(features_of(context, week, *weeks)) for week in weeks]
    plan_of_fourth = of_week(few, s.SCHEDULE, FOURTH)
    state = prepare_state(world(context, *weeks))
    next_week = build_features(plan_of_fourth, state)

    for name, feed in (("outcomes", s.OUTCOMES), ("weather", s.WEATHER)):
        bring(context, feed, few[name].filter(pl.col(s.KNOWN_AT) < THIRD.end))
    bring(context, s.OUTCOMES, revised(few["outcomes"], 1).filter(pl.col(s.KNOWN_AT) < THIRD.end))

    assert [content_hash(features_of(context, week, *weeks)) for week in weeks] == before
    now = build_features(plan_of_fourth, prepare_state(world(context, *weeks)))
    assert content_hash(now) != content_hash(next_week)
    assert now[AS_OF].equals(next_week[AS_OF])


def test_features_listen_to_the_first_word_and_labels_to_the_last(few, tmp_path):
    plain, told_twice = life(tmp_path / "plain"), life(tmp_path / "twice")
    live(plain, few, *WEEKS)
    live(told_twice, few | {"outcomes": pl.concat([few["outcomes"], revised(few["outcomes"], 4)])}, *WEEKS)

    features = [content_hash(features_of(context, FOURTH, *WEEKS)) for context in (plain, told_twice)]

    assert features[0] == features[1]
    assert labels_at(plain, *WEEKS) != labels_at(told_twice, *WEEKS)


@pytest.mark.parametrize("week", [FIRST, SECOND])
def test_labels_known_at_a_past_moment_are_the_same_after_late_rows_and_revisions(few, tmp_path, week):
    context = life(tmp_path)
    live(context, few | {"outcomes": few["outcomes"].gather_every(2)}, FIRST, SECOND)
    outcomes = pl.concat([accepted(context, s.OUTCOMES, known) for known in (FIRST, SECOND)])
    before = known_labels(outcomes, week.end).sort(s.FLIGHT_ID)

    bring(context, s.OUTCOMES, few["outcomes"].filter(pl.col(s.KNOWN_AT) < SECOND.end))
    bring(context, s.OUTCOMES, revised(few["outcomes"], 2).filter(pl.col(s.KNOWN_AT) < SECOND.end))

    outcomes = pl.concat([accepted(context, s.OUTCOMES, known) for known in (FIRST, SECOND)])
    assert known_labels(outcomes, week.end).sort(s.FLIGHT_ID).equals(before)
    assert known_labels(outcomes, SECOND.end + timedelta(days=1)).height > before.height


def test_a_week_that_is_blocked_leaves_nothing_behind_but_the_word_that_it_is(few, tmp_path):
    context = life(tmp_path, Checker(fewest_rows={"schedule": 10**6}))
    entries = [bring(context, feed, of_week(few, feed, FIRST)) for feed in s.FEEDS.values()]

    with pytest.raises(BatchBlocked, match="schedule stays out, it broke: enough rows"):
        close(context, FIRST)

    written = {path.name for path in tmp_path.iterdir()}
    assert written == {"reference", "landed", "ledger", "journal", "validation", "blocked"}
    assert context.journal.weeks("validate") == []
    (note,) = blocked_weeks(context)
    assert note["feeds"]["schedule"]["batches"] == [entries[0]["batch"]]
    assert list(fate_of(context, entries[0]).blocked) == [FIRST.id]
    with pytest.raises(MissingTable, match=f"preflight validate {FIRST.id}"):
        context.world(FIRST)


def test_a_blocked_week_goes_on_after_its_batch_was_corrected(few, tmp_path):
    checker = Checker(fewest_rows={"schedule": of_week(few, s.SCHEDULE, FIRST).height})
    context = life(tmp_path, checker)
    half = bring(context, s.SCHEDULE, of_week(few, s.SCHEDULE, FIRST)[::2])
    with pytest.raises(BatchBlocked, match=f"then: preflight deliver schedule FILE --corrects {half['batch']}$"):
        close(context, FIRST)

    bring(context, s.SCHEDULE, of_week(few, s.SCHEDULE, FIRST), corrects=half["batch"])
    close(context, FIRST)

    assert accepted(context, s.SCHEDULE, FIRST).equals(of_week(few, s.SCHEDULE, FIRST))
    assert blocked_weeks(context) == []


def test_a_week_that_has_not_landed_cannot_be_validated(tmp_path):
    with pytest.raises(MissingTable, match=f"run: preflight ingest {FIRST.id}"):
        close_week(life(tmp_path), FIRST)


@pytest.mark.parametrize("half", ["accepted", "quarantined", "landed"])
def test_a_row_that_got_lost_is_noticed_by_name_at_the_next_look(few, tmp_path, half):
    context = life(tmp_path, Checker(longest_miles=1000))
    live(context, few, FIRST)
    table = context.store.read_table(f"{half}/schedule", FIRST.id)
    context.store.write_table(f"{half}/schedule", FIRST.id, table[1:])

    with pytest.raises(RowsLost, match=f"schedule of week {FIRST.id}: .* rows landed"):
        close_week(context, FIRST)


def keep_a_copy_before_each_write(monkeypatch: pytest.MonkeyPatch, home: Path, copies: Path) -> None:
    """What a process that is killed before its first, second, third ... write leaves behind, at `copies`/0, 1, 2 ..."""
    write, numbers = infra.storage.write_atomically, count()

    def watched(path: Path, content: bytes) -> Path:
        left = copies / str(next(numbers))
        shutil.copytree(home, left) if home.exists() else left.mkdir(parents=True)
        return write(path, content)

    monkeypatch.setattr(infra.storage, "write_atomically", watched)


def eventful(context: Context, few: dict[str, pl.DataFrame]) -> None:
    """Two weeks with everything in them: repeats, a correction, late and revised rows, a replay and a discard."""
    checker = Checker(longest_miles=1000)
    context.validator = checker
    plan = of_week(few, s.SCHEDULE, FIRST)
    old = bring(context, s.SCHEDULE, plan[3:])
    bring(context, s.SCHEDULE, plan, corrects=old["batch"])
    for feed in (s.OUTCOMES, s.WEATHER):
        bring(context, feed, of_week(few, feed, FIRST)[::2])
    close(context, FIRST)
    bring(context, s.SCHEDULE, of_week(few, s.SCHEDULE, SECOND))
    for feed in (s.OUTCOMES, s.WEATHER):
        bring(context, feed, few[feed.name].filter(pl.col(s.KNOWN_AT) < SECOND.end))
    bring(context, s.OUTCOMES, revised(few["outcomes"], 3).filter(pl.col(s.KNOWN_AT) < SECOND.end))
    checker.longest_miles = 1500
    replay_rows(context, Selection(weeks=(FIRST.id,), feed="schedule"))
    discard_rows(context, Selection(weeks=(FIRST.id,), rule="landed before"), "twice")
    close(context, SECOND)


def everything_under(home: Path) -> dict[str, bytes]:
    return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_a_life_killed_before_any_of_its_writes_and_begun_again_holds_the_same_bytes(feeds, tmp_path, monkeypatch):
    monkeypatch.setattr(infra.storage.os, "fsync", lambda handle: None)  # nobody pulls the plug of this machine
    few = few_flights(feeds, one_in=300)
    with monkeypatch.context() as watched:
        keep_a_copy_before_each_write(watched, tmp_path / "whole", tmp_path / "killed")
        eventful(life(tmp_path / "whole"), few)
    whole, homes = everything_under(tmp_path / "whole"), sorted((tmp_path / "killed").iterdir())

    for home in homes:
        eventful(life(home), few)

    assert len(homes) > 50
    assert [home.name for home in homes if everything_under(home) != whole] == []


def test_a_landing_that_was_killed_and_never_done_again_is_not_seen(few, tmp_path, monkeypatch):
    monkeypatch.setattr(infra.storage.os, "fsync", lambda handle: None)
    context = life(tmp_path / "home")
    live(context, few, FIRST)
    with monkeypatch.context() as watched:
        keep_a_copy_before_each_write(watched, tmp_path / "home", tmp_path / "killed")
        bring(context, s.SCHEDULE, few["schedule"].with_columns(pl.col(s.DISTANCE) + 1))
    before_the_entry = life(tmp_path / "killed" / "4")

    seen = [landed_rows(before_the_entry, s.SCHEDULE, week.id).height for week in WEEKS]

    assert seen == [of_week(few, s.SCHEDULE, FIRST).height, 0, 0, 0]
    assert before_the_entry.store.has_table("landed/schedule", FOURTH.id)
    require_nothing_lost(before_the_entry, FIRST)


def test_a_landing_killed_before_its_entry_and_done_again_in_a_later_week_lands_once(few, tmp_path, monkeypatch):
    context = life(tmp_path)
    live(context, few, FIRST)
    for feed in s.FEEDS.values():
        bring(context, feed, of_week(few, feed, SECOND))
    undated = words(("nobody knows", s.ARRIVED, 7, None, 0))  # belongs to no week, so to the newest closed one
    with monkeypatch.context() as killed:
        killed.setattr(context.ledger, "append", raise_interrupted)
        with pytest.raises(InterruptedError):
            bring(context, s.OUTCOMES, undated)
    close(context, SECOND)

    bring(context, s.OUTCOMES, undated)

    for week in (FIRST, SECOND):
        require_nothing_lost(context, week)
    assert [quarantine_of(context, s.OUTCOMES, week).height for week in (FIRST, SECOND)] == [0, 1]


def raise_interrupted(*_: object) -> None:
    raise InterruptedError


def test_rows_that_landed_before_can_take_the_place_of_what_came_after_them(few, tmp_path):
    right = of_week(few, s.SCHEDULE, FIRST)
    context = life(tmp_path, Checker(fewest_rows={"schedule": right.height}))
    ordinary = bring(context, s.SCHEDULE, right)
    spoilt = bring(context, s.SCHEDULE, right.with_columns(pl.col(s.DISTANCE) * 1.6))

    again, is_new = land_batch(context, s.SCHEDULE, readable(right), {"file": "test"}, corrects=spoilt["batch"])
    close(context, FIRST)

    assert (again["batch"], is_new) == (ordinary["batch"], False)
    assert fate_of(context, spoilt).superseded_by == ordinary["batch"]
    assert accepted(context, s.SCHEDULE, FIRST).equals(right)


def test_a_batch_that_was_superseded_can_take_its_place_back(few, tmp_path):
    rows = of_week(few, s.SCHEDULE, FIRST)
    context = life(tmp_path)
    first = bring(context, s.SCHEDULE, rows)
    second = bring(context, s.SCHEDULE, rows.with_columns(pl.col(s.DISTANCE) + 1), corrects=first["batch"])

    bring(context, s.SCHEDULE, rows, corrects=second["batch"])
    close(context, FIRST)

    assert accepted(context, s.SCHEDULE, FIRST).equals(rows)
    assert fate_of(context, first).superseded_by is None
    require_nothing_lost(context, FIRST)


def test_a_batch_does_not_correct_itself(few, tmp_path):
    context = life(tmp_path)
    first = bring(context, s.SCHEDULE, of_week(few, s.SCHEDULE, FIRST))

    with pytest.raises(DeliveryRefused, match="holds the very rows of schedule-"):
        bring(context, s.SCHEDULE, of_week(few, s.SCHEDULE, FIRST), corrects=first["batch"])


def test_what_the_rules_said_of_a_week_as_it_closed_stays_as_it_was_said(few, tmp_path):
    context = life(tmp_path)
    live(context, few, FIRST, SECOND)
    before = context.store.read_json(f"validation/weather/{FIRST.id}.json")

    late = of_week(few, s.WEATHER, FIRST)[:3].with_columns(pl.col(s.TEMPERATURE) + 1)
    bring(context, s.WEATHER, late)

    assert context.store.read_json(f"validation/weather/{FIRST.id}.json") == before


def test_of_several_batches_that_may_be_to_blame_all_are_named(few, tmp_path):
    rows = of_week(few, s.SCHEDULE, FIRST)
    context = life(tmp_path, Checker(fewest_rows={"schedule": 10**6}))
    entries = [bring(context, s.SCHEDULE, part) for part in (rows[:10], rows[10:])]

    with pytest.raises(BatchBlocked, match="--corrects BATCH \\(one of ") as blocked:
        close(context, FIRST)

    assert all(entry["batch"] in str(blocked.value) for entry in entries)
