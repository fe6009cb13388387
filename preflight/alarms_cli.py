"""`preflight alarms` and `preflight shift`, declared apart; tools are imported inside, as in `cli.py`."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


def alarms(
    context: typer.Context,
    frozen: Annotated[bool, typer.Option("--frozen", help="as if the first champion had answered all year")] = False,
    calibrate: Annotated[bool, typer.Option("--calibrate", help="measure false alarms where nothing changed")] = False,
    draws: Annotated[int, typer.Option(help="of --calibrate: times the weeks are drawn into halves", min=1)] = 20,
    write: Annotated[Path | None, typer.Option(help="page to write, docs/alarms.md: all of this")] = None,
    as_json: Json = False,
) -> None:
    """Which weeks alarmed, why, what was done, and were they right; or how often wolf is cried: --calibrate."""
    from preflight import alarms as record

    if write:
        record.write(context.obj, draws, write, as_json)
    elif calibrate:
        record.calibrate(context.obj, draws, as_json)
    else:
        record.alarms(context.obj, frozen, as_json)


def shift(
    context: typer.Context,
    period: Annotated[str, typer.Argument(help="a month, 2013-09, or a day of a week: what changed until then")],
    reference: Annotated[
        str | None, typer.Option(help="month that it is held against; default: every scored week before")
    ] = None,
    as_json: Json = False,
) -> None:
    """What moved since the weeks before, how much of the change in quality that explains, and how much is left."""
    from preflight import shift as attribution

    attribution.shift(context.obj, period, reference, as_json)
