"""Why a version that was made again is not the same: what differs, the likeliest cause first, in sentences."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data_checks import schema as s
from infra.storage import Store, content_hash
from pipelines.backfill import FEATURES, build_week
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.erasing import hash_due
from pipelines.lineage import differences
from pipelines.protocol import Slices

LIKELIEST_FIRST = (
    *("data", "rows", "late_share", "parameters", "window", "slices", "features_sha256", "protocol"),
    *("decision_threshold", "code", "libraries", "lock_sha256", "python", "machine", "calibration"),
)
"""What may differ, in the order in which a reader should suspect it; a calibration follows from all before it."""
MOST_THREADS = 2
NOTHING_DIFFERS = "nothing that is recorded differs: another processor, or another build of a library, rounds otherwise"


@dataclass(frozen=True)
class Manifests:
    """A version's lineage `then`, that of the fit `made` again, and the parameters its run logged, as text."""

    then: dict
    made: dict
    logged: dict[str, str]


def explain_difference(context: Context, manifests: Manifests) -> tuple[str, ...]:
    """Every cause that can be named, the likeliest first; one sentence that says so when there is none."""
    found = rank_differences(manifests)
    if any(sentence.startswith("data.") for sentence in found):
        found = [*_changed_tables(context, manifests), *found]
    if manifests.then["parameters"]["threads"] > MOST_THREADS:
        threads = manifests.then["parameters"]["threads"]
        found.append(f"it was fitted by {threads} threads: above {MOST_THREADS}, sums lose their order")
    return tuple(found) or (NOTHING_DIFFERS,)


def rank_differences(manifests: Manifests) -> list[str]:
    """What differs between the manifests, and between lineage and run, one sentence each, the likeliest cause first.

    Other git revisions and dirty trees are named only where the sources do something else: else they are no cause.
    """
    then, now = _comparable(manifests.then, manifests.made)
    logged = {name: text for name, text in manifests.logged.items() if name in then["parameters"]}
    claimed = {name: str(value) for name, value in then["parameters"].items() if name in logged}
    contradicted = differences({"parameters": logged}, {"parameters": claimed})
    found = [f"{sentence} in the lineage" for sentence in contradicted] + differences(then, now)
    return sorted(found, key=_suspicion)


def _comparable(then: dict, now: dict) -> tuple[dict, dict]:
    """The facts of both that may be a cause; what only one of them notes is none."""
    same_code = then["code"]["sources_sha256"] == now["code"]["sources_sha256"]
    names = [name for name in LIKELIEST_FIRST if name in then and name in now and not (name == "code" and same_code)]
    names += [name for name in ("protocol_sha256",) if then["protocol"] == now["protocol"]]
    return tuple({name: manifest[name] for name in names} for manifest in (then, now))


def _suspicion(sentence: str) -> int:
    way = sentence.split(" ", 1)[0].split(".", 1)[0].removesuffix("_sha256")
    return next(place for place, name in enumerate(LIKELIEST_FIRST) if name.removesuffix("_sha256") == way)


def _changed_tables(context: Context, manifests: Manifests) -> Iterator[str]:
    """Sentences that name week and table of what is not as the event log has it: accepted rows, else features."""
    last = Week.ending(Slices.from_text(manifests.then["slices"]).end)
    weeks = [week for week in context.all_weeks() if week <= last]
    accepted = [sentence for week in weeks for sentence in _changed_feeds(context, week)]
    if accepted:
        yield from accepted
    elif manifests.then["features_sha256"] == manifests.made["features_sha256"]:
        yield from (sentence for week in weeks for sentence in _changed_features(context, week))


def _changed_feeds(context: Context, week: Week) -> Iterator[str]:
    noted, entries = context.journal.read(week.id, "validate")["feeds"], context.ledger.entries()
    for feed in s.FEEDS:
        now = content_hash(context.store.read_table(f"accepted/{feed}", week.id))
        if now != hash_due(entries, f"accepted/{feed}/{week.id}", noted[feed]["accepted_hash"]):
            yield f"accepted/{feed} of week {week.id} changed since the week was validated"


def _changed_features(context: Context, week: Week) -> Iterator[str]:
    """Those of a week that was scored are compared with what was noted then, others with what they are built anew."""
    scored = context.journal.read(week.id, "score")
    with tempfile.TemporaryDirectory(prefix="preflight-rebuild-") as scratch:
        made = scored["features_hash"] if scored else content_hash(build_week(context, Store(Path(scratch)), week))
    due = hash_due(context.ledger.entries(), f"{FEATURES}/{week.id}", made)
    if content_hash(context.store.read_table(FEATURES, week.id)) != due:
        yield f"{FEATURES} of week {week.id} changed since they were built"
