"""The models that the service answers with: verified bundles, pointers to them, and those it falls back on."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter

from infra.bundle import MANIFEST, Bundle, ModelFileError, write_bundle
from infra.errors import PreflightError
from infra.scorer import Scorer, load_bundle
from infra.storage import StorageError, Store
from pipelines.clock import Week
from pipelines.definitions import features_sha256
from pipelines.feature_catalog import NAMES

POINTER, VERIFIED, PREVIOUS, CHALLENGER = (
    f"serving/{name}.json" for name in ("champion", "verified", "previous", "challenger")
)
LEAVING = "serving/leaving"
"""While this file is there, workers are not ready and ask their callers to go elsewhere."""
PROBES, PROBE_SEED, SAME = 16, 2013, 1e-9

logger = logging.getLogger(__name__)


class NothingToServe(PreflightError, LookupError):  # noqa: N818
    """No model has been exported for the service."""


def _readable_by(read: Callable[[str], object]) -> AfterValidator:
    """Text that stays text, and that `read` takes without a ValueError."""

    def checked(text: str) -> str:
        read(text)
        return text

    return AfterValidator(checked)


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    return moment


@dataclass(frozen=True)
class Served:
    """What a pointer says: the version, the SHA-256 that names its bundle, and the week whose feeds it knows.

    `known_until` is the moment up to which those feeds go, in ISO form; `probe` what the bundle said about
    `probe_rows` where it was exported, and has to say where it is loaded.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    week: Annotated[str, _readable_by(Week.from_id)]
    known_until: Annotated[str, _readable_by(_aware)] | None = None
    probe: tuple[float, ...] = ()

    @property
    def folder(self) -> str:
        """Where its bundle lies under the home folder."""
        return f"serving/{self.sha256[:16]}"

    @property
    def known_until_moment(self) -> datetime | None:
        """`known_until` as a moment."""
        return datetime.fromisoformat(self.known_until) if self.known_until else None


_SERVED = TypeAdapter(Served)


@dataclass(frozen=True)
class Answering:
    """Which model answers; `refused` says why it is not the one that was exported last."""

    served: Served
    scorer: Scorer
    refused: str | None = None


def export_model(
    store: Store,
    bundle: Bundle,
    version: int,
    week: str,
    pointer: str = POINTER,
    *,
    known_until: datetime | None = None,
    record: dict | None = None,
) -> Served:
    """Copy a bundle to where the service looks, then point to it; the old one stays whole beside it.

    With `pointer` PREVIOUS it is the champion before, for the day that the champion's own files are refused.
    `record` is the gate's, kept for `/model`.
    """
    until = known_until.isoformat() if known_until else None
    served = Served(version, bundle.sha256, week, until, _probe(bundle, store))
    write_bundle(store.path(served.folder), bundle)
    if record is not None:
        store.write_json(_record_of(version), record)
    point_to(store, served, pointer)
    return served


def point_to(store: Store, served: Served, pointer: str = POINTER) -> None:
    """Make workers answer with what was exported before."""
    store.write_json(pointer, asdict(served))


def probe_rows(n_features: int) -> np.ndarray:
    """Rows that every model is asked before it answers anybody, (n, n_features): codes, numbers, missing values."""
    random = np.random.default_rng(PROBE_SEED)
    rows = np.round(random.normal(0, 60, (PROBES, n_features)))
    rows[:, :2] = random.integers(0, 3, (PROBES, min(2, n_features)))
    return np.where(random.random(rows.shape) < 0.2, np.nan, rows)


def exported_record(store: Store, version: int) -> dict | None:
    """The gate's record that was exported with a version, None when there is none."""
    return store.read_json(_record_of(version))


def pointed(store: Store, pointer: str) -> Served | None:
    """What a pointer says, None when it was never written. Raises ModelFileError when it cannot be read."""
    said = store.read_json(pointer)
    if said is None:
        return None
    try:
        return _SERVED.validate_python(said)
    except ValueError as error:
        expected = sorted(field.name for field in fields(Served))
        raise ModelFileError(
            f"{store.path(pointer)} holds {said}, expected {expected}; run: preflight serve, which exports again"
        ) from error


def exported_model(store: Store) -> Served | None:
    """What was exported last, None when nothing was. Raises ModelFileError when the pointer cannot be read."""
    return pointed(store, POINTER)


def load_served(store: Store) -> Answering:
    """The model that is pointed to; when that is refused, the last one that was verified, or the champion before.

    Raises NothingToServe without an export, ModelFileError or StorageError when there is none to fall back on.
    """
    try:
        served = exported_model(store)
        if served is None:
            raise NothingToServe(
                f"no model was exported under {store.home}; run: preflight replay, then preflight serve"
            )
        scorer = load_verified(store, served)
    except (ModelFileError, StorageError) as refusal:
        return _fall_back(store, refusal)
    store.write_json(VERIFIED, asdict(served))
    return Answering(served, scorer)


def _fall_back(store: Store, refusal: ModelFileError | StorageError) -> Answering:
    """The last verified model may be the very one that is refused now: then the champion before answers."""
    for name in (VERIFIED, PREVIOUS):
        try:
            served = pointed(store, name)
            if served is None:
                continue
            scorer = load_verified(store, served)
        except (ModelFileError, StorageError):
            continue
        logger.error("refused the exported model: %s; version %d goes on answering", refusal, served.version)
        return Answering(served, scorer, str(refusal))
    raise refusal  # what was exported is what has to be mended


def load_verified(store: Store, served: Served) -> Scorer:
    """The bundle that is pointed to: its digests, features, their definitions and its answers are as they should be.

    Raises ModelFileError.
    """
    folder = store.path(served.folder)
    scorer = load_bundle(folder, served.sha256)
    expected = list(NAMES)
    if scorer.manifest["features"] != expected:
        raise ModelFileError(
            f"{folder / MANIFEST} asks for {len(scorer.manifest['features'])} features that are not the "
            f"{len(expected)} of this version, in their order; run: preflight train"
        )
    _require_same_definitions(scorer, folder)
    _require_same_answers(scorer, served, folder)
    return scorer


def _require_same_definitions(scorer: Scorer, folder: Path) -> None:
    """Names may stay while what they mean moves: the bundle says by which definitions its features were made."""
    made_by, ours = scorer.manifest["facts"].get("features_sha256"), features_sha256()
    if made_by not in (None, ours):
        raise ModelFileError(
            f"{folder / MANIFEST} was made by feature definitions {made_by[:12]}, expected {ours[:12]} as of this code "
            "(another Python makes another hash); serve it by the code that trained it, or begin a home of its own "
            "with: preflight replay"
        )


def _require_same_answers(scorer: Scorer, served: Served, folder: object) -> None:
    """A bundle that is whole may still answer otherwise here: another runtime, another processor."""
    explained = scorer.explain(probe_rows(len(NAMES)))
    sums = explained.bias + explained.contributions.sum(axis=1)
    off = float(np.max(np.abs(sums - explained.log_odds)))
    if served.probe:
        is_whole = len(served.probe) == PROBES
        off = max(off, float(np.max(np.abs(explained.probability - np.array(served.probe)))) if is_whole else np.inf)
    if not off <= SAME:
        raise ModelFileError(
            f"version {served.version} in {folder} is {off:.1e} off its probe, allowed {SAME:g}; export it again"
        )


def _probe(bundle: Bundle, store: Store) -> tuple[float, ...]:
    scorer = Scorer(bundle, store.path("serving"))
    return tuple(scorer.probability(probe_rows(len(scorer.manifest["features"]))).tolist())


def _record_of(version: int) -> str:
    return f"serving/records/{version}.json"
