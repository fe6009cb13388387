"""What a model listens to as one page that opens without a network; its words are in `templates/explain.html`."""

from monitoring import explain_plots as plots
from monitoring.html import page_environment

CONTRIBUTION = "mean absolute contribution [log-odds]"
PERMUTATION = "rise of log loss when dealt out anew"


def render_explain_page(story: dict) -> str:
    """The page as HTML of what was measured of a version, plain values. Equal values give equal bytes."""
    environment = page_environment()
    environment.filters |= {
        "count": lambda value: f"{value:,}",
        "share": lambda value: f"{value:.1%}",
        "whole_share": lambda value: f"{value:.0%}",
        "number": lambda value: f"{value:.4f}",
        "signed": lambda value: f"{value:+.2f}",
    }
    return environment.get_template("explain.html").render(story=story, drawn=_drawn(story))


def _drawn(story: dict) -> dict:
    return {
        "contribution_features": plots.plot_importance(story["contributions"]["features"], CONTRIBUTION),
        "contribution_groups": plots.plot_importance(story["contributions"]["groups"], CONTRIBUTION),
        "permutation_features": plots.plot_importance(story["permutation"]["features"], PERMUTATION),
        "permutation_groups": plots.plot_importance(story["permutation"]["groups"], PERMUTATION),
        "dependence": [plots.plot_dependence(one) for one in story["dependence"]],
        "examples": [plots.plot_waterfall(one) for one in story["examples"]],
    }
