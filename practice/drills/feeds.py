"""Drills of the feeds: what is delivered is not what was promised."""

import polars as pl

from data_checks import schema as s
from data_checks.faults import all_faults
from data_checks.feeds import split_feeds
from practice.drills.ground import NEXT, Played
from practice.drills.scene import Drill, Scene


def unit_change(scene: Scene) -> None:
    """Wind and gusts arrive in kilometres per hour."""
    _spoilt_batch(scene, s.WEATHER, "miles to kilometres", f"{s.WIND_SPEED}, {s.WIND_GUST}")


def time_zone_shift(scene: Scene) -> None:
    """Every moment of the plan arrives five hours late."""
    _spoilt_batch(scene, s.SCHEDULE, "+5 hours", "every moment")


def missing_airport(scene: Scene) -> None:
    """One of three airports sends no weather."""
    _spoilt_batch(scene, s.WEATHER, "airport missing", s.ORIGINS[0])


def _spoilt_batch(scene: Scene, feed: s.Feed, name: str, where: str) -> None:
    """A spoilt batch of the next week stays out whole, nothing is built from it, a corrected one lets life go on."""
    played, clean = scene.copy(), _rows(scene, feed)
    fault = next(one for one in all_faults() if (one.name, one.feed, one.where) == (name, feed, where))
    spoilt = scene.inject(f"{feed.name} of week {NEXT.id}: {name}, in {where}", lambda: fault.spoil(clean, 2013))
    _deliver(played, feed, clean if spoilt is None else spoilt)
    stopped = played.run("replay")
    blocked = scene.detect(
        lambda: _blocked(played, feed), lambda batch: f"the contract kept {batch['batch']} out: {_why(batch)}"
    )
    scene.respond(
        stopped.returncode == 1 and feed.name in stopped.stderr, "the week is blocked, the command says by which rule"
    )
    built = [table for table in ("features", "predictions") if played.store.has_table(table, NEXT.id)]
    scene.require(not built, "no feature and no prediction of that week was made")
    _deliver(played, feed, clean, "--corrects", blocked["batch"])
    played.must("replay")
    accepted = played.store.read_table(f"accepted/{feed.name}", NEXT.id)
    scene.recover(accepted.height == clean.height, f"corrected: {accepted.height} rows accepted, the week was lived")


def _rows(scene: Scene, feed: s.Feed) -> pl.DataFrame:
    """What the feed really delivers in the next week."""
    source = scene.ground.played.context.source
    rows = split_feeds(source.tables(s.SOURCE_COLUMNS))[feed.name]
    moment = pl.col(feed.week_of)
    return rows.filter(moment >= NEXT.start, moment < NEXT.end)


def _deliver(played: Played, feed: s.Feed, rows: pl.DataFrame, *options: str) -> None:
    path = played.home / f"{feed.name}.parquet"
    rows.write_parquet(path)
    played.must("deliver", feed.name, path, *options)


def _blocked(played: Played, feed: s.Feed) -> dict | None:
    entries = played.ask("deliveries")["deliveries"]
    return next((one for one in entries if one["feed"] == feed.name and one["fate"]["blocked"]), None)


def _why(batch: dict) -> str:
    return "; ".join(f"{week} broke {rules}" for week, rules in batch["fate"]["blocked"].items())


DRILLS = (
    Drill(
        name="unit-change",
        title="A unit changes upstream",
        fault="wind arrives in kilometres per hour, the column still says miles",
        detector="the contract: a measure of the batch against earlier weeks",
        response="the batch is kept out whole, the week waits",
        runbook=(
            "`preflight deliveries` names batch and rule; ask the sender, then "
            "`preflight deliver weather FILE --corrects BATCH`"
        ),
        story=(
            "Each value was possible, so no range would have caught it: thirty knots are as real as thirty miles. What "
            "catches it is the batch as a whole, compared with earlier weeks: the middle of the distribution moved by "
            "a factor of 1.6. The batch is kept out whole, because half a wrong batch is worse than none. Nothing was "
            "built from it, so there is nothing to undo. The sender is asked, a corrected batch takes its place, and "
            "the week goes on. The price is that a true change of the weather of that size would block a week as well."
        ),
        play=unit_change,
    ),
)
