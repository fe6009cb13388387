"""`traffic`: real flights replayed over HTTP, how long the answers took by version, and each held to batch scoring."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import polars as pl

from data_checks import schema as s
from infra.errors import PreflightError
from infra.http_connection import OK
from infra.http_load import Pace
from infra.settings import Settings
from pipelines.clock import Week
from pipelines.context import Context, open_context
from preflight import show
from preflight.serving import export_for, newest_scored_week, service_of
from services.client import read_address, served_week, wait_for
from services.traffic import PROBLEM, STATUS, Replayed, replay_weeks
from services.traffic_report import ALL, describe, latencies

SWAP_SECONDS = 30
PointTo = Callable[[Week], str]


class TrafficFailed(PreflightError, RuntimeError):  # noqa: N818
    """A flight that was asked for has no answer, or none that can be held to the batch."""


class ServesAnotherWeek(PreflightError, LookupError):  # noqa: N818
    """A running service knows the feeds of another week than the one that is asked for."""


def traffic(
    settings: Settings,
    period: str | None,
    every_flight: bool,
    pace: Pace,
    batch: int,
    address: str | None,
    as_json: bool,
) -> None:
    """Replay a period and report. Raises SkewError, TrafficFailed, ServesAnotherWeek, NothingAnswers."""
    context, address = open_context(settings), read_address(address) if address else None
    weeks = _weeks(context, period, every_flight, address)
    with _service(context, address, weeks[0]) as point_to:
        replayed = _replay(context, weeks, point_to, pace, batch)
    answers = pl.concat(week.answers for week in replayed)
    if not as_json:
        _print(answers)
    document = describe(replayed, answers)
    _require_answers(document, answers)
    show.finish(_outcome(document), document, as_json)


@contextmanager
def one_service(context: Context, first: Week) -> Iterator[PointTo]:
    """What `replay_weeks` asks for an address: one service of ours, which is pointed from week to week as it runs."""
    with service_of(context, first) as service:

        def point_to(week: Week) -> str:
            version = export_for(context, week).version
            wait_for(service.address, week, version, SWAP_SECONDS)
            return service.address

        yield point_to


def _weeks(context: Context, period: str | None, every_flight: bool, address: str | None) -> list[Week]:
    """The weeks that are meant; a running service has to serve each of them. Raises ServesAnotherWeek."""
    known = served_week(address) if address else None
    if every_flight:
        weeks = context.all_weeks()
    else:
        weeks = context.weeks(period) if period else [known or newest_scored_week(context)]
    other = [week for week in weeks if known not in (None, week)]
    if other:
        raise ServesAnotherWeek(
            f"the service at {address} serves the week of {known.id}, not that of {other[0].id}; "
            f"run: preflight serve --week {other[0].id}, or leave --address out"
        )
    return weeks


@contextmanager
def _service(context: Context, address: str | None, first: Week) -> Iterator[PointTo]:
    if address:
        yield lambda week: address
        return
    with one_service(context, first) as point_to:
        yield point_to


def _replay(context: Context, weeks: list[Week], point_to: PointTo, pace: Pace, batch: int) -> list[Replayed]:
    total = sum(context.accepted(s.SCHEDULE, week, 1).height for week in weeks)
    with show.progress(total, "flights") as advance:
        run = f"traffic-{uuid.uuid4().hex[:12]}"
        return list(
            replay_weeks(
                context, weeks, point_to, pace, run, batch, lambda week, flights: advance(f"week of {week.id}", flights)
            )
        )


def _print(answers: pl.DataFrame) -> None:
    times = ("p50_ms", "p95_ms", "p99_ms", "max_ms")
    columns = {"who": "left", "answers": "right", **{name.replace("_", " "): "right" for name in times}}
    rows = [
        (who, f"{found.count:,}", *(f"{getattr(found, name):.2f}" for name in times))
        for who, found in latencies(answers).items()
    ]
    show.table("Latency, from when each request was due", columns, rows)


def _require_answers(document: dict, answers: pl.DataFrame) -> None:
    """Raise TrafficFailed when a flight was not answered, or nothing could be compared."""
    failed = answers.filter(pl.col(STATUS) != OK)
    if failed.height:
        raise TrafficFailed(
            f"{failed.height:,} of {answers.height:,} requests were not answered, the first is {failed[PROBLEM][0]}"
        )
    if document["unsent"]:
        raise TrafficFailed(
            f"{document['unsent']:,} requests were not sent: time was up after {document['seconds']:.0f} s; "
            "choose a shorter period, or a higher --rate"
        )
    if not document["compared"]:
        raise TrafficFailed(
            f"none of {document['flights']:,} flights was answered with fresh features, so nothing could be compared "
            f"({document['degraded_flights']}); see GET /v1/model for how far behind the service is"
        )


def _outcome(document: dict) -> str:
    latency, weeks = document["latency"][ALL], document["weeks"]
    period = f"the week of {weeks[0]}" if len(weeks) == 1 else f"{len(weeks)} weeks, {weeks[0]} to {weeks[-1]},"
    degraded, retries = sum(document["degraded_flights"].values()), document["retries"]
    return (
        f"replayed {document['flights']:,} flights of {period} at {document['requests_per_second']:,.0f} requests/s: "
        f"p50 {latency['p50_ms']:.2f} ms, p99 {latency['p99_ms']:.2f} ms; {document['compared']:,} of them at most "
        f"{document['largest_difference']:.1e} off batch scoring, {degraded:,} degraded; {retries:,} retries"
    )
