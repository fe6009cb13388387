"""The score card: 28 probes, each with evidence and a command that exists; a score that falls with what is removed."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typed_commands import problem_of

from infra.records import sign
from monitoring.day_blocks import Gain
from pipelines.worth import Worth
from practice.score_card import records
from practice.score_card.groups import told_cost, told_worth
from practice.score_card.page import badge, score_page
from practice.score_card.probe import SECTIONS, Finding, NotShown, Probe, ask, score, section_sums
from practice.score_card.table import PROBES

ROOT = Path(__file__).resolve().parents[2]
WORTH = records.WORTH.read_text()
FACTS = {
    "data": {"training": "a" * 64},
    "features_sha256": "b" * 64,
    "code": {"git_revision": "c" * 40, "sources_sha256": "d" * 64, "is_dirty": False},
    "parameters": {"trees": 80},
}
FULL = [Finding(probe, 0.5 if probe.half else 1.0, "it is there", 0.0) for probe in PROBES]


def life(home: Path, **more) -> SimpleNamespace:
    return SimpleNamespace(settings=SimpleNamespace(home=home, seed=2013), **more)


def logged(home: Path, *lines: str) -> SimpleNamespace:
    """A life whose service has logged some lines."""
    (home / "prediction_log").mkdir(parents=True)
    (home / "prediction_log" / "000001.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return life(home)


def registered(lineage: dict, record: dict) -> SimpleNamespace:
    """A life of one promoted version."""
    registry = SimpleNamespace(
        versions=lambda: [{"version": 1, "gate": "promoted"}],
        lineage=lambda version: lineage,
        gate_record=lambda version: record,
    )
    return SimpleNamespace(registry=registry)


def test_there_are_seven_tests_in_each_of_four_sections():
    assert Counter(probe.section for probe in PROBES) == dict.fromkeys(SECTIONS, 7)
    assert len({probe.name for probe in PROBES}) == 28


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_a_probe_has_evidence_and_a_command_that_can_be_typed(probe):
    assert (ROOT / probe.evidence).exists()
    assert problem_of(probe.proof.replace(" -q -p no:cacheprovider", "")) is None
    assert probe.look or probe.says


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


@pytest.mark.parametrize(("says", "points"), [(("1",), 1), (("2",), 0)])
def test_with_a_command_and_a_look_both_have_to_show_it(tmp_path, says, points):
    (tmp_path / "x").touch()
    probe = Probe("Data", 1, "It is there", "python -c 'print(1)'", "x", says, look=lambda context: "seen")

    found = ask(probe, None, tmp_path)

    assert (found.points, "seen" in found.words) == (points, points == 1)


@pytest.mark.parametrize(
    ("says", "look", "how"), [(("1",), None, "ran"), ((), str, "read"), (("1",), str, "ran and read")]
)
def test_a_probe_says_whether_it_ran_or_read(says, look, how):
    assert Probe("Data", 1, "It is there", "preflight status", "x", says, look).how == how


def test_a_module_of_the_card_acts_on_the_life_that_is_asked_about(tmp_path):
    (tmp_path / "practice").mkdir()
    (tmp_path / "practice" / "told.py").write_text("import os; print(os.environ['PREFLIGHT_HOME'])")
    probe = Probe("Data", 1, "It is there", "python -m practice.told", "practice/told.py", (str(tmp_path / "home"),))

    assert ask(probe, life(tmp_path / "home"), tmp_path).points == 1


def test_the_score_is_that_of_the_weakest_section_and_falls_with_what_is_removed():
    assert (section_sums(FULL), score(FULL)) == ({"Data": 6.5, "Model": 7, "Infra": 6.5, "Monitor": 6.5}, 6.5)
    assert score([replace(FULL[0], points=0), replace(FULL[1], points=0), *FULL[2:]]) == 5


def test_the_page_has_every_test_and_the_badge_the_score():
    page = score_page(FULL)

    assert all(
        f"{probe.asks} | {one.points:g} | {probe.how} |" in page for probe, one in zip(PROBES, FULL, strict=True)
    )
    assert "6.5 of 7" in badge(FULL)
    assert all((f"Half a point: {one.probe.half}" in page) == (one.points == 0.5) for one in FULL if one.probe.half)


@pytest.mark.parametrize(("said", "points"), [("without evidence: none", 1), ("without evidence: plane", 0.5)])
def test_what_passes_in_part_is_worth_half_until_its_words_say_that_it_is_whole(tmp_path, said, points):
    (tmp_path / "x").touch()
    probe = Probe(
        "Data", 2, "It is there", "preflight status", "x", look=lambda context: said,
        half="a group is left", whole=("without evidence: none",),
    )  # fmt: skip

    found = ask(probe, None, tmp_path)

    assert (found.points, "Half a point: a group is left" in found.told) == (points, points == 0.5)


def test_the_groups_of_today_are_not_all_of_evidence_so_that_this_is_worth_half():
    (probe,) = (one for one in PROBES if one.name == "Data 2")

    assert not all(one in probe.look(None) for one in probe.whole)


def test_milliseconds_of_a_run_add_up_to_what_is_said_of_the_same_run():
    assert told_cost({"plan": 0.5, "plane": 0.1, "network": 1.4}, ["plane"]).endswith(
        "by group: plan 0.50, plane 0.10, network 1.40, together 2.00; plane without evidence of a gain: 5.0% of them"
    )


@pytest.mark.parametrize(
    "line",
    [
        '{"tail_number":"N17730"}',
        '{"said": "it was N17730."}',
        "/planes/N3HPAA/flights",
        '{"tail":"n102uw"}',
        f'{{"x":"{"A" * 400}","tail":"N10156"}}',
    ],
)
def test_a_tail_number_on_any_logged_line_costs_the_point_of_privacy(tmp_path, line):
    context = logged(tmp_path, *['{"tail":"ffd894b66c34386bba3f2c61d73e585c"}'] * 3000, line)

    with pytest.raises(NotShown, match="1 of 3001 logged lines"):
        records.no_tail_number_in_log_or_model(context)


def test_what_only_looks_like_a_tail_number_is_none(tmp_path):
    numbers = "AA+N17730/" * 20
    context = logged(
        tmp_path, f'{{"flight_id":"2013-12-31-UN1895-EWR","x":"{numbers}","carrier":"9E","words":"N, no"}}'
    )

    assert "all 1 logged lines" in records.no_tail_number_in_log_or_model(context)


def test_of_an_empty_log_or_none_nothing_is_known(tmp_path):
    for context in (life(tmp_path / "none"), logged(tmp_path / "empty")):
        with pytest.raises(NotShown, match="nothing was logged"):
            records.no_tail_number_in_log_or_model(context)


@pytest.mark.parametrize("look", [records.every_group_was_weighed, records.every_group_has_its_cost])
@pytest.mark.parametrize(("there", "then"), [("| network | 7 |", "| network | 8 |"), ("| plane |", "| planes |")])
def test_a_page_that_weighs_other_features_than_the_catalog_shows_nothing(tmp_path, look, there, then):
    page = tmp_path / "feature-worth.md"
    page.write_text(WORTH.replace(there, then))

    with pytest.raises(NotShown, match="the catalog has"):
        look(None, page)


def test_a_page_without_a_table_shows_nothing(tmp_path):
    (page := tmp_path / "feature-worth.md").write_text("# Gone\n")

    with pytest.raises(NotShown, match="has no table"):
        records.every_group_was_weighed(None, page)


@pytest.mark.parametrize(("verdict", "is_shown"), [("keep", True), ("no evidence", True), ("harmful", False)])
def test_one_harmful_group_of_the_short_weighing_costs_the_point(verdict, is_shown):
    nothing = Gain(0.0, -0.001, 0.001)
    (probe,) = (one for one in PROBES if one.name == "Data 2")

    told = told_worth([Worth("plan", nothing, nothing, verdict, ""), Worth("plane", nothing, nothing, "keep", "")])

    assert all(word in told for word in probe.says) == is_shown


def test_a_harmful_group_and_a_dear_one_without_evidence_cost_a_point(tmp_path):
    page = tmp_path / "feature-worth.md"
    page.write_text(WORTH.replace("| no evidence |", "| harmful |"))

    with pytest.raises(NotShown, match="plane is harmful"):
        records.every_group_was_weighed(None, page)

    page.write_text(WORTH.replace("| 0.02 | 8.2 |", "| 0.52 | 8.2 |"))
    with pytest.raises(NotShown, match="of the ms"):
        records.every_group_has_its_cost(None, page)


def test_a_promoted_version_has_all_of_its_specification_on_record(monkeypatch):
    monkeypatch.setattr(records, "trailer_of", lambda revision, key, path: "Ada")
    yes = sign({"promote": True, "reason": "gain +0.0056"})

    assert "reviewed by Ada" in records.specifications_are_on_record(registered(FACTS, yes))
    for name in FACTS:
        with pytest.raises(NotShown, match="version 1 does not name"):
            records.specifications_are_on_record(registered({**FACTS, name: {}}, yes))
    with pytest.raises(NotShown, match="in no revision"):
        records.specifications_are_on_record(registered({**FACTS, "code": {**FACTS["code"], "is_dirty": True}}, yes))
    with pytest.raises(NotShown, match="verdict of version 1"):
        records.specifications_are_on_record(registered(FACTS, sign({"promote": False, "reason": "none"})))


def test_a_specification_that_nobody_reviewed_on_record_is_worth_nothing(monkeypatch):
    monkeypatch.setattr(records, "trailer_of", lambda revision, key, path: None)

    with pytest.raises(NotShown, match=r"1 promoted versions.* but of 1 no record names a second person"):
        records.specifications_are_on_record(registered(FACTS, sign({"promote": True, "reason": "gain +0.0056"})))


def week(live: tuple[float, float], frozen: tuple[float, float]) -> SimpleNamespace:
    """A week by log loss and cost of the live champion and of the frozen one."""
    return SimpleNamespace(
        live=SimpleNamespace(log_loss=live[0]),
        frozen=SimpleNamespace(log_loss=frozen[0]),
        cost_per_thousand={"live": live[1], "frozen": frozen[1]},
    )


@pytest.mark.parametrize("together", [True, False])
def test_a_season_that_both_champions_share_is_no_sign_that_measures_move_together(monkeypatch, tmp_path, together):
    dice = np.random.default_rng(1)
    season, gains, other = np.linspace(0.3, 0.6, 40), dice.normal(0, 0.01, 40), dice.normal(0, 0.01, 40)
    costs = gains if together else other
    weeks = [
        week((level, 1000 * level), (level + gain, 1000 * (level + cost)))
        for level, gain, cost in zip(season, gains, costs, strict=True)
    ]
    monkeypatch.setattr(records, "_year", lambda context: SimpleNamespace(weeks=weeks))

    if together:
        assert "1.00 [1.00, 1.00]" in records.offline_and_online_move_together(life(tmp_path))
    else:
        with pytest.raises(NotShown, match="rank alike by"):
            records.offline_and_online_move_together(life(tmp_path))
