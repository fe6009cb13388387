"""The year in a table: how good the live champion was month by month, beside a frozen one and the base rate."""

from dataclasses import asdict, dataclass

import polars as pl

from data_checks import schema as s
from monitoring.labels import IS_LATE
from monitoring.quality import Quality, measure_quality

MONTH = "month"


@dataclass(frozen=True)
class MonthRow:
    """One month: its flights, those with a label, and three answers to the same flights. `month` is YYYY-MM."""

    month: str
    flights: int
    labelled: int
    live: Quality
    frozen: Quality
    base_rate: Quality
    versions: tuple[int, ...]
    promoted: int
    refused: int

    def as_dict(self) -> dict:
        """The row as plain values."""
        return asdict(self)


def summarise_months(
    predictions: pl.DataFrame, yardsticks: pl.DataFrame, labels: pl.DataFrame, gates: list[dict], zone: str
) -> list[MonthRow]:
    """One row per calendar month of departures in time zone `zone`; months without a label are left out.

    `gates` are the gate's events, counted in the month in which their week ended.
    """
    month = pl.col(s.SCHEDULED_DEPARTURE).dt.convert_time_zone(zone).dt.strftime("%Y-%m").alias(MONTH)
    answers = (
        predictions.with_columns(month)
        .join(yardsticks, on=s.FLIGHT_ID, maintain_order="left")
        .join(labels, on=s.FLIGHT_ID, how="left", maintain_order="left")
    )
    rows = []
    for (name,), flights in answers.group_by(MONTH, maintain_order=True):
        labelled = flights.filter(pl.col(IS_LATE).is_not_null())
        if labelled.is_empty():
            continue
        verdicts = [gate["promote"] for gate in gates if gate["decided_on"].startswith(name)]
        rows.append(
            MonthRow(
                month=name,
                flights=flights.height,
                labelled=labelled.height,
                live=_quality(labelled, "probability"),
                frozen=_quality(labelled, "frozen"),
                base_rate=_quality(labelled, "base_rate"),
                versions=tuple(sorted(flights["version"].unique().to_list())),
                promoted=sum(verdicts),
                refused=len(verdicts) - sum(verdicts),
            )
        )
    return rows


def mean_of(rows: list[MonthRow], answer: str, metric: str) -> float:
    """The mean over the months of one metric of `live`, `frozen` or `base_rate`, each month counting the same."""
    values = [getattr(getattr(row, answer), metric) for row in rows]
    return sum(values) / len(values)


def _quality(labelled: pl.DataFrame, column: str) -> Quality:
    return measure_quality(labelled[column].to_numpy(), labelled[IS_LATE].cast(pl.Int8).to_numpy())
