"""`preflight quarantine ...`, declared apart from the other commands; tools are imported inside, as in `cli.py`."""

from typing import Annotated

import typer

app = typer.Typer(name="quarantine", help="What stays out, why, and what is done about it.", no_args_is_help=True)

FeedOption = Annotated[str | None, typer.Option("--feed", help="schedule, outcomes or weather")]
WeekOption = Annotated[str | None, typer.Option("--week", help="a month, 2013-07, or any day of a week, 2013-07-04")]
RuleOption = Annotated[str | None, typer.Option("--rule", help="a part of the name of the rule that was broken")]
RowOption = Annotated[str | None, typer.Option("--row", help="how the hash of the row begins")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


@app.command(name="list")
def list_rows(
    context: typer.Context,
    feed: FeedOption = None,
    week: WeekOption = None,
    rule: RuleOption = None,
    status: Annotated[str | None, typer.Option(help="open, replayed, discarded or superseded")] = None,
    row: RowOption = None,
    rows: Annotated[bool, typer.Option("--rows", help="list every row too")] = False,
    as_json: Json = False,
) -> None:
    """Quarantined rows by week, feed, rule and status, and the weeks that are blocked."""
    from preflight import quarantine

    chosen = {"feed": feed, "week": week, "rule": rule, "status": status, "row": row}
    quarantine.list_rows(context.obj, chosen, rows, as_json)


@app.command()
def show(
    context: typer.Context,
    row: Annotated[str, typer.Argument(help="how the hash of the row begins")],
    as_json: Json = False,
) -> None:
    """One row: its values, rules, batch and delivery, and everything that was done about it."""
    from preflight import quarantine

    quarantine.show_row(context.obj, row, as_json)


@app.command()
def replay(
    context: typer.Context,
    feed: FeedOption = None,
    week: WeekOption = None,
    rule: RuleOption = None,
    row: RowOption = None,
    as_json: Json = False,
) -> None:
    """Judge open rows again: what passes now takes its place, known from now; flights of scored weeks come too late."""
    from preflight import quarantine

    quarantine.replay(context.obj, {"feed": feed, "week": week, "rule": rule, "row": row}, as_json)


@app.command()
def discard(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="why nobody needs these rows")],
    feed: FeedOption = None,
    week: WeekOption = None,
    rule: RuleOption = None,
    row: RowOption = None,
    as_json: Json = False,
) -> None:
    """Give up open rows, with a reason; they stay on disk, marked."""
    from preflight import quarantine

    quarantine.discard(context.obj, {"feed": feed, "week": week, "rule": rule, "row": row}, reason, as_json)
