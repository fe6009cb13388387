"""`preflight log ...`, declared apart from the other commands; tools are imported inside, as in `cli.py`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(name="log", help="The prediction log of the service: what it answered.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


@app.command()
def load(context: typer.Context, as_json: Json = False) -> None:
    """Load what the service logged into the database of predictions; `preflight serve` does so all the time."""
    from preflight import log

    log.load(context.obj, as_json)


@app.command(name="show")
def show_newest(
    context: typer.Context,
    last: Annotated[int, typer.Option(help="how many flights", min=1, max=10_000)] = 5,
    as_json: Json = False,
) -> None:
    """The predictions that were answered last, as loaded: which flight, who answered, how late."""
    from preflight import log

    log.show_newest(context.obj, last, as_json)


@app.command()
def week(
    context: typer.Context,
    day: Annotated[str, typer.Argument(help="any day of the week whose predictions are asked for, 2013-07-04")],
    at: Annotated[
        datetime | None, typer.Option(help="moment in UTC at which labels were known; default: the system's now")
    ] = None,
    write: Annotated[Path | None, typer.Option(help="file to write them all to, .parquet or .csv")] = None,
    as_json: Json = False,
) -> None:
    """Every prediction of a week, batch and online, with its label: who said it, of whom, and how good it was.

    What the service logged and was not loaded yet is loaded first. Quality is that of the last answer about a flight.
    """
    from preflight import log

    log.show_week(context.obj, day, at, write, as_json)
