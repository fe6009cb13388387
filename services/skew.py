"""Train/serve skew of features: what the service used, recomputed offline from the feeds, value by value."""

from datetime import datetime

import polars as pl

from data_checks import schema as s
from infra.pseudonyms import Pseudonyms
from pipelines.as_of import AS_OF
from pipelines.feature_catalog import CATEGORICAL, NAMES
from pipelines.features import build_features, fill_distances
from pipelines.mismatch import Mismatch, find_mismatches
from pipelines.state import World, prepare_state
from services.online import plans_as_schedule
from services.prediction_log import Logged


def measure_skew(logged: list[Logged], world: World, names: Pseudonyms) -> list[Mismatch]:
    """Every value of logged requests that the offline rules give otherwise in the world of their week, to the bit.

    The log knows a tail number by its pseudonym: it is found again among those of the world, and one that is not
    there is as unknown offline as it was online.
    """
    return find_mismatches(_recomputed(logged, world, names), _as_logged(logged))


def _recomputed(logged: list[Logged], world: World, names: Pseudonyms) -> pl.DataFrame:
    state = prepare_state(world)
    tails = pl.concat([world.schedule[s.TAIL_NUMBER], world.planes[s.TAIL_NUMBER]]).drop_nulls().unique().to_list()
    tail_of = {names.of(tail): tail for tail in tails}
    plans = [_asked(entry.plan, tail_of) for entry in logged]
    flights = fill_distances(plans_as_schedule(plans), state)
    return build_features(flights, state).with_columns(as_text(AS_OF))


def _asked(plan: tuple, tail_of: dict[str, str]) -> tuple:
    carrier, number, tail, origin, destination, departure, arrival, distance = plan
    moments = (datetime.fromisoformat(departure), datetime.fromisoformat(arrival))
    return carrier, number, tail_of.get(tail), origin, destination, *moments, distance


def _as_logged(logged: list[Logged]) -> pl.DataFrame:
    """The logged features as a table like the offline one; a feature that was not logged is a missing column."""
    types = {name: pl.String if name in CATEGORICAL else pl.Float64 for name in NAMES}
    names = [name for name in NAMES if all(name in entry.features for entry in logged)]
    rows = [(entry.flight_id, entry.as_of, *(entry.features[name] for name in names)) for entry in logged]
    schema = {s.FLIGHT_ID: pl.String, AS_OF: pl.String, **{name: types[name] for name in names}}
    return pl.DataFrame(rows, schema=schema, orient="row")


def as_text(moment: str) -> pl.Expr:
    """A column of moments in ISO format, as the answers have them."""
    return pl.col(moment).dt.to_string("%Y-%m-%dT%H:%M:%S%:z")
