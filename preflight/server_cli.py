"""Commands of a system that runs on servers: what they are called. Tools are imported inside commands."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


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


@app.command()
def backup(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(help="file to write, or a folder that it is put into by its moment")],
    as_json: Json = False,
) -> None:
    """Keep everything in one file: the home folder, and databases and folders that the settings name."""
    from preflight import backup as keeping

    keeping.backup(context.obj, target, as_json)


@app.command()
def restore(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="file that `preflight backup` wrote")],
    replace: Annotated[bool, typer.Option("--replace", help="also where something is there now: it is lost")] = False,
    as_json: Json = False,
) -> None:
    """Make everything as it was when the file was written; the file is verified before anything is touched."""
    from preflight import backup as keeping

    keeping.restore_all(context.obj, source, replace, as_json)
