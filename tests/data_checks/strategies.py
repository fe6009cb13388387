"""Batches that keep the contract, drawn from its declaration, and ways to break each of its rules in one row."""

import re
import string
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil, floor

import polars as pl
from hypothesis import strategies as st

from data_checks import rules as r
from data_checks import schema as s
from data_checks.feeds import flight_id
from data_checks.history import PLANNED, History
from data_checks.joint import MILES_PER_HOUR_OF_A_KNOT, relative_humidity_pct
from data_checks.times import NEW_YORK

YEAR_START = datetime(2013, 1, 1, 5, tzinfo=UTC)
MINUTES_OF_YEAR = 365 * 24 * 60
MOST_ROWS = 12


@dataclass(frozen=True)
class Case:
    """A batch, what it is judged against, and for a spoilt one the row and the rule it must break there."""

    feed: s.Feed
    batch: pl.DataFrame
    history: History
    rule: r.Rule | None = None
    row: int | None = None


def moments() -> st.SearchStrategy[datetime]:
    """Whole minutes of the year."""
    return st.integers(0, MINUTES_OF_YEAR).map(lambda minutes: YEAR_START + timedelta(minutes=minutes))


def values_of(column: s.Column) -> st.SearchStrategy:
    """What a column may hold by itself; bounds are drawn often, since that is where rules go wrong."""
    if column.domain:
        return st.sampled_from(column.domain)
    if column.pattern:
        return st.from_regex(column.pattern.replace(r"\d", "[0-9]"), fullmatch=True)
    if column.dtype == s.MOMENT:
        return moments()
    edges = st.sampled_from((column.minimum, column.maximum))
    if column.dtype == pl.Int64:
        return edges | st.integers(column.minimum, column.maximum)
    return edges.map(float) | st.floats(column.minimum, column.maximum, allow_nan=False)


@st.composite
def kept(draw: st.DrawFn, feed: s.Feed) -> Case:
    """A batch of up to a dozen rows that keeps every rule about rows."""
    return {"schedule": _plans, "outcomes": _events, "weather": _hours}[feed.name](draw)


@st.composite
def spoilt(draw: st.DrawFn, feed: s.Feed, rule: r.Rule | None = None) -> Case:
    """A batch in which one row breaks one rule, any or this one, whatever others it breaks with it."""
    case = draw(kept(feed))
    rule = rule or draw(st.sampled_from(r.row_rules(feed)))
    return _break(draw, case, rule, draw(st.integers(0, case.batch.height - 1)))


@st.composite
def anything(draw: st.DrawFn, feed: s.Feed) -> Case:
    """A batch of the right types, whatever is in it."""
    drawn = {
        pl.String: st.text(max_size=12) | st.sampled_from((*s.CARRIERS, *s.ORIGINS, s.ARRIVED, "2013-07-01-UA1-EWR")),
        pl.Int64: st.integers(-(2**62), 2**62),
        pl.Float64: st.floats(allow_nan=False),
    }
    rows = draw(st.integers(0, 6))
    columns = {
        column.name: draw(st.lists(st.none() | drawn.get(column.dtype, moments()), min_size=rows, max_size=rows))
        for column in feed.columns
    }
    history = draw(kept(feed)).history
    return Case(feed, pl.DataFrame(columns, schema=feed.polars_schema), history)


def _plans(draw: st.DrawFn) -> Case:
    rows = draw(st.integers(1, MOST_ROWS))
    column = s.SCHEDULE.column
    routes: dict[tuple[str, str], float] = {}
    plans = []
    for _ in range(rows):
        carrier, number = draw(values_of(column(s.CARRIER))), draw(values_of(column(s.FLIGHT_NUMBER)))
        origin, destination = draw(values_of(column(s.ORIGIN))), draw(values_of(column(s.DESTINATION)))
        distance = routes.setdefault((origin, destination), draw(values_of(column(s.DISTANCE))))
        departure = draw(moments())
        block_min = draw(st.integers(ceil(distance * 60 / 560), floor(distance * 60 / 40)))
        plans.append(
            {
                s.CARRIER: carrier,
                s.FLIGHT_NUMBER: number,
                s.TAIL_NUMBER: draw(values_of(column(s.TAIL_NUMBER))),
                s.ORIGIN: origin,
                s.DESTINATION: destination,
                s.SCHEDULED_DEPARTURE: departure,
                s.SCHEDULED_ARRIVAL: departure + timedelta(minutes=block_min),
                s.DISTANCE: distance,
                s.KNOWN_AT: departure - timedelta(days=7),
            }
        )
    schema = {name: dtype for name, dtype in s.SCHEDULE.polars_schema.items() if name != s.FLIGHT_ID}
    local = pl.col(s.SCHEDULED_DEPARTURE).dt.convert_time_zone(NEW_YORK)
    named = pl.DataFrame(plans, schema=schema).with_columns(
        flight_id(local, pl.col(s.CARRIER), pl.col(s.FLIGHT_NUMBER), pl.col(s.ORIGIN))
    )
    batch = named.unique(s.FLIGHT_ID, keep="first", maintain_order=True).select(s.SCHEDULE.polars_schema.names())
    history = History(
        carriers=frozenset(s.CARRIERS),
        destinations=frozenset(batch[s.DESTINATION]),
        distances=batch.group_by(s.ORIGIN, s.DESTINATION).agg(pl.col(s.DISTANCE).median()),
    )
    return Case(s.SCHEDULE, _with_gaps(draw, s.SCHEDULE, batch), history)


def _events(draw: st.DrawFn) -> Case:
    planned = draw(kept(s.SCHEDULE)).batch.select(PLANNED)
    events = []
    for number, (name, departure, arrival) in enumerate(planned.iter_rows()):
        for event in draw(st.sampled_from(STORIES if number else STORIES[:3])):
            has_delay = event in (s.DEPARTED, s.ARRIVED)
            delay = draw(values_of(s.OUTCOMES.column(s.DELAY))) if has_delay else None
            events.append((name, event, delay, _due(event, departure, arrival, delay) + draw(_waits())))
    batch = _outcome_rows(_with_few_delays_missing(events))
    return Case(s.OUTCOMES, batch, History(planned=planned))


STORIES = ((s.DEPARTED, s.ARRIVED), (s.DEPARTED,), (s.ARRIVED,), (s.DEPARTED, s.DIVERTED), (s.CANCELLED,))
"""What of a flight a batch may tell."""


def _with_few_delays_missing(events: list[tuple]) -> list[tuple]:
    """The events with as many cancellations and diversions as the share of missing delays leaves room for."""
    delayed = [event for event in events if event[2] is not None]
    most_missing = s.OUTCOMES.column(s.DELAY).most_missing
    room = floor(len(delayed) * most_missing / (1 - most_missing))
    kept_without = [event for event in events if event[2] is None][:room]
    return [event for event in events if event[2] is not None or event in kept_without]


def _outcome_rows(events: list[tuple]) -> pl.DataFrame:
    names = (s.FLIGHT_ID, s.EVENT, s.DELAY, s.KNOWN_AT)
    rows = [dict(zip(names, event, strict=True)) for event in events]
    others = {name: 0 for name in s.OUTCOMES.polars_schema if name not in names}
    return pl.DataFrame([row | others for row in rows], schema=s.OUTCOMES.polars_schema)


def _due(event: str, departure: datetime, arrival: datetime, delay: int | None) -> datetime:
    moment = departure if event in (s.DEPARTED, s.CANCELLED) else arrival
    return moment + (timedelta(days=1) if event == s.DIVERTED else timedelta(minutes=delay or 0))


def _waits() -> st.SearchStrategy[timedelta]:
    return st.sampled_from((0, 0, 0, 1, 20160)).map(lambda minutes: timedelta(minutes=minutes))


def _hours(draw: st.DrawFn) -> Case:
    rows = draw(st.integers(1, MOST_ROWS))
    column = s.WEATHER.column
    hours = []
    for _ in range(rows):
        temperature = draw(st.floats(-30, 120))
        dew_point = max(-50.0, min(90.0, temperature - draw(st.sampled_from((0.0, 10.0)) | st.floats(0, 80))))
        speed_kt = draw(st.just(0) | st.integers(0, 130))
        gust_kt = draw(st.none() | st.integers(max(14, speed_kt + 3), min(173, speed_kt + 52)))
        observed = YEAR_START + timedelta(hours=draw(st.integers(0, 364 * 24)))
        hours.append(
            {
                s.ORIGIN: draw(values_of(column(s.ORIGIN))),
                s.OBSERVED_AT: observed,
                s.TEMPERATURE: temperature,
                s.DEW_POINT: dew_point,
                s.HUMIDITY: draw(st.sampled_from((-0.9, 0.0, 29.9)) | st.floats(-0.9, 29.9)),
                s.WIND_DIRECTION: draw(st.integers(1, 36)) * 10.0 if speed_kt else 0.0,
                s.WIND_SPEED: speed_kt * MILES_PER_HOUR_OF_A_KNOT,
                s.WIND_GUST: None if gust_kt is None else gust_kt * MILES_PER_HOUR_OF_A_KNOT,
                **{name: draw(values_of(column(name))) for name in (s.PRECIPITATION, s.PRESSURE, s.VISIBILITY)},
                s.KNOWN_AT: observed + timedelta(hours=draw(st.sampled_from((1, 1, 1, 24)))),
            }
        )
    humidity = (relative_humidity_pct() + pl.col(s.HUMIDITY)).clip(0, 100)
    batch = pl.DataFrame(hours, schema=s.WEATHER.polars_schema).with_columns(humidity.alias(s.HUMIDITY))
    return Case(s.WEATHER, _with_gaps(draw, s.WEATHER, batch.unique(s.WEATHER.key, maintain_order=True)), History())


def _with_gaps(draw: st.DrawFn, feed: s.Feed, batch: pl.DataFrame) -> pl.DataFrame:
    """Nulls where the contract allows them, as many as it allows at most."""
    for column in feed.columns:
        if column.most_missing is not None:
            most = floor(column.most_missing * batch.height)
            for row in draw(st.lists(st.integers(0, batch.height - 1), max_size=most, unique=True)) if most else ():
                batch = _set(batch, row, {column.name: None})
    return batch


def _set(batch: pl.DataFrame, row: int, values: dict[str, object]) -> pl.DataFrame:
    here = pl.int_range(pl.len()) == row
    types = batch.schema
    return batch.with_columns(
        pl.when(here).then(pl.lit(value, dtype=types[name])).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )


def _break(draw: st.DrawFn, case: Case, rule: r.Rule, row: int) -> Case:
    """The case with `rule` broken in `row`; a copy or a contradiction stands in a row of its own at the end."""
    name = rule.columns[0]
    if rule.kind == r.MOSTLY_THERE:
        rows = floor(rule.maximum * case.batch.height) + 1
        hidden = pl.when(pl.int_range(pl.len()) >= rows).then(pl.col(name)).alias(name)
        return replace(case, batch=case.batch.with_columns(hidden), rule=rule, row=None)
    if rule.kind == r.ONCE:
        return replace(case, batch=pl.concat([case.batch, case.batch[row]]), rule=rule, row=case.batch.height)
    if name == s.ENDINGS:
        return _contradict(case, rule, row)
    values = _breaking_values(draw, case, rule, case.batch.row(row, named=True))
    return replace(case, batch=_set(case.batch, row, values), rule=rule, row=row)


def _contradict(case: Case, rule: r.Rule, row: int) -> Case:
    known = case.batch[row]
    both = (s.ARRIVED, s.CANCELLED)
    rows = pl.concat([known.with_columns(pl.lit(event).alias(s.EVENT)) for event in both])
    others = case.batch.filter(pl.col(s.FLIGHT_ID) != known[s.FLIGHT_ID].item())
    return replace(case, batch=pl.concat([others, rows]), rule=rule, row=others.height)


def _breaking_values(draw: st.DrawFn, case: Case, rule: r.Rule, row: dict) -> dict[str, object]:
    name = rule.columns[0]
    if name in JOINT:
        return JOINT[name](draw, row)
    if rule.kind == r.THERE:
        return {name: None}
    if rule.kind == r.AMONG:
        return {name: draw(st.text(max_size=5).filter(lambda text: text not in rule.values))}
    if rule.kind == r.LIKE:
        near = draw(values_of(case.feed.column(name)))
        wrong = st.text(string.ascii_letters + "- é", max_size=9) | st.sampled_from(
            (near.lower(), f" {near}", f"{near}x")
        )
        return {name: draw(wrong.filter(lambda text: not re.search(rule.pattern, text)))}
    if rule.kind == r.BEFORE:
        return {rule.columns[1]: row[name] - timedelta(minutes=draw(st.integers(0, 600)))}
    if rule.kind == r.THERE_WHEN:
        return {name: None, rule.columns[1]: draw(st.sampled_from(rule.values))}
    if rule.kind == r.ABSENT_WHEN:
        return {name: 5, rule.columns[1]: draw(st.sampled_from(rule.values))}
    return {name: draw(_outside(rule, case.feed.column(name).dtype))}


def _outside(rule: r.Rule, dtype: pl.DataType) -> st.SearchStrategy:
    if dtype == pl.Int64:
        return st.integers(max_value=int(rule.minimum) - 1, min_value=-(2**40)) | st.integers(
            int(rule.maximum) + 1, 2**40
        )
    low = st.floats(max_value=rule.minimum, exclude_max=True, allow_nan=False)
    return low | st.floats(min_value=rule.maximum, exclude_min=True, allow_nan=False)


def _minutes(**bounds: int) -> st.SearchStrategy[timedelta]:
    return st.integers(bounds["least"], bounds["most"]).map(lambda minutes: timedelta(minutes=minutes))


def _other_block(draw: st.DrawFn, row: dict) -> dict:
    slow, fast = ceil(row[s.DISTANCE] * 60 / 40) + 1, max(1, floor(row[s.DISTANCE] * 60 / 560) - 1)
    minutes = draw(st.sampled_from((slow, slow + 600)) | st.just(fast)) if fast * 560 / 60 < row[s.DISTANCE] else slow
    return {s.SCHEDULED_ARRIVAL: row[s.SCHEDULED_DEPARTURE] + timedelta(minutes=minutes)}


def _far_from_whole_knots(draw: st.DrawFn, row: dict) -> dict:
    knots = draw(st.integers(0, 100)) + draw(st.floats(0.02, 0.98))
    return {s.WIND_SPEED: knots * MILES_PER_HOUR_OF_A_KNOT}


def _gust_near(draw: st.DrawFn, row: dict) -> dict:
    speed, more = draw(st.integers(14, 60)), draw(st.sampled_from((0, 1, 2, 53, 70)))
    return {s.WIND_SPEED: speed * MILES_PER_HOUR_OF_A_KNOT, s.WIND_GUST: (speed + more) * MILES_PER_HOUR_OF_A_KNOT}


def _calm_or_not(draw: st.DrawFn, row: dict) -> dict:
    knots, degrees = draw(st.sampled_from(((0, 10.0), (0, 360.0), (1, 0.0), (80, 0.0))))
    return {s.WIND_SPEED: knots * MILES_PER_HOUR_OF_A_KNOT, s.WIND_DIRECTION: degrees}


JOINT: dict[str, Callable[[st.DrawFn, dict], dict]] = {
    s.BLOCK_SPEED: _other_block,
    s.DISTANCE_CHANGE: lambda draw, row: {
        s.DISTANCE: row[s.DISTANCE] + draw(st.floats(2.1, 400)) * (1 if row[s.DISTANCE] < 2500 else -1)
    },
    s.KNOWN_AHEAD: lambda draw, row: {
        s.KNOWN_AT: row[s.KNOWN_AT] + draw(_minutes(least=1, most=20000)) * draw(st.sampled_from((1, -1)))
    },
    s.FLIGHT_ID_AGREES: lambda draw, row: {s.CARRIER: draw(st.sampled_from(_others(s.CARRIERS, row[s.CARRIER])))},
    s.CARRIER_IS_LISTED: lambda draw, row: {s.CARRIER: draw(st.sampled_from(("ZZ", "ua", "", "U")))},
    s.DESTINATION_IS_LISTED: lambda draw, row: {s.DESTINATION: draw(st.sampled_from(("", "xxx", "ZZ")))},
    s.FLIGHT_IS_PLANNED: lambda draw, row: {s.FLIGHT_ID: "2014-12-31-UA1-EWR"},
    s.KNOWN_AFTER_EVENT: lambda draw, row: {
        s.KNOWN_AT: row[s.KNOWN_AT]
        + draw(st.sampled_from((timedelta(days=-15), timedelta(days=15))) | _minutes(least=-30000, most=-20161))
    },
    s.KNOWN_AFTER_HOURS: lambda draw, row: {
        s.KNOWN_AT: row[s.OBSERVED_AT] + draw(_minutes(least=-3000, most=59) | _minutes(least=1441, most=9000))
    },
    s.HUMIDITY_GAP: lambda draw, row: {s.TEMPERATURE: 60.0, s.DEW_POINT: 40.0, s.HUMIDITY: draw(_dry_or_damp())},
    s.DEW_POINT_SPREAD: lambda draw, row: {s.TEMPERATURE: 40.0, s.DEW_POINT: 40.0 + draw(st.floats(0.01, 50))},
    s.GUST_OVER_WIND: _gust_near,
    s.WIND_OFF_KNOTS: _far_from_whole_knots,
    s.CALM_AGREES: _calm_or_not,
}
"""How each rule over several columns is broken: the values that one row takes instead."""


def _others(words: tuple[str, ...], word: str) -> tuple[str, ...]:
    return tuple(other for other in words if other != word)


def _dry_or_damp() -> st.SearchStrategy[float]:
    """Relative humidity is 47.6 % at 60 °F over 40 °F."""
    return st.floats(0, 46) | st.floats(78, 100)
