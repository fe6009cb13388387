"""Train/serve skew measured: do the service and batch scoring give the same probabilities for the same flights?"""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import polars as pl

from data_checks import schema as s
from infra.errors import PreflightError
from infra.stopwatch import part
from pipelines.backfill import FEATURES
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.scoring import PROBABILITY, VERSION, score_flights
from services.messages import MOST_FLIGHTS

TOLERANCE = 1e-6
SERVED = "served"
ASKED = (s.CARRIER, s.FLIGHT_NUMBER, s.TAIL_NUMBER, s.ORIGIN, s.DESTINATION, s.DISTANCE)


class SkewError(PreflightError, RuntimeError):
    """The service answers otherwise than batch scoring did."""


@dataclass(frozen=True)
class Parity:
    """How far the service's answers are from the batch's, over so many flights; 0 is the same."""

    flights: int
    largest_difference: float


def ask_service(address: str, flights: pl.DataFrame) -> pl.DataFrame:
    """`flight_id` and `served`, the service's probability, for every flight of the schedule, asked over HTTP.

    A tenth of the flights is asked one by one, the rest in pages, so both endpoints are used.
    Raises SkewError with the service's words when it refuses.
    """
    with httpx.Client(base_url=address, timeout=60) as client:
        messages = [as_message(row) for row in flights.iter_rows(named=True)]
        single, many = messages[: len(messages) // 10], messages[len(messages) // 10 :]
        answers = [_post(client, "/predict", message) for message in single]
        for page in _pages(many):
            answers += _post(client, "/v1/predict_batch", {"flights": page})["predictions"]
    return pl.DataFrame(
        {
            s.FLIGHT_ID: [answer["flight_id"] for answer in answers],
            SERVED: [answer["probability_late"] for answer in answers],
        },
        schema={s.FLIGHT_ID: pl.String, SERVED: pl.Float64},
    )


def compare(batch: pl.DataFrame, served: pl.DataFrame, tolerance: float = TOLERANCE) -> Parity:
    """The largest difference over all flights. Raises SkewError when one is missing or above `tolerance`."""
    both = batch.join(served, on=s.FLIGHT_ID, how="full", coalesce=True)
    alone = both.filter(pl.col(PROBABILITY).is_null() | pl.col(SERVED).is_null())
    if alone.height or served.height != batch.height:
        raise SkewError(
            f"batch scored {batch.height} flights and the service answered {served.height}; "
            f"{alone.height} are in one of them only, the first is {alone[s.FLIGHT_ID].head(1).to_list()}"
        )
    both = both.with_columns((pl.col(PROBABILITY) - pl.col(SERVED)).abs().alias("difference"))
    worst = both.sort("difference", descending=True).row(0, named=True)
    if not worst["difference"] <= tolerance:  # NaN is no answer either
        above = both.filter(~(pl.col("difference") <= tolerance)).height
        raise SkewError(
            f"{above} of {both.height} flights differ by more than {tolerance:g}, the most is {worst[s.FLIGHT_ID]}: "
            f"batch {worst[PROBABILITY]:.6f}, service {worst['served']:.6f}"
        )
    return Parity(both.height, worst["difference"])


def batch_scores(context: Context, week: Week, version: int) -> pl.DataFrame:
    """What batch scoring says of every flight of a week with a version: as recorded if it scored them, else made now.

    Raises MissingTable when the features of the week were never built, RegistryError, ModelFileError.
    """
    if context.store.has_table("predictions", week.id):
        recorded = context.store.read_table("predictions", week.id).filter(pl.col(VERSION) == version)
        if recorded.height:
            return recorded.select(s.FLIGHT_ID, PROBABILITY)
    features = context.require(FEATURES, week, f"preflight features {week.id}")
    with part("MLflow"):
        scorer = context.registry.scorer(version)
    return score_flights(scorer, version, features).select(s.FLIGHT_ID, PROBABILITY)


def as_message(row: dict) -> dict:
    """The message that asks about one row of the schedule feed."""
    return {
        **{name: row[name] for name in ASKED},
        "scheduled_departure": row[s.SCHEDULED_DEPARTURE].isoformat(),
        "scheduled_arrival": row[s.SCHEDULED_ARRIVAL].isoformat(),
    }


def _pages(messages: list[dict]) -> Iterator[list[dict]]:
    for start in range(0, len(messages), MOST_FLIGHTS):
        yield messages[start : start + MOST_FLIGHTS]


def _post(client: httpx.Client, path: str, message: dict) -> object:
    response = client.post(path, json=message)
    if response.status_code != 200:
        raise SkewError(f"the service refused {path} with {response.status_code}: {response.text[:300]}")
    return response.json()
