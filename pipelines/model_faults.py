"""The ways in which a model goes wrong in service, as pure functions on a week that was answered.

A feed fault is kept out by the contract; these begin behind it, where no rule on rows can see them.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from data_checks import schema as s
from monitoring.labels import IS_LATE
from pipelines.feature_catalog import CATEGORIES, FEATURES

LOG_ODDS_OFF = 0.7
CARRIER, BROKEN_CARRIER, DEFAULTED = "DL", "B6", "aircraft_turn_slack_min"
MOVING = tuple(feature.name for feature in FEATURES if feature.group in ("weather", "airport", "network", "inbound"))
"""What a snapshot that is no longer written goes on saying."""


@dataclass(frozen=True)
class Answered:
    """A week as it was answered: the features that the service used, (n,) probabilities, and labels as delivered.

    Where `probability` is None the model answers with those features; both tables have `flight_id`.
    """

    features: pl.DataFrame
    labels: pl.DataFrame
    probability: np.ndarray | None = None


@dataclass(frozen=True)
class ModelFault:
    """A fault of serving, model or labels. `spoil_features` is done before the model answers, `spoil` after."""

    name: str
    what: str
    spoil_features: Callable[[pl.DataFrame], pl.DataFrame] = lambda features: features
    spoil: Callable[[Answered], Answered] = lambda answered: answered


def model_faults() -> tuple[ModelFault, ...]:
    """The six model faults."""
    return (
        ModelFault("stale online features", "the snapshot is that of Monday 0:00 all week", _stale),
        ModelFault("frozen encoder", "a carrier was added to the list, codes are those of before", _next_category),
        ModelFault("probability scale", f"log-odds {LOG_ODDS_OFF:+g}, as if calibrated twice", spoil=_rescaled),
        ModelFault(
            "one slice broken", f"carrier {BROKEN_CARRIER} gets the answer of another flight", spoil=_slice_broken
        ),
        ModelFault("labels flipped", f"carrier {CARRIER} delivers late as in time", spoil=_flipped),
        ModelFault("feature defaulted", f"{DEFAULTED} is 0 at serving", _defaulted),
    )


def _stale(features: pl.DataFrame) -> pl.DataFrame:
    order = features.sort(s.SCHEDULED_DEPARTURE)
    first = order.group_by(s.ORIGIN, maintain_order=True).agg(pl.col(MOVING).first())
    return features.drop(MOVING).join(first, on=s.ORIGIN, how="left", maintain_order="left").select(features.columns)


def _next_category(features: pl.DataFrame) -> pl.DataFrame:
    carriers = CATEGORIES[s.CARRIER]
    return features.with_columns(
        pl.col(s.CARRIER).replace_strict(dict(zip(carriers, carriers[1:] + carriers[:1], strict=True)))
    )


def _rescaled(answered: Answered) -> Answered:
    log_odds = np.log(answered.probability / (1 - answered.probability)) + LOG_ODDS_OFF
    return replace(answered, probability=1 / (1 + np.exp(-log_odds)))


def _slice_broken(answered: Answered) -> Answered:
    broken = (answered.features[s.CARRIER] == BROKEN_CARRIER).to_numpy()
    seed = zlib.crc32(answered.features[s.FLIGHT_ID][0].encode())
    others = np.random.default_rng(seed).permutation(answered.probability[~broken])
    said = answered.probability.copy()
    said[broken] = np.resize(others, broken.sum())
    return replace(answered, probability=said)


def _flipped(answered: Answered) -> Answered:
    mine = pl.col(s.FLIGHT_ID).str.contains(f"-{CARRIER}\\d")
    turned = pl.when(mine).then(~pl.col(IS_LATE)).otherwise(IS_LATE).alias(IS_LATE)
    return replace(answered, labels=answered.labels.with_columns(turned))


def _defaulted(features: pl.DataFrame) -> pl.DataFrame:
    return features.with_columns(pl.lit(0.0).alias(DEFAULTED))
