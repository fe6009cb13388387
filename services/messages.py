"""What the service is asked and what it answers: typed messages whose ranges come from the contract."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from data_checks import schema as s

MOST_FLIGHTS = 1000
LONGEST_FLIGHT = timedelta(hours=24)
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

Carrier = Literal[s.SCHEDULE.column(s.CARRIER).domain]
Origin = Literal[s.SCHEDULE.column(s.ORIGIN).domain]


def _field(name: str, **more: object) -> FieldInfo:
    """What the contract says of a column of the schedule, as pydantic says it; allowed words are a type apart."""
    column = s.SCHEDULE.column(name)
    promises = {"description": column.meaning, "ge": column.minimum, "le": column.maximum, "pattern": column.pattern}
    return Field(**{promise: value for promise, value in promises.items() if value is not None} | more)


def _moment(meaning: str) -> FieldInfo:
    form = f"ISO 8601 with offset, from {EARLIEST.year} to {LATEST.year - 1}"
    return Field(description=f"{meaning}, {form}", ge=EARLIEST, lt=LATEST)


class FlightRequest(BaseModel):
    """One planned flight. Times carry an offset, such as 2013-12-31T09:10:00-05:00."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "carrier": "UA",
                "flight_number": 1519,
                "tail_number": "N17730",
                "origin": "EWR",
                "destination": "STT",
                "scheduled_departure": "2013-12-31T09:10:00-05:00",
                "scheduled_arrival": "2013-12-31T14:19:00-04:00",
            }
        },
    )

    carrier: Carrier = _field(s.CARRIER)
    flight_number: int = _field(
        s.FLIGHT_NUMBER, strict=True, description="number the carrier gives the flight, written without a point"
    )
    tail_number: str | None = _field(s.TAIL_NUMBER, default=None)
    origin: Origin = _field(s.ORIGIN)
    destination: str = _field(s.DESTINATION)
    scheduled_departure: AwareDatetime = _moment("when it should leave")
    scheduled_arrival: AwareDatetime = _moment("when it should arrive")
    distance_miles: float | None = _field(
        s.DISTANCE,
        default=None,
        allow_inf_nan=False,
        description="miles between the airports; left out: as other flights of the route",
    )

    @model_validator(mode="after")
    def _arrives_after_it_leaves(self) -> "FlightRequest":
        duration = self.scheduled_arrival - self.scheduled_departure
        if not timedelta(0) < duration <= LONGEST_FLIGHT:
            raise ValueError(
                f"scheduled_arrival must be after scheduled_departure and within a day of it, got {duration}"
            )
        return self


Flights = Annotated[list[FlightRequest], Field(min_length=1, max_length=MOST_FLIGHTS)]


class FlightBatch(BaseModel):
    """Flights that are asked about together; one that is wrong refuses them all."""

    model_config = ConfigDict(extra="forbid")

    flights: Flights


class Freshness(BaseModel):
    """How much of what could have been known at `as_of` the features knew.

    `fresh`: all of it. `stale`: the snapshot ends before `as_of`, by `behind_minutes`; what happened since is missing.
    `plan_only`: there is no snapshot, and only what the request says was known. The last two are degraded.
    """

    mode: Literal["fresh", "stale", "plan_only"]
    known_until: AwareDatetime | None = Field(description="up to when the feeds are in the snapshot")
    behind_minutes: float = Field(ge=0, description="from then to the latest as_of that was asked, 0 when fresh")


class ReasonCode(BaseModel):
    """What one feature adds to the log-odds of being late."""

    feature: str
    group: str = Field(description="plan, plane, inbound, weather, airport or network")
    value: str | float | None = Field(description="what the model saw; null: not known")
    contribution: float = Field(description="log-odds, above 0 speaks for late")
    words: str


class _Answer(BaseModel):
    model_config = ConfigDict(protected_namespaces=())

    request_id: str = Field(description="the caller's X-Request-Id, or one that was made")
    model_version: int = Field(ge=1, description="registry version that answered")
    role: Literal["champion", "challenger", "pinned"] = Field(description="why that version answered")
    decision_threshold: float = Field(ge=0, le=1, description="from this probability on a flight is called late")
    features: Freshness


class _Predicted(BaseModel):
    flight_id: str = Field(description="day, carrier, flight number and origin")
    as_of: AwareDatetime = Field(description="nothing that became known later was looked at")
    probability_late: float = Field(ge=0, le=1, description="0 surely on time, 1 surely late")
    is_late: bool = Field(description="the decision: whether the probability is at least decision_threshold")


class FlightPrediction(_Predicted, _Answer):
    """How likely one flight is to arrive 15 minutes or more late, as of two hours before its departure, and why."""

    reasons: list[ReasonCode] = Field(description="the three strongest, strongest first")


class PredictedFlight(_Predicted):
    """One flight of a batch."""


class BatchPrediction(_Answer):
    """The flights of a batch in their order, all by one version."""

    predictions: list[PredictedFlight]


class Explanation(_Predicted, _Answer):
    """Why a flight has its probability: `bias` plus all contributions is `log_odds`, exactly.

    `calibration` says what makes the probability of the log-odds: nothing but the logistic function when it is
    `identity` or `affine` (the map is inside the contributions), a last step of its own when `isotonic`.
    """

    bias: float
    log_odds: float
    calibration: str
    reasons: list[ReasonCode] = Field(description="every feature, strongest first")


class ModelCard(BaseModel):
    """Which model answers, for which departures, and by what right."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: str
    model_version: int
    alias: str
    model_sha256: str
    gate: dict | None = Field(
        description="the verdict that let it in: decision, reason, checks; null: none was exported"
    )
    decision_threshold: float
    departures_from: AwareDatetime | None = Field(description="null: there is no snapshot of features")
    departures_before: AwareDatetime | None
    known_until: AwareDatetime | None
    features: list[str]
    loaded: dict[str, int] = Field(description="every version that X-Model-Version can name, by role")
    rollout: dict = Field(description="mode, challenger and its share")
    refused: str | None = Field(description="why a model that was exported later does not answer; null: none was")


class Problem(BaseModel):
    """What is wrong with one field of a request, or with the request as a whole, and what to do about it."""

    field: str | None
    problem: str
    remedy: str


class Error(BaseModel):
    """Why there is no answer."""

    code: str
    problems: list[Problem]


class ErrorAnswer(BaseModel):
    """What stands in the body of every status from 400 on."""

    error: Error
    request_id: str | None
