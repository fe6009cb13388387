"""The policies on a tiny year: what each does when, that none sees a label too early, and that hindsight is a bound."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from data_checks import schema as s
from infra.settings import Settings
from infra.storage import Store
from monitoring.decision import EXPANDING, RECENT
from monitoring.decision_cost import CostTable
from monitoring.labels import IS_LATE, LABEL_KNOWN_AT
from monitoring.quality import loss_per_row, measure_quality
from pipelines.bakeoff import (
    answered_flights,
    as_the_library,
    drift_of,
    efforts,
    judge_trainings,
    lived_course,
    run_bakeoff,
    stale_answers,
    untuned,
)
from pipelines.bakeoff_arena import Standing, signals_of
from pipelines.bakeoff_fits import Fit, LabelledYear
from pipelines.bakeoff_play import pass_gate, play, play_hindsight
from pipelines.bakeoff_policies import CONTENDERS, DRIFT, GATED, GATED_ROLLING, MONTHLY, MONTHLY_ROLLING, NEVER, QUALITY
from pipelines.clock import Week, midnight
from pipelines.estimators import ModelParameters, make_estimator
from pipelines.training import fit_model
from tests.pipelines.tiny_year import FLIGHTS_A_DAY, NAMES, QUICK, tiny_arena, tiny_settings, tiny_year

CONTENDER = {contender.name: contender for contender in CONTENDERS}
FIRST_WEEK = Week(date(2013, 2, 4))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Where the fits of all tests are kept: equal fits are made once."""
    return tmp_path_factory.mktemp("bakeoff")


@pytest.fixture(scope="module")
def arena(home):
    return tiny_arena(home)


@pytest.fixture(scope="module")
def courses(arena):
    return {name: play(contender, QUICK, arena) for name, contender in CONTENDER.items()}


def decided(courses: dict, name: str) -> list[str]:
    return [f"{training.decided_on:%m-%d}" for training in courses[name].trainings]


def test_never_answers_the_year_with_the_first_model(courses, arena):
    assert set(courses[NEVER].champions) == {
        Fit(midnight(date(2013, 1, 1)), FIRST_WEEK.start, ModelParameters(trees=3))
    }
    assert len(courses[NEVER].champions) == len(arena.weeks) == 12


def test_monthly_trains_on_the_first_monday_of_a_month(courses):
    assert decided(courses, MONTHLY) == ["02-04", "03-04", "04-01"]


def test_a_model_answers_from_the_week_after_it_was_trained_on_all_labels_known(courses):
    cutoffs = [fit.cutoff for fit in courses[MONTHLY].champions]

    assert (
        cutoffs
        == [midnight(date(2013, 2, 4))] * 4 + [midnight(date(2013, 3, 4))] * 4 + [midnight(date(2013, 4, 1))] * 4
    )


def test_a_rolling_model_forgets_what_is_older_than_its_window(courses):
    starts = [training.model.start for training in courses[MONTHLY_ROLLING].trainings]

    assert starts[0] == midnight(date(2013, 1, 1))
    assert [training.model.cutoff - training.model.start for training in courses[MONTHLY_ROLLING].trainings[1:]] == [
        timedelta(weeks=5)
    ] * 2


@pytest.mark.parametrize(("share", "trained"), [(0.5, 6), (0.49, 1)])
def test_drift_trains_from_its_bound_on_and_never_within_the_cooldown(home, share, trained):
    course = play(CONTENDER[DRIFT], QUICK, tiny_arena(home, share=share))

    assert len(course.trainings) == trained


def test_a_policy_without_a_gate_promotes_whatever_it_trains(courses):
    ungated = [course for name, course in courses.items() if not CONTENDER[name].gated]

    assert all(training.promoted and not training.by_gate for course in ungated for training in course.trainings)


def test_quality_that_holds_trains_nothing_and_quality_that_is_lost_does(arena):
    trained = [
        len(play(CONTENDER[QUALITY], QUICK, with_policy(arena, skill_loss=loss, calibration_gap=1.0)).trainings)
        for loss in (1.0, -1.0)
    ]

    assert trained == [1, 6]


def with_policy(arena, **changes: float):
    """The arena with another policy of the project."""

    class Changed(type(arena)):
        @property
        def policy(self):
            return replace(super().policy, **changes)

    return Changed(arena.year, arena.fits, arena.settings, arena.rules, arena.share_drifted)


def refusing_all(arena):
    """The arena with a gate that nobody passes, and no quality that could be lost."""
    calm = with_policy(arena, skill_loss=1.0, calibration_gap=1.0)
    return replace(calm, rules=replace(arena.rules, lowest_auc=1.1))


def test_a_gated_challenger_leaves_out_the_days_of_the_gate(courses):
    kept_back = {midnight(training.decided_on) - training.model.cutoff for training in courses[GATED].trainings}

    assert kept_back <= {timedelta(days=14), timedelta(days=14, hours=1), timedelta(days=14, hours=-1)}


def test_a_refused_challenger_changes_no_answer_and_the_next_one_waits_longer(arena):
    strict = refusing_all(arena)

    course = play(CONTENDER[GATED], QUICK, strict)

    assert len(set(course.champions)) == 1
    assert [training.promoted for training in course.trainings] == [True, False, False, False, False]
    assert [f"{training.decided_on:%m-%d}" for training in course.trainings] == [
        "02-04", "03-04", "03-18", "04-01", "04-15"
    ]  # fmt: skip


def test_after_two_refusals_the_project_tries_to_forget_and_a_rolling_policy_always_does(arena):
    strict = with_policy(refusing_all(arena), skill_loss=1.0, calibration_gap=1.0, patience=2)

    windows = {
        name: [training.window for training in play(CONTENDER[name], QUICK, strict).trainings]
        for name in (GATED, GATED_ROLLING)
    }

    assert windows == {GATED: [EXPANDING] * 3 + [RECENT, EXPANDING], GATED_ROLLING: [RECENT] * 5}


def test_a_promoted_challenger_answers_from_the_next_week(courses):
    course = courses[GATED]
    promoted = [training for training in course.trainings[1:] if training.promoted]

    assert promoted
    for training in promoted:
        served = course.champions[place(training.decided_on)]
        assert (served.start, served.cutoff) == (training.model.start, midnight(training.decided_on))


def place(day: date) -> int:
    return (day - FIRST_WEEK.monday).days // 7


def test_the_gate_sees_what_gate_and_champion_say_of_days_neither_learned_from(courses):
    judged = [training for training in courses[GATED].trainings if training.by_gate]

    assert all(training.rival.cutoff <= training.model.cutoff for training in judged)
    assert all("log loss" in training.verdict and "over 14 days" in training.verdict for training in judged)


def test_the_gate_judges_by_labels_that_are_known_when_it_decides(arena):
    fit = Fit(midnight(date(2013, 1, 1)), FIRST_WEEK.start, ModelParameters(trees=3))
    week = FIRST_WEEK.plus(1)
    rows = arena.year.between(FIRST_WEEK.start, week.end)

    judged = pass_gate(arena, fit, fit, week).evidence.challenger.flights

    assert judged == arena.year.known(rows, week.end).sum() < rows.stop - rows.start


def test_signals_are_measured_on_the_champions_own_last_weeks(arena):
    fit = Fit(midnight(date(2013, 1, 1)), FIRST_WEEK.start, ModelParameters(trees=3))
    week = FIRST_WEEK.plus(7)
    standing = Standing(fit, FIRST_WEEK, None, FIRST_WEEK.plus(-1))
    recent, first = (
        arena.year.between(FIRST_WEEK.plus(start).start, FIRST_WEEK.plus(end).start) for start, end in ((4, 8), (0, 4))
    )

    signals = signals_of(arena, standing, week)

    known = arena.year.known(recent, week.end)
    said = measure_quality(arena.fits.probability(fit, recent)[known], arena.year.is_late[recent][known])
    promised = measure_quality(arena.fits.probability(fit, first), arena.year.is_late[first])
    assert (signals.skill, signals.expected_skill) == (said.skill, promised.skill)
    assert signals.weeks_since_training == 8
    assert 0.99 < signals.label_coverage < 1  # the last four hours are still in the air


def test_hindsight_is_never_above_any_policy_in_any_week(arena, courses):
    bound = play_hindsight(arena).probability
    flights = answered_flights(arena)
    week = (flights.day - np.datetime64(FIRST_WEEK.monday)) // np.timedelta64(7, "D")

    for course in courses.values():
        worse = loss_per_row(course.probability, flights.is_late) - loss_per_row(bound, flights.is_late)
        assert min(worse[week == one].sum() for one in np.unique(week)) >= -1e-9


def test_hindsight_chooses_among_models_that_existed_when_the_week_began(arena, courses):
    chosen = play_hindsight(arena).champions

    assert all(fit.cutoff <= week.start for fit, week in zip(chosen, arena.weeks, strict=True))
    assert len(set(chosen)) > 1


@pytest.mark.parametrize("name", CONTENDER)
def test_no_policy_sees_a_label_before_it_is_known(name, arena, courses, tmp_path):
    now = midnight(date(2013, 4, 1))  # when monthly trains, and the last flights of March are in the air
    scrambled = scramble_later_labels(arena.year.rows, now)

    course = play(CONTENDER[name], QUICK, tiny_arena(tmp_path, scrambled))

    assert (scrambled[IS_LATE] != arena.year.rows[IS_LATE]).sum() > 1000
    assert so_far(course, now) == so_far(courses[name], now)


def scramble_later_labels(rows: pl.DataFrame, now: datetime) -> pl.DataFrame:
    return rows.with_columns(
        pl.when(pl.col(LABEL_KNOWN_AT) > now).then(~pl.col(IS_LATE)).otherwise(IS_LATE).alias(IS_LATE)
    )


def so_far(course, now: datetime) -> tuple:
    weeks = place(now.date()) + 1  # the champion of the week that now begins was decided about by now
    answered = weeks * 7 * FLIGHTS_A_DAY
    trainings = [training for training in course.trainings if midnight(training.decided_on) <= now]
    return course.champions[:weeks], trainings, course.probability[:answered].tobytes()


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path):
    rows = tiny_year(tiny_settings(tmp_path))
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"

    expected = bake(undisturbed, rows, Interrupted(times=10**6))
    with pytest.raises(KeyboardInterrupt):
        bake(killed, rows, Interrupted(times=7))
    before = files(killed)
    made = []
    found = bake(killed, rows, Interrupted(times=10**6), fitted=made.append)

    assert len(before) == 7
    assert len(made) == found["fits"] - 7
    assert json.dumps(found) == json.dumps(expected)
    assert files(killed) == files(undisturbed)


class Interrupted:
    """Fits as usual, so many times."""

    def __init__(self, times: int) -> None:
        self.left, self.__qualname__ = times, "Interrupted"

    def __call__(self, rows: pl.DataFrame, parameters: ModelParameters, names: tuple[str, ...]) -> object:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return fit_model(rows, parameters, names)


def bake(home, rows: pl.DataFrame, learn: Interrupted, **options: object) -> dict:
    arena = tiny_arena(home, rows, **options)
    return run_bakeoff(arena, [replace(QUICK, learn=learn)], CostTable()).as_dict()


def files(home) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(home.rglob("bakeoff/**/*")) if path.is_file()}


def test_the_bakeoff_measures_everyone_beside_plain_monthly_and_hindsight(arena):
    found = run_bakeoff(arena, [QUICK], CostTable())
    results = {result.policy: result for result in found.results}

    assert list(results) == [*CONTENDER, "hindsight"]
    assert [result.policy for result in found.results if result.over_monthly is None] == [MONTHLY]
    assert all(result.mean("regret") >= 0 for result in found.results)
    assert results["hindsight"].mean("regret") == 0
    assert results[MONTHLY].mean("log_loss") < results[NEVER].mean("log_loss")
    assert found.fits < sum(result.trainings for result in found.results) + len(found.staleness.learned)


def test_two_recipes_meet_one_hindsight_and_the_plain_monthly_model(arena):
    better = replace(QUICK, name="tuned", parameters_at=lambda week: ModelParameters(trees=6))

    found = run_bakeoff(arena, [QUICK, better], CostTable(), contenders=CONTENDERS[:2])

    assert [result.name for result in found.results] == [
        "never (untuned)", "monthly (untuned)", "never (tuned)", "monthly (tuned)", "hindsight"
    ]  # fmt: skip
    assert [(pair.better, pair.than) for pair in found.comparisons] == [
        ("monthly (untuned)", "never (untuned)"),
        ("monthly (tuned)", "never (tuned)"),
        ("never (tuned)", "never (untuned)"),
        ("monthly (tuned)", "monthly (untuned)"),
    ]


def test_a_recipe_is_played_by_its_own_policies_alone(arena):
    few = replace(QUICK, name="library defaults", policies=(MONTHLY,))

    found = run_bakeoff(arena, [QUICK, few], CostTable(), contenders=CONTENDERS[:2])

    assert [result.name for result in found.results] == [
        "never (untuned)", "monthly (untuned)", "monthly (library defaults)", "hindsight"
    ]  # fmt: skip


def test_the_library_is_taken_as_it_comes(tmp_path):
    ours = as_the_library(Settings(home=tmp_path)).parameters_at(Week.from_id("2013-03-25"))

    theirs, library = make_estimator(ours).get_params(), HistGradientBoostingClassifier().get_params()

    assert {name for name in library if theirs[name] != library[name]} == {"early_stopping", "random_state"}


def test_parameters_are_asked_for_as_of_the_week_that_ends(arena):
    asked = []
    recipe = replace(QUICK, parameters_at=lambda week: asked.append(week.id) or ModelParameters(trees=3))

    play(CONTENDER[MONTHLY], recipe, arena)

    assert asked == ["2013-01-28", "2013-02-25", "2013-03-25"]


def test_verdicts_are_judged_by_the_four_weeks_after_them(arena, courses):
    course = courses[GATED]
    (training, *_) = [one for one in course.trainings if one.by_gate]
    rows = arena.year.between(midnight(training.decided_on), midnight(training.decided_on + timedelta(weeks=4)))

    first, *_ = judge_trainings(arena, course)

    challenger = loss_per_row(arena.fits.probability(training.model, rows), arena.year.is_late[rows]).mean()
    champion = loss_per_row(arena.fits.probability(training.rival, rows), arena.year.is_late[rows]).mean()
    assert (first.challenger_loss, first.champion_loss) == (challenger, champion)
    assert first.gain.mean == pytest.approx(champion - challenger)
    assert first.flights == rows.stop - rows.start


def test_only_verdicts_of_a_gate_are_judged(arena, courses):
    assert list(judge_trainings(arena, courses[MONTHLY])) == []


def test_effort_counts_in_the_month_of_the_decision(arena, courses):
    spent = efforts(arena, courses[MONTHLY])

    assert {month: (one.trainings, one.promotions, one.refusals) for month, one in spent.items()} == {
        "2013-02": (1, 1, 0), "2013-03": (1, 1, 0), "2013-04": (1, 1, 0)
    }  # fmt: skip


def test_models_of_each_month_answer_it_and_every_later_one(arena):
    said = stale_answers(arena, QUICK)

    assert sorted(said) == [
        ("2013-03", "2013-03"), ("2013-03", "2013-04"), ("2013-04", "2013-04")
    ]  # fmt: skip


def test_a_home_that_lived_the_year_is_told_in_the_order_of_the_flights(arena):
    rows = arena.year.rows
    said = pl.Series("probability", np.arange(rows.height) / rows.height)
    predictions = rows.select(s.FLIGHT_ID).with_columns(said).reverse()
    gates = [{"decided_on": "2013-02-04", "window": EXPANDING, "promote": True}]

    course = lived_course(predictions, gates, arena)

    first = arena.year.place(FIRST_WEEK.start)
    assert np.array_equal(course.probability, said.to_numpy()[first:])
    assert efforts(arena, course)["2013-02"].seconds is None


def test_drift_is_measured_once_and_against_what_the_model_learned(arena, tmp_path):
    moved = arena.year.rows.with_columns(
        pl.when(pl.col(s.SCHEDULED_DEPARTURE) >= FIRST_WEEK.start)
        .then(pl.col("seats") + 5)
        .otherwise("seats")
        .alias("seats")
    )
    fit = Fit(midnight(date(2013, 1, 1)), FIRST_WEEK.start, ModelParameters(trees=3))
    measure = drift_of(LabelledYear(moved), Store(tmp_path), NAMES, seed=1)

    share = measure(fit, FIRST_WEEK)
    (file,) = tmp_path.glob("bakeoff/drift/*.json")
    file.write_text('{"share_drifted": 0.125}')

    assert share == pytest.approx(1 / 3)
    assert measure(fit, FIRST_WEEK) == 0.125


def test_the_plain_recipe_has_the_settings_parameters_in_every_week(tmp_path):
    settings = tiny_settings(tmp_path, trees=7, seed=5)

    assert untuned(settings).parameters_at(FIRST_WEEK) == ModelParameters(forests=2, trees=7, seed=5, threads=1)
