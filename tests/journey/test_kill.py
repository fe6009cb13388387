"""A life killed again and again ends as one that was never killed: same event log, no prediction lost or made twice.

The short versions run always; `make test-kill` runs the long ones.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from conftest import SHORT_YEAR, environment

from data_checks import schema as s
from infra.settings import load_settings
from pipelines.context import Context
from practice.drills.killing import NEVER, dying_at

REPLAY = ("replay",)
FIRST_TRAINING = "2013-01-28"


def live_until_killed(home: Path, seconds: float, settings: dict) -> bool:
    """Replay for so long, then `kill -9`; whether it had ended before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "preflight", "replay"], env=environment(home, **settings), stderr=subprocess.DEVNULL
    )
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def live_until_commit(home: Path, moment: str) -> bool:
    """Replay and die on the way into the commit with this number or file name; whether it had ended before."""
    ended = dying_at(moment, environment(home), *REPLAY)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode == 0


def assert_nothing_lost_or_doubled(context: Context) -> None:
    weeks = [week.id for week in context.scored_weeks()]
    predicted = context.store.read_weeks("predictions", weeks)[s.FLIGHT_ID]
    planned = context.store.read_weeks("accepted/schedule", weeks)[s.FLIGHT_ID]
    assert predicted.n_unique() == len(predicted)
    assert set(predicted) == set(planned)


def assert_same_versions(context: Context) -> None:
    promotions = context.journal.events("promote")
    refits = [event["champion"] for event in promotions if event["promoted"]]
    registered = [entry["version"] for entry in context.registry.versions()]
    assert registered == sorted([event["judged"] for event in promotions] + refits)


@pytest.mark.kill
def test_a_life_killed_between_moving_the_champion_and_saying_so_goes_on_and_ends_the_same(lived, tmp_path, run_flow):
    ended = live_until_commit(tmp_path, f"{FIRST_TRAINING}-8-promote.json")

    again = run_flow(tmp_path, *REPLAY)

    killed = Context(load_settings(home=tmp_path, **SHORT_YEAR))
    assert (ended, again.returncode) == (False, 0), again.stderr
    assert killed.journal.digest() == lived.context.journal.digest()
    assert_nothing_lost_or_doubled(killed)
    assert_same_versions(killed)


def test_no_process_outlives_a_killed_life(tmp_path):
    process = subprocess.Popen([sys.executable, "-m", "preflight", *REPLAY], env=environment(tmp_path))
    started = _children_that_appear(process.pid)

    process.kill()
    process.wait()

    _, alive = psutil.wait_procs(started, timeout=40)
    assert alive == []


def test_ctrl_c_ends_a_life_with_one_sentence_and_1(tmp_path):
    command = [sys.executable, "-m", "preflight", *REPLAY]
    process = subprocess.Popen(command, env=environment(tmp_path), stderr=subprocess.PIPE, text=True)
    started = _children_that_appear(process.pid)

    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)

    assert (process.returncode, said) == (1, "preflight: interrupted; the same command goes on where it stopped\n")
    assert psutil.wait_procs(started, timeout=40)[1] == []


def test_ctrl_c_in_the_midst_of_an_import_ends_with_1_as_well(tmp_path):
    (tmp_path / "interrupted.py").write_text(
        "import sys\n"
        "from preflight import cli\n"
        "def app():\n"
        "    try:\n"
        "        exec('raise KeyboardInterrupt')  # as the decorator of a dataclass runs its methods\n"
        "    except KeyboardInterrupt:\n"
        "        sys.exit(cli.INTERRUPTED)\n"
        "cli.app = app\n"
        "cli.main()\n"
    )

    ended = subprocess.run([sys.executable, "-m", "interrupted"], cwd=tmp_path, env=environment(tmp_path), check=False)

    assert ended.returncode == 1


@pytest.mark.kill
def test_a_life_killed_at_every_seventh_commit_ends_the_same(lived, tmp_path, run_flow):
    lives = 1

    while not live_until_commit(tmp_path, "7"):
        lives += 1

    killed = Context(load_settings(home=tmp_path, **SHORT_YEAR))
    assert lives > 20
    assert killed.journal.digest() == lived.context.journal.digest()
    assert_nothing_lost_or_doubled(killed)
    assert_same_versions(killed)


@pytest.mark.kill
def test_a_life_killed_before_every_event_of_its_trainings_ends_the_same(lived, tmp_path):
    trained = [event["week"] for event in lived.context.journal.events("train")]
    stages = ("4-decide", "5-tune", "6-train", "7-gate", "8-promote")
    recorded = {path.name for path in lived.context.store.files("journal", "*.json")}  # not every training searches
    moments = [name for week in trained for stage in stages if (name := f"{week}-{stage}.json") in recorded]

    ends = [live_until_commit(tmp_path, moment) for moment in moments if moment != f"{FIRST_TRAINING}-4-decide.json"]

    assert live_until_commit(tmp_path, NEVER)
    killed = Context(load_settings(home=tmp_path, **SHORT_YEAR))
    assert not any(ends)
    assert killed.journal.digest() == lived.context.journal.digest()
    assert_same_versions(killed)


@pytest.mark.kill
def test_the_whole_year_killed_at_ten_random_moments_ends_the_same(tmp_path):
    year = {"first_scored_week": "2013-04-01", "last_day": "2013-12-31", "trees": 60}
    seed = int(os.environ.get("KILL_SEED", random.randrange(10**6)))
    print(f"KILL_SEED={seed} repeats these moments")
    moments = random.Random(seed)
    whole, killed = tmp_path / "whole", tmp_path / "killed"

    assert live_until_killed(whole, 1800, year)
    kills = [live_until_killed(killed, moments.uniform(4, 28), year) for _ in range(10)]
    assert live_until_killed(killed, 1800, year)

    contexts = [Context(load_settings(home=home, **year)) for home in (whole, killed)]
    assert kills == [False] * 10
    assert contexts[1].journal.digest() == contexts[0].journal.digest()
    assert_nothing_lost_or_doubled(contexts[1])
    assert_same_versions(contexts[1])


def _children_that_appear(parent: int) -> list[psutil.Process]:
    """The child processes, once there is one that runs the Prefect server."""
    for _ in range(600):
        children = psutil.Process(parent).children(recursive=True)
        if any("prefect" in child.cmdline() for child in children):
            return children
        time.sleep(0.1)
    raise AssertionError("no server appeared")
