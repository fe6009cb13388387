"""Commands that ask a service: what they are called and what they may be told. Tools are imported inside commands."""

from typing import Annotated

import typer

app = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


@app.command("traffic")
def traffic(
    context: typer.Context,
    period: Annotated[
        str | None, typer.Argument(help="a month, 2013-07, or a day of a week; default: the service's week")
    ] = None,
    rate: Annotated[float, typer.Option(help="requests per second; 0: as fast as they are answered", min=0)] = 200,
    connections: Annotated[
        int, typer.Option(help="keep-alive connections, each with one request in flight", min=1, max=512)
    ] = 8,
    batch: Annotated[int, typer.Option(help="flights per request", min=1, max=1000)] = 1,
    every_flight: Annotated[bool, typer.Option("--every-flight", help="all weeks of the data, one by one")] = False,
    address: Annotated[
        str | None, typer.Option(help="a running service, http://127.0.0.1:3000; default: one is started by week")
    ] = None,
    as_json: Json = False,
) -> None:
    """Replay real flights over HTTP in the order of their schedule; require batch scoring's probabilities to 1e-6."""
    if every_flight and period:
        raise typer.BadParameter("give a PERIOD or --every-flight, not both")
    from infra.http_load import Pace
    from preflight import traffic as replay

    replay.traffic(context.obj, period, every_flight, Pace(connections, rate), batch, address, as_json)


@app.command("ask")
def ask(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="FLIGHT", help="carrier and number, UA1545")],
    day: Annotated[str, typer.Argument(help="local day of its scheduled departure, 2013-07-01")],
    origin: Annotated[str | None, typer.Option(help="EWR, JFK or LGA, where the number leaves from several")] = None,
    address: Annotated[
        str | None, typer.Option(help="a running service; default: this machine's, on PREFLIGHT_PORT")
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask the running service about one flight of the plan: how likely late, the decision, and why."""
    from preflight import ask as asking

    asking.ask(context.obj, name, day, origin, address, as_json)
