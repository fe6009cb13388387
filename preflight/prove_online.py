"""`prove parity` and `prove skew`: claims about the features that the service answers with."""

import tempfile
from itertools import groupby
from pathlib import Path

import polars as pl

from data_checks import schema as s
from infra.arrays import pack_arrays, unpack_arrays
from infra.errors import PreflightError
from infra.pseudonyms import Pseudonyms
from infra.settings import Settings
from pipelines.asked import FRESH
from pipelines.clock import Week
from pipelines.context import Context, open_context
from pipelines.mismatch import Mismatch
from pipelines.skew import measure_skew
from pipelines.state import State, World, prepare_state
from pipelines.time_travel import world_of_week
from preflight import show
from preflight.prove import ProofFailed, rows_used
from services.feature_parity import compare_ways
from services.messages import MOST_FLIGHTS, FlightRequest
from services.online import OnlineFeatures
from services.parity import as_message
from services.prediction_log import log_features, open_log, read_flights

MORE_WEEKS = 1  # of history offline, so that the two sides are not fed the same window


class NothingLogged(PreflightError, LookupError):  # noqa: N818
    """No request has been answered under this home folder."""


def parity(settings: Settings, period: str | None, as_json: bool) -> None:
    """Every flight alone, in its batch and online."""
    context = open_context(settings)
    weeks, year = _weeks(context, period), context.year()
    flights, found, is_accepted = 0, [], context.has_accepted_year()
    with show.progress(len(weeks), "weeks") as advance:
        for week in weeks:
            world = world_of_week(year, week, context.history_weeks)
            schedule = _leaving(world, week)
            found += compare_ways(
                schedule, prepare_state(world), week, scored=_scored(context, week) if is_accepted else None
            )
            flights += schedule.height
            advance(week.id)
    if found:
        way, mismatch = found[0]
        raise ProofFailed(f"a flight {way} is not itself in its batch: {mismatch.sentence()}; {len(found)} in all")
    outcome = f"parity: {flights} flights alone, in their batch and online, 0 values differ, on {rows_used(context)}"
    show.finish(outcome, {"weeks": [week.id for week in weeks], "flights": flights, "mismatches": 0}, as_json)


def skew(settings: Settings, period: str | None, every_flight: bool, as_json: bool) -> None:
    """Every logged request recomputed offline; or every flight asked, logged and recomputed."""
    context = open_context(settings)
    weeks = _weeks(context, period)
    requests, found = _of_every_flight(context, weeks) if every_flight else _of_the_log(context, weeks)
    if found:
        flights = len({mismatch.flight_id for mismatch in found})
        raise ProofFailed(f"online is not offline: {found[0].sentence()}; {flights} of {requests} requests in all")
    outcome = f"skew: {requests} logged requests recomputed offline, 0 mismatches, on {rows_used(context)}"
    show.finish(outcome, {"requests": requests, "mismatches": 0}, as_json)


def _names(context: Context) -> Pseudonyms:
    return Pseudonyms(context.settings.home, context.settings.pseudonym_key)


def _scored(context: Context, week: Week) -> pl.DataFrame | None:
    """The features that the flow kept of a week, if it has come to it: what is scored and trained on."""
    if not context.store.has_table("features", week.id):
        return None
    return context.store.read_table("features", week.id).drop(s.SCHEDULED_DEPARTURE)


def _weeks(context: Context, period: str | None) -> list[Week]:
    return context.weeks(period) if period else context.all_weeks()


def _leaving(world: World, week: Week) -> pl.DataFrame:
    return world.schedule.filter(pl.col(s.SCHEDULED_DEPARTURE).is_between(week.start, week.end, closed="left"))


def _of_the_log(context: Context, weeks: list[Week]) -> tuple[int, list[Mismatch]]:
    """What the service logged under the home folder."""
    chosen = {week.id for week in weeks}
    answered = [entry for entry in read_flights(context.settings.home) if entry.week in chosen]
    logged = [entry for entry in answered if entry.mode == FRESH]  # degraded answers say themselves what they lacked
    if not logged:
        raise NothingLogged(
            f"the service has answered nothing under {context.settings.home}; run: preflight parity, "
            "or preflight prove skew --every-flight"
        )
    year, found = context.year(), []
    for week, entries in groupby(sorted(logged, key=lambda entry: entry.week), key=lambda entry: entry.week):
        found += measure_skew(list(entries), _world_offline(context, year, Week.from_id(week)), _names(context))
    return len(logged), found


def _of_every_flight(context: Context, weeks: list[Week]) -> tuple[int, list[Mismatch]]:
    """What a log says in which every flight of the weeks was asked, message by message, as the service is."""
    year, requests, found = context.year(), 0, []
    with show.progress(len(weeks), "weeks") as advance:
        for week in weeks:
            with tempfile.TemporaryDirectory(prefix="preflight-skew-") as scratch:
                names = Pseudonyms(Path(scratch))
                _ask_every_flight(world_of_week(year, week, context.history_weeks), week, Path(scratch), names)
                logged = list(read_flights(Path(scratch)))
            found += measure_skew(logged, _world_offline(context, year, week), names)
            requests += len(logged)
            advance(week.id)
    return requests, found


def _ask_every_flight(world: World, week: Week, home: Path, names: Pseudonyms) -> None:
    schedule, kept = _leaving(world, week), unpack_arrays(State, pack_arrays(prepare_state(world)))
    online, log = OnlineFeatures(kept, schedule, week), open_log(home)
    messages = [FlightRequest(**as_message(row)) for row in schedule.iter_rows(named=True)]
    for start in range(0, len(messages), MOST_FLIGHTS):
        page = messages[start : start + MOST_FLIGHTS]
        log_features(log, page, online.rows(page), week.id, names)
    log.close()


def _world_offline(context: Context, year: World, week: Week) -> World:
    return world_of_week(year, week, context.history_weeks + MORE_WEEKS)
