"""Drills of what is served: a model's files change behind its back, or a model should never have come so far."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl

from data_checks import schema as s
from infra.bundle import MANIFEST, MODEL, read_bundle, write_bundle
from monitoring.labels import IS_LATE
from pipelines.context import Context
from pipelines.gate_record import refit_record
from pipelines.refitting import candidate_fit
from pipelines.registering import refit_of, register_fit
from pipelines.scoring import VERSION
from practice.drills.asking import STEADY, ask, card_of, counted, newest_week, questions, workers_of
from practice.drills.code import Change
from practice.drills.ground import NEXT, Played
from practice.drills.scene import Drill, DrillFailed, Scene
from services.guardrails import STOP
from services.model import POINTER, PREVIOUS, Served, pointed
from services.rollout import HISTORY
from services.under_load import require_whole, under_load

NEW_WORKER_SECONDS, CANARY_SECONDS = 90, 150
BROKEN_ORIGIN = "EWR"
MOST_SHARE = 0.15
"""Of predictions that a canary may have made before it is stopped: its first step is a twentieth of the flights."""


def corrupted_artefact(scene: Scene) -> None:
    """A bit of the served model flips on disk, and a worker that starts anew reads it."""
    played = scene.copy()
    context, week = played.context, newest_week(played)
    with played.serving() as address:
        served, before = _served(played, POINTER), _served(played, PREVIOUS)
        model = played.store.path(served.folder, MODEL)
        worker = workers_of(scene, played)[0]
        with under_load(context, week, address, STEADY) as load:
            scene.inject(
                f"one bit of {MODEL} of version {served.version} flips on disk; worker {worker.pid} is killed with -9",
                lambda: [spoil() for spoil in (partial(flip_bit_at, model, model.stat().st_size // 2), worker.kill)],
                harmless=worker.kill,
            )
            card = scene.detect(
                lambda: _refusing(address),
                lambda card: f"refused by digest: {_short(played, card['refused'])}",
                NEW_WORKER_SECONDS,
            )
        scene.respond(
            card["model_version"] == before.version,
            f"the worker that came up answers with version {before.version}, the last that verifies; the other one "
            f"goes on with version {served.version}, which it has verified and holds in memory",
        )
        answers = require_whole(context, week, load, "a spoilt artefact")
        told = " and ".join(f"{count} by version {version}" for version, count in sorted(answers.items()))
        scene.require(answers, f"{len(load.heard)} requests, none failed, each prediction that of its version: {told}")
        refusals = counted(address, "preflight_refused_models_total")
        scene.require(refusals, f"{refusals:.0f} refusal is counted, which is what the alert ModelRefused looks at")
    with played.serving() as address:
        card = card_of(address)
        scene.recover(
            card["model_version"] == served.version and not card["refused"],
            f"started again, `preflight serve` exports version {served.version} anew from the registry, and it answers",
        )


def swapped_artefact(scene: Scene) -> None:
    """In the registry the files of another version stand where the champion's should, each of them intact."""
    played = scene.copy()
    context, registry = played.context, played.context.registry
    ours = champion_of(context)
    other = next(version for version in reversed(context.promoted_versions()) if version != ours)
    folder, bundle = registry.bundle_folder(ours), registry.bundle(other)
    with played.serving() as address:
        served, question = _served(played, POINTER), questions(played, 1)[0]
        said = ask(address, question).json()
        scene.inject(
            f"all {len(bundle.files)} files of version {other} stand in the registry where those of version {ours} "
            "should, each whole and signed",
            lambda: write_bundle(folder, bundle),
        )
        stopped = played.run("replay")
        sentence: str = scene.detect(
            lambda: stopped.stderr.strip() if f"{MANIFEST} is not what was registered" in stopped.stderr else None,
            lambda told: f"the digest that the version was registered with: {_short(played, told)}",
        )
        scored = played.store.has_table("predictions", NEXT.id)
        scene.respond(
            stopped.returncode == 1 and not scored and str(folder) in sentence,
            f"the command names the file and ends with 1, nothing of week {NEXT.id} was scored",
        )
        now = ask(address, question).json()
        scene.require(
            now["probability_late"] == said["probability_late"] and now["model_version"] == ours,
            f"the service answers on with its own verified copy of version {ours}, "
            f"{now['probability_late']:.4f} as before",
        )
        write_bundle(folder, read_bundle(played.store.path(served.folder), served.sha256))
        played.must("replay")
        versions = played.store.read_table("predictions", NEXT.id)[VERSION].unique().to_list()
        scene.recover(
            versions == [ours], f"put back from the copy that serves, week {NEXT.id} is scored by version {ours} alone"
        )


def bad_promotion(scene: Scene) -> None:
    """A version that says late of every flight from one airport is promoted past the gate."""
    played = scene.copy()
    context, week = played.context, newest_week(played)
    champion = champion_of(context)
    bad = context.registry.versions()[-1]["version"] + 1
    with played.serving(canary=True) as address:
        with under_load(context, week, address) as load:
            scene.inject(
                f"version {bad}, which has learned that every flight from {BROKEN_ORIGIN} is late, becomes champion of "
                "the registry by a record that no check stands behind",
                lambda: promote_unchecked(context),
            )
            stopped = scene.detect(lambda: _stopped(played), lambda found: found["reason"], CANARY_SECONDS)
        now = played.context
        back = now.registry.aliases()["champion"]
        scene.respond(
            stopped["action"] == STOP and back == champion == _served(played, POINTER).version,
            f"the canary ends, version {champion} answers everybody and is champion of the registry again",
        )
        answers = require_whole(context, week, load, "a bad promotion")
        share = answers[bad] / answers.total()
        scene.require(
            0 < share <= MOST_SHARE,
            f"{answers[bad]} of {answers.total()} predictions, {share:.1%}, were by version {bad}; no request failed",
        )
        later = {ask(address, question).json()["model_version"] for question in questions(played, 100, run="later")}
        scene.recover(
            later == {champion} and now.champion() == champion,
            f"100 flights more are answered by version {champion}, registry and event log agree, and nobody puts "
            f"version {bad} back",
        )


def flip_bit_at(path: Path, place: int) -> None:
    """Turn one bit of the byte at a place of a file round, in place."""
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))


def promote_unchecked(context: Context) -> int:
    """Fit the champion's recipe on rows in which one airport is always late, and promote it with an empty record."""
    registry, champion = context.registry, champion_of(context)
    judged = registry.gate_record(registry.gate_record(champion)["judged_version"])
    fit = refit_of(candidate_fit(context, registry.lineage(judged["version"])))
    fit = replace(fit, learned=always_late(fit.learned, BROKEN_ORIGIN))
    facts = register_fit(context, fit, fit.make(context.settings), "in a hurry", {"refit_of": judged["version"]})
    about = {name: judged[name] for name in ("week", "window", "decided_on", "protocol_sha256")}
    about |= {"version": facts["version"], "bundle_sha256": facts["bundle_sha256"]}
    record = refit_record({**judged, "champion": champion}, about, checks=[])
    registry.attach_gate_record(facts["version"], record, "promoted")
    registry.promote(facts["version"])
    return facts["version"]


def always_late(rows: pl.DataFrame, origin: str) -> pl.DataFrame:
    """The rows, with every flight from one airport labelled late."""
    return rows.with_columns((pl.col(IS_LATE) | (pl.col(s.ORIGIN) == origin)).alias(IS_LATE))


def champion_of(context: Context) -> int:
    """The version that answers, as the records have it. Raises DrillFailed on a ground without one."""
    version = context.answering_version()
    if version is None:
        raise DrillFailed(f"{context.settings.home} has no champion; prepare the ground anew")
    return version


def _served(played: Played, pointer: str) -> Served:
    found = pointed(played.store, pointer)
    if found is None:
        raise DrillFailed(f"{pointer} points to nothing under {played.home}; prepare the ground anew")
    return found


def _refusing(address: str) -> dict | None:
    """What a worker says of itself that refused a file by its digest; each look may meet another worker."""
    card = card_of(address)
    return card if "SHA-256" in (card.get("refused") or "") else None


def _stopped(played: Played) -> dict | None:
    """The newest rollout that ended, with its reason."""
    ended = played.store.files(HISTORY, "*.json")
    last = played.store.read_json(f"{HISTORY}/{ended[-1].name}") if ended else None
    return last if last and last["action"] == STOP else None


def _short(played: Played, sentence: str) -> str:
    return sentence.removeprefix("preflight: ").replace(f"{played.home}/", "")


NO_DIGESTS: Change = ("infra/bundle.py", "if found != expected:", "if False:")
"""Whatever lies there is taken for what was registered."""
DRILLS = (
    Drill(
        name="corrupted-artefact",
        title="A bit of the model flips",
        fault="one bit of the served model's file flips on disk, and a worker that starts anew reads it",
        detector="the digests of the bundle, at the load: what is served is named by its bytes",
        response="the worker falls back on the last version that verifies, and says so",
        runbook="`preflight serve` again exports the champion anew; `preflight prove artefacts` shows that none loads",
        story=(
            "A flipped bit in a tree does not crash anything: one split goes the other way, and some flights get wrong "
            "numbers for ever. Health checks are green. So a model is named by the digest of its bytes, files are read "
            "once and hashed in memory, and what was hashed is what is used. The new worker refused it, named the "
            "file, and fell back on the version before, which verified. The other worker never noticed, for it answers "
            "from memory. For some seconds two versions answer, each by its own name; that is the price, and better "
            "than one version that lies or none at all. Starting the service again exports the champion anew."
        ),
        play=corrupted_artefact,
        disarm=(NO_DIGESTS,),
    ),
    Drill(
        name="swapped-artefact",
        title="Another version's files, all valid",
        fault="in the registry the files of another version stand where the champion's should, each of them intact",
        detector="the digest that the version was registered with, held against the manifest that lies there",
        response="nothing is scored with it; the service answers on with its own verified copy",
        runbook="`preflight rebuild VERSION` says whether the same bytes can be made again; a backup has them",
        story=(
            "Somebody restored a folder too many, and version one lies where version three should. Every file is "
            "whole, every checksum in the folder is right, and the model loads: a check of integrity is happy, because "
            "it asks whether these are good bytes and not whether they are the bytes. Identity has to be said from "
            "outside. The registry keeps the digest of the manifest with the version, the manifest that of each file, "
            "so one number pins all of it. Batch scoring stopped with the file's name and wrote nothing. The service "
            "did not care: it has a copy that it verified itself. We could even mend the registry from it."
        ),
        play=swapped_artefact,
        disarm=(NO_DIGESTS,),
    ),
    Drill(
        name="bad-promotion",
        title="A bad version is promoted past the gate",
        fault="a version that says late of every flight from one airport becomes champion by a record without checks",
        detector="the guardrails of the canary: both versions score the same flights, and differ too much",
        response="the canary ends, the version before answers everybody, the alias goes back",
        runbook="`preflight rollout status` tells the figures, `preflight explain VERSION` the record it came in by",
        story=(
            "Somebody was in a hurry and signed it by hand. The service does not take a new champion at its word: it "
            "lets it answer five percent of the flights first, and scores every flight with both. No labels are "
            "needed to see that two models disagree by far more than two sound ones ever did; the bounds come from ten "
            "sound pairs of a year. Errors and latency were fine all the while, which is why watching them alone would "
            "have let it through. After some hundred flights it was stopped, and the alias went back, so that nobody "
            "puts it on again. What a canary cannot see is a model that is merely worse: that takes "
            "labels, and is the gate's business."
        ),
        play=bad_promotion,
        disarm=(("services/guardrails.py", "return next(_breaches(figures, guardrails), None)", "return None"),),
    ),
)
