"""What a worker answers with right now: models by role, the plan that shares requests out, the features.

All of it is one immutable value that is swapped in one step; a request reads it once, so no answer mixes two.
"""

import errno
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from data_checks import schema as s
from infra.bundle import ModelFileError
from infra.errors import PreflightError
from infra.forgotten import FILE as FORGOTTEN
from infra.scorer import Scorer
from infra.storage import MissingTable, StorageError, Store
from pipelines.calibration_map import CalibrationMap
from pipelines.clock import Week
from pipelines.snapshot import read_snapshot, snapshot_path
from services.metrics import KNOWN_UNTIL, REFUSED_MODELS, SERVING, SWAPS
from services.model import (
    CHALLENGER,
    POINTER,
    PREVIOUS,
    Served,
    exported_record,
    load_served,
    load_verified,
    pointed,
)
from services.online import OnlineFeatures, PlanAlone
from services.routing import Plan

PLAN = "serving/plan.json"

logger = logging.getLogger(__name__)

PASSING = {errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EINTR, errno.ESTALE}
"""What a machine says when it cannot now and may be able to later."""


@dataclass(frozen=True)
class Loaded:
    """A verified model that can answer."""

    served: Served
    scorer: Scorer
    record: dict | None

    @property
    def version(self) -> int:
        """Its number in the registry."""
        return self.served.version

    @cached_property
    def threshold(self) -> float:
        """From this probability on a flight is called late."""
        return self.scorer.manifest["decision_threshold"]

    @cached_property
    def calibration(self) -> CalibrationMap:
        """From its log-odds to its probabilities."""
        return CalibrationMap.from_dict(self.scorer.manifest["calibration"])


@dataclass(frozen=True)
class Current:
    """Champion, the models beside it by role, the plan, the features; `refused` says why a newer one is not here.

    `forgotten` are the pseudonyms of erased tail numbers.
    """

    champion: Loaded
    others: dict[str, Loaded]
    plan: Plan
    features: OnlineFeatures | PlanAlone
    refused: str | None = None
    forgotten: frozenset[str] = frozenset()

    @cached_property
    def challenger(self) -> Loaded | None:
        """The model that the plan is about, None without one."""
        return self.others.get("challenger") if self.plan.challenger else None

    @cached_property
    def by_version(self) -> dict[int, Loaded]:
        """Every model that can be asked for by name."""
        return {one.version: one for one in (*self.others.values(), self.champion)}

    @property
    def roles(self) -> dict[str, int]:
        """Versions by role."""
        return {"champion": self.champion.version, **{role: one.version for role, one in self.others.items()}}


class Follower:
    """Follows the pointers of a home folder: asking whether they changed takes a few `stat` calls.

    `has_changed` is asked again and again by the event loop, `load` runs beside it; `current` is what it reads.
    """

    def __init__(self, store: Store, forgotten: Callable[[], frozenset[str]] = frozenset) -> None:
        """`forgotten` tells the pseudonyms that were erased. Raises what `load_served` raises without a model."""
        self._store, self._forgotten = store, forgotten
        self._seen, self._again = self._marks(), False
        self.current = self._first()
        self._tell()

    def has_changed(self) -> bool:
        """Whether something that is followed was written since it was last loaded: some `stat` calls."""
        return self._marks() != self._seen

    def load(self) -> None:
        """Load what changed and swap it in; whatever fails to verify leaves what answers where it is."""
        self._seen, self._again, before = self._marks(), False, self.current
        try:
            self.current = self._next()
            if self._again:
                self._seen = ()
        except Exception:
            self._seen = ()  # to be tried again
            raise
        champion, refused = self.current.champion, self.current.refused
        if refused and refused != before.refused:
            REFUSED_MODELS.inc()
            logger.error("%s; version %d goes on answering", refused, champion.version)
        if champion.version != before.champion.version:
            SWAPS.labels(champion.version).inc()
            logger.info("version %d answers after %d", champion.version, before.champion.version)
        self._tell()

    def _first(self) -> Current:
        answering = load_served(self._store)
        if answering.refused:
            REFUSED_MODELS.inc()
        champion = Loaded(answering.served, answering.scorer, exported_record(self._store, answering.served.version))
        others = self._others({_name(champion.served): champion})
        features = self._features(champion.served)
        return Current(champion, others, self._plan(others), features, answering.refused, self._forgotten())

    def _next(self) -> Current:
        now = self.current
        known = {_name(one.served): one for one in (*now.others.values(), now.champion)}
        refused, champion = None, now.champion
        try:
            served = pointed(self._store, POINTER)
            if served is None:
                raise ModelFileError(f"{self._store.path(POINTER)} is gone; run: preflight serve, which exports again")
            champion = self._load(served, known)
        except (PreflightError, OSError) as error:
            refused = str(error)
            self._try_again_after(error)
        features = now.features
        if (champion.served.week, self._seen[-1]) != self._features_of:
            features = self._features(champion.served)
        others = self._others(known)
        return Current(champion, others, self._plan(others), features, refused, self._forgotten())

    def _others(self, known: dict[tuple, Loaded]) -> dict[str, Loaded]:
        found = {}
        for role, pointer in (("challenger", CHALLENGER), ("previous", PREVIOUS)):
            try:
                served = pointed(self._store, pointer)
                if served is not None:
                    found[role] = self._load(served, known)
            except (PreflightError, OSError) as error:
                REFUSED_MODELS.inc()
                logger.error("the %s is not loaded: %s", role, error)
                self._try_again_after(error)
        return found

    def _try_again_after(self, error: Exception) -> None:
        """What the machine refused for the moment may go well the next time; a model that is spoilt stays so."""
        if PASSING & {getattr(error, "errno", None), getattr(error.__cause__, "errno", None)}:
            self._again = True

    def _load(self, served: Served, known: dict[tuple, Loaded]) -> Loaded:
        loaded = known.get(_name(served))
        if loaded is not None:  # its files were verified, and what was verified is what is used
            return loaded if loaded.served == served else replace(loaded, served=served)
        return Loaded(served, load_verified(self._store, served), exported_record(self._store, served.version))

    def _plan(self, others: dict[str, Loaded]) -> Plan:
        try:
            written = self._store.read_json(PLAN)
            plan = Plan(**written) if written else Plan()
        except (PreflightError, TypeError, AttributeError) as error:
            logger.error("%s is not followed: %s", PLAN, error)
            return Plan()
        beside = others.get("challenger")
        is_loaded = beside is not None and beside.version == plan.challenger
        return plan if is_loaded else Plan()

    def _features(self, served: Served) -> OnlineFeatures | PlanAlone:
        week = Week.from_id(served.week)
        self._features_of = (served.week, self._snapshot_mark(served.week))
        state = read_snapshot(self._store, week)
        if state is None:
            logger.error("there is no snapshot of features for the week of %s: answers are degraded", served.week)
            return PlanAlone()
        return OnlineFeatures(state, self._schedule(week), week, served.known_until_moment)

    def _schedule(self, week: Week) -> pl.DataFrame:
        try:
            return self._store.read_table(f"accepted/{s.SCHEDULE.name}", week.id)
        except (MissingTable, StorageError):  # looked up or computed, the features are the same
            return pl.DataFrame(schema=s.SCHEDULE.polars_schema)

    def _marks(self) -> tuple:
        """What changes when one of the files that are followed does; the last is the snapshot's."""
        week = self.current.champion.served.week if hasattr(self, "current") else None
        pointers = (self._store.mark(name) for name in (POINTER, PREVIOUS, CHALLENGER, PLAN, FORGOTTEN))
        return (*pointers, self._snapshot_mark(week))

    def _snapshot_mark(self, week: str | None) -> tuple | None:
        return self._store.mark(snapshot_path(Week.from_id(week))) if week else None

    def _tell(self) -> None:
        SERVING.set(self.current.champion.version)
        end = self.current.features.end
        KNOWN_UNTIL.set(end.timestamp() if end else 0)


def _name(served: Served) -> tuple:
    """What two pointers to the same verified model have in common, whatever their week."""
    return served.version, served.sha256, served.probe
