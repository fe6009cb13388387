"""`prove kills`: workers are killed with -9 under load, and every acknowledged prediction is on record exactly once."""

import tempfile
import time
from pathlib import Path

import psutil

from infra.settings import Settings
from pipelines.context import open_context
from preflight import show
from preflight.prove import ProofFailed
from preflight.serving import newest_scored_week
from preflight.trial_home import Trial, copy_home, serving
from preflight.under_load import require_on_record_once, require_whole, under_load
from services.prediction_log import FOLDER

WORKER = "_bentoml_impl.worker.service"
COME_UP_SECONDS = 120


def kills(settings: Settings, count: int, as_json: bool) -> None:
    """Kill one of two workers, again as soon as both answer; nothing that was acknowledged is lost or doubled."""
    context = open_context(settings)
    week = newest_scored_week(context)
    with tempfile.TemporaryDirectory(prefix="preflight-kills-") as scratch, show.progress(count, "kills") as advance:
        trial_context = copy_home(context, week, Path(scratch))
        with serving(trial_context, week) as trial, under_load(context, week, trial.address) as load:
            for number in range(count):
                victim = _two_workers(trial)[number % 2]
                victim.kill()
                advance(f"worker {victim.pid}")
            _two_workers(trial)
        require_whole(context, week, load, "a kill")
        require_on_record_once(trial_context.settings.home, load)
    outcome = (
        f"kills: {count} workers killed under load: {len(load.heard):,} requests, {load.retries:,} of them sent once "
        "more, 0 failed; each acknowledged answer is on record exactly once, as it was given"
    )
    show.finish(outcome, {"requests": len(load.heard), "retries": load.retries}, as_json)


def _two_workers(trial: Trial) -> list[psutil.Process]:
    """Both workers, as soon as both have come up. Raises ProofFailed when they do not."""
    deadline = time.monotonic() + COME_UP_SECONDS
    while time.monotonic() < deadline:
        family = psutil.Process(trial.process.pid).children(recursive=True)
        workers = [one for one in family if _answers(one, trial)]
        if len(workers) == 2:
            return workers
        time.sleep(0.1)
    raise ProofFailed(f"two workers did not come up within {COME_UP_SECONDS} s; see {trial.log}")


def _answers(process: psutil.Process, trial: Trial) -> bool:
    """A worker that has come up holds the prediction log open."""
    folder = str(trial.context.settings.home / FOLDER)
    try:
        return WORKER in process.cmdline() and any(file.path.startswith(folder) for file in process.open_files())
    except psutil.Error:
        return False
