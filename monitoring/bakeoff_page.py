"""The bake-off as one page that opens without a network, and as a document; the page's words are in `templates/`."""

from monitoring import bakeoff_plots as plots
from monitoring.bakeoff import Bakeoff
from monitoring.bakeoff_tables import RIGHT, Table, tabulate_bakeoff
from monitoring.bakeoff_words import conclude
from monitoring.figures import markdown_table
from monitoring.html import page_environment


def render_bakeoff_page(bakeoff: Bakeoff) -> str:
    """The page as HTML. Equal input gives equal bytes."""
    return page_environment().get_template("bakeoff.html").render(
        bakeoff=bakeoff,
        conclusion=[paragraph.partition("? ") for paragraph in conclude(bakeoff)],
        tables=tabulate_bakeoff(bakeoff),
        plots=draw_plots(bakeoff),
        RIGHT=RIGHT,
    )  # fmt: skip


def draw_plots(bakeoff: Bakeoff) -> dict[str, str]:
    """Every plot, by name, as inline SVG."""
    return {
        "months": plots.plot_months(bakeoff.results),
        "trainings": plots.plot_trainings([result for result in bakeoff.results if result.trained]),
        "stale_log_loss": plots.plot_staleness(bakeoff.staleness, "log_loss"),
        "stale_roc_auc": plots.plot_staleness(bakeoff.staleness, "roc_auc"),
    }


def write_document(bakeoff: Bakeoff, command: str) -> str:
    """The same as a Markdown document that says which command made it."""
    head = [
        "# What retraining is worth",
        "",
        f"Made by `{command}`; run it again to refresh. Do not edit.",
        "",
        *(f"- {paragraph}" for paragraph in conclude(bakeoff)),
        "",
        "Each policy lives through the same year on a clock of weeks, looks at what is known at the end of a week, and",
        "is measured on the same flights. Means count each month the same. Intervals hold 95 % of rounds in which the",
        "days of each month are drawn again, the same days for both models; they say nothing about the luck of a fit,",
        "nor of having picked the best of many policies by the very flights that are reported.",
        "Hindsight picks for each week the best of all models that existed by then, with the labels of that very week.",
        f"All policies together asked for {bakeoff.fits} fits; {bakeoff.flights:,} flights are answered.",
        "",
    ]
    return "\n".join([*head, *(line for table in tabulate_bakeoff(bakeoff) for line in _markdown(table))])


def _markdown(table: Table) -> list[str]:
    return [f"## {table.title}", "", *markdown_table(table.columns, table.rows), ""]
