"""What the gate learns about a candidate's file: whether training returned the champion, and which days it has seen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from data_checks import schema as s
from infra.settings import Settings
from monitoring.labels import IS_LATE
from pipelines.calibration_map import IDENTITY
from pipelines.encoding import encode_features
from pipelines.estimators import ModelParameters
from pipelines.evidence import Artefact, JudgedFlights, gather_evidence
from pipelines.feature_catalog import CATEGORICAL, CATEGORIES, NUMERIC
from pipelines.fitting import Fitted, labels_of
from pipelines.judgement import Rival, artefact_of, looking_of, rules_of
from pipelines.promotion import decide_promotion
from pipelines.protocol import Slices
from pipelines.registering import Fit, costs_of, refit_of

START = datetime(2013, 1, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)
SLICES = Slices(START, (), calibration=START + 20 * DAY, gate=START + 20 * DAY, end=START + 34 * DAY)
SETTINGS = Settings()


def rows(count: int, start: datetime, seed: int) -> pl.DataFrame:
    """Made-up flights, a hundred a day; one number decides."""
    dice = np.random.default_rng(seed)
    numbers = {name: dice.normal(size=count) for name in NUMERIC}
    codes = {name: dice.choice(CATEGORIES[name], count) for name in CATEGORICAL}
    departs = [start + timedelta(days=row // 100, minutes=row % 100) for row in range(count)]
    is_late = dice.random(count) < 1 / (1 + np.exp(-1.2 * numbers[NUMERIC[0]]))
    return pl.DataFrame({s.SCHEDULED_DEPARTURE: departs, **codes, **numbers, IS_LATE: is_late})


FIT = Fit(
    "expanding", SLICES, ModelParameters(trees=4, leaves=5), rows(2000, START, 1), rows(1400, SLICES.gate, 2), IDENTITY
)


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return FIT.make(SETTINGS)


@pytest.fixture(scope="module")
def probability(fitted) -> np.ndarray:
    return fitted.scorer.probability(encode_features(FIT.judged))


def champion(probability: np.ndarray, **changes: object) -> Rival:
    """A champion of other data that has learned up to where the gate begins."""
    known = Rival("version 3", probability, 3, "c" * 64, learned_until=SLICES.gate, data="other rows")
    return replace(known, **changes)


def file(fitted: Fitted, probability: np.ndarray, rival: Rival) -> Artefact:
    return artefact_of(FIT, fitted, probability, rival, SETTINGS.seed)


def failed(file: Artefact, probability: np.ndarray, rival: Rival) -> list[str]:
    """The names of the file's checks that fail, judged on the made-up flights."""
    places = pl.DataFrame({s.CARRIER: ["UA"] * 1400, s.DESTINATION: ["IAH"] * 1400})
    flights = JudgedFlights(
        labels_of(FIT.judged), np.arange(1400) // 100, pl.DataFrame({"origin": ["JFK"] * 1400}), places
    )
    evidence = gather_evidence(
        probability, rival.probability, rival.name, flights, file, costs_of(SETTINGS), looking_of(SETTINGS)
    )
    decision = decide_promotion(evidence, rules_of(SETTINGS))
    assert decision.promote == all(check.passed for check in decision.checks)
    return [check.name for check in decision.checks if not check.passed]


def test_a_training_that_returns_the_champion_though_the_data_changed_is_refused(fitted, probability):
    rival = champion(probability)

    found = file(fitted, probability, rival)

    assert (found.same_answers_as_rival, found.new_data_since_rival) == (True, True)
    assert failed(found, probability, rival)[0] == "not yesterday's model"


def test_the_very_file_of_the_champion_is_refused_as_well(fitted, probability):
    rival = champion(np.full(1400, 0.4), bundle_sha256=fitted.bundle.sha256)

    assert failed(file(fitted, probability, rival), probability, rival) == ["not yesterday's model"]


def test_the_same_answers_of_the_same_data_are_as_they_should_be(fitted, probability):
    rival = champion(probability, data=FIT.data["training"])

    found = file(fitted, probability, rival)

    assert (found.same_answers_as_rival, found.new_data_since_rival) == (True, False)
    assert "not yesterday's model" not in failed(found, probability, rival)


def test_one_other_answer_is_another_model(fitted, probability):
    other = probability.copy()
    other[7] += 1e-6

    assert not file(fitted, probability, champion(other)).same_answers_as_rival


def test_a_sound_candidate_that_beats_a_champion_which_says_the_same_of_all_is_let_in(fitted, probability):
    rival = champion(np.full(1400, 0.45))

    found = file(fitted, probability, rival)

    assert failed(found, probability, rival) == []
    assert found.parity < 1e-12
    assert found.features_sha256 == found.expected_features_sha256
    assert 0 < found.latency_us < 1e6
    assert 1000 < found.size_bytes < 1_000_000


@pytest.mark.parametrize(
    ("beyond", "days"),
    [
        (-DAY, 0), (timedelta(0), 0), (timedelta(seconds=1), 1), (DAY, 1), (DAY + timedelta(seconds=1), 2),
        (14 * DAY, 14),
    ],
)  # fmt: skip
def test_a_day_of_the_gate_that_the_champion_began_to_learn_from_was_seen(fitted, probability, beyond, days):
    rival = champion(np.full(1400, 0.45), learned_until=SLICES.gate + beyond)

    found = file(fitted, probability, rival)

    assert found.rival_has_seen_days == days
    assert failed(found, probability, rival) == ([] if days == 0 else ["fresh to both"])


def test_without_a_champion_nobody_has_seen_anything(fitted, probability):
    found = file(fitted, probability, Rival("the base rate", np.full(1400, 0.45)))

    assert (found.rival_sha256, found.rival_has_seen_days) == (None, 0)


def test_a_refit_learns_from_all_rows_and_leaves_none_to_judge_it():
    refit = refit_of(FIT)

    assert (refit.learned.height, refit.slices.gate, refit.calibration) == (3400, SLICES.end, IDENTITY)
    assert refit.key != FIT.key
