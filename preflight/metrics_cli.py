"""`preflight metrics` and `preflight prometheus`, declared apart; tools are imported inside, as in `cli.py`."""

from typing import Annotated

import typer

app = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


@app.command("metrics")
def metrics(context: typer.Context, as_json: Json = False) -> None:
    """Print what the flows expose to Prometheus, and write it to var/metrics/flows.prom."""
    from preflight import metrics as exposed

    exposed.metrics(context.obj, as_json)


@app.command("prometheus")
def prometheus(
    context: typer.Context,
    port: Annotated[
        int | None, typer.Option(help="loopback port of Prometheus; default: a free one", min=1024, max=65535)
    ] = None,
) -> None:
    """Scrape the running service with Prometheus and evaluate our rules, until Ctrl-C."""
    from preflight import metrics as exposed

    exposed.prometheus(context.obj, port)
