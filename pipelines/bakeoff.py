"""The bake-off: the same year under every policy, measured on the same flights, and how models age.

Policies live in `bakeoff_policies`, fits in `bakeoff_fits`, what is measured in `monitoring/bakeoff`.
Nothing here needs a flow or a registry.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from data_checks import schema as s
from infra.settings import Settings
from infra.storage import Store
from monitoring.bakeoff import Bakeoff, Comparison, Effort, Flights, Result, Staleness, Trained, Verdict
from monitoring.bakeoff_measures import compare, judge_verdict, measure_staleness, score_months
from monitoring.decision_cost import CostTable
from monitoring.windows import sample_reference
from pipelines.bakeoff_arena import Arena, Contender, Course, MeasureShare, Recipe, Training
from pipelines.bakeoff_fits import FOLDER, Fit, Fits, LabelledYear
from pipelines.bakeoff_play import AS_LIVED, play, play_hindsight
from pipelines.bakeoff_policies import (
    CONTENDERS,
    DRIFT,
    GATED,
    GATED_ROLLING,
    MONTHLY,
    MONTHLY_ROLLING,
    NEVER,
    QUALITY,
    QUALITY_ROLLING,
    TIGHT,
)
from pipelines.clock import Week, midnight
from pipelines.estimators import plain_parameters
from pipelines.feature_catalog import CATEGORICAL, NAMES
from pipelines.judgement import rules_of
from pipelines.later_labels import WEEKS_AFTER
from pipelines.worth import month_starts

PAIRS = (
    (MONTHLY, NEVER),
    (MONTHLY_ROLLING, MONTHLY),
    (QUALITY_ROLLING, QUALITY),
    (GATED_ROLLING, GATED),
    (GATED, NEVER),
    (GATED, DRIFT),
    (TIGHT, NEVER),
    (GATED, MONTHLY),
    (GATED, TIGHT),
)
"""The questions of the conclusion: what does one policy gain over another?"""

UNTUNED, LIBRARY = "untuned", "library defaults"


def untuned(settings: Settings) -> Recipe:
    """The plain model: the parameters it has before anything was tuned."""
    parameters = plain_parameters(settings)
    return Recipe(UNTUNED, lambda week: parameters)


def as_the_library(settings: Settings) -> Recipe:
    """One forest with scikit-learn's defaults, early stopping apart, as most would retrain it: never, or each month."""
    parameters = replace(
        plain_parameters(settings, trees=100), forests=1, learning_rate=0.1, feature_share=1.0, smallest_leaf=20
    )
    return Recipe(LIBRARY, lambda week: parameters, policies=(NEVER, MONTHLY))


def set_arena(
    labelled: pl.DataFrame,
    store: Store,
    settings: Settings,
    names: Sequence[str] = NAMES,
    fitted: Callable[[str], None] = lambda what: None,
    **options: Callable,
) -> Arena:
    """Where policies are played: the labelled flights of the year, checkpoints in `store`, drift as Evidently has it.

    `fitted` hears of every fit that was made; `options` are those of `Fits`.
    """
    year = LabelledYear(labelled)
    fits = Fits(year, store, names, fitted=fitted, **options)
    rules = rules_of(settings)
    return Arena(year, fits, settings, rules, drift_of(year, store, names, settings.seed))


def run_bakeoff(
    arena: Arena,
    recipes: Sequence[Recipe],
    costs: CostTable,
    lived: Course | None = None,
    contenders: Sequence[Contender] = CONTENDERS,
    played: Callable[[str], None] = lambda name: None,
) -> Bakeoff:
    """Play every policy with every recipe, hindsight over all their models, and measure; the first recipe is the plain
    one.

    `lived` is what the home folder itself answered, where it did.
    """
    said = stale_answers(arena, recipes[0])  # first, so that hindsight may choose among these models too
    courses = []
    for recipe in recipes:
        for contender in played_by(recipe, contenders):
            courses.append(play(contender, recipe, arena))
            played(f"{contender.name}, {recipe.name}")
    bound = play_hindsight(arena)
    flights, seed = answered_flights(arena), arena.settings.seed
    monthly = next(course for course in courses if course.name == MONTHLY)
    everyone = [*courses, *([lived] if lived else []), bound]
    return Bakeoff(
        results=tuple(measure_course(arena, course, monthly, bound, flights, costs) for course in everyone),
        comparisons=tuple(_comparisons(courses, flights, seed)),
        staleness=_staleness(arena, said),
        costs=costs,
        flights=len(flights.is_late),
        fits=len(arena.fits.made),
        seconds=sum(arena.fits.seconds(fit) for fit in arena.fits.made),
    )


def played_by(recipe: Recipe, contenders: Sequence[Contender] = CONTENDERS) -> list[Contender]:
    """The policies that are played with a recipe."""
    return [one for one in contenders if not recipe.policies or one.name in recipe.policies]


def answered_flights(arena: Arena) -> Flights:
    """The flights of all weeks that are answered."""
    return _flights(arena, arena.year.between(arena.weeks[0].start, arena.weeks[-1].end))


def measure_course(
    arena: Arena, course: Course, monthly: Course, bound: Course, flights: Flights, costs: CostTable
) -> Result:
    """One policy's year in numbers, beside the plain monthly one and hindsight."""
    is_reference = course is monthly
    return Result(
        policy=course.name,
        recipe=course.recipe,
        months=score_months(course.probability, bound.probability, flights, costs, efforts(arena, course)),
        over_monthly=None
        if is_reference
        else compare(course.probability, monthly.probability, flights, arena.settings.seed),
        trained=tuple(Trained(f"{one.decided_on}", one.promoted, one.window) for one in course.trainings),
        verdicts=tuple(judge_trainings(arena, course)),
    )


def efforts(arena: Arena, course: Course) -> dict[str, Effort]:
    """What a policy spent by month, each training in the month in which it was decided about."""
    months = Counter(f"{training.decided_on:%Y-%m}" for training in course.trainings)
    promoted = Counter(f"{training.decided_on:%Y-%m}" for training in course.trainings if training.promoted)
    return {
        month: Effort(
            trainings=number,
            promotions=promoted[month],
            refusals=number - promoted[month],
            seconds=_seconds(arena, [one for one in course.trainings if f"{one.decided_on:%Y-%m}" == month]),
        )
        for month, number in months.items()
    }


def judge_trainings(arena: Arena, course: Course) -> Iterable[Verdict]:
    """What the weeks after each verdict of a gate said of it; models that no gate judged are left out."""
    for training in course.trainings:
        if not training.by_gate:
            continue
        rows = arena.year.between(
            midnight(training.decided_on), midnight(training.decided_on + timedelta(weeks=WEEKS_AFTER))
        )
        verdict = judge_verdict(
            {
                "decided_on": training.decided_on.isoformat(),
                "promoted": training.promoted,
                "reason": training.verdict,
                "window": training.window,
            },
            arena.fits.probability(training.model, rows),
            arena.fits.probability(training.rival, rows),
            _flights(arena, rows),
            arena.settings.seed,
        )
        if verdict:
            yield verdict


def stale_answers(arena: Arena, recipe: Recipe) -> dict[tuple[str, str], np.ndarray]:
    """What the model of the first day of each month says of that month and every later one.

    The first is one month older than the first month that is scored, where there is anything to learn from.
    """
    settings = arena.settings
    scored = month_starts(settings.first_scored_week, settings.last_day)
    before = (settings.first_scored_week.replace(day=1) - timedelta(days=1)).replace(day=1)
    learned = [month for month in (before, *scored) if month > settings.first_day]
    return {
        (f"{month:%Y-%m}", f"{later:%Y-%m}"): arena.fits.probability(
            _monthly_fit(settings, recipe, month), arena.year.in_month(later)
        )
        for month in learned
        for later in scored
        if month <= later
    }


def drift_of(year: LabelledYear, store: Store, names: Sequence[str], seed: int) -> MeasureShare:
    """Measures the share of a week's features that drifted from what a model learned from; kept once measured."""

    def share_drifted(fit: Fit, week: Week) -> float:
        name = f"{FOLDER}/drift/{fit.key(year.sha256, names)}-{week.id}.json"
        known = store.read_json(name)
        if known is None:
            known = {"share_drifted": _measure_share(year, fit, week, names, seed)}
            store.write_json(name, known)
        return known["share_drifted"]

    return share_drifted


def lived_course(predictions: pl.DataFrame, gates: Sequence[dict], arena: Arena) -> Course:
    """The year as the home folder lived it: what it predicted of the flights that have a label, and its verdicts."""
    rows = arena.year.rows[arena.year.between(arena.weeks[0].start, arena.weeks[-1].end)]
    said = rows.select(s.FLIGHT_ID).join(predictions, on=s.FLIGHT_ID, how="left", maintain_order="left")
    trainings = [
        Training(date.fromisoformat(gate["decided_on"]), "", gate["window"], None, None, gate["promote"], "")
        for gate in gates
    ]
    return Course(AS_LIVED, "", (), tuple(trainings), said["probability"].to_numpy())


def _monthly_fit(settings: Settings, recipe: Recipe, month: date) -> Fit:
    week = Week.holding(month).plus(-1)
    return Fit(midnight(settings.first_day), midnight(month), recipe.parameters_at(week), recipe.learn)


def _measure_share(year: LabelledYear, fit: Fit, week: Week, names: Sequence[str], seed: int) -> float:
    from monitoring.drift import measure_drift  # Evidently takes seconds to import, and its answers are kept

    reference = sample_reference(year.learned(fit.start, fit.cutoff).select(names), seed)
    current = year.rows[year.between(week.start, week.end)].select(names)
    categorical = tuple(name for name in CATEGORICAL if name in names)
    return measure_drift(reference, current, categorical).share_drifted


def _staleness(arena: Arena, said: dict[tuple[str, str], np.ndarray]) -> Staleness:
    first = min(date.fromisoformat(f"{scored}-01") for _, scored in said)
    rows = arena.year.between(midnight(first), arena.weeks[-1].end)
    return measure_staleness(said, _flights(arena, rows), arena.settings.seed)


def _comparisons(courses: Sequence[Course], flights: Flights, seed: int) -> Iterable[Comparison]:
    """Each question within each recipe, and each policy of a recipe against the same of the plain one."""
    known = {(course.name, course.recipe): course for course in courses}
    for recipe in dict.fromkeys(course.recipe for course in courses):
        for better, than in PAIRS:
            pair = known.get((better, recipe)), known.get((than, recipe))
            if all(pair):
                yield Comparison(
                    *(_name(one) for one in pair), compare(*(one.probability for one in pair), flights, seed)
                )
    plain = courses[0].recipe
    for course in courses:
        other = known.get((course.name, plain))
        if course.recipe != plain and other:
            yield Comparison(_name(course), _name(other), compare(course.probability, other.probability, flights, seed))


def _name(course: Course) -> str:
    return f"{course.name} ({course.recipe})"


def _flights(arena: Arena, rows: slice) -> Flights:
    year = arena.year
    return Flights(year.is_late[rows], year.day[rows], year.month[rows])


def _seconds(arena: Arena, trainings: Sequence[Training]) -> float | None:
    if any(training.model is None for training in trainings):
        return None
    return sum(arena.fits.seconds(training.model) for training in trainings)
