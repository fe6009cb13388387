"""`prove ...`: claims about the features, shown on the year's data. A proof writes nothing to the home folder."""

import tempfile
from dataclasses import asdict
from pathlib import Path

from infra.errors import PreflightError
from infra.settings import Settings
from infra.storage import Store
from pipelines.backfill import WAYS, accepted_home, first_difference, table_hash, try_ways
from pipelines.context import Context, open_context
from pipelines.time_travel import Moment, choose_moments, travel
from preflight import show


class ProofFailed(PreflightError):  # noqa: N818
    """A claim does not hold; the sentence names the flight, the feature and both values."""


def no_leak(settings: Settings, count: int, seed: int | None, as_json: bool) -> None:
    """No feature changes when everything known later is deleted or scrambled."""
    context = open_context(settings)
    seed = settings.seed if seed is None else seed
    year = context.year()
    moments = choose_moments(year.schedule, count, seed)
    checked: list[Moment] = []
    with show.progress(2 * len(moments), "worlds") as advance:
        for moment in travel(year, moments, context.history_weeks, seed):
            checked.append(moment)
            advance(f"{moment.as_of:%Y-%m-%d %H:%M} UTC, later rows {moment.later}")
    leaking = [moment for moment in checked if moment.mismatches]
    if leaking:
        values = sum(len(moment.mismatches) for moment in leaking)
        raise ProofFailed(
            f"features look ahead: {leaking[0].sentence()}; {values} values of {len(leaking)} of {len(checked)} worlds"
        )
    flights = sum(moment.flights for moment in checked) // 2
    at_moment = sum(moment.flights_at_moment for moment in checked) // 2
    outcome = (
        f"no leak: {len(moments)} moments, {flights} flights built twice ({at_moment} at their very moment), "
        f"0 values changed, on {rows_used(context)}"
    )
    worlds = [{**asdict(moment), "as_of": moment.as_of.isoformat()} for moment in checked]
    show.finish(outcome, {"seed": seed, "rows": rows_used(context), "worlds": worlds}, as_json)


def backfill(settings: Settings, workers: int, seed: int | None, as_json: bool) -> None:
    """The feature table has the same hash whatever the order, the number of processes, and after a kill."""
    context = open_context(settings)
    weeks = context.all_weeks()
    seed = settings.seed if seed is None else seed
    with tempfile.TemporaryDirectory(prefix="preflight-backfill-") as scratch:
        folder = Path(scratch)
        inputs = accepted_home(context, folder / "home")
        with show.progress(4 * len(weeks), "weeks") as advance:
            for way, week in try_ways(inputs, folder, weeks, workers, seed):
                advance(f"{way}: {week.id}")
        hashes = {way: table_hash(Store(folder / way), weeks) for way in WAYS}
        other = next((way for way in WAYS if hashes[way] != hashes[WAYS[0]]), None)
        if other:
            mismatch = first_difference(Store(folder / WAYS[0]), Store(folder / other), weeks)
            raise ProofFailed(f"weeks built {other} differ from those built {WAYS[0]}: {mismatch.sentence()}")
    outcome = (
        f"backfill: {len(weeks)} weeks built {', '.join(WAYS[:-1])} by {workers} processes and {WAYS[-1]} half-way, "
        f"one table hash {hashes[WAYS[0]][:12]}, on {rows_used(context)}"
    )
    show.finish(
        outcome, {"seed": seed, "workers": workers, "rows": rows_used(context), "table_sha256": hashes}, as_json
    )


def rows_used(context: Context) -> str:
    """Which rows a proof was shown on."""
    return "accepted rows" if context.has_accepted_year() else "rows of the source"
