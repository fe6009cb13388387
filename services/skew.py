"""Train/serve skew of features: what the service used, recomputed offline from the feeds, value by value."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from data_checks import schema as s
from pipelines.as_of import AS_OF
from pipelines.clock import Week
from pipelines.feature_catalog import NAMES
from pipelines.features import build_features, fill_distances
from pipelines.state import World, prepare_state
from services.online import as_schedule
from services.request_log import Logged


@dataclass(frozen=True)
class Mismatch:
    """One value that differs: of which flight, as of when, which feature, logged and recomputed."""

    flight_id: str
    as_of: str
    feature: str
    logged: object
    recomputed: object

    def sentence(self) -> str:
        """The difference in words."""
        return (
            f"{self.feature} of {self.flight_id} as of {self.as_of} was {self.logged} when it was asked, "
            f"it is {self.recomputed} offline"
        )


@dataclass(frozen=True)
class Skew:
    """How many logged requests were recomputed, and every value that differs; none is no skew."""

    requests: int
    mismatches: tuple[Mismatch, ...]


def measure_skew(logged: Iterable[Logged], world_of: Callable[[Week], World]) -> Iterator[Skew]:
    """The skew of each run of requests of one week, against the features built anew from that week's world."""
    for week, requests in groupby(logged, key=lambda entry: entry.week):
        yield skew_of_week(list(requests), world_of(Week.from_id(week)))


def skew_of_week(logged: list[Logged], world: World) -> Skew:
    """The skew of requests of one week. Values are compared exactly; missing equals missing alone."""
    state = prepare_state(world)
    flights = fill_distances(as_schedule([entry.request for entry in logged]), state)
    offline = build_features(flights, state)
    moments = offline[AS_OF].dt.to_string("iso:strict")
    mismatches = []
    for entry, flight, as_of, values in zip(
        logged, offline[s.FLIGHT_ID], moments, offline.select(NAMES).rows(), strict=True
    ):
        pairs = {AS_OF: (entry.as_of, as_of)} | {
            name: (entry.features.get(name), value) for name, value in zip(NAMES, values, strict=True)
        }
        mismatches += [Mismatch(flight, as_of, name, *pair) for name, pair in pairs.items() if pair[0] != pair[1]]
    return Skew(len(logged), tuple(mismatches))
