"""Incidents and the loop through Prefect: what the commands are called. Tools are imported inside commands."""

from typing import Annotated

import typer

app = typer.Typer()
incidents_app = typer.Typer(
    name="incidents",
    help="What went wrong, what was done about it, and whether it is over; without a command: all of them.",
    invoke_without_command=True,
)
automations_app = typer.Typer(name="automations", help="What Prefect does by itself.", no_args_is_help=True)
app.add_typer(incidents_app)
app.add_typer(automations_app)

Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


@incidents_app.callback()
def incidents(
    context: typer.Context,
    only_open: Annotated[bool, typer.Option("--open", help="only those that are not over")] = False,
    as_json: Json = False,
) -> None:
    """Every incident of the year so far: what, since when, what was done, whether it is over."""
    if context.invoked_subcommand is None:
        from preflight import incidents as told

        told.list_incidents(context.obj, only_open, as_json)


@incidents_app.command(name="show")
def show_incident(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="as `preflight incidents` lists it")],
    as_json: Json = False,
) -> None:
    """One incident step by step, each with its moment on the system's own clock and its reason."""
    from preflight import incidents as told

    told.show_incident(context.obj, name, as_json)


@app.command()
def deploy(context: typer.Context, as_json: Json = False) -> None:
    """Make the Prefect server have our pool, queues, deployments and automations, each once; safe to run twice."""
    from preflight import loop

    loop.deploy(context.obj, as_json)


@automations_app.command(name="apply")
def apply(context: typer.Context, as_json: Json = False) -> None:
    """As `preflight deploy`: an automation runs a deployment, so both are made to be there."""
    from preflight import loop

    loop.deploy(context.obj, as_json)


@app.command()
def worker(
    context: typer.Context,
    port: Annotated[
        int | None, typer.Option(help="loopback port on which it says, at /health, whether it is well", min=1024)
    ] = None,
) -> None:
    """Deploy, and run what is asked of the deployments in this home, until Ctrl-C."""
    from preflight import loop

    loop.worker(context.obj, port)


@app.command(name="end-week")
def end_week(
    context: typer.Context,
    day: Annotated[str, typer.Argument(help="any day of the week that ends, 2013-07-04")],
    as_json: Json = False,
) -> None:
    """Live a week up to its decision and tell Prefect, whose automation has the worker train what was decided."""
    from preflight import loop

    loop.end_week(context.obj, day, as_json)


@app.command(name="loop-demo")
def loop_demo(
    context: typer.Context,
    times: Annotated[int, typer.Option(help="how often, one after the other", min=1, max=100)] = 1,
    kill: Annotated[
        bool, typer.Option(help="at the end, kill a training and see it marked and made up for; two minutes")
    ] = True,
    as_json: Json = False,
) -> None:
    """An aged champion is replaced with no hand on it: event, automation, flow run, gate, promotion, service."""
    from preflight import loop_demo as demo

    demo.loop_demo(context.obj, times, kill, as_json)
