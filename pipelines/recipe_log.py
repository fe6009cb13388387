"""The recipes that were found, as the event log has them: the newest, and how old it is."""

from pipelines.clock import Week
from pipelines.context import Context


def last_recipe(context: Context, week: Week) -> dict | None:
    """The newest recipe that was found up to the end of a week, None when there is none yet."""
    found = [event for event in context.journal.events("tune") if event["week"] <= week.id]
    return found[-1] if found else None


def is_due(last: dict, week: Week, every_weeks: int) -> bool:
    """Whether the last search is so old, or had so little history, that another is worth its time."""
    age_weeks = (week.monday - Week.from_id(last["week"]).monday).days // 7
    return age_weeks > 0 and (age_weeks >= every_weeks or not last["folds"])
