"""A made-up year that is lived in seconds: few features and flights, and what tells late ones changes by the week."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from data_checks import schema as s
from infra.settings import Settings
from infra.storage import Store
from monitoring.labels import IS_LATE, LABEL_KNOWN_AT
from pipelines.bakeoff import set_arena
from pipelines.bakeoff_arena import Arena, Recipe
from pipelines.clock import midnight
from pipelines.estimators import ModelParameters

NAMES = ("origin_waiting_flights", "temp_f", "seats")
QUICK = Recipe("untuned", lambda week: ModelParameters(trees=3))
FLIGHTS_A_DAY = 90


def tiny_settings(home: Path, **changes: object) -> Settings:
    """Five weeks to learn from and twelve to answer."""
    usual = {"first_scored_week": date(2013, 2, 4), "last_day": date(2013, 4, 28), "recent_window_weeks": 5}
    return Settings(home=home, **{**usual, **changes})


def tiny_year(settings: Settings, seed: int = 0) -> pl.DataFrame:
    """Labelled flights; the first feature tells late ones at the beginning, the second at the end."""
    days = [
        settings.first_day + timedelta(days=day) for day in range((settings.last_day - settings.first_day).days + 1)
    ]
    dice = np.random.default_rng(seed)
    number = len(days) * FLIGHTS_A_DAY
    values = dice.normal(size=(number, len(NAMES)))
    age = np.arange(number) / number
    telling = (1 - age) * values[:, 0] + age * values[:, 1]
    departure = [midnight(day) + flight * timedelta(minutes=15) for day in days for flight in range(FLIGHTS_A_DAY)]
    return pl.DataFrame(
        {
            s.FLIGHT_ID: [f"{place:06d}" for place in range(number)],
            s.SCHEDULED_DEPARTURE: departure,
            **{name: values[:, place] for place, name in enumerate(NAMES)},
            IS_LATE: telling + dice.normal(scale=0.4, size=number) > 0.4,
            LABEL_KNOWN_AT: [moment + timedelta(hours=4) for moment in departure],
        }
    ).with_columns(pl.col(s.SCHEDULED_DEPARTURE, LABEL_KNOWN_AT).cast(s.MOMENT))


def tiny_arena(home: Path, rows: pl.DataFrame | None = None, share: float = 0.6, **options: object) -> Arena:
    """The tiny year, with every week drifted as far as told; `options` are those of `set_arena`."""
    settings = tiny_settings(home)
    labelled = tiny_year(settings) if rows is None else rows
    arena = set_arena(labelled, Store(home), settings, NAMES, watch=lambda: 0.0, **options)
    return replace(arena, share_drifted=lambda fit, week: share)
