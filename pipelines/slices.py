"""The slices on which a model is looked at: parts of the flights that somebody would ask about."""

import polars as pl

from data_checks import schema as s

HOURS = {"night": (22, 6), "morning": (6, 12), "afternoon": (12, 17), "evening": (17, 22)}
MINUTE = "departure_minute_of_day"
SEVERE, FAIR = "severe", "fair"
REGION = "destination_region"


def slice_names(rows: pl.DataFrame) -> pl.DataFrame:
    """The slice of each family that a flight belongs to, null where it is unknown: one column per family.

    `rows` has the features and, for `region`, the destination's time zone as `destination_region`.
    """
    return rows.select(
        pl.col(s.ORIGIN).alias("origin"),
        pl.col(s.CARRIER).alias("carrier"),
        _hours().alias("hours"),
        _weather().alias("weather"),
        pl.col(REGION).str.split("/").list.last().alias("region"),
    )


def with_region(rows: pl.DataFrame, schedule: pl.DataFrame, airports: pl.DataFrame) -> pl.DataFrame:
    """The rows with their flight's destination, and the time zone of it as the region; null where it is not known."""
    places = schedule.select(s.FLIGHT_ID, s.DESTINATION).unique(s.FLIGHT_ID, keep="last", maintain_order=True)
    zones = airports.select(pl.col(s.AIRPORT).alias(s.DESTINATION), pl.col(s.TIME_ZONE).alias(REGION))
    return rows.join(places, on=s.FLIGHT_ID, how="left", maintain_order="left").join(
        zones, on=s.DESTINATION, how="left", maintain_order="left"
    )


def _hours() -> pl.Expr:
    hour = pl.col(MINUTE) // 60
    bands = pl.when((hour >= HOURS["night"][0]) | (hour < HOURS["night"][1])).then(pl.lit("night"))
    for name in ("morning", "afternoon", "evening"):
        bands = bands.when(hour.is_between(*HOURS[name], closed="left")).then(pl.lit(name))
    return bands


def _weather() -> pl.Expr:
    """Severe as a dispatcher means it: low visibility, strong wind, or much rain or snow in six hours."""
    severe = (
        (pl.col(s.VISIBILITY) < 3) | (pl.col(s.WIND_SPEED) >= 25) | (pl.col("precipitation_6h_in") >= 0.25)
    ).fill_null(False)
    return pl.when(severe).then(pl.lit(SEVERE)).otherwise(pl.lit(FAIR))
