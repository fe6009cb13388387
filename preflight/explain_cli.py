"""`preflight explain ...`: what may be explained and what each may be told. Tools are imported inside commands."""

from typing import Annotated

import typer

from preflight.version_group import VERSION_COMMAND, VersionGroup

app = typer.Typer(
    name="explain",
    cls=VersionGroup,
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
