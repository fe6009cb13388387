"""Drills of the feeds: what arrives is not what was promised."""

from collections.abc import Callable
from functools import partial

import polars as pl

from data_checks import schema as s
from data_checks.faults import all_faults
from infra.storage import export_table
from pipelines.clock import Week
from practice.drills.code import Change
from practice.drills.ground import LAST, NEXT, Played
from practice.drills.scene import Drill, Scene


def spoilt_batch(scene: Scene, feed: s.Feed, name: str, where: str) -> None:
    """A spoilt batch of the next week stays out whole, nothing is built from it, a corrected one lets life go on."""
    played = scene.copy()
    clean = week_of_source(played, feed)
    fault = next(one for one in all_faults() if (one.name, one.feed, one.where) == (name, feed, where))
    what = f"{feed.name} of week {NEXT.id}: {name} in {where}"
    scene.inject(what, lambda: replace_in_source(played, feed, fault.spoil(clean, played.settings.seed)))
    stopped = played.run("replay")
    blocked = scene.detect(lambda: _blocked(played, feed), lambda batch: f"{batch['batch']} is kept out: {_why(batch)}")
    scene.respond(
        stopped.returncode == 1 and feed.name in stopped.stderr, "the week waits, the command says by what rule"
    )
    built = [table for table in ("features", "predictions") if played.store.has_table(table, NEXT.id)]
    scene.require(not built, "no feature and no prediction of that week was made")
    deliver(played, feed, clean, "--corrects", blocked["batch"])
    played.must("replay")
    accepted = played.store.read_table(f"accepted/{feed.name}", NEXT.id).height
    scene.recover(
        accepted == clean.height and played.store.has_table("predictions", NEXT.id),
        f"a corrected batch was delivered: its {accepted} rows are accepted, the week was lived",
    )


def delivered_twice(scene: Scene) -> None:
    """The file of a week that landed is delivered again, then once more with its rows in another order."""
    played, feed = scene.copy(), s.OUTCOMES
    before = _count(played, feed, LAST.id)
    rows = week_of_source(played, feed, LAST)
    shuffled = rows.sample(fraction=1, shuffle=True, seed=played.settings.seed)
    said: list[str] = []
    scene.inject(
        f"{feed.name} of week {LAST.id}, {rows.height} rows, delivered twice more, once in another order",
        lambda: said.extend(deliver(played, feed, again)["outcome"] for again in (rows, shuffled)),
        harmless=lambda: said.append(deliver(played, feed, week_of_source(played, feed))["outcome"]),
    )
    scene.detect(
        lambda: said and all(one.startswith("nothing new") for one in said),
        "both are the batch that landed before, by content",
    )
    scene.respond(_count(played, feed, LAST.id) == before, f"nothing landed again: {before} rows, as before")
    shares = played.store.read_table(f"accepted/{feed.name}", LAST.id).select(feed.key).is_duplicated().sum()
    scene.require(shares == 0, "no flight has two outcomes")
    played.must("replay")
    scene.recover(played.store.has_table("predictions", NEXT.id), "the next week is lived as if nothing was")


def week_of_source(played: Played, feed: s.Feed, week: Week = NEXT) -> pl.DataFrame:
    """What a feed has of a week."""
    moment = pl.col(feed.week_of)
    rows = played.store.read_table(played.context.staged_source(), feed.name)
    return rows.filter(moment >= week.start, moment < week.end)


def replace_in_source(played: Played, feed: s.Feed, rows: pl.DataFrame) -> None:
    """Let a feed have other rows of the next week than it has."""
    staged, moment = played.context.staged_source(), pl.col(feed.week_of)
    others = played.store.read_table(staged, feed.name).filter(~((moment >= NEXT.start) & (moment < NEXT.end)))
    played.store.write_table(staged, feed.name, pl.concat([others, rows.select(others.columns).cast(others.schema)]))


def deliver(played: Played, feed: s.Feed, rows: pl.DataFrame, *options: str) -> dict:
    """Deliver rows as a file, as a sender would."""
    path = played.home / f"{feed.name}.parquet"
    export_table(path, rows)
    return played.ask("deliver", feed.name, path, *options)


def _blocked(played: Played, feed: s.Feed) -> dict | None:
    entries = played.ask("deliveries")["deliveries"]
    return next((one for one in entries if one["feed"] == feed.name and one["fate"]["blocked"]), None)


def _why(batch: dict) -> str:
    return "; ".join(f"week {week} broke {rules}" for week, rules in batch["fate"]["blocked"].items())


def _count(played: Played, feed: s.Feed, week: str) -> int:
    return played.store.read_table(f"landed/{feed.name}", week).height


def _spoils(feed: s.Feed, name: str, where: str) -> Callable[[Scene], None]:
    return partial(spoilt_batch, feed=feed, name=name, where=where)


OPEN_DOOR: Change = (
    "data_checks/validation.py",
    "blocking = [result for result in results if not result.passed and _blocks(result)]",
    "blocking = []",
)
"""No batch is kept out any more, whatever rules it breaks."""
CONTRACT, KEPT_OUT = "the contract", "the batch is kept out whole, the week waits"
ASK_THE_SENDER = (
    "`preflight deliveries` names batch and rule; ask the sender, then `preflight deliver {} FILE --corrects BATCH`"
)

DRILLS = (
    Drill(
        name="unit-change",
        title="A unit changes upstream",
        fault="wind arrives in kilometres per hour, the column still says miles",
        detector="the contract: values beside each other, and the batch beside earlier weeks",
        response=KEPT_OUT,
        runbook=ASK_THE_SENDER.format("weather"),
        story=(
            "Each value was possible, so no range caught it: a wind of thirty is as real in one unit as in the other. "
            "What catches it is what values say together. Winds are reported in whole knots, and kilometres are no "
            "whole knots; and the batch as a whole moved by a factor of 1.6 against earlier weeks. The batch is kept "
            "out whole, because half of a wrong batch is worse than none. Nothing was built from it, so there is "
            "nothing to undo: a corrected batch takes its place, and the week goes on."
        ),
        play=_spoils(s.WEATHER, "miles to kilometres", f"{s.WIND_SPEED}, {s.WIND_GUST}"),
        disarm=(OPEN_DOOR,),
    ),
    Drill(
        name="time-zone-shift",
        title="Times arrive in another zone",
        fault="every moment of the plan is five hours late: local time was taken for UTC",
        detector="the contract: the flight's name and its day, block speed, hours of the day",
        response=KEPT_OUT,
        runbook=ASK_THE_SENDER.format("schedule"),
        story=(
            "A shift of all moments keeps every difference, so durations look right. It shows against what does not "
            "shift: the day in a flight's name, the hours at which an airport is silent, and the moment from which a "
            "row may be known. If it came through, no monitor of features would ring: we tried, and three of eight "
            "feed faults are seen by nobody behind the contract. So it is a rule at the door, and a batch that breaks "
            "it is kept out whole."
        ),
        play=_spoils(s.SCHEDULE, "+5 hours", "every moment"),
        disarm=(OPEN_DOOR,),
    ),
    Drill(
        name="missing-airport",
        title="One airport sends nothing",
        fault="the weather of one of three airports is missing for a week",
        detector="the contract: rows a day and silent hours by airport",
        response=KEPT_OUT,
        runbook=ASK_THE_SENDER.format("weather"),
        story=(
            "Missing rows raise no error: joins give nulls, the model copes with nulls, and answers get quietly worse. "
            "So absence is a rule: so many rows a day, no airport silent for longer than twelve hours, a share of what "
            "is usual. We block and wait, because flights of that airport would be scored without weather. Online the "
            "answer is different: a stale snapshot is declared in every answer and counted, as a traveller cannot wait."
        ),
        play=_spoils(s.WEATHER, "airport missing", s.ORIGINS[0]),
        disarm=(OPEN_DOOR,),
    ),
    Drill(
        name="misaligned-join",
        title="Outcomes are joined to the wrong flights",
        fault="the flight's name in the outcomes is shuffled: every row is valid, and belongs to another flight",
        detector="the contract: what an outcome says beside the plan",
        response=KEPT_OUT,
        runbook=ASK_THE_SENDER.format("outcomes"),
        story=(
            "Every column alone is perfect: same values, same counts, same distribution. A check of one column cannot "
            "see it, and a drift report is blind by construction. It takes a rule over two feeds: an arrival "
            "is known at its planned arrival plus its delay, to the minute. Shuffled names break that for nearly every "
            "row. Had it come through, labels would be noise, and the next challenger would have learned it."
        ),
        play=_spoils(s.OUTCOMES, "shuffled", s.FLIGHT_ID),
        disarm=(OPEN_DOOR,),
    ),
    Drill(
        name="duplicate-delivery",
        title="A file is delivered again",
        fault="the outcomes of a week arrive twice more, once in another order",
        detector="landing: a batch is named by its content, in natural order",
        response="nothing lands again",
        runbook="`preflight deliveries` lists what landed; nothing has to be done",
        story=(
            "At least once is what senders promise, so receiving has to be idempotent. A batch is named by a hash of "
            "its rows in natural order: the same rows in another order, or under another file name, are the same "
            "batch. The ledger has it already, so nothing lands and nothing is judged twice. A file that differs in "
            "one row is another batch: its new rows are judged, its old ones are duplicates and go to quarantine."
        ),
        play=delivered_twice,
        disarm=(
            (
                "pipelines/landing.py",
                "batch = batch_name(feed, content_hash(rows))",
                'batch = batch_name(feed, __import__("secrets").token_hex(32))',
            ),
        ),
    ),
)
