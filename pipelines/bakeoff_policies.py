"""The policies of a bake-off: at the end of every week train or not, on which window, through the gate or not.

Each is played over the labelled year by a clock of weeks. A policy looks at what is known at the end of a
week, never further; hindsight alone chooses by labels that nobody has yet, and is a bound and no policy.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np

from infra.settings import Settings
from monitoring.decision import EXPANDING, RECENT, RETRAIN, WAIT, Decision, Policy, Signals, decide_action
from monitoring.quality import Quality, loss_per_row, measure_quality
from pipelines.bakeoff_fits import Fit, Fits, LabelledYear, Learn
from pipelines.clock import Week, midnight, weeks_between
from pipelines.estimators import ModelParameters
from pipelines.promotion import GateRules, PromotionDecision, decide_promotion, gather_evidence
from pipelines.training import fit_model, learning_start

RECENT_WEEKS = 4  # as the monitor's: a single week swings from weather alone
NEVER_DUE = 10**6

MeasureShare = Callable[[Fit, Week], float]


@dataclass(frozen=True)
class Recipe:
    """How models are made: a name for readers, the parameters as of a week, and the function that fits."""

    name: str
    parameters_at: Callable[[Week], ModelParameters]
    learn: Learn = fit_model


@dataclass(frozen=True)
class Arena:
    """What every policy is played in: the year, the fits, the settings, the gate's rules, and who measures drift.

    `share_drifted` says which share of a week's features has drifted from what a model learned from, 0 to 1.
    """

    year: LabelledYear
    fits: Fits
    settings: Settings
    rules: GateRules
    share_drifted: MeasureShare

    @property
    def weeks(self) -> list[Week]:
        """The weeks whose flights are answered, in order."""
        return weeks_between(self.settings.first_scored_week, self.settings.last_day)

    @property
    def policy(self) -> Policy:
        """When the project acts."""
        return Policy(
            retrain_every_weeks=self.settings.retrain_every_weeks,
            rest_after_refusal_weeks=self.settings.rest_after_refusal_weeks,
            cooldown_weeks=self.settings.retrain_cooldown_weeks,
        )

    def flights_of(self, week: Week) -> slice:
        """The flights that leave in a week."""
        return self.year.between(week.start, week.end)


@dataclass(frozen=True)
class Standing:
    """Where a policy is: its champion, since which week, the skill that promised, and how the trainings went.

    `trained` is the week at whose end the last training was; `expected_skill` is None where no gate measured it.
    """

    champion: Fit
    since: Week
    expected_skill: float | None
    trained: Week
    was_refused: bool = False
    refused_in_a_row: int = 0

    def weeks_since_training(self, week: Week) -> int:
        """Weeks from the last training to the end of a week."""
        return (week.monday - self.trained.monday).days // 7


Decide = Callable[[Arena, Standing, Week], Decision]


@dataclass(frozen=True)
class Contender:
    """A policy: when it trains, on which window (None: as decided), and whether a challenger must pass the gate."""

    name: str
    decide: Decide
    window: str | None = None
    gated: bool = False


@dataclass(frozen=True)
class Training:
    """One model that a policy had made, and what came of it; `rival` is the champion it met, None for the first.

    `model` is None too where a home folder lived the year: its models are in its registry.
    """

    decided_on: date
    reason: str
    window: str
    model: Fit | None
    rival: Fit | None
    promoted: bool
    verdict: str
    by_gate: bool = False


@dataclass(frozen=True)
class Course:
    """A year under one policy: the champion of each week, the trainings, and the probability of every flight."""

    name: str
    recipe: str
    champions: tuple[Fit, ...]
    trainings: tuple[Training, ...]
    probability: np.ndarray


def play(contender: Contender, recipe: Recipe, arena: Arena) -> Course:
    """Live the year under a policy: answer a week with the champion, then decide by what is known at its end."""
    standing, first = _begin(contender, recipe, arena)
    champions, trainings = [], [first]
    for week in arena.weeks:
        champions.append(standing.champion)
        decision = contender.decide(arena, standing, week)
        if decision.action == RETRAIN and week != arena.weeks[-1]:  # after the last week nobody is answered
            training, skill = _train(contender, recipe, arena, standing, week, decision)
            trainings.append(training)
            standing = _settle(standing, training, skill, week)
    return Course(contender.name, recipe.name, tuple(champions), tuple(trainings), answers(arena, champions))


def play_hindsight(arena: Arena) -> Course:
    """For each week the best of all models that existed when it began, chosen by the labels of that very week."""
    champions = []
    for week in arena.weeks:
        rows = arena.flights_of(week)
        existing = [fit for fit in arena.fits.made if fit.cutoff <= week.start]
        champions.append(min(existing, key=lambda fit: _loss(arena, fit, rows)))
    return Course(HINDSIGHT, "", tuple(champions), (), answers(arena, champions))


def answers(arena: Arena, champions: list[Fit]) -> np.ndarray:
    """What the champion of each week says of its flights, (n_flights,), one week after the other."""
    weeks = zip(arena.weeks, champions, strict=True)
    return np.concatenate([arena.fits.probability(fit, arena.flights_of(week)) for week, fit in weeks])


def signals_of(arena: Arena, standing: Standing, week: Week) -> Signals:
    """What is known at the end of a week of how the champion did in its last weeks; drift is left at 0.

    Where no gate promised a skill, the promise is what the champion showed in its first weeks.
    """
    coverage, recent = _quality(arena, standing.champion, max(standing.since, week.plus(1 - RECENT_WEEKS)), week, week)
    promised = standing.expected_skill
    if promised is None:
        first_weeks = min(standing.since.plus(RECENT_WEEKS - 1), week)
        promised = _quality(arena, standing.champion, standing.since, first_weeks, week)[1].skill
    return Signals(
        label_coverage=coverage,
        weeks_since_training=standing.weeks_since_training(week),
        was_refused=standing.was_refused,
        refused_in_a_row=standing.refused_in_a_row,
        skill=recent.skill,
        expected_skill=promised,
        calibration_gap=recent.calibration_gap,
        share_drifted=0.0,
    )


def never(arena: Arena, standing: Standing, week: Week) -> Decision:
    """The model of the first day for good."""
    return Decision(WAIT, "never")


def monthly(arena: Arena, standing: Standing, week: Week) -> Decision:
    """Train when the next week begins with the first Monday of a month."""
    due = week.plus(1).monday.day <= 7
    return Decision(RETRAIN, "the first Monday of the month", EXPANDING) if due else Decision(WAIT, "not due")


def when_drifted(arena: Arena, standing: Standing, week: Week) -> Decision:
    """Train when as many features have drifted as the project watches at, and the last training was not just now."""
    if standing.weeks_since_training(week) < arena.policy.cooldown_weeks:
        return Decision(WAIT, "trained just now")
    share = arena.share_drifted(standing.champion, week)
    action = RETRAIN if share >= arena.policy.share_drifted else WAIT
    return Decision(action, f"{share:.0%} of the features drifted, bound {arena.policy.share_drifted:.0%}", EXPANDING)


def when_degraded(arena: Arena, standing: Standing, week: Week) -> Decision:
    """Train on lost skill or calibration alone, however old the champion is."""
    patient = replace(arena.policy, retrain_every_weeks=NEVER_DUE, rest_after_refusal_weeks=NEVER_DUE)
    return decide_action(signals_of(arena, standing, week), patient)


def as_the_project(arena: Arena, standing: Standing, week: Week) -> Decision:
    """The project's own decision: lost quality or age."""
    return decide_action(signals_of(arena, standing, week), arena.policy)


NEVER, MONTHLY, MONTHLY_ROLLING = "never", "monthly", "monthly rolling"
DRIFT, QUALITY, QUALITY_ROLLING = "drift-triggered", "quality-triggered", "quality-triggered rolling"
GATED, GATED_ROLLING, HINDSIGHT, AS_LIVED = "gated", "gated rolling", "hindsight", "as lived"

CONTENDERS = (
    Contender(NEVER, never),
    Contender(MONTHLY, monthly),
    Contender(MONTHLY_ROLLING, monthly, RECENT),
    Contender(DRIFT, when_drifted),
    Contender(QUALITY, when_degraded),
    Contender(QUALITY_ROLLING, when_degraded, RECENT),
    Contender(GATED, as_the_project, gated=True),
    Contender(GATED_ROLLING, as_the_project, RECENT, gated=True),
)


def _begin(contender: Contender, recipe: Recipe, arena: Arena) -> tuple[Standing, Training]:
    """The first champion, which meets nobody: a gated one leaves the gate's days out as every later one does."""
    before = arena.weeks[0].plus(-1)
    window = contender.window or EXPANDING
    model = _challenger(contender, recipe, arena, before, window)
    skill = _quality_at_gate(arena, model, before).skill if contender.gated else None
    training = Training(before.plus(1).monday, "the first", window, model, None, True, "there was none before it")
    return Standing(model, arena.weeks[0], skill, before), training


def _train(
    contender: Contender, recipe: Recipe, arena: Arena, standing: Standing, week: Week, decision: Decision
) -> tuple[Training, float | None]:
    """A challenger and what came of it, with the skill that it promises."""
    window = contender.window or decision.window
    model = _challenger(contender, recipe, arena, week, window)
    facts = {"decided_on": week.plus(1).monday, "reason": decision.reason, "window": window, "model": model}
    if not contender.gated:
        return Training(**facts, rival=standing.champion, promoted=True, verdict="promoted without a gate"), None
    verdict = pass_gate(arena, model, standing.champion, week)
    training = Training(
        **facts, rival=standing.champion, promoted=verdict.promote, verdict=verdict.reason, by_gate=True
    )
    return training, verdict.evidence.challenger.skill


def pass_gate(arena: Arena, challenger: Fit, champion: Fit, week: Week) -> PromotionDecision:
    """The project's gate at the end of a week, on the newest days, which neither model has learned from."""
    rows, known = _gate_rows(arena, week)
    evidence = gather_evidence(
        arena.fits.probability(challenger, rows)[known],
        arena.fits.probability(champion, rows)[known],
        arena.year.is_late[rows][known],
        arena.year.day[rows][known],
        f"the champion of {champion.cutoff:%Y-%m-%d}",
        arena.rules,
        arena.settings.seed,
    )
    return decide_promotion(evidence, arena.rules)


def _settle(standing: Standing, training: Training, skill: float | None, week: Week) -> Standing:
    if training.promoted:
        return Standing(training.model, week.plus(1), skill, week)
    forgot = training.window != EXPANDING
    refused = 0 if forgot else standing.refused_in_a_row + 1
    return replace(standing, trained=week, was_refused=True, refused_in_a_row=refused)


def _challenger(contender: Contender, recipe: Recipe, arena: Arena, week: Week, window: str) -> Fit:
    cutoff = _gate_start(arena, week) if contender.gated else week.end
    start = learning_start(window, midnight(arena.settings.first_day), cutoff, arena.settings.recent_window_weeks)
    return Fit(start, cutoff, recipe.parameters_at(week), recipe.learn)


def _gate_start(arena: Arena, week: Week) -> datetime:
    return midnight(week.plus(1).monday - timedelta(days=arena.settings.gate_days))


def _gate_rows(arena: Arena, week: Week) -> tuple[slice, np.ndarray]:
    """The flights of the gate's days, and which of them have a label at the end of the week."""
    rows = arena.year.between(_gate_start(arena, week), week.end)
    return rows, arena.year.known(rows, week.end)


def _quality_at_gate(arena: Arena, model: Fit, week: Week) -> Quality:
    rows, known = _gate_rows(arena, week)
    return measure_quality(arena.fits.probability(model, rows)[known], arena.year.is_late[rows][known])


def _quality(arena: Arena, model: Fit, first: Week, last: Week, at: Week) -> tuple[float, Quality]:
    """The share of labels known at the end of a week, and by these the quality on the flights of some weeks."""
    rows = arena.year.between(first.start, last.end)
    known = arena.year.known(rows, at.end)
    quality = measure_quality(arena.fits.probability(model, rows)[known], arena.year.is_late[rows][known])
    return float(known.mean()), quality


def _loss(arena: Arena, fit: Fit, rows: slice) -> float:
    return float(loss_per_row(arena.fits.probability(fit, rows), arena.year.is_late[rows]).mean())
