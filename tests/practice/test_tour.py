"""The tour: its page is read strictly, its commands exist, and what a command does not say is noticed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from typed_commands import problem_of

from infra.settings import load_settings
from infra.storage import Store
from practice.tour import MINUTES, TourMalformed, broken_promises, read_steps, steps_of
from preflight import touring

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tour.md"
STEPS = read_steps(PAGE.read_text())


def test_a_longer_tour_has_all_steps_of_a_shorter_one_and_more():
    five, fifteen, forty_five = ([step.title for step in steps_of(PAGE, minutes)] for minutes in MINUTES)

    assert set(five) < set(fifteen) < set(forty_five)
    assert forty_five == [step.title for step in STEPS]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.title)
def test_a_step_has_a_command_that_can_be_typed_and_promises_something(step):
    assert problem_of(step.command) is None
    assert step.promised


def test_what_the_output_does_not_say_is_a_broken_promise():
    step = STEPS[0]

    assert broken_promises(step, "lived up\n  to week 2013-12-30, version 18 is champion") == []
    assert broken_promises(step, "nothing was lived") == ["lived up to week"]


@pytest.mark.parametrize(
    ("title", "wrong"),
    [
        ("Nothing known later leaks", "features look ahead: 20 moments, 10 values changed"),
        ("The same model again", "version 3: 1 of 1 differ, the first is version 3: no identical lock"),
        ("The service says what the batch said", "of 900 flights nobody answered"),
        ("A model that was tampered with", "100 tries, 10 loaded"),
        ("Which weeks alarmed, and was it right?", "no week was watched, inputs and quality neither"),
        ("What stayed out?", "no rows"),
        ("What went wrong this year?", "no week was lived"),
        ("Break a feed", "injected, no response, recovered"),
    ],
)
def test_an_output_that_is_wrong_and_uses_the_same_words_does_not_keep_the_promise(title, wrong):
    (step,) = (one for one in STEPS if one.title == title)

    assert broken_promises(step, wrong)


LONG = "import time; print('here', flush=True); time.sleep(60)"
TOUR = f"""
import sys
from preflight import touring
with touring._on_leash([sys.executable, "-c", {LONG!r}]) as process:
    for line in process.stdout:
        print(process.pid, line, flush=True)
"""


def test_a_tour_that_is_ended_has_ended_its_command_before():
    tour = subprocess.Popen([sys.executable, "-c", TOUR], stdout=subprocess.PIPE, text=True)
    leash = psutil.Process(int(tour.stdout.readline().split()[0]))
    family = [leash, *leash.children(recursive=True)]

    os.kill(tour.pid, signal.SIGTERM)
    tour.wait(30)

    assert (tour.returncode, len(family), [one for one in family if one.is_running()]) == (143, 2, [])
    tour.stdout.close()


def test_a_command_of_the_tour_is_heard_to_its_end_and_its_code_is_known():
    with touring._on_leash([sys.executable, "-c", "print('a'); print('b'); raise SystemExit(3)"]) as process:
        said = list(process.stdout)

    assert (said, process.returncode) == (["a\n", "b\n"], 3)


def test_each_length_of_tour_keeps_a_place_of_its_own(tmp_path, monkeypatch, capsys):
    store, answers = Store(tmp_path), iter(["", "", "q", "", "q", "q", "q"])
    context = type("Lived", (), {"journal": type("Journal", (), {"weeks": lambda self, stage: ["2013-03-04"]})()})
    monkeypatch.setattr(touring, "open_context", lambda settings: context)
    monkeypatch.setattr(touring, "_run", lambda settings, step: None)
    monkeypatch.setattr(touring, "_wait", lambda prompt: next(answers))

    for minutes in (45, 5, 45, 5):
        touring.tour(load_settings(home=tmp_path), minutes, is_unattended=False, from_start=False)

    assert store.read_json(touring.PLACE) == {"45": 2, "5": 1}
    assert "left before step 3 of 14; preflight tour 45" in capsys.readouterr().out


def test_a_step_without_its_parts_is_refused_by_its_name():
    with pytest.raises(TourMalformed, match='"Where is it"'):
        read_steps("# The tour\n\n## Where is it\n\n**What we do.** Look.\n\n    preflight status\n")
