"""The model that the service answers with: a verified bundle, a pointer to it, and those it falls back on."""

import logging
from dataclasses import asdict, dataclass, fields

from infra.bundle import MANIFEST, Bundle, ModelFileError, write_bundle
from infra.errors import PreflightError
from infra.scorer import Scorer, load_bundle
from infra.storage import StorageError, Store
from pipelines.feature_catalog import NAMES

POINTER, VERIFIED, PREVIOUS = (f"serving/{name}.json" for name in ("champion", "verified", "previous"))

logger = logging.getLogger(__name__)


class NothingToServe(PreflightError, LookupError):  # noqa: N818
    """No model has been exported for the service."""


@dataclass(frozen=True)
class Served:
    """What a pointer says: the version, the SHA-256 that names its bundle, and the week whose feeds it knows."""

    version: int
    sha256: str
    week: str

    @property
    def folder(self) -> str:
        """Where its bundle lies under the home folder."""
        return f"serving/{self.sha256[:16]}"


@dataclass(frozen=True)
class Answering:
    """Which model answers; `refused` says why it is not the one that was exported last."""

    served: Served
    scorer: Scorer
    refused: str | None = None


def export_model(store: Store, bundle: Bundle, version: int, week: str, pointer: str = POINTER) -> Served:
    """Copy a bundle to where the service looks, then point to it; the old one stays whole beside it.

    With `pointer` PREVIOUS it is the champion before, for the day that the champion's own files are refused.
    """
    served = Served(version, bundle.sha256, week)
    write_bundle(store.path(served.folder), bundle)
    store.write_json(pointer, asdict(served))
    return served


def exported_model(store: Store) -> Served | None:
    """What was exported last, None when nothing was. Raises ModelFileError when the pointer cannot be read."""
    return _pointed(store, POINTER)


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
        scorer = _load(store, served)
    except (ModelFileError, StorageError) as refusal:
        return _fall_back(store, refusal)
    store.write_json(VERIFIED, asdict(served))
    return Answering(served, scorer)


def _fall_back(store: Store, refusal: ModelFileError | StorageError) -> Answering:
    """The last verified model may be the very one that is refused now: then the champion before answers."""
    for name in (VERIFIED, PREVIOUS):
        try:
            served = _pointed(store, name)
            if served is None:
                continue
            scorer = _load(store, served)
        except (ModelFileError, StorageError):
            continue
        logger.error("refused the exported model: %s; version %d goes on answering", refusal, served.version)
        return Answering(served, scorer, str(refusal))
    raise refusal  # what was exported is what has to be mended


def _load(store: Store, served: Served) -> Scorer:
    folder = store.path(served.folder)
    scorer = load_bundle(folder, served.sha256)
    expected = list(NAMES)
    if scorer.manifest["features"] != expected:
        raise ModelFileError(
            f"{folder / MANIFEST} asks for {len(scorer.manifest['features'])} features that are not the "
            f"{len(expected)} of this version, in their order; run: preflight train"
        )
    return scorer


def _pointed(store: Store, name: str) -> Served | None:
    pointer = store.read_json(name)
    if pointer is None:
        return None
    try:
        return Served(**pointer)
    except TypeError as error:
        expected = sorted(field.name for field in fields(Served))
        raise ModelFileError(
            f"{store.path(name)} holds {pointer}, expected {expected}; run: preflight serve, which exports again"
        ) from error
