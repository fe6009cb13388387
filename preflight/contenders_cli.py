"""`preflight contenders`: what it is called and what it may be told. Tools are imported inside the command."""

from pathlib import Path
from typing import Annotated

import typer


def contenders(
    context: typer.Context,
    treatments: Annotated[
        bool, typer.Option("--treatments", help="also four ways to treat class imbalance, without and with Platt")
    ] = False,
    trees: Annotated[int | None, typer.Option(help="boosting rounds [PREFLIGHT_TREES]", min=1)] = None,
    write: Annotated[Path | None, typer.Option(help="page to write, docs/contenders.md")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")] = False,
) -> None:
    """Which model wins: every contender fitted on the first of each month, scoring it; ten minutes with everything."""
    from preflight import contenders as contest

    contest.contenders(context.obj, treatments, trees, write, as_json)
