"""`preflight rebuild`, declared apart from the other commands; tools are imported inside."""

from typing import Annotated

import typer

app = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


@app.command()
def rebuild(
    context: typer.Context,
    version: Annotated[int | None, typer.Argument(help="model version", min=1)] = None,
    random: Annotated[int | None, typer.Option(help="instead of one: so many versions at random", min=1)] = None,
    seed: Annotated[int | None, typer.Option(help="of --random [PREFLIGHT_SEED]", min=0)] = None,
    as_json: Json = False,
) -> None:
    """Train a version again in a fresh process: the same bytes (exit 0), or an explanation of what differs (1)."""
    if (version is None) == (random is None):
        raise typer.BadParameter("give a VERSION, or --random NUMBER")
    from preflight import rebuild as command

    command.rebuild(context.obj, version, random, seed, as_json)
