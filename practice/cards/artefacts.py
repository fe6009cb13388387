"""Cards of artefacts: files of a model or its record are not what was registered."""

import json
import shutil
from pathlib import Path

from infra.bundle import MANIFEST, ModelFileError, read_bundle
from infra.records import SIGNATURE, content_sha256
from practice.cards.card import Card, Facts, Look, Rubric
from practice.cards.evidence import Sign
from practice.cards.mended import RESTORED
from practice.cards.scratch import Scratch, bundle_of, champion_of, sha256_of
from practice.drills.ground import Played


def damage_bundle(scratch: Scratch) -> dict[str, str]:
    """Turn one bit of the champion's bundle in the registry."""
    version = champion_of(scratch.played)
    bundle = bundle_of(scratch.played, version)
    path = scratch.random.choice(sorted(one for one in bundle.iterdir() if one.suffix in (".onnx", ".npy")))
    content = bytearray(path.read_bytes())
    content[scratch.random.randrange(len(content) // 4, len(content))] ^= 1 << scratch.random.randrange(8)
    path.write_bytes(bytes(content))
    return {"version": str(version), "file": path.name, "sha": sha256_of(path)[:12], **_named(bundle)}


def delete_fallback(scratch: Scratch) -> dict[str, str]:
    """A clean-up deletes what is not champion: the bundle of the version before."""
    version, before = champion_of(scratch.played), scratch.played.context.promoted_versions()[-2]
    bundle = bundle_of(scratch.played, before)
    named = _named(bundle)
    shutil.rmtree(bundle)
    return {"version": str(version), "before": str(before), **named}


def swap_bundle(scratch: Scratch) -> dict[str, str]:
    """Whole files of another version lie in the place of the champion's."""
    version, before = champion_of(scratch.played), scratch.played.context.promoted_versions()[-2]
    theirs, ours = bundle_of(scratch.played, before), bundle_of(scratch.played, version)
    named = _named(ours)
    for path in theirs.iterdir():
        shutil.copy(path, ours / path.name)
    sha = sha256_of(theirs / MANIFEST)[:12]
    return {"version": str(version), "other": str(before), "sha": sha, **named}


def edit_record(scratch: Scratch) -> dict[str, str]:
    """Somebody makes the record of the champion look better than it was."""
    version = champion_of(scratch.played)
    path = bundle_of(scratch.played, version).parent / "gate.json"
    record = json.loads(path.read_text())
    check = scratch.random.choice([one for one in record["checks"] if isinstance(one["value"], float)])
    check["value"] = round(check["value"] / 2 + 0.001, 6)
    path.write_text(json.dumps(record))
    sha = content_sha256(record)[:12]
    return {"version": str(version), "check": check["name"], "sha": sha, "run": path.parents[1].name}


def is_as_signed(played: Played, facts: Facts) -> bool:
    """Whether the record of the champion is what was signed."""
    record = json.loads((_artifacts(played, facts) / "gate.json").read_text())
    return record.get(SIGNATURE) == content_sha256(record)


def is_as_registered(played: Played, facts: Facts) -> bool:
    """Whether the bundle is, byte for byte, the one that the registry names."""
    try:
        read_bundle(_artifacts(played, facts) / "bundle", facts["registered"])
    except ModelFileError:
        return False
    return True


def _named(bundle: Path) -> dict[str, str]:
    """The facts by which a whole bundle is found and known."""
    return {"run": bundle.parents[1].name, "registered": sha256_of(bundle / MANIFEST)}


def _artifacts(played: Played, facts: Facts) -> Path:
    return played.home / "mlflow" / "artifacts" / facts["run"] / "artifacts"


BACK = "the service answers again, by an older version; what is broken stays broken"
FORGED = "what was registered would be whatever lies there now, and nobody could tell the difference again"
STORE = Rubric(
    "write-once-store",
    "the hash noticed it, late; a store that cannot be written to twice keeps it from happening",
    {"second-copy": "a copy mends it, and does not keep it from happening"},
)

CARDS = (
    Card(
        name="one-bit",
        level=1,
        symptom="PAGE 03:12, severity 1. After the node was rebooted the prediction service does not come up. Before "
        "the reboot it answered for days. No deployment, no promotion since.",
        break_it=damage_bundle,
        cause=Rubric(
            "artefact-damaged",
            "{file} of version {version} has the right size and another hash than was registered: what ran was "
            "in memory",
            {"artefact-swapped": "one file is off, the manifest beside it is the right one"},
        ),
        shown=(Sign(("{sha}",)), Sign(("{run}", "{file}"))),
        evidence="{file} of run {run} has SHA-256 {sha}..., which is not what was registered",
        mitigation=Rubric(
            "restore-backup",
            "the same bytes as before, verified before they replace anything",
            {"roll-back": BACK},
            {"sign-again": FORGED, "record-follows": FORGED},
        ),
        prevention=STORE,
        path=(
            Look("preflight status", "version {version} is champion, the log is whole"),
            Look("preflight serve", "refused: {file} under run {run} is not what was registered, {sha}..."),
            Look("sha256sum {home}/mlflow/artifacts/{run}/artifacts/bundle/{file}", "{sha}..., as the refusal said"),
        ),
        mend=RESTORED,
        is_mended=is_as_registered,
    ),
    Card(
        name="no-way-back",
        level=2,
        symptom="PAGE 02:40, severity 1. The service restarts again and again since the nightly jobs ran. The champion "
        "is fine: its files have the hashes that the registry names, somebody compared them one by one.",
        break_it=delete_fallback,
        cause=Rubric(
            "artefact-deleted",
            "the bundle of version {before}, the one before the champion, is gone: no export without something to fall "
            "back on",
            {"artefact-damaged": "no byte is wrong, the files are not there at all"},
        ),
        shown=(Sign(("{run}",)),),
        evidence="the bundle of run {run}, version {before}, is missing",
        mitigation=Rubric(
            "restore-backup",
            "the files come back with the hashes that the registry names",
            harmful={
                "roll-back": "what it would go back to is what is gone: nothing answers at all",
                "record-follows": "there would still be nothing to fall back on, and it would look right",
            },
        ),
        prevention=Rubric(
            "clean-by-reference",
            "what is deleted is what nothing refers to: champion, the version before, frozen yardsticks",
            {"second-copy": "a copy mends it, and the next clean-up does it again"},
        ),
        path=(
            Look("preflight status", "version {version} is champion"),
            Look("preflight serve", "refused: the bundle of run {run} is missing, which is not the champion's"),
            Look("preflight explain {before}", "version {before} was promoted before: it is what a rollback needs"),
        ),
        mend=RESTORED,
        is_mended=is_as_registered,
    ),
    Card(
        name="wrong-twin",
        level=3,
        symptom="PAGE 04:30, severity 1. After moving to the new disk the service does not start. The copy was "
        "compared file by file with its list of checksums: 'every file is whole'.",
        break_it=swap_bundle,
        cause=Rubric(
            "artefact-swapped",
            "the files are whole and agree with each other; their manifest {sha}... is that of version {other}",
            {"artefact-damaged": "no file is damaged: they are another version's"},
        ),
        shown=(Sign(("{sha}",)),),
        evidence="the manifest of version {version} has SHA-256 {sha}..., the name of version {other}'s bundle",
        mitigation=Rubric(
            "restore-backup",
            "the champion's own files, with the hashes of the registry",
            {"roll-back": BACK},
            {"sign-again": FORGED, "record-follows": FORGED},
        ),
        prevention=STORE,
        path=(
            Look("preflight serve", "refused: manifest.json is not what was registered, {sha}..."),
            Look("preflight explain {version} --json", "what was registered as bundle_sha256 of version {version}"),
            Look("preflight explain {other} --json", "bundle_sha256 of version {other} begins with {sha}"),
        ),
        mend=RESTORED,
        is_mended=is_as_registered,
    ),
    Card(
        name="better-than-it-was",
        level=1,
        symptom="From the auditor, 14:00: 'I asked for the record of the model in production and got an error "
        "from your "
        "tool. The same record of other versions can be shown. I have to write something until tomorrow.' The service "
        "answers, all runs are green.",
        break_it=edit_record,
        cause=Rubric(
            "record-edited",
            "the record says of {check} what the gate did not find: content {sha}..., another signature",
            {"artefact-damaged": "the document can be read and makes sense; what it says was changed"},
        ),
        shown=(Sign(("{sha}",)),),
        evidence="the gate record of version {version} was changed after it was signed: its content is {sha}...",
        mitigation=Rubric(
            "restore-backup",
            "the signed document comes back; who changed it and why is a question to people",
            harmful={
                "sign-again": "it puts a signature under what was changed, and hides that it was",
                "retrain-now": "another version gets an honest record; the one that was asked for stays forged",
            },
        ),
        prevention=STORE,
        path=(
            Look("preflight explain {version}", "refused: changed after it was signed, content {sha}..."),
            Look("ls {home}/records", "the gate keeps a record of its own of every version"),
            Look("cat {home}/mlflow/artifacts/{run}/artifacts/gate.json", "{check} is not what the other copy says"),
        ),
        mend=RESTORED,
        is_mended=is_as_signed,
    ),
)
