"""`preflight gate`, declared apart from the other commands; tools are imported inside, as in `cli.py`."""

from pathlib import Path
from typing import Annotated

import typer


def gate(
    context: typer.Context,
    calibrate: Annotated[bool, typer.Option("--calibrate", help="measure how often it errs")] = False,
    trials: Annotated[int, typer.Option(help="of --calibrate: A/A trials at least", min=1)] = 240,
    write: Annotated[Path | None, typer.Option(help="of --calibrate: page to write, docs/gate.md")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")] = False,
) -> None:
    """The bounds of the gate; or how often it is wrong, from twins that differ by luck alone: --calibrate."""
    from preflight import gate as gates

    if calibrate:
        gates.calibrate(context.obj, trials, write, as_json)
        return
    if write:
        raise typer.BadParameter("--write needs --calibrate")
    gates.rules(context.obj, as_json)
