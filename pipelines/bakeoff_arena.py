"""Where the policies of a bake-off meet: the year, its clock of weeks, and what one knows at the end of a week."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np

from infra.settings import Settings
from monitoring.decision import Decision, Policy, Signals
from monitoring.quality import Quality, measure_quality
from pipelines.bakeoff_fits import Fit, Fits, LabelledYear, Learn
from pipelines.clock import Week, weeks_between
from pipelines.estimators import ModelParameters
from pipelines.promotion import GateRules
from pipelines.training import fit_model

RECENT_WEEKS = 4  # as the monitor's: a single week swings from weather alone

MeasureShare = Callable[[Fit, Week], float]


@dataclass(frozen=True)
class Recipe:
    """How models are made: a name for readers, the parameters as of a week, and the function that fits.

    `policies` are those it is played by, none for all of them.
    """

    name: str
    parameters_at: Callable[[Week], ModelParameters]
    learn: Learn = fit_model
    policies: tuple[str, ...] = ()


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


def signals_of(arena: Arena, standing: Standing, week: Week) -> Signals:
    """What is known at the end of a week of how the champion did in its last weeks; drift is left at 0.

    Where no gate promised a skill, the promise is what the champion showed in its first weeks.
    """
    recent_start = max(standing.since, week.plus(1 - RECENT_WEEKS))
    coverage, recent = measure_known(arena, standing.champion, recent_start, week, week)
    promised = standing.expected_skill
    if promised is None:
        first_weeks = min(standing.since.plus(RECENT_WEEKS - 1), week)
        promised = measure_known(arena, standing.champion, standing.since, first_weeks, week)[1].skill
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


def measure_known(arena: Arena, model: Fit, first: Week, last: Week, at: Week) -> tuple[float, Quality]:
    """The share of labels known at the end of a week, and by these the quality on the flights of some weeks."""
    rows = arena.year.between(first.start, last.end)
    known = arena.year.known(rows, at.end)
    quality = measure_quality(arena.fits.probability(model, rows)[known], arena.year.is_late[rows][known])
    return float(known.mean()), quality
