"""False alarms where nothing changed: few when few are allowed, more when more are."""

from statistics import mean

import numpy as np
import polars as pl
import pytest

from monitoring.clean_weeks import draw_halves, false_alarms_by_default
from monitoring.profiles import profile_of


def clean(seed: int, columns: int = 8) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame({f"c{number}": rng.normal(rng.normal(0, 0.2), 1, 300) for number in range(columns)})


def facts(seed: int) -> dict:
    dice = np.random.default_rng(seed).normal(0, 0.01, 3)
    return {
        "coverage": {"is_provisional": False},
        "estimate": {"log_loss": 0.45},
        "realised": {"log_loss": 0.45 + dice[0], "calibration_gap": dice[1], "late_share": 0.2, "flights": 6000},
        "slices": {},
        "flights_per_day": 900 * (1 + dice[2]),
        "rows_landed": 1000,
        "rows_quarantined": 0,
        "alarms": [{"detector": "calibration"}],
    }


@pytest.fixture(scope="module")
def rates() -> dict[float, dict[str, float]]:
    profiles = [profile_of(clean(seed)) for seed in range(40)]
    said = [np.random.default_rng(seed).beta(2, 6, 300) for seed in range(40)]
    found = {}
    for allowed in (1, 12):
        drawn = list(draw_halves(profiles, said, [facts(seed) for seed in range(30)], allowed, draws=10, seed=1))
        found[allowed] = {name: mean(one[name] for one in drawn) for name in drawn[0]}
    return found


def test_every_detector_is_tried(rates):
    assert set(rates[1]) >= {"inputs", "missing", "predictions", "estimate", "volume", "calibration", "quality"}


@pytest.mark.parametrize("detector", ["inputs", "predictions", "estimate", "calibration", "quality"])
def test_about_as_many_are_raised_as_were_allowed(rates, detector):
    assert rates[1][detector] <= 4
    assert rates[1][detector] <= rates[12][detector] <= 30


@pytest.mark.parametrize(("rows", "rings"), [(3000, False), (300, True)], ids=["distances", "tests"])
def test_evidently_rings_by_default_where_its_reference_is_small_and_nothing_has_changed(rows, rings):
    dice = np.random.default_rng(1)
    learned = pl.DataFrame({f"c{number}": dice.normal(0, 1, 12_000) for number in range(38)})
    reference = learned.sample(rows, seed=2)

    a_year = false_alarms_by_default(reference, learned, (), rows_a_week=3000, draws=6, seed=3)

    assert (a_year > 12) is rings
