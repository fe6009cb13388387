"""Real flights as traffic: asked over HTTP in the order in which they become askable, each answer held to the batch."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import polars as pl

from data_checks import schema as s
from infra.http_connection import OK, Answer, Request
from infra.http_load import Pace, send_requests
from pipelines.asked import FRESH
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.scoring import VERSION
from services.client import tell_refusal
from services.parity import SERVED, Parity, SkewError, as_message, batch_scores, compare

ROLE, MODE = "role", "mode"
STATUS, LATENCY, RETRIES, PROBLEM, FLIGHTS = "status", "latency_ms", "retries", "problem", "flights"

_REQUESTS = {
    STATUS: pl.Int64,
    VERSION: pl.Int64,
    ROLE: pl.String,
    MODE: pl.String,
    FLIGHTS: pl.Int64,
    LATENCY: pl.Float64,
    RETRIES: pl.Int64,
    PROBLEM: pl.String,
}
_SAID = {s.FLIGHT_ID: pl.String, SERVED: pl.Float64, VERSION: pl.Int64, MODE: pl.String}


@dataclass(frozen=True)
class Replayed:
    """What came of the flights of a week: a row per answer, a row per answered flight, and how far off the batch.

    `unsent` requests were not sent because time was up; a flight that was answered in another mode than
    fresh, with less than was known, is not compared.
    """

    week: Week
    answers: pl.DataFrame
    said: pl.DataFrame
    unsent: int
    seconds: float
    parity: Parity


def replay_weeks(
    context: Context,
    weeks: list[Week],
    point_to: Callable[[Week], str],
    pace: Pace,
    run: str,
    batch: int = 1,
    advance: Callable[[Week, int], None] = lambda week, flights: None,
) -> Iterator[Replayed]:
    """Every flight of the weeks asked in order, `batch` flights a request, each week compared when it is through.

    `point_to` makes a service answer for a week and returns its address; `run` begins the request ids, so that
    another run asks anew; `advance` is told of how many flights each answer was. Raises SkewError.
    """
    for week in weeks:
        yield replay_week(context, week, point_to(week), pace, f"{run}-{week.id}", batch, partial(advance, week))


def replay_week(
    context: Context, week: Week, address: str, pace: Pace, run: str, batch: int, advance: Callable[[int], None]
) -> Replayed:
    """Every flight of a week, asked of a service that answers for it. Raises SkewError."""
    asked = as_requests(in_order_of_asking(context.accepted(s.SCHEDULE, week, 1)), batch, run)
    heard: list[Answer] = []

    def hear(answer: Answer) -> None:
        heard.append(answer)
        advance(len(asked[answer.request]))

    seconds = send_requests(address, asked, hear, pace)
    answers, said = read_answers(heard, asked)
    parity = compare_with_batch(said, lambda version: batch_scores(context, week, version))
    return Replayed(week, answers, said, len(asked) - len(heard), seconds, parity)


def in_order_of_asking(schedule: pl.DataFrame) -> pl.DataFrame:
    """The plan by the moment its flights become askable, which is their departure less two hours."""
    return schedule.sort(s.SCHEDULED_DEPARTURE, s.FLIGHT_ID)


def as_requests(flights: pl.DataFrame, batch: int, run: str) -> dict[Request, list[str]]:
    """Requests about so many flights each, in order, with the flights they are about; one flight asks `predict`."""
    asked = {}
    for number, page in enumerate(flights.iter_slices(batch)):
        messages = [as_message(row) for row in page.iter_rows(named=True)]
        path, body = ("/v1/predict", messages[0]) if batch == 1 else ("/v1/predict_batch", {"flights": messages})
        asked[Request(path, json.dumps(body).encode(), f"{run}-{number}")] = page[s.FLIGHT_ID].to_list()
    return asked


def read_answers(heard: list[Answer], asked: dict[Request, list[str]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Answers as a table, and what they say of each flight. Raises SkewError when one is about another flight."""
    answers, said = [], []
    for answer in heard:
        flights = asked[answer.request]
        timed = (len(flights), answer.latency_ms, answer.retries)
        if answer.status != OK:
            problem = answer.problem or tell_refusal(answer.status, answer.body)
            answers.append((answer.status, None, None, None, *timed, f"{flights[0]}: {problem}"))
            continue
        version, role, mode, predictions = _read(answer)
        if [flight for flight, _ in predictions] != flights:
            raise SkewError(f"{answer.request.path} was asked about {flights[:3]} and answers about {predictions[:3]}")
        answers.append((OK, version, role, mode, *timed, None))
        said += [(flight, probability, version, mode) for flight, probability in predictions]
    return pl.DataFrame(answers, _REQUESTS, orient="row"), pl.DataFrame(said, _SAID, orient="row")


def compare_with_batch(said: pl.DataFrame, batch: Callable[[int], pl.DataFrame]) -> Parity:
    """The largest difference of fresh answers from what `batch(version)` says of the same flights. Raises SkewError."""
    found = [Parity(0, 0.0)]
    for (version,), served in said.filter(pl.col(MODE) == FRESH).group_by(VERSION, maintain_order=True):
        expected = batch(version).join(served, on=s.FLIGHT_ID, how="semi")
        found.append(compare(expected, served.select(s.FLIGHT_ID, SERVED)))
    return Parity(sum(parity.flights for parity in found), max(parity.largest_difference for parity in found))


def _read(answer: Answer) -> tuple[int, str, str, list[tuple[str, float]]]:
    """Version, role, mode, and flight and probability of each prediction."""
    try:
        document = json.loads(answer.body)
        predictions = document.get("predictions", [document])
        return (
            document["model_version"],
            document["role"],
            document["features"]["mode"],
            [(prediction["flight_id"], prediction["probability_late"]) for prediction in predictions],
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise SkewError(
            f"{answer.request.path} answered 200 and no prediction of this version: {answer.body[:300]!r}; "
            "is it another service? name it with --address"
        ) from error
