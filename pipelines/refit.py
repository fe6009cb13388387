"""Whether a recipe fitted again on all rows still answers as the candidate did that the gate has judged."""

import numpy as np
from scipy.stats import spearmanr

from monitoring.quality import loss_per_row
from pipelines.promotion import Check, GateRules

LOWEST_AGREEMENT = 0.7


def refit_checks(
    judged: np.ndarray, refitted: np.ndarray, is_late: np.ndarray, parity: float, rules: GateRules
) -> tuple[Check, ...]:
    """The checks of a refit, from the answers of both to the rows that judged, (n_rows,).

    They cannot show that the refit is better, for it has learned from those rows. They show that it is no other
    model, and that the newest rows went into it: measured, ranks agree to 0.89 or more and log loss falls by
    0.02 to 0.08 (docs/decisions/0015-gate.md).
    """
    agreement = float(spearmanr(judged, refitted).statistic)
    before, after = (float(loss_per_row(probability, is_late).mean()) for probability in (judged, refitted))
    return (
        Check("answers as the model that was fitted", parity, f"at most {rules.largest_parity:g}",
              parity <= rules.largest_parity,
              f"artefact and scikit-learn differ by at most {parity:.1e} in probability"),
        Check("ranks flights as the candidate did", agreement, f"at least {LOWEST_AGREEMENT}",
              agreement >= LOWEST_AGREEMENT, f"rank correlation with the judged candidate is {agreement:.3f}"),
        Check("has learned from the newest rows", before - after, "above 0", after < before,
              f"log loss on the rows that judged is {after:.4f}, the candidate's was {before:.4f}"),
    )  # fmt: skip
