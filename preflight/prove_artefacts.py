"""`prove artefacts`: a bundle that was spoilt in any byte is refused by a sentence that names the file."""

import tempfile
from dataclasses import asdict
from pathlib import Path

from infra.bundle import Bundle, read_bundle
from infra.settings import Settings
from infra.storage import Store
from pipelines.tampering import Attempt, small_bundle, tally, try_tampering
from preflight import show
from preflight.prove import ProofFailed
from services.model import exported_model


def artefacts(settings: Settings, count: int, seed: int | None, as_json: bool) -> None:
    """Spoil copies of the exported champion, or of a small bundle made here; none may load."""
    seed = settings.seed if seed is None else seed
    bundle, name = _bundle_of(Store(settings.home), seed)
    attempts: list[Attempt] = []
    with (
        tempfile.TemporaryDirectory(prefix="preflight-artefacts-") as scratch,
        show.progress(count, "tries") as advance,
    ):
        for attempt in try_tampering(Path(scratch, "bundle"), bundle, small_bundle(seed + 1), count, seed):
            attempts.append(attempt)
            advance(f"{attempt.file}: {attempt.way}")
    missed = [attempt for attempt in attempts if not attempt.caught]
    if missed:
        said = missed[0].refusal or "it loaded"
        raise ProofFailed(
            f"{len(missed)} of {count} spoilt bundles were not refused by name, the first is {missed[0].file}, "
            f"{missed[0].way}: {said}"
        )
    counts = tally(attempts)
    if not as_json:
        _print(counts)
    outcome = f"artefacts: {count} spoilt copies of {name}, 0 loaded, each refusal names the file"
    show.finish(outcome, {"seed": seed, "bundle": bundle.sha256, "counts": [asdict(row) for row in counts]}, as_json)


def _bundle_of(store: Store, seed: int) -> tuple[Bundle, str]:
    served = exported_model(store)
    if served is None:
        return small_bundle(seed), "a small bundle made for it"
    return read_bundle(store.path(served.folder), served.sha256), f"the exported version {served.version}"


def _print(counts: list) -> None:
    show.table(
        "Spoilt bundles",
        {"what was done": "left", "to": "left", "tried": "right", "refused by name": "right"},
        [(row.way, row.file, row.tried, row.caught) for row in counts],
    )
