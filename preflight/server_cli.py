"""Commands of a system that runs on servers: what they are called. Tools are imported inside commands."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


@app.command()
def settings(
    context: typer.Context,
    write: Annotated[Path | None, typer.Option(help="page to write about all of them, docs/settings.md")] = None,
    as_json: Json = False,
) -> None:
    """Every setting as it is now and where it comes from, or the page that explains them all."""
    from preflight import settings_table

    settings_table.show_settings(context.obj, write, as_json)


@app.command()
def agent(
    context: typer.Context,
    only_load: Annotated[
        bool,
        typer.Option("--only-load", help="nothing but load the prediction log: beside each further node's workers"),
    ] = False,
) -> None:
    """What `serve` does beside its workers, for workers that run elsewhere: follow the registry, load the log."""
    from preflight import serving

    serving.look_after(context.obj, only_load)
