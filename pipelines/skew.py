"""Train/serve skew of features: what the service used, recomputed offline from the feeds, value by value."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import polars as pl

from data_checks import schema as s
from infra.pseudonyms import Pseudonyms
from pipelines.as_of import AS_OF
from pipelines.asked import plans_as_schedule
from pipelines.feature_catalog import CATEGORICAL, NAMES
from pipelines.features import build_features, fill_distances
from pipelines.mismatch import Mismatch, find_mismatches
from pipelines.state import World, prepare_state


class Used(Protocol):
    """One answered flight: `plan` as it was asked, moments as text, the tail number as its pseudonym; what was used."""

    plan: tuple
    flight_id: str
    as_of: str
    features: Mapping[str, str | float | None]


def measure_skew(answered: Sequence[Used], world: World, names: Pseudonyms) -> list[Mismatch]:
    """Every value of answered flights that the offline rules give otherwise in the world of their week, to the bit.

    The log knows a tail number by its pseudonym: it is found again among those of the world, and one that is not
    there is as unknown offline as it was online.
    """
    return find_mismatches(_recomputed(answered, world, names), features_used(answered))


def features_used(answered: Sequence[Used]) -> pl.DataFrame:
    """What the model saw as a table like the offline one; a feature that was never logged is a missing column."""
    types = {name: pl.String if name in CATEGORICAL else pl.Float64 for name in NAMES}
    names = [name for name in NAMES if any(name in one.features for one in answered)]
    rows = [(one.flight_id, one.as_of, *(one.features.get(name) for name in names)) for one in answered]
    schema = {s.FLIGHT_ID: pl.String, AS_OF: pl.String, **{name: types[name] for name in names}}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _recomputed(answered: Sequence[Used], world: World, names: Pseudonyms) -> pl.DataFrame:
    state = prepare_state(world)
    tails = pl.concat([world.schedule[s.TAIL_NUMBER], world.planes[s.TAIL_NUMBER]]).drop_nulls().unique().to_list()
    tail_of = {names.of(tail): tail for tail in tails}
    flights = fill_distances(plans_as_schedule([_asked(one.plan, tail_of) for one in answered]), state)
    return build_features(flights, state).with_columns(as_text(AS_OF))


def _asked(plan: tuple, tail_of: dict[str, str]) -> tuple:
    carrier, number, tail, origin, destination, departure, arrival, distance = plan
    moments = (datetime.fromisoformat(departure), datetime.fromisoformat(arrival))
    return carrier, number, tail_of.get(tail), origin, destination, *moments, distance


def as_text(moment: str) -> pl.Expr:
    """A column of moments in ISO format, as the answers have them."""
    return pl.col(moment).dt.to_string("%Y-%m-%dT%H:%M:%S%:z")
