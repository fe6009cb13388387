"""Gathers the year so far from the home folder, for tables and for the page."""

from data_checks import schema as s
from data_checks.times import NEW_YORK
from monitoring.labels import known_labels
from monitoring.summary import Year, summarise_year
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.scoring import NoChampion


def year_so_far(context: Context) -> Year:
    """Every scored week with the labels known at the end of the newest. Raises NoChampion when none was scored."""
    scored = [event["week"] for event in context.journal.events("score")]
    if not scored:
        raise NoChampion(f"nothing has been scored under {context.settings.home}; run: preflight replay")
    last = Week.from_id(scored[-1])
    return summarise_year(
        context.store.read_weeks("predictions", scored),
        context.store.read_weeks("yardsticks", scored),
        known_labels(context.accepted(s.OUTCOMES, last), last.end),
        context.journal.events(),
        context.journal.digest(),
        NEW_YORK,
    )
