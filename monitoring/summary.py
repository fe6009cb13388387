"""The year in tables: how good the live champion was, by month and by week, beside a frozen one and the base rate."""

from dataclasses import asdict, dataclass

import polars as pl

from data_checks import schema as s
from monitoring.decision_cost import CostTable, cost_per_thousand
from monitoring.labels import IS_LATE
from monitoring.quality import Quality, measure_quality

PERIOD = "period"
ANSWERS = {"live": "probability", "frozen": "frozen", "base_rate": "base_rate"}


@dataclass(frozen=True)
class PeriodRow:
    """One month (`2013-07`) or week (`2013-07-01`): its flights, those with a label, three answers to the same flights.

    `cost_per_thousand` is what the decisions of each answer cost, by its name. `promoted` and `refused` count the
    gate's verdicts of the period in which they fell.
    """

    period: str
    flights: int
    labelled: int
    live: Quality
    frozen: Quality
    base_rate: Quality
    cost_per_thousand: dict[str, float]
    versions: tuple[int, ...]
    promoted: int
    refused: int


@dataclass(frozen=True)
class Year:
    """Everything a table or page of the year shows: rows by month and week, the events, and their hash."""

    months: tuple[PeriodRow, ...]
    weeks: tuple[PeriodRow, ...]
    events: tuple[dict, ...]
    event_log_sha256: str

    def of(self, stage: str) -> list[dict]:
        """The events of one stage, in order."""
        return [event for event in self.events if event["stage"] == stage]

    def as_dict(self) -> dict:
        """The months and the headline as plain values."""
        return {
            "months": [asdict(row) for row in self.months],
            "mean_roc_auc": {answer: mean_of(self.months, answer, "roc_auc") for answer in ("live", "frozen")},
            "mean_log_loss": {
                answer: mean_of(self.months, answer, "log_loss") for answer in ("live", "frozen", "base_rate")
            },
            "mean_cost_per_thousand": mean_costs(self.months),
            "event_log_sha256": self.event_log_sha256,
        }


def summarise_year(
    predictions: pl.DataFrame,
    yardsticks: pl.DataFrame,
    labels: pl.DataFrame,
    events: list[dict],
    digest: str,
    zone: str,
    costs: CostTable,
) -> Year:
    """The year so far; departures count in the month and week of their local time in `zone`."""
    local = pl.col(s.SCHEDULED_DEPARTURE).dt.convert_time_zone(zone).dt.date()
    answers = predictions.join(yardsticks, on=s.FLIGHT_ID, maintain_order="left").join(
        labels, on=s.FLIGHT_ID, how="left", maintain_order="left"
    )
    gates = [event for event in events if event["stage"] == "gate"]
    return Year(
        months=_rows(answers.with_columns(local.dt.strftime("%Y-%m").alias(PERIOD)), gates, "decided_on", costs),
        weeks=_rows(
            answers.with_columns(local.dt.truncate("1w").dt.strftime("%Y-%m-%d").alias(PERIOD)), gates, "week", costs
        ),
        events=tuple(events),
        event_log_sha256=digest,
    )


def mean_of(rows: tuple[PeriodRow, ...], answer: str, metric: str) -> float | None:
    """The mean over the rows of one metric of `live`, `frozen` or `base_rate`, each counting the same; None of none."""
    values = [getattr(getattr(row, answer), metric) for row in rows]
    values = [value for value in values if value is not None]
    return sum(values) / len(values) if values else None


def mean_costs(rows: tuple[PeriodRow, ...]) -> dict[str, float | None]:
    """The mean over the rows of the cost of a thousand flights, by answer; None of no rows."""
    return {name: sum(row.cost_per_thousand[name] for row in rows) / len(rows) if rows else None for name in ANSWERS}


def _rows(answers: pl.DataFrame, gates: list[dict], dated: str, costs: CostTable) -> tuple[PeriodRow, ...]:
    """One row per period that has a label, in the order of `answers`."""
    groups = answers.group_by(PERIOD, maintain_order=True)
    labelled = ((name, rows, rows.filter(pl.col(IS_LATE).is_not_null())) for (name,), rows in groups)
    return tuple(
        _row(name, rows, known, [gate["promote"] for gate in gates if gate[dated].startswith(name)], costs)
        for name, rows, known in labelled
        if known.height
    )


def _row(name: str, rows: pl.DataFrame, known: pl.DataFrame, verdicts: list[bool], costs: CostTable) -> PeriodRow:
    return PeriodRow(
        period=name,
        flights=rows.height,
        labelled=known.height,
        live=_quality(known, "probability"),
        frozen=_quality(known, "frozen"),
        base_rate=_quality(known, "base_rate"),
        cost_per_thousand={name: _cost(known, column, costs) for name, column in ANSWERS.items()},
        versions=tuple(sorted(rows["version"].unique().to_list())),
        promoted=sum(verdicts),
        refused=len(verdicts) - sum(verdicts),
    )


def _quality(known: pl.DataFrame, column: str) -> Quality:
    return measure_quality(known[column].to_numpy(), known[IS_LATE].cast(pl.Int8).to_numpy())


def _cost(known: pl.DataFrame, column: str, costs: CostTable) -> float:
    return cost_per_thousand(known[column].to_numpy(), known[IS_LATE].cast(pl.Int8).to_numpy(), costs)
