"""Ways to treat class imbalance, late flights being about one in four, and what each does to the probabilities.

SMOTE is not among them: it draws lines between rows, which missing values and codes do not allow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from data_checks import schema as s
from monitoring.calibration import expected_calibration_error
from monitoring.decision_cost import CostTable, cost_per_row, decide_warnings
from monitoring.quality import Quality, measure_quality
from pipelines.calibrating import FITS, to_log_odds
from pipelines.clock import midnight
from pipelines.encoding import encode_features
from pipelines.estimators import ModelParameters, make_estimator
from pipelines.fitting import labels_of
from pipelines.folds import fit_estimator
from pipelines.worth import MonthRows

NOTHING, WEIGHTS, UNDER, OVER = "nothing", "class weights", "undersampling", "oversampling"
TREATMENTS = (NOTHING, WEIGHTS, UNDER, OVER)
PLATT = "affine"
WORTH_IT = 0.02  # below that, a share of the cost is not worth probabilities that mean something else


@dataclass(frozen=True)
class Treated:
    """A treatment in one month, as it is or recalibrated. Costs are per 1000 flights, 0 best.

    `cost_at_half` warns from a probability of 0.5, `cost_at_optimum` from where the cost table says, `cost_at_best`
    from where warning was cheapest on the calibration slice.
    """

    treatment: str
    is_recalibrated: bool
    quality: Quality
    ece: float
    cost_at_half: float
    cost_at_optimum: float
    cost_at_best: float


def treat_month(
    treatment: str, rows: MonthRows, parameters: ModelParameters, costs: CostTable, calibration_days: int
) -> tuple[Treated, Treated]:
    """A treatment without and with recalibration: fitted before the calibration slice, the newest days known."""
    cut = midnight(rows.start) - timedelta(days=calibration_days)
    early = (rows.learned[s.SCHEDULED_DEPARTURE] < cut).to_numpy()
    X, is_late = encode_features(rows.learned), labels_of(rows.learned)
    model = fit_treated(treatment, X[early], is_late[early], parameters)
    held, scored = (model.predict_proba(side)[:, 1] for side in (X[~early], encode_features(rows.scored)))
    platt = FITS[PLATT](to_log_odds(held), is_late[~early])
    again = platt.apply(to_log_odds(held)), platt.apply(to_log_odds(scored))
    return tuple(
        _judge(treatment, is_again, *said, is_late[~early], labels_of(rows.scored), costs)
        for is_again, said in ((False, (held, scored)), (True, again))
    )


def fit_treated(treatment: str, X: np.ndarray, is_late: np.ndarray, parameters: ModelParameters) -> object:
    """An estimator fitted on rows that were weighted or drawn so that both classes count the same."""
    estimator = make_estimator(replace(parameters, forests=1))  # one forest shows what a treatment does
    if treatment == WEIGHTS:
        estimator.set_params(class_weight="balanced")
    rows = draw_rows(treatment, is_late, parameters.seed)
    return fit_estimator(estimator, X[rows], is_late[rows], parameters.threads)


def draw_rows(treatment: str, is_late: np.ndarray, seed: int) -> np.ndarray:
    """The numbers of the rows to learn from, in their order: 50:50 when under- or oversampling, else every row once.

    Undersampling draws of the larger class as many as the smaller has. Oversampling takes each row of the smaller
    class equally often, and draws the rest.
    """
    classes = [np.flatnonzero(is_late == label) for label in (0, 1)]
    few, many = sorted(classes, key=len)
    dice = np.random.default_rng(seed)
    if treatment == UNDER:
        return np.sort(np.concatenate([few, dice.choice(many, len(few), replace=False)]))
    if treatment == OVER:
        times, rest = divmod(len(many), len(few))
        return np.sort(np.concatenate([many, np.repeat(few, times), dice.choice(few, rest, replace=False)]))
    return np.arange(len(is_late))


def cheapest_threshold(probability: np.ndarray, is_late: np.ndarray, costs: CostTable) -> float:
    """The probability from which warning would have cost least on these flights; infinite if silence is cheapest.

    >>> cheapest_threshold(np.array([0.1, 0.4, 0.6, 0.9]), np.array([0, 1, 0, 1]), CostTable(3, 1))
    0.4
    """
    order = np.argsort(-probability, kind="stable")
    said, late = probability[order], is_late[order]
    saved = np.cumsum(np.where(late == 1, costs.missed_late, -costs.false_alarm))
    last_of_equals = np.append(said[1:] != said[:-1], True)
    saved = np.where(last_of_equals, saved, -np.inf)
    best = int(saved.argmax())
    return float(said[best]) if saved[best] > 0 else float("inf")


def mean_of(treated: Sequence[Treated], measure: str) -> float:
    """The mean over months of a cost, of `ece`, or of a measure of `Quality`."""
    return float(np.mean([getattr(one if hasattr(one, measure) else one.quality, measure) for one in treated]))


def conclude_treatments(table: dict[tuple[str, bool], Sequence[Treated]]) -> str:
    """What the months say about treating imbalance, in words; keys are a treatment and whether it is recalibrated."""
    plain, treated = table[NOTHING, False], [key for key in table if key[0] != NOTHING]
    raw, again = ([table[key] for key in treated if key[1] == is_again] for is_again in (False, True))
    said = [mean_of(one, "mean_probability") for one in raw]
    half, optimum = ({key: mean_of(table[key], f"cost_at_{at}") for key in table} for at in ("half", "optimum"))
    cheapest, at_half = min(optimum, key=optimum.get), min((key for key in half if not key[1]), key=half.get)
    return " ".join(
        [
            f"Treated models say {min(said):.0%} to {max(said):.0%} on average, the untreated one "
            f"{mean_of(plain, 'mean_probability'):.0%}, where {mean_of(plain, 'late_share'):.0%} are late.",
            f"Beside the untreated one their AUC is {_spread(raw, plain, 'roc_auc')} and their log loss "
            f"{_spread(raw, plain, 'log_loss')}; recalibrated, their log loss is {_spread(again, plain, 'log_loss')}.",
            f"At a threshold of 0.5 {_named(at_half)} is cheapest, {half[at_half]:.0f} per 1000 flights against "
            f"{half[NOTHING, False]:.0f} untreated.",
            f"At the threshold that the costs call for {_named(cheapest)} is cheapest, {optimum[cheapest]:.0f}; "
            f"untreated costs {optimum[NOTHING, False]:.0f} there, {optimum[NOTHING, True]:.0f} with recalibration.",
            _verdict(table, optimum),
        ]
    )


def _verdict(table: dict, optimum: dict[tuple[str, bool], float]) -> str:
    """Beside the cheaper of untreated and merely recalibrated: what recalibration does is not a treatment's merit."""
    plain, treated = (
        min((key for key in table if (key[0] == NOTHING) == is_plain), key=optimum.get) for is_plain in (True, False)
    )
    saved = 1 - optimum[treated] / optimum[plain]
    months = sum(
        one.cost_at_optimum < other.cost_at_optimum for one, other in zip(table[treated], table[plain], strict=True)
    )
    differs = f"saves {saved:.1%} of" if saved >= 0 else f"adds {-saved:.1%} to"
    held = f"cheaper in {months} of {len(table[plain])} months"
    beside = f"{_named(treated)} {differs} the cost of {_named(plain)}, {held}"
    if saved < WORTH_IT:
        return f"So nothing is reweighted, and the threshold moves instead: {beside}."
    return f"So a treatment is worth a closer look: {beside}."


def _named(key: tuple[str, bool]) -> str:
    return f"{key[0]} with recalibration" if key[1] else key[0]


def _spread(treated: Sequence[Sequence[Treated]], plain: Sequence[Treated], measure: str) -> str:
    moved = [mean_of(one, measure) - mean_of(plain, measure) for one in treated]
    return f"{min(moved):+.4f} to {max(moved):+.4f}"


def _judge(
    treatment: str,
    is_recalibrated: bool,
    held: np.ndarray,
    scored: np.ndarray,
    held_late: np.ndarray,
    is_late: np.ndarray,
    costs: CostTable,
) -> Treated:
    thresholds = (0.5, costs.threshold, cheapest_threshold(held, held_late, costs))
    spent = [float(1000 * cost_per_row(decide_warnings(scored, t), is_late, costs).mean()) for t in thresholds]
    ece = expected_calibration_error(scored, is_late)
    return Treated(treatment, is_recalibrated, measure_quality(scored, is_late), ece, *spent)
