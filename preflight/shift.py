"""`preflight shift`: how much of a change in quality moved inputs explain, and how much is left."""

from dataclasses import asdict

from infra.settings import Settings
from monitoring.attribution import Attribution, Change
from pipelines.clock import PeriodError
from pipelines.context import open_context
from pipelines.shift import Shift, attribute_shift
from preflight import show

FIGURES = {"log_loss": "log loss", "late_share": "late share", "mean_probability": "mean probability"}
FEWEST_EFFECTIVE = 0.05
"""Of the reference flights: below, the two periods have too little in common for anything to be explained."""


def shift(settings: Settings, period: str, reference: str | None, as_json: bool) -> None:
    """Take apart what changed from the weeks before, or a reference period, to another, for the frozen champion."""
    context = open_context(settings)
    scored = [week for week in context.scored_weeks() if week.id in set(context.journal.weeks("score"))]
    now = [week for week in context.scored_weeks(period) if week in scored]
    then = [week for week in (context.scored_weeks(reference) if reference else scored) if week in scored]
    if not reference:
        then = [week for week in then if now and week < now[0]]
    if not then or not now or set(then) & set(now):
        raise PeriodError(
            f"expected two periods apart that were scored, got {reference or 'the weeks before'} and {period}; "
            "see: preflight status"
        )
    reference = reference or f"{then[0].id} to {then[-1].id}"
    found = attribute_shift(context, then, now)
    if not as_json:
        _show(found)
    show.finish(
        _sentence(found, reference, period), {"reference": reference, "period": period, **asdict(found)}, as_json
    )


def _show(found: Shift) -> None:
    heads = {
        "of the frozen champion": "left",
        **dict.fromkeys(("before", "as if moved", "after", "explained", "left"), "right"),
    }
    rows = [(name, *_cells(getattr(found.whole, figure))) for figure, name in FIGURES.items()]
    show.table("What changed, and what the moved inputs explain of it", heads, rows)
    heads = {
        "if only these had moved": "left",
        "log loss explained": "right",
        "late share explained": "right",
        "told apart, AUC": "right",
        "effective": "right",
    }
    show.table("By group of features", heads, [_group(group, one) for group, one in found.by_group.items()])
    show.table(
        "Moved furthest",
        {"feature": "left", "distance": "right"},
        [(name, f"{far:.2f}") for name, far in found.moved.items()],
    )


def _cells(change: Change) -> tuple[str, ...]:
    figures = (f"{value:.4f}" for value in (change.before, change.as_if_after, change.after))
    return (*figures, f"{change.explained:+.4f}", f"{change.left:+.4f}")


def _group(group: str, one: Attribution) -> tuple[str, ...]:
    return (
        group, f"{one.log_loss.explained:+.4f}", f"{one.late_share.explained:+.4f}",
        f"{one.separability:.2f}", f"{one.effective_share:.0%}",
    )  # fmt: skip


def _sentence(found: Shift, reference: str, period: str) -> str:
    loss, effective = found.whole.log_loss, found.whole.effective_share
    doubt = "" if effective >= FEWEST_EFFECTIVE else "; but the periods have so little in common that this says little"
    return (
        f"from {reference} to {period} the frozen champion's log loss went from {loss.before:.4f} to {loss.after:.4f}: "
        f"moved inputs explain {loss.explained:+.4f}, {loss.left:+.4f} is left; weighed so, the flights before "
        f"are worth {effective:.0%} of their number{doubt}"
    )
