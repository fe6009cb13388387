"""Does the artefact say what the estimator says? Asked of rows that betray a wrong conversion: a gate, not a test."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from infra.errors import PreflightError
from pipelines.averaging import log_odds_of
from pipelines.calibration_map import CalibrationMap
from pipelines.forest import Forest

LARGEST_DIFFERENCE = 1e-6
MISSING_SHARE = 0.2
MOST_THRESHOLD_ROWS = 3000


class WrongConversion(PreflightError, ValueError):  # noqa: N818
    """An artefact answers otherwise than the estimator it was made from."""


@dataclass(frozen=True)
class ArtefactParity:
    """The largest difference of probability over so many rows, and whether it is under the bound."""

    value: float
    bound: float
    rows: int
    passed: bool

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        relation = "under" if self.passed else "expected under"
        return f"at most {self.value:.1e} between artefact and estimator on {self.rows} rows, {relation} {self.bound:g}"


def measure_parity(
    estimator_probability: np.ndarray, scorer_probability: np.ndarray, bound: float = LARGEST_DIFFERENCE
) -> ArtefactParity:
    """How far apart the two are, both (n_rows,) of the same rows; NaN on either side is infinitely far.

    The bound itself does not pass, neither do no rows at all.
    """
    if estimator_probability.shape != scorer_probability.shape or not estimator_probability.size:
        return ArtefactParity(np.inf, bound, estimator_probability.size, False)
    apart = np.abs(estimator_probability - scorer_probability)
    value = float(np.where(np.isnan(apart), np.inf, apart).max())
    return ArtefactParity(value, bound, apart.size, value < bound)


def require_parity(
    estimator_probability: np.ndarray, scorer_probability: np.ndarray, bound: float = LARGEST_DIFFERENCE
) -> ArtefactParity:
    """What `measure_parity` gives, when it passed. Raises WrongConversion when it did not."""
    parity = measure_parity(estimator_probability, scorer_probability, bound)
    if not parity.passed:
        raise WrongConversion(f"{parity.sentence}; do not register it, see pipelines/onnx_export.py")
    return parity


def estimator_probability(estimator: object, calibration: CalibrationMap, rows: np.ndarray) -> np.ndarray:
    """What the estimator itself says of encoded rows, calibrated: the side that is right by definition."""
    return calibration.apply(log_odds_of(estimator, rows))


def hard_rows(
    gate: np.ndarray, categories: Sequence[int], seed: int, forest: Forest | None = None, infinities: bool = True
) -> np.ndarray:
    """The gate's rows, and others made of them on which conversions go wrong; (n_rows, n_features) float64.

    `categories` is how many codes each of the first columns has. Made are: every row with a fifth of its values
    missing; rows with each code, with codes that nobody has, with none; rows of which one value or everything is
    missing; with a `forest`, rows with a value exactly at a threshold and one bit to either side; infinities, which
    a regression does not take.
    """
    random = np.random.default_rng(seed)
    holes = np.where(random.random(gate.shape) < MISSING_SHARE, np.nan, gate)
    nothing = np.full((1, gate.shape[1]), np.nan)
    made = [gate, holes, nothing, *_each_code(gate, categories), *_each_column(gate, infinities)]
    if forest is not None:
        made.append(_at_thresholds(gate, forest, random))
    return np.vstack(made)


def _each_code(gate: np.ndarray, categories: Sequence[int]) -> list[np.ndarray]:
    codes = [[*range(size), size, -1, 0.5, np.nan] for size in categories]
    alone = [_with(gate[0], column, values) for column, values in enumerate(codes)]
    none = _with(gate[0], slice(0, len(categories)), [np.nan])
    return [*alone, none]


def _each_column(gate: np.ndarray, infinities: bool) -> list[np.ndarray]:
    values = [np.nan, 0.0, -0.0, *((np.inf, -np.inf) if infinities else ())]
    return [_with(gate[0], column, values) for column in range(gate.shape[1])]


def _at_thresholds(gate: np.ndarray, forest: Forest, random: np.random.Generator) -> np.ndarray:
    """Rows drawn from the gate's, each with one value moved to a split, all splits or as many as are tried at most."""
    split = np.flatnonzero(~forest.is_leaf & np.isfinite(forest.threshold))
    split = random.permutation(split)[:MOST_THRESHOLD_ROWS]
    at = forest.threshold[split]
    values = np.concatenate([at, np.nextafter(at, -np.inf), np.nextafter(at, np.inf)])
    rows = gate[random.integers(len(gate), size=values.size)]
    rows[np.arange(values.size), np.tile(forest.feature[split], 3)] = values
    return rows


def _with(row: np.ndarray, column: int | slice, values: list[float]) -> np.ndarray:
    """The row once for each value, with the value in that column."""
    rows = np.tile(row, (len(values), 1))
    rows[:, column] = np.array(values) if isinstance(column, int) else np.array(values)[:, None]
    return rows
