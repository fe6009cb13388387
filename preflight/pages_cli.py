"""Commands that write pages from the code: what they are called. Tools are imported inside commands."""

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
def dictionary(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="file to write; default: standard output")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the data dictionary: every feed, column, rule, table and feature, from the contract."""
    from preflight import dictionary as page

    page.dictionary(output, as_json)
