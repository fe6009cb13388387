"""Train/serve skew of features: what the service used, recomputed offline from the feeds, value by value."""

import polars as pl

from data_checks import schema as s
from pipelines.as_of import AS_OF
from pipelines.feature_catalog import CATEGORICAL, NAMES
from pipelines.features import build_features, fill_distances
from pipelines.mismatch import Mismatch, find_mismatches
from pipelines.state import World, prepare_state
from services.online import as_schedule
from services.request_log import Logged, as_text


def measure_skew(logged: list[Logged], world: World) -> list[Mismatch]:
    """Every value of logged requests that the offline rules give otherwise in the world of their week, to the bit."""
    return find_mismatches(_recomputed(logged, world), _as_logged(logged))


def _recomputed(logged: list[Logged], world: World) -> pl.DataFrame:
    state = prepare_state(world)
    flights = fill_distances(as_schedule([entry.request for entry in logged]), state)
    return build_features(flights, state).with_columns(as_text(AS_OF))


def _as_logged(logged: list[Logged]) -> pl.DataFrame:
    """The logged features as a table like the offline one; a feature that was not logged is a missing column."""
    types = {name: pl.String if name in CATEGORICAL else pl.Float64 for name in NAMES}
    names = [name for name in NAMES if all(name in entry.features for entry in logged)]
    rows = [(entry.flight_id, entry.as_of, *(entry.features[name] for name in names)) for entry in logged]
    schema = {s.FLIGHT_ID: pl.String, AS_OF: pl.String, **{name: types[name] for name in names}}
    return pl.DataFrame(rows, schema=schema, orient="row")
