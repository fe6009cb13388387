"""What the service is asked and what it answers: typed messages whose ranges come from the contract."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from data_checks import schema as s

MOST_FLIGHTS = 1000
LONGEST_FLIGHT = timedelta(hours=24)

Carrier = Literal[s.SCHEDULE.column(s.CARRIER).domain]
Origin = Literal[s.SCHEDULE.column(s.ORIGIN).domain]


def _field(name: str, **more: object) -> FieldInfo:
    """What the contract says of a column of the schedule, as pydantic says it; allowed words are a type apart."""
    column = s.SCHEDULE.column(name)
    promises = {"description": column.meaning, "ge": column.minimum, "le": column.maximum, "pattern": column.pattern}
    return Field(**{promise: value for promise, value in promises.items() if value is not None} | more)


class FlightRequest(BaseModel):
    """One planned flight. Times carry an offset, such as 2013-12-20T08:30:00-05:00."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "carrier": "UA",
                "flight_number": 1545,
                "tail_number": "N14228",
                "origin": "EWR",
                "destination": "IAH",
                "scheduled_departure": "2013-12-20T05:15:00-05:00",
                "scheduled_arrival": "2013-12-20T08:19:00-06:00",
            }
        },
    )

    carrier: Carrier = _field(s.CARRIER)
    flight_number: int = _field(s.FLIGHT_NUMBER, strict=True)
    tail_number: str | None = _field(s.TAIL_NUMBER, default=None)
    origin: Origin = _field(s.ORIGIN)
    destination: str = _field(s.DESTINATION)
    scheduled_departure: AwareDatetime = Field(description="when it should leave, with offset")
    scheduled_arrival: AwareDatetime = Field(description="when it should arrive, with offset")
    distance_miles: float | None = _field(
        s.DISTANCE,
        default=None,
        allow_inf_nan=False,
        description="between the airports; left out: as other flights of the route",
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


class FlightPrediction(BaseModel):
    """How likely one flight is to arrive 15 minutes or more late, as of two hours before its departure."""

    flight_id: str = Field(description="day, carrier, flight number and origin")
    probability_late: float = Field(ge=0, le=1, description="0 surely on time, 1 surely late")
    as_of: AwareDatetime = Field(description="nothing that became known later was looked at")
    model_version: int = Field(ge=1, description="registry version that answered")


class ModelCard(BaseModel):
    """Which model answers, and for which departures."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: str
    model_version: int
    model_sha256: str
    departures_from: AwareDatetime
    departures_before: AwareDatetime
    features: list[str]
    refused: str | None = Field(description="why a model that was exported later does not answer; null: none was")
