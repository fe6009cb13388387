"""`prove swaps`: models change under load, are rolled back and refused, and no request fails and no answer is mixed."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from infra.bundle import Bundle
from infra.settings import Settings
from pipelines.artefact import build_bundle
from pipelines.calibration_map import IDENTITY
from pipelines.context import open_context
from pipelines.tampering import small_bundle
from preflight import show
from preflight.prove import ProofFailed
from preflight.serving import newest_scored_week
from preflight.trial_home import Trial, copy_home, serving
from preflight.under_load import require_whole, under_load
from services.client import ask_model
from services.exporting import export_version
from services.model import POINTER, PREVIOUS, export_model, point_to, pointed
from services.switching import switch

SWAP_SECONDS, ROLLBACK_SECONDS, LOOKS = 30, 5, 20
NEVER_A_VERSION = 100_000
"""What the models that must not answer are called, from here on."""

Advance = Callable[[str], None]


def swaps(settings: Settings, count: int, rollbacks: int, as_json: bool) -> None:
    """Swap models under load, roll back by command, point to a spoilt artefact and to one of another contract."""
    context = open_context(settings)
    week, steps = newest_scored_week(context), count + rollbacks + 2
    with tempfile.TemporaryDirectory(prefix="preflight-swaps-") as scratch, show.progress(steps, "changes") as advance:
        trial_context = copy_home(context, week, Path(scratch))
        with serving(trial_context, week) as trial, under_load(context, week, trial.address) as load:
            swapped = _swap(trial, count, advance)
            rolled_back = [_roll_back(trial, advance) for _ in range(rollbacks)]
            _point_to_what_must_not_answer(trial, advance)
        answers = require_whole(context, week, load, "a change of models")
    slowest = max(rolled_back, default=0.0)
    if slowest > ROLLBACK_SECONDS:
        raise ProofFailed(f"a rollback took {slowest:.1f} s from the command to its effect, allowed {ROLLBACK_SECONDS}")
    outcome = (
        f"swaps: {count} swaps, {rollbacks} rollbacks (at most {slowest:.1f} s from command to effect), a spoilt "
        f"artefact and one of another contract: {len(load.heard):,} requests, {answers.total():,} predictions by "
        f"{len(answers)} versions, 0 failed, 0 mixed"
    )
    document = {"requests": len(load.heard), "predictions": dict(answers)}
    show.finish(outcome, document | {"swap_seconds": swapped, "rollback_seconds": rolled_back}, as_json)


def _swap(trial: Trial, count: int, advance: Advance) -> list[float]:
    """Let the newest promoted versions answer in turn; returns the seconds until each was everybody's."""
    versions, taken = trial.context.promoted_versions()[-3:], []
    if len(versions) < 2:
        raise ProofFailed(f"expected two promoted versions to swap, got {versions}; run: preflight replay")
    now = pointed(trial.context.store, POINTER)
    turns, last = cycle(versions), now.version
    while len(taken) < count:
        version = next(turns)
        if version == last:
            continue
        to = export_version(trial.context, version, trial.week, PREVIOUS)
        start = time.perf_counter()
        switch(trial.context, to, "a swap under load")
        taken.append(_seconds_until(trial, version, start))
        last = version
        advance(f"version {version} after {taken[-1]:.1f} s")
    return taken


def _roll_back(trial: Trial, advance: Advance) -> float:
    """The command as an operator runs it; seconds from return being pressed to the effect in every worker."""
    before = pointed(trial.context.store, PREVIOUS).version
    command = [sys.executable, "-m", "preflight", "--home", str(trial.context.settings.home), "rollback"]
    command += ["--to", str(before)]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
        seconds = _seconds_until(trial, before, start)
        _, said = running.communicate()
    if running.returncode != 0:
        raise ProofFailed(f"the rollback failed: {said.strip()}")
    advance(f"back to version {before} after {seconds:.1f} s")
    return seconds


def _point_to_what_must_not_answer(trial: Trial, advance: Advance) -> None:
    store, now = trial.context.store, pointed(trial.context.store, POINTER)
    spoilt = export_model(store, small_bundle(1), NEVER_A_VERSION, now.week, known_until=now.known_until_moment)
    model = store.path(spoilt.folder, "model.onnx")
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    _require_refused(trial, now.version, "model.onnx is not what was registered")
    advance("a spoilt artefact was refused")
    export_model(store, _of_other_features(), NEVER_A_VERSION + 1, now.week, known_until=now.known_until_moment)
    _require_refused(trial, now.version, "features that are not the")
    advance("another contract was refused")
    point_to(store, now)


def _of_other_features() -> Bundle:
    random = np.random.default_rng(1)
    rows = random.normal(size=(200, 4))
    trees = HistGradientBoostingClassifier(max_iter=2, early_stopping=False).fit(rows, rows[:, 0] > 0)
    return build_bundle(trees, IDENTITY, 0.5, {}, tuple("abcd"))


def _require_refused(trial: Trial, version: int, words: str) -> None:
    """Wait until a worker says that it refused what it was pointed to, and answers on with `version`."""
    deadline = time.monotonic() + SWAP_SECONDS
    while time.monotonic() < deadline:
        card = ask_model(trial.address)
        if card["model_version"] != version:
            raise ProofFailed(f"version {card['model_version']} answers, which must not; expected {version}")
        if card["refused"] and words in card["refused"]:
            return
        time.sleep(0.05)
    raise ProofFailed(f"expected a refusal with {words!r} within {SWAP_SECONDS} s, got {card['refused']!r}")


def _seconds_until(trial: Trial, version: int, start: float) -> float:
    """Seconds until so many looks in a row, each on a connection of its own, see the version; to the first of them."""
    deadline, seen, first = time.monotonic() + SWAP_SECONDS, 0, start
    while seen < LOOKS:
        if ask_model(trial.address)["model_version"] == version:
            first = time.perf_counter() if seen == 0 else first
            seen += 1
        else:
            seen = 0
            time.sleep(0.02)
        if time.monotonic() > deadline:
            raise ProofFailed(f"version {version} did not answer within {SWAP_SECONDS} s; see {trial.log}")
    return first - start
