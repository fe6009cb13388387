"""Plays a policy over the year: a champion answers each week, at its end the policy decides, a challenger may follow.

Hindsight alone chooses by labels that nobody has yet: it is a bound and no policy.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from data_checks import schema as s
from monitoring.decision import EXPANDING, RETRAIN, Decision
from monitoring.quality import Quality, loss_per_row, measure_quality
from pipelines.bakeoff_arena import Arena, Contender, Course, Recipe, Standing, Training
from pipelines.bakeoff_fits import Fit
from pipelines.clock import Week, midnight
from pipelines.evidence import Artefact, JudgedFlights, gather_evidence
from pipelines.judgement import looking_of
from pipelines.promotion import PromotionDecision, decide_promotion
from pipelines.registering import costs_of
from pipelines.training import learning_start

HINDSIGHT, AS_LIVED = "hindsight", "as lived"


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


def _begin(contender: Contender, recipe: Recipe, arena: Arena) -> tuple[Standing, Training]:
    """The first champion, which meets nobody: a gated one leaves the gate's days out as every later one does."""
    before = arena.weeks[0].plus(-1)
    window = contender.window or EXPANDING
    model = _challenger(contender, recipe, arena, before, window)
    skill = _quality_at_gate(arena, model, before).skill if contender.gated else None
    training = Training(before.plus(1).monday, "the first", window, model, None, True, "there was none before it")
    served = refit(model, before) if contender.gated else model
    return Standing(served, arena.weeks[0], skill, before), training


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
    """The project's gate at the end of a week, on the newest days, which neither model has learned from.

    No file is made and nobody is put in a slice or a group here: of the gate's checks those of the gain, the floors,
    calibration and cost are asked.
    """
    rows, known = _gate_rows(arena, week)
    flights = int(known.sum())
    judged = JudgedFlights(
        arena.year.is_late[rows][known],
        arena.year.day[rows][known],
        pl.DataFrame(),
        pl.DataFrame({s.CARRIER: ["any"] * flights, s.DESTINATION: ["any"] * flights}),
    )
    evidence = gather_evidence(
        arena.fits.probability(challenger, rows)[known],
        arena.fits.probability(champion, rows)[known],
        f"the champion of {champion.cutoff:%Y-%m-%d}",
        judged,
        Artefact("challenger", 0.0, 0, 0.0, "same", "same", "champion"),
        costs_of(arena.settings),
        looking_of(arena.settings),
    )
    return decide_promotion(evidence, arena.rules)


def refit(challenger: Fit, week: Week) -> Fit:
    """What is served of a challenger that was let in: the same fit on all that is known at the end of the week."""
    return replace(challenger, cutoff=week.end)


def _settle(standing: Standing, training: Training, skill: float | None, week: Week) -> Standing:
    if training.promoted:
        served = refit(training.model, week) if training.by_gate else training.model
        return Standing(served, week.plus(1), skill, week)
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


def _loss(arena: Arena, fit: Fit, rows: slice) -> float:
    return float(loss_per_row(arena.fits.probability(fit, rows), arena.year.is_late[rows]).mean())
