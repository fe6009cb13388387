"""From features to predictions: pure functions, the same for a week in a table and for one request."""

from datetime import datetime

import numpy as np
import polars as pl

from data_checks import schema as s
from infra.errors import PreflightError
from infra.scorer import Scorer
from monitoring.quality import require_probabilities
from pipelines.as_of import AS_OF
from pipelines.clock import Week
from pipelines.encoding import encode_features

PROBABILITY, VERSION = "probability", "version"


class NoChampion(PreflightError, LookupError):  # noqa: N818
    """No model version may answer yet."""


class LeakingChampion(PreflightError, ValueError):  # noqa: N818
    """The champion has seen data from after the flights it is asked about."""


def score_flights(scorer: Scorer, version: int, features: pl.DataFrame) -> pl.DataFrame:
    """One prediction per row of `features`: flight, departure, as-of moment, version and probability 0 to 1.

    Raises NotAProbability.
    """
    return features.select(
        s.FLIGHT_ID,
        s.SCHEDULED_DEPARTURE,
        AS_OF,
        pl.lit(version, dtype=pl.Int64).alias(VERSION),
        pl.Series(PROBABILITY, require_probabilities(scorer.probability(encode_features(features)))),
    )


def score_yardsticks(frozen: Scorer, base_rate: float, features: pl.DataFrame) -> pl.DataFrame:
    """What the first champion, never retrained, and the base rate say of the same flights."""
    return features.select(
        s.FLIGHT_ID,
        pl.Series("frozen", require_probabilities(frozen.probability(encode_features(features)))),
        pl.Series("base_rate", np.full(features.height, base_rate)),
    )


def refuse_future_champion(tags: dict[str, str], version: int, week: Week) -> None:
    """Raise LeakingChampion when the version was trained or judged on moments after the week began."""
    if datetime.fromisoformat(tags["end"]) > week.start:
        raise LeakingChampion(
            f"version {version} has seen data up to {tags['end'][:10]}; scoring week {week.id} with it would leak "
            "the future: score that week in its turn, with preflight replay"
        )
