"""`prove ...`: claims about the features, shown on the year's data. A proof writes nothing to the home folder."""

from dataclasses import asdict

from infra.errors import PreflightError
from infra.settings import Settings
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
        f"0 values changed, on {_rows(context)}"
    )
    worlds = [{**asdict(moment), "as_of": moment.as_of.isoformat()} for moment in checked]
    show.finish(outcome, {"seed": seed, "rows": _rows(context), "worlds": worlds}, as_json)


def _rows(context: Context) -> str:
    return "accepted rows" if context.has_accepted_year() else "rows of the source"
