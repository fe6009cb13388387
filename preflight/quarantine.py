"""`quarantine list`, `show`, `replay` and `discard`: what stays out, why, and what is done about it."""

from data_checks.quarantine import STATUSES, WEEK_CLOSED
from infra.errors import UsageError
from infra.settings import Settings
from pipelines.context import Context, open_context
from pipelines.delivery import feed_named
from pipelines.judging import blocked_weeks
from pipelines.quarantine import Selection, count_by_rule, describe_row, quarantined
from preflight import show
from preflight.session import SUITES, working


def selection(
    context: Context, feed: str | None, week: str | None, rule: str | None, status: str | None, row: str | None
) -> Selection:
    """What a user chose. Raises UsageError, or PeriodError for a week that cannot be read."""
    if feed is not None:
        feed_named(feed)
    if status is not None and status not in STATUSES:
        raise UsageError(f"--status: expected {', '.join(STATUSES)}; got {status!r}")
    weeks = tuple(chosen.id for chosen in context.weeks(week)) if week else None
    return Selection(feed=feed, weeks=weeks, rule=rule, status=status, row=row)


def list_rows(settings: Settings, chosen: dict, with_rows: bool, as_json: bool) -> None:
    """Counts by week, feed, rule and status; one line per row when asked for; blocked weeks."""
    context = open_context(settings)
    found = quarantined(context, selection(context, **chosen))
    counts, blocked = count_by_rule(found), blocked_weeks(context)
    if not as_json:
        for note in blocked:
            for feed, why in note["feeds"].items():
                show.tell(f"{note['week']} {feed} is blocked, {', '.join(why['batches'])}: {why['reason']}")
        columns = {"week": "left", "feed": "left", "rule": "left", "status": "left", "rows": "right"}
        show.table("Quarantine", columns, counts.rows())
        if with_rows:
            listed = found.select("row_hash", "week", "feed", "broken_rules", "status").rows()
            columns = {"row": "left", "week": "left", "feed": "left", "rule": "left", "status": "left"}
            show.table("Rows", columns, [(row[0][:12], *row[1:]) for row in listed])
    document = {"blocked": blocked, "counts": counts.to_dicts()}
    if with_rows:
        document["rows"] = [{**row, "judged_at_utc": row["judged_at_utc"].isoformat()} for row in found.to_dicts()]
    outcome = f"{found.height} rows in quarantine, {found.filter(status='open').height} of them open"
    weeks = ", ".join(note["week"] for note in blocked)
    show.finish(f"{outcome}; blocked: week {weeks}" if blocked else outcome, document, as_json)


def show_row(settings: Settings, prefix: str, as_json: bool) -> None:
    """One row, its rules, its batch, its history."""
    document = describe_row(open_context(settings), prefix)
    for copy in () if as_json else document["copies"]:
        rows = [(name, "-" if value is None else value) for name, value in copy.items() if name != "history"]
        show.table(f"Row {document['row_hash'][:12]}", {"what": "left", "value": "left"}, rows)
        for step in copy["history"]:
            change = step["reason"] or f"{step['rules_before']} -> {step['rules_after'] or 'accepted'}"
            show.tell(f"{step['at_utc'][:10]} {step['action']} (entry {step['number']}): {change}")
    last = document["copies"][-1]
    show.finish(f"{last['status']}: {last['broken_rules']}", document, as_json)


def replay(settings: Settings, chosen: dict, as_json: bool) -> None:
    """Let open rows try again."""
    context = open_context(settings)
    meant = selection(context, **chosen, status=None)
    with working(settings, "pipelines.quarantine_flow", SUITES) as flow:
        entries = flow.replay(meant, settings)
    changed = [row for entry in entries for row in entry["rows"]]
    released = sum(row["rules_after"] is None for row in changed)
    too_late = sum(row["rules_after"] == WEEK_CLOSED for row in changed)
    outcome = f"released {released} rows, {len(changed) - released} stay for other reasons than before"
    if too_late:
        outcome += f" ({too_late} keep the contract, but their flights were scored without them: too late to enter)"
    show.finish(outcome if entries else "nothing changed: no open row passes now", {"entries": entries}, as_json)


def discard(settings: Settings, chosen: dict, reason: str, as_json: bool) -> None:
    """Give open rows up."""
    context = open_context(settings)
    meant = selection(context, **chosen, status=None)
    if meant.is_everything():
        raise UsageError("say which rows to discard: --feed, --week, --rule or --row")
    with working(settings, "pipelines.quarantine_flow") as flow:
        entries = flow.discard(meant, reason, settings)
    rows = sum(len(entry["rows"]) for entry in entries)
    outcome = f"discarded {rows} rows: {reason}" if rows else "nothing to discard: no open row was meant"
    show.finish(outcome, {"entries": entries}, as_json)
