"""Lines of the score card that ask for a verdict: a no of the gate, lost quality, or one number that is none."""

import math
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from practice.score_card import numbers, records
from practice.score_card.probe import NotShown


@pytest.mark.parametrize("look", [records.slices_were_judged, records.destinations_fare_alike])
@pytest.mark.parametrize("passed", [True, False])
def test_a_question_of_the_gate_has_to_be_answered_with_yes(look, passed):
    names = ("no slice is surely worse", "no wider gap between destinations")
    checks = [{"name": name, "sentence": "by a lot", "passed": passed} for name in names]
    context = SimpleNamespace(journal=journal(gate=[{"week": "2013-12-16", "checks": checks}]))

    if passed:
        assert look(context).startswith("week 2013-12-16, no ")
    else:
        with pytest.raises(NotShown, match="by a lot"):
            look(context)


def journal(**events: list[dict]) -> SimpleNamespace:
    """The journal of a life, by stage."""
    return SimpleNamespace(events=lambda stage: events.get(stage, []), weeks=lambda stage: ["2013-12-30"])


def lived(home: Path, said: float, answered: str, loss: float) -> SimpleNamespace:
    """A life of one training and one week, whose service has answered once."""
    (home / "prediction_log").mkdir()
    line = f'{{"answer":{{"probability_late":{answered},"is_late":false}}}}\n'
    (home / "prediction_log" / "000001.jsonl").write_text(line)
    tables = pl.DataFrame({"probability": [0.2, said], "frozen": [0.1, 0.2], "base_rate": [0.2, 0.2]})
    train = {"version": 1, "calibrated_by": {"log_loss": {"identity": loss}}}
    return SimpleNamespace(
        settings=SimpleNamespace(home=home),
        store=SimpleNamespace(read_weeks=lambda table, weeks: tables),
        journal=journal(train=[train]),
    )


def test_a_year_whose_numbers_are_numbers_says_how_many_it_has(tmp_path):
    told = numbers.every_number_is_finite(lived(tmp_path, 0.4, "0.25", 0.5))

    assert told.startswith("1 log losses")
    assert told.endswith("6 scored and 1 logged probabilities are from 0 to 1")


@pytest.mark.parametrize(
    ("said", "answered", "loss"),
    [
        (math.nan, "0.25", 0.5), (math.inf, "0.25", 0.5), (1.1, "0.25", 0.5), (None, "0.25", 0.5),
        (0.4, "null", 0.5), (0.4, "NaN", 0.5), (0.4, "-0.1", 0.5),
        (0.4, "0.25", math.nan), (0.4, "0.25", math.inf), (0.4, "0.25", -0.1), (0.4, "0.25", None),
    ],
)  # fmt: skip
def test_one_number_that_is_none_costs_the_point_of_stability(tmp_path, said, answered, loss):
    with pytest.raises(NotShown):
        numbers.every_number_is_finite(lived(tmp_path, said, answered, loss))


@pytest.mark.parametrize(
    ("skill", "coverage", "frozen", "words"),
    [
        (0.16, 1.0, 0.46, None),
        (0.04, 1.0, 0.46, "skill fell to 0.040"),
        (0.16, 0.8, 0.46, "labels of 80%"),
        (0.16, 1.0, 0.44, "nobody renewed"),
    ],
)
def test_quality_has_held_when_labels_of_the_newest_week_say_so(monkeypatch, skill, coverage, frozen, words):
    signals = {
        "label_coverage": coverage, "weeks_since_training": 2, "was_refused": True, "refused_in_a_row": 2,
        "skill": skill, "expected_skill": 0.15, "calibration_gap": 0.0, "share_drifted": 0.7,
    }  # fmt: skip
    context = SimpleNamespace(journal=journal(decide=[{"week": "2013-12-30", "signals": signals}]))
    month = SimpleNamespace(live=SimpleNamespace(log_loss=0.45), frozen=SimpleNamespace(log_loss=frozen))
    monkeypatch.setattr(numbers, "year_so_far", lambda context: SimpleNamespace(months=(month,)))

    if words is None:
        assert "0 of 1 weeks had lost quality (none)" in numbers.quality_has_held(context)
    else:
        with pytest.raises(NotShown, match=words):
            numbers.quality_has_held(context)
