"""The same work as one would write it in pandas for a portfolio: read, split, check, one table of features, whole year.

Only what is being compared is shared with the product: the contract's ranges and the names of the columns.
"""

from pathlib import Path

import holidays
import numpy as np
import pandas as pd

from data_checks import schema as s
from data_checks.feeds import ZONES_MISSING_FROM_AIRPORTS

NEW_YORK = "America/New_York"
AS_OF = "as_of_utc"
ONE_DAY = pd.Timedelta(days=1)


def read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """The five source files."""
    return {
        name: pd.read_csv(next(folder.glob(f"{name}.csv*")), na_values=["NA", "\\N", ""], keep_default_na=False)
        for name in s.SOURCE_COLUMNS
    }


def split(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Schedule, outcomes, weather and planes, each row with the moment from which it is known."""
    flights = _with_moments(tables["flights"], tables["airports"])
    schedule = flights.rename(
        columns={"flight": s.FLIGHT_NUMBER, "tailnum": s.TAIL_NUMBER, "dest": s.DESTINATION, "distance": s.DISTANCE}
    )
    schedule[s.KNOWN_AT] = schedule[s.SCHEDULED_DEPARTURE] - pd.Timedelta(days=7)
    planes = tables["planes"].rename(columns={"tailnum": s.TAIL_NUMBER, "year": s.YEAR_BUILT})
    return {
        "schedule": schedule[[column.name for column in s.SCHEDULE.columns]],
        "outcomes": _outcomes(flights),
        "weather": _weather_feed(tables["weather"]),
        "planes": planes[[s.TAIL_NUMBER, s.YEAR_BUILT, s.SEATS, s.ENGINES]],
    }


def check(rows: pd.DataFrame, feed: s.Feed) -> pd.DataFrame:
    """The rows that keep the contract's rules on single columns and keys."""
    good = pd.Series(True, index=rows.index)
    for column in feed.columns:
        values = rows[column.name]
        if not column.nullable:
            good &= values.notna()
        if column.minimum is not None:
            good &= values.isna() | values.between(column.minimum, column.maximum)
        if column.domain:
            good &= values.isna() | values.isin(column.domain)
        if column.pattern:
            good &= values.isna() | values.astype(str).str.match(column.pattern)
    for earlier, later in feed.ascending:
        good &= rows[later] > rows[earlier]
    for column, when, values in feed.required_when:
        good &= ~rows[when].isin(values) | rows[column].notna()
    return rows[good & ~rows.duplicated(list(feed.key))]


def features(
    schedule: pd.DataFrame, outcomes: pd.DataFrame, weather: pd.DataFrame, planes: pd.DataFrame
) -> pd.DataFrame:
    """One row per flight, sorted by moment: `flight_id`, then the features of the catalog by their names."""
    rows = schedule.assign(**{AS_OF: schedule[s.SCHEDULED_DEPARTURE] - pd.Timedelta(hours=2)})
    rows = rows.sort_values([AS_OF, s.FLIGHT_ID]).reset_index(drop=True)
    happened = outcomes.merge(schedule.drop(columns=s.KNOWN_AT), on=s.FLIGHT_ID).sort_values(s.KNOWN_AT, kind="stable")
    departures = happened[happened[s.EVENT].isin([s.DEPARTED, s.CANCELLED])]
    departures = departures.assign(
        flown=(departures[s.EVENT] == s.DEPARTED).astype(int),
        cancelled=(departures[s.EVENT] == s.CANCELLED).astype(int),
        delay=departures[s.DELAY].fillna(0).clip(-15, 240),
    )
    arrivals = happened[(happened[s.EVENT] == s.ARRIVED) & happened[s.DELAY].notna()]
    arrivals = arrivals.assign(
        landed=1, late=(arrivals[s.DELAY] >= 15).astype(int), delay=arrivals[s.DELAY].clip(-30, 240)
    )
    return pd.concat(
        [
            rows[[s.FLIGHT_ID, s.CARRIER, s.ORIGIN]],
            _plan(rows),
            _plane(rows, planes),
            _inbound(rows, departures[departures["flown"] == 1], arrivals),
            _weather(rows, weather),
            _airport(rows, schedule, departures),
            _network(rows, departures, arrivals),
        ],
        axis=1,
    )


def _with_moments(flights: pd.DataFrame, airports: pd.DataFrame) -> pd.DataFrame:
    day = pd.to_datetime(flights[["year", "month", "day"]])
    zones = airports.dropna(subset="tzone").set_index("faa")["tzone"].to_dict() | ZONES_MISSING_FROM_AIRPORTS
    departure = _to_utc(day + _clock(flights["sched_dep_time"]), NEW_YORK)
    clock = day + _clock(flights["sched_arr_time"])
    arrival = pd.Series(pd.NaT, index=flights.index, dtype=departure.dtype)
    for zone, part in clock.groupby(flights["dest"].map(zones)):
        same_day, next_day = _to_utc(part, zone), _to_utc(part + ONE_DAY, zone)
        arrival[part.index] = same_day.where(same_day > departure[part.index], next_day)
    number = flights["flight"].astype(str)
    name = day.dt.strftime("%Y-%m-%d-") + flights["carrier"] + number + "-" + flights["origin"]
    return flights.assign(
        **{s.FLIGHT_ID: name, s.SCHEDULED_DEPARTURE: departure, s.SCHEDULED_ARRIVAL: arrival}
    ).sort_values([s.SCHEDULED_DEPARTURE, s.FLIGHT_ID])


def _clock(hhmm: pd.Series) -> pd.Series:
    return pd.to_timedelta(hhmm // 100 * 60 + hhmm % 100, unit="min")


def _to_utc(local: pd.Series, zone: str) -> pd.Series:
    first = np.ones(len(local), dtype=bool)
    shown = local.dt.tz_localize(zone, ambiguous=first, nonexistent=pd.Timedelta(hours=1))
    return shown.dt.tz_convert("UTC")


def _outcomes(flights: pd.DataFrame) -> pd.DataFrame:
    departure, arrival = flights[s.SCHEDULED_DEPARTURE], flights[s.SCHEDULED_ARRIVAL]
    left, landed = flights["dep_time"].notna(), flights["arr_delay"].notna()
    departed = departure + pd.to_timedelta(flights["dep_delay"], unit="min")
    arrived = arrival + pd.to_timedelta(flights["arr_delay"], unit="min")
    nothing = pd.Series(np.nan, index=flights.index)
    events = [
        (s.DEPARTED, left, flights["dep_delay"], departed),
        (s.ARRIVED, landed, flights["arr_delay"], arrived),
        (s.CANCELLED, ~left, nothing, departure),
        (s.DIVERTED, left & ~landed, nothing, arrival + ONE_DAY),
    ]
    frames = [
        pd.DataFrame(
            {s.FLIGHT_ID: flights[s.FLIGHT_ID], s.EVENT: event, s.DELAY: delay, s.KNOWN_AT: known, s.REVISION: 0}
        )[chosen]
        for event, chosen, delay, known in events
    ]
    return pd.concat(frames).sort_values([s.KNOWN_AT, s.FLIGHT_ID, s.EVENT]).reset_index(drop=True)


def _weather_feed(weather: pd.DataFrame) -> pd.DataFrame:
    names = {"temp": s.TEMPERATURE, "dewp": s.DEW_POINT, "humid": s.HUMIDITY, "wind_dir": s.WIND_DIRECTION}
    names |= {"wind_speed": s.WIND_SPEED, "wind_gust": s.WIND_GUST, "precip": s.PRECIPITATION}
    names |= {"pressure": s.PRESSURE, "visib": s.VISIBILITY}
    observed = pd.to_datetime(weather["time_hour"], utc=True)
    moments = {s.OBSERVED_AT: observed, s.KNOWN_AT: observed + pd.Timedelta(hours=1)}
    feed = weather.drop(columns=["year", "month", "day", "hour"]).rename(columns=names).assign(**moments)
    return feed[[column.name for column in s.WEATHER.columns]].sort_values([s.OBSERVED_AT, s.ORIGIN])


def _plan(rows: pd.DataFrame) -> pd.DataFrame:
    local = rows[s.SCHEDULED_DEPARTURE].dt.tz_convert(NEW_YORK)
    block = rows[s.SCHEDULED_ARRIVAL] - rows[s.SCHEDULED_DEPARTURE]
    hour = rows[s.SCHEDULED_DEPARTURE].dt.floor("h").rename("hour")
    return pd.DataFrame(
        {
            "departure_minute_of_day": local.dt.hour * 60 + local.dt.minute,
            "departure_weekday": local.dt.weekday + 1,
            "days_from_holiday": _days_from_holiday(local),
            s.DISTANCE: rows[s.DISTANCE],
            "scheduled_block_min": block.dt.total_seconds() // 60,
            "departures_same_hour": rows.groupby([s.ORIGIN, hour])[s.FLIGHT_ID].transform("size") - 1,
        }
    )


def _days_from_holiday(local: pd.Series) -> pd.Series:
    day = local.dt.tz_localize(None).dt.normalize()
    years = range(day.dt.year.min() - 1, day.dt.year.max() + 2)
    known = pd.to_datetime(sorted(holidays.country_holidays("US", years=years)))
    after = known.searchsorted(day, side="right")
    since = (day - known[after - 1]).dt.days
    until = (pd.Series(known[after], index=day.index) - day).dt.days
    nearest = since.where(since <= until, -until)
    return nearest.clip(-8, 8)


def _plane(rows: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
    found = rows[[s.TAIL_NUMBER, AS_OF]].merge(planes.drop_duplicates(s.TAIL_NUMBER), on=s.TAIL_NUMBER, how="left")
    age = found[AS_OF].dt.year - found[s.YEAR_BUILT]
    return pd.DataFrame({s.SEATS: found[s.SEATS], s.ENGINES: found[s.ENGINES], "plane_age_years": age})


def _inbound(rows: pd.DataFrame, departures: pd.DataFrame, arrivals: pd.DataFrame) -> pd.DataFrame:
    landed, left = (_last_of_aircraft(rows, events) for events in (arrivals, departures))
    as_of = rows[AS_OF]
    has_landed = landed[s.SCHEDULED_DEPARTURE] >= left[s.SCHEDULED_DEPARTURE]
    due = left[s.SCHEDULED_ARRIVAL] + pd.to_timedelta(left[s.DELAY], unit="min")
    expected = landed["at"].where(has_landed, due.where(due.isna() | (due > as_of), as_of))
    way_back = left[s.SCHEDULED_ARRIVAL] - left[s.SCHEDULED_DEPARTURE]
    slack = rows[s.SCHEDULED_DEPARTURE] - expected - way_back
    return pd.DataFrame(
        {
            "aircraft_last_arrival_delay_min": landed[s.DELAY],
            "aircraft_landed_hours_ago": _hours(as_of - landed["at"]),
            "aircraft_last_departure_delay_min": left[s.DELAY],
            "aircraft_left_hours_ago": _hours(as_of - left["at"]),
            "aircraft_due_hours_ago": _hours(as_of - left[s.SCHEDULED_ARRIVAL]),
            "aircraft_turn_slack_min": slack.dt.total_seconds() // 60,
        }
    )


def _last_of_aircraft(rows: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    planned = [s.SCHEDULED_ARRIVAL, s.SCHEDULED_DEPARTURE]
    seen = events.dropna(subset=s.TAIL_NUMBER).sort_values([s.KNOWN_AT, *planned, s.DELAY])
    seen = seen[[s.TAIL_NUMBER, s.KNOWN_AT, *planned, s.DELAY]].assign(at=seen[s.KNOWN_AT])
    return pd.merge_asof(
        rows[[s.TAIL_NUMBER, AS_OF]],
        seen,
        left_on=AS_OF,
        right_on=s.KNOWN_AT,
        by=s.TAIL_NUMBER,
        tolerance=pd.Timedelta(days=7),
    )


def _hours(elapsed: pd.Series) -> pd.Series:
    return np.trunc(elapsed.dt.total_seconds() / 60) / 60


def _weather(rows: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    observed = [s.TEMPERATURE, s.DEW_POINT, s.WIND_DIRECTION, s.WIND_SPEED, s.PRESSURE, s.VISIBILITY]
    reports = weather.sort_values(s.KNOWN_AT)
    now, before = (_last_report(rows, reports, hours) for hours in (0, 3))
    rain = reports.assign(hundredths=(reports[s.PRECIPITATION].fillna(0) * 100).round())
    fallen = _within(rows, rain, [s.ORIGIN], ["hundredths"], 6)["hundredths"] / 100
    change = now[s.PRESSURE] - before[s.PRESSURE]
    return now[observed].assign(pressure_change_3h_mbar=change, precipitation_6h_in=fallen)


def _last_report(rows: pd.DataFrame, reports: pd.DataFrame, hours_before: int) -> pd.DataFrame:
    asked = pd.DataFrame({s.ORIGIN: rows[s.ORIGIN], "asked": rows[AS_OF] - pd.Timedelta(hours=hours_before)})
    half_a_day = pd.Timedelta(hours=12)
    return pd.merge_asof(asked, reports, left_on="asked", right_on=s.KNOWN_AT, by=s.ORIGIN, tolerance=half_a_day)


def _airport(rows: pd.DataFrame, schedule: pd.DataFrame, departures: pd.DataFrame) -> pd.DataFrame:
    counted = ["flown", "cancelled", "delay"]
    one, three, day = (_within(rows, departures, [s.ORIGIN], counted, hours) for hours in (1, 3, 24))
    return pd.DataFrame(
        {
            "origin_waiting_flights": _waiting(rows, schedule, departures),
            "origin_departure_delay_1h_min": _ratio(one["delay"], one["flown"]),
            "origin_departure_delay_3h_min": _ratio(three["delay"], three["flown"]),
            "origin_departure_delay_24h_min": _ratio(day["delay"], day["flown"]),
            "origin_cancelled_share_3h": _ratio(three["cancelled"], three["cancelled"] + three["flown"]),
            "origin_cancelled_share_24h": _ratio(day["cancelled"], day["cancelled"] + day["flown"]),
        }
    )


def _waiting(rows: pd.DataFrame, schedule: pd.DataFrame, departures: pd.DataFrame) -> pd.Series:
    gone = schedule[[s.FLIGHT_ID, s.ORIGIN, s.SCHEDULED_DEPARTURE]].merge(
        departures[[s.FLIGHT_ID, s.KNOWN_AT]], on=s.FLIGHT_ID, how="left"
    )
    due = gone[s.SCHEDULED_DEPARTURE]
    latest = due + ONE_DAY
    over = gone[s.KNOWN_AT].fillna(latest).clip(lower=due, upper=latest)
    steps = [
        pd.DataFrame({s.ORIGIN: gone[s.ORIGIN], s.KNOWN_AT: at, "step": step}) for at, step in ((due, 1), (over, -1))
    ]
    events = pd.concat(steps).sort_values(s.KNOWN_AT).reset_index(drop=True)
    return _until(rows, events, [s.ORIGIN], ["step"], 0)["step"]


def _network(rows: pd.DataFrame, departures: pd.DataFrame, arrivals: pd.DataFrame) -> pd.DataFrame:
    counted = ["landed", "late", "delay"]
    day, month = (_within(rows, arrivals, [s.CARRIER], counted, hours) for hours in (24, 720))
    here = _within(rows, departures, [s.ORIGIN, s.CARRIER], ["flown", "delay"], 6)
    hours, there = (_within(rows, arrivals, [s.DESTINATION], counted, hours) for hours in (6, 24))
    route = _within(rows, arrivals, [s.ORIGIN, s.DESTINATION], counted, 24)
    number = _within(rows, arrivals, [s.CARRIER, s.FLIGHT_NUMBER], counted, 24 * 14)
    return pd.DataFrame(
        {
            "carrier_late_share_24h": _ratio(day["late"], day["landed"]),
            "carrier_late_share_30d": _ratio(month["late"], month["landed"]),
            "carrier_origin_departure_delay_6h_min": _ratio(here["delay"], here["flown"]),
            "destination_arrival_delay_6h_min": _ratio(hours["delay"], hours["landed"]),
            "destination_late_share_24h": _ratio(there["late"], there["landed"]),
            "route_arrival_delay_24h_min": _ratio(route["delay"], route["landed"]),
            "flight_number_arrival_delay_14d_min": _ratio(number["delay"], number["landed"]),
        }
    )


def _within(rows: pd.DataFrame, events: pd.DataFrame, keys: list[str], values: list[str], hours: int) -> pd.DataFrame:
    """What was counted in the hours that end at each row's moment: running totals there, less those before."""
    return _until(rows, events, keys, values, 0) - _until(rows, events, keys, values, hours)


def _until(
    rows: pd.DataFrame, events: pd.DataFrame, keys: list[str], values: list[str], hours_before: int
) -> pd.DataFrame:
    running = events[[*keys, s.KNOWN_AT]].join(events.groupby(keys)[values].cumsum())
    asked = rows[keys].assign(asked=rows[AS_OF] - pd.Timedelta(hours=hours_before))
    return pd.merge_asof(asked, running, left_on="asked", right_on=s.KNOWN_AT, by=keys)[values].fillna(0)


def _ratio(part: pd.Series, whole: pd.Series) -> pd.Series:
    return part / whole.where(whole > 0)
