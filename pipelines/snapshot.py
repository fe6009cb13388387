"""The online features' arrays on disk: one file a week, whole or not there, made anew as data arrives."""

from infra.arrays import ArraysError, pack_arrays, unpack_arrays
from infra.storage import Store
from pipelines.clock import Week
from pipelines.state import State

FOLDER, KEPT_WEEKS = "online", 2


def write_snapshot(store: Store, week: Week, state: State) -> None:
    """Keep the arrays for the flights of a week; those of all others but the newest weeks are forgotten."""
    store.write_bytes(snapshot_path(week), pack_arrays(state))
    store.keep_newest(FOLDER, "*.npz", KEPT_WEEKS, besides=snapshot_path(week))


def read_snapshot(store: Store, week: Week) -> State | None:
    """The arrays for the flights of a week; None when they are not there or not whole, so that they are made again."""
    content = store.read_bytes(snapshot_path(week))
    try:
        return unpack_arrays(State, content) if content else None
    except ArraysError:
        return None


def snapshot_path(week: Week) -> str:
    """The snapshot's name under the home folder."""
    return f"{FOLDER}/{week.id}.npz"
