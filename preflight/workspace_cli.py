"""`preflight workspace` and `preflight evidently`, declared apart from the others; tools are imported inside."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


def workspace(
    context: typer.Context,
    period: Annotated[
        str | None, typer.Argument(help="a month, 2013-07, or any day of a week, 2013-07-04; default: the year")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put monitored weeks into an Evidently workspace, each once, and the numbers into a table of our own."""
    from preflight import workspace

    workspace.fill(context.obj, period, as_json)


def evidently(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="loopback port", min=1024, max=65535)] = 8000,
) -> None:
    """Open Evidently's own pages of the workspace on loopback, until Ctrl-C."""
    from preflight import workspace

    workspace.open_pages(context.obj, port)
