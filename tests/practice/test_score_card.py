"""The score card: 28 probes, each with evidence and a command that exists; a score that falls with what is removed."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from typed_commands import problem_of

from practice.score_card.page import badge, score_page
from practice.score_card.probe import SECTIONS, Finding, NotShown, Probe, ask, score, section_sums
from practice.score_card.table import PROBES

ROOT = Path(__file__).resolve().parents[2]
FULL = [Finding(probe, 0.5 if probe.by_hand else 1.0, "it is there", 0.0) for probe in PROBES]


def test_there_are_seven_tests_in_each_of_four_sections():
    assert Counter(probe.section for probe in PROBES) == dict.fromkeys(SECTIONS, 7)
    assert len({probe.name for probe in PROBES}) == 28


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_a_probe_has_evidence_and_a_command_that_can_be_typed(probe):
    assert (ROOT / probe.evidence).exists()
    assert problem_of(probe.proof.replace(" -q -p no:cacheprovider", "")) is None
    assert bool(probe.look) != bool(probe.says)


def test_a_probe_whose_command_fails_is_worth_nothing_and_says_why(tmp_path):
    probe = Probe("Data", 1, "It is there", "python -c 'import sys; print(\"no\"); sys.exit(3)'", "x", ("yes",))
    (tmp_path / "x").touch()

    found = ask(probe, None, tmp_path)

    assert (found.points, "ended with 3" in found.words) == (0, True)


@pytest.mark.parametrize(("said", "points"), [("yes, indeed", 1), ("no", 0)])
def test_a_probe_is_held_to_what_its_command_has_to_say(tmp_path, said, points):
    probe = Probe("Data", 1, "It is there", f"python -c 'print(\"{said}\")'", "x", ("yes",))
    (tmp_path / "x").touch()

    assert ask(probe, None, tmp_path).points == points


def test_without_its_evidence_a_probe_is_worth_nothing(tmp_path):
    probe = Probe("Data", 1, "It is there", "python -c 'print(1)'", "gone.md", ("1",))

    assert ask(probe, None, tmp_path).points == 0


def test_what_a_look_does_not_find_is_worth_nothing(tmp_path):
    def look(context) -> str:
        raise NotShown("nothing")

    (tmp_path / "x").touch()

    assert ask(Probe("Data", 1, "It is there", "preflight status", "x", look=look), None, tmp_path).points == 0


def test_the_score_is_that_of_the_weakest_section_and_falls_with_what_is_removed():
    assert (section_sums(FULL), score(FULL)) == ({"Data": 7, "Model": 7, "Infra": 7, "Monitor": 6.5}, 6.5)
    assert score([replace(FULL[0], points=0), replace(FULL[1], points=0), *FULL[2:]]) == 5


def test_the_page_has_every_test_and_the_badge_the_score():
    page = score_page(FULL)

    assert all(probe.asks in page for probe in PROBES)
    assert "6.5 of 7" in badge(FULL)
