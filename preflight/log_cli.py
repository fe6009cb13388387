"""`preflight log ...`, declared apart from the other commands; tools are imported inside, as in `cli.py`."""

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
