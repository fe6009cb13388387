"""`preflight explain ...`: what may be explained and what each may be told. Tools are imported inside commands."""

from typing import Annotated

import typer
from typer.core import TyperGroup

VERSION_COMMAND = "version"


class ExplainGroup(TyperGroup):
    """A group whose `version` command need not be named: `explain`, `explain 8` and `explain --json` mean it."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:
        """As every group's, the name put in where none is."""
        first = args[0] if args else ""
        names_none = not args or first.isdigit() or (first.startswith("-") and first not in ctx.help_option_names)
        return super().parse_args(ctx, [VERSION_COMMAND, *args] if names_none else args)


app = typer.Typer(
    name="explain",
    cls=ExplainGroup,
    help="Why: a version's verdict (also without its name: `preflight explain 8`), a flight's probability, a model.",
)

Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


@app.command(VERSION_COMMAND)
def version(
    context: typer.Context,
    number: Annotated[
        int | None, typer.Argument(metavar="[VERSION]", help="model version; default: the champion", min=1)
    ] = None,
    as_json: Json = False,
) -> None:
    """Why a version was promoted or refused: the gate's record, from the registry."""
    from preflight import look

    look.explain(context.obj, number, as_json)


@app.command("flight")
def flight(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="FLIGHT", help="carrier and number, UA1545")],
    day: Annotated[str, typer.Argument(help="local day of its scheduled departure, 2013-07-01")],
    origin: Annotated[str | None, typer.Option(help="EWR, JFK or LGA, where the number leaves from several")] = None,
    number: Annotated[
        int | None, typer.Option("--version", help="model version; default: the one that scored its week", min=1)
    ] = None,
    as_json: Json = False,
) -> None:
    """One flight from raw rows to features, contributions, probability, decision, and the truth if it is known."""
    from preflight import explain

    explain.flight(context.obj, name, day, origin, number, as_json)


@app.command("model")
def model(
    context: typer.Context,
    number: Annotated[
        int | None, typer.Argument(metavar="[VERSION]", help="model version; default: the champion", min=1)
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="newest days whose flights are measured [PREFLIGHT_GATE_DAYS]", min=2, max=366)
    ] = None,
    as_json: Json = False,
) -> None:
    """What a model listens to: importance with intervals, partial dependence, ten flights, an audit; writes a page."""
    from preflight import explain_model

    explain_model.model(context.obj, number, days, as_json)
