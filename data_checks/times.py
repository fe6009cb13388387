"""From clocks on the wall to UTC: HHMM numbers, arrivals overnight and in other zones, the two nights of the year."""

import polars as pl

NEW_YORK = "America/New_York"
UTC = "UTC"


def minutes_of_clock(hhmm: pl.Expr) -> pl.Expr:
    """Minutes since midnight of a clock time written as a number: 517 is 05:17, 2400 is the next midnight.

    Null for a number that is no time, such as 2530 or 1275.

    >>> pl.select(minutes_of_clock(pl.lit(2359))).item()
    1439
    """
    is_time = hhmm.is_between(0, 2400) & (hhmm % 100 < 60)
    return pl.when(is_time).then(hhmm // 100 * 60 + hhmm % 100)


def local_to_utc(local: pl.Expr, zone: str) -> pl.Expr:
    """The moment at which clocks in `zone` show `local`.

    An hour that clocks skip in spring is read as the hour after it; an hour they show twice
    in autumn as the first of the two.
    """
    shown = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    hour_later = (local + pl.duration(hours=1)).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return pl.coalesce(shown, hour_later).dt.convert_time_zone(UTC)


def local_to_utc_by_zone(local: pl.Expr, zone: pl.Expr, zones: list[str]) -> pl.Expr:
    """As `local_to_utc`, the zone taken from a column; null where it is none of `zones`."""
    moment = pl.lit(None, dtype=pl.Datetime("us", UTC))
    for name in zones:
        moment = pl.when(zone == name).then(local_to_utc(local, name)).otherwise(moment)
    return moment


def scheduled_departure(day: pl.Expr, hhmm: pl.Expr) -> pl.Expr:
    """When a flight leaves New York: local `day` (a datetime at midnight) and clock time, in UTC."""
    return local_to_utc(day + pl.duration(minutes=minutes_of_clock(hhmm)), NEW_YORK)


def scheduled_arrival(day: pl.Expr, hhmm: pl.Expr, departure: pl.Expr, zone: pl.Expr, zones: list[str]) -> pl.Expr:
    """When a flight is due at its destination, in UTC: the first time after `departure` that clocks there say so."""
    clock = day + pl.duration(minutes=minutes_of_clock(hhmm))
    same_day = local_to_utc_by_zone(clock, zone, zones)
    next_day = local_to_utc_by_zone(clock + pl.duration(days=1), zone, zones)
    return pl.when(same_day > departure).then(same_day).otherwise(next_day)
