"""`up`, `down`, `logs`: what the commands are called. Tools are imported inside commands."""

from typing import Annotated

import typer

app = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


@app.command("up")
def up(
    context: typer.Context,
    services: Annotated[
        list[str] | None,
        typer.Argument(help="some of prefect, mlflow, evidently, serve, prometheus, worker; default: all"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Start Prefect, worker, MLflow, Evidently, the service and Prometheus as plain processes; safe to run twice."""
    from preflight import stack

    stack.up(context.obj, tuple(services or ()), as_json)


@app.command("down")
def down(context: typer.Context, as_json: Json = False) -> None:
    """End everything that `preflight up` started from this home; nothing is left running."""
    from preflight import stack

    stack.down(context.obj, as_json)


@app.command("logs")
def logs(
    context: typer.Context,
    service: Annotated[
        str | None, typer.Argument(help="one of those that `preflight status` lists; default: all")
    ] = None,
    lines: Annotated[int, typer.Option("-n", "--lines", help="newest lines of each", min=0)] = 20,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="and those that come, until Ctrl-C")] = False,
) -> None:
    """What the services of `preflight up` say."""
    from preflight import stack

    stack.logs(context.obj, service, lines, follow)
