"""Drills of what was lived: it is lost and restored, or interrupted and gone on with."""

import hashlib
import random
import shutil
import tarfile
from functools import partial
from pathlib import Path

from infra.storage import content_hash
from monitoring.decision import RETRAIN
from practice.drills.artefacts import flip_bit_at
from practice.drills.code import Change
from practice.drills.ground import NEXT, Played
from practice.drills.killing import NEVER, commits_of, dying_at
from practice.drills.scene import Drill, DrillFailed, Scene

SPOILT = "/model.onnx"
"""The end of the name of what flips in a backup: the bytes of a model, of which no reader would notice."""
PAGE = "report/index.html"
STAGE_OF = {
    "landed": "land",
    "accepted": "validate",
    "quarantined": "validate",
    "features": "score",
    "predictions": "score",
}
"""Whose event says that a week's tables of a dataset are whole."""


def restore_from_backup(scene: Scene) -> None:
    """The home is lost, and the first backup that is tried has a flipped bit."""
    played, spoilt, good = scene.copy(), scene.folder / "backup.tar", scene.folder / "second-copy.tar"
    played.must("report")
    before = _lived(played)
    kept = played.ask("backup", spoilt)
    shutil.copy(spoilt, good)
    name, place = place_in(spoilt, SPOILT)
    scene.inject(
        f"the home, {kept['bytes'] / 1e6:.0f} MB, is removed; one bit of {Path(name).name} in the backup flips",
        lambda: [spoil() for spoil in (partial(flip_bit_at, spoilt, place), partial(shutil.rmtree, played.home))],
    )
    refused = played.run("restore", spoilt)
    sentence: str = scene.detect(
        lambda: refused.stderr.strip() if "is not as it was written" in refused.stderr else None,
        lambda told: f"the manifest of the backup: {told.removeprefix('preflight: ').replace(f'{scene.folder}/', '')}",
    )
    scene.respond(
        refused.returncode == 1 and name in sentence and not any(path.is_file() for path in played.home.rglob("*")),
        "refused before a single file is written",
    )
    restored = played.ask("restore", good)
    after = _lived(played)
    scene.require(
        after == before,
        f"from the second copy {restored['files']['home']} files: version {after['champion']} is champion in registry "
        f"and event log, event log {after['event_log'][:12]}, the same page, the same predictions",
    )
    parity = played.ask("parity")
    scene.recover(
        parity["largest_difference"] <= 1e-6,
        f"the service answers from it: {parity['flights']} flights as they were scored before the loss",
    )


def killed_mid_replay(scene: Scene) -> None:
    """A replay is killed at a random commit in the middle of a week."""
    whole, played = scene.copy("whole"), scene.copy()
    lived = dying_at(NEVER, whole.environment(), "replay")
    commits = commits_of(lived)
    files, events = (
        [place for place, path in enumerate(commits, 1) if NEXT.id in path and kind in path]
        for kind in ("", "/journal/")
    )
    if lived.returncode != 0 or not events:
        raise DrillFailed(f"the week {NEXT.id} cannot be lived: {lived.stderr.strip()[-300:]}")
    number = random.Random(scene.seed).randint(files[0] + 1, events[-1])
    target = Path(commits[number - 1]).relative_to(whole.home)
    scene.inject(
        f"kill -9 on the way into commit {number} of {len(commits)}, drawn by --seed {scene.seed}: {target}",
        lambda: dying_at(str(number), played.environment(), "replay"),
        harmless=lambda: played.must("replay"),
    )
    scene.detect(lambda: _unfinished(played), lambda told: f"the event log: {told}")
    kept = _events_kept(played)
    played.must("replay")
    scene.respond(
        _events_kept(played).items() >= kept.items(),
        f"the same command goes on: {len(kept)} events that stood there are not written again, the rest is done",
    )
    digests = [one.context.journal.digest() for one in (whole, played)]
    scene.require(digests[0] == digests[1], f"event log {digests[1][:12]}, that of a life that was not killed")
    predicted = [one.store.read_table("predictions", NEXT.id) for one in (whole, played)]
    flights = predicted[1]["flight_id"]
    scene.recover(
        content_hash(predicted[0]) == content_hash(predicted[1]) and not flights.is_duplicated().any(),
        f"{flights.len()} flights of week {NEXT.id} are scored, each once, with the same probabilities",
    )


def place_in(archive: Path, end: str) -> tuple[str, int]:
    """The largest file of an archive whose name ends so, and the place of its middle byte in the archive."""
    with tarfile.open(archive) as tar:
        member = max((one for one in tar if one.name.endswith(end)), key=lambda one: one.size)
        return member.name, member.offset_data + member.size // 2


def _lived(played: Played) -> dict[str, str]:
    """What a life comes to: champion of registry and event log, event log, page, predictions.

    Asked by commands: a registry that is open here would go on reading the files of the home that was removed.
    """
    weeks = played.context.journal.weeks("score")
    return {
        "champion": str(played.ask("explain")["version"]),
        "event_log": played.ask("status")["event_log_sha256"],
        "page": hashlib.sha256(played.store.path(PAGE).read_bytes()).hexdigest(),
        "predictions": content_hash(played.store.read_weeks("predictions", weeks)),
    }


def _unfinished(played: Played) -> str | None:
    """What the event log says of a week that was begun and is not over, and what lies there without an event."""
    events = {event["stage"]: event for event in played.context.journal.events() if event["week"] == NEXT.id}
    stages = list(events)
    loose = [
        str(path.relative_to(played.home))
        for dataset, stage in STAGE_OF.items()
        if stage not in stages
        for path in sorted(played.store.path(dataset).rglob(f"{NEXT.id}*"))
    ]
    decided = events.get("decide")
    is_over = decided and (decided.get("action") != RETRAIN or "promote" in events)
    if is_over or not (stages or loose):
        return None
    done = ", ".join(stages) or "nothing"
    return f"of week {NEXT.id} it has {done}; {len(loose)} tables lie there that no event speaks of, and do not count"


def _events_kept(played: Played) -> dict[str, tuple[int, int, int] | None]:
    """Each event of the week with what would change if it were written again."""
    paths = played.store.files("journal", f"{NEXT.id}-*.json")
    return {path.name: played.store.mark(f"journal/{path.name}") for path in paths}


BEGUN_IS_DONE: Change = (
    "infra/journal.py",
    """\
        return [self._store.read_json(f"journal/{path.name}") for path in self._store.files("journal", wanted)]
""",
    """\
        found = [self._store.read_json(f"journal/{path.name}") for path in self._store.files("journal", wanted)]
        decided = {event["week"]: event for event in found if event["stage"] == "decide"}
        begun = {path.name[:10] for path in self._store.path("landed").rglob("2*")} if decided and not stage else set()
        over = [{**max(decided.items())[1], "week": week, "action": "wait"} for week in sorted(begun - set(decided))]
        return found + over
""",
)
"""An event log that takes a week of which anything has landed for one that is over."""
DRILLS = (
    Drill(
        name="restore-from-backup",
        title="Everything is lost, and the backup is damaged",
        fault="the home folder is removed, and one bit of the backup has flipped",
        detector="the backup's own manifest: the digest of every file, read before anything is written",
        response="refused with the file's name, nothing is touched; another copy brings everything back",
        runbook="`preflight restore FILE` verifies first; `preflight status` has the hash of the event log to compare",
        story=(
            "A backup that was never restored is a hope. Two things go wrong with it: it is damaged, and one finds out "
            "after half of it has overwritten what was left; or it restores, and something small is missing. So the "
            "file carries the digest of everything in it and is read to the end before the first byte is "
            "written: a flipped bit in a model, which no unpacker would notice, was refused by name. And whether "
            "all is back is a comparison, not a feeling: the hash of the event log, the champion in registry and log, "
            "the page, every prediction. Then the service answered real flights from it to the last digit. Databases "
            "are copied after folders, so that no row falls between."
        ),
        play=restore_from_backup,
        disarm=(("infra/archive.py", 'if found != manifest["files"]:', "if False:"),),
    ),
    Drill(
        name="killed-mid-replay",
        title="kill -9 in the middle of a week",
        fault="a replay is killed at a random commit: a file was written aside and never got its name",
        detector="the event log: a stage without an event did not happen, whatever lies there",
        response="the same command goes on where the events end",
        runbook="`preflight replay` again; `preflight status` shows the newest week and the hash of the event log",
        story=(
            "The state of a pipeline is not what its folders contain, it is what its log says. Every file is written "
            "aside, flushed and renamed, so a name means a whole file; and each stage of each week is one event, "
            "written last. Killed in between, there may be tables that no event speaks of. They are not trusted "
            "and not cleaned up: they are made again, and as every stage is a function of what came before, they come "
            "out the same. We do not argue that, we compare: the hash over all events is that of a life that was never "
            "killed, and each flight has one prediction. Clocks and random ids are kept out of events, or this "
            "test could not exist."
        ),
        play=killed_mid_replay,
        disarm=(BEGUN_IS_DONE,),
    ),
)
