"""`preflight rollout ...` and `preflight rollback`: what they are called and may be told. Tools are imported inside."""

from typing import Annotated

import typer

app = typer.Typer(name="rollout", help="Try a version beside the champion on real traffic: shadow, canary, A/B.")

Version = Annotated[int, typer.Argument(help="version to try")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


@app.command()
def shadow(context: typer.Context, version: Version) -> None:
    """Score every request with a version too, log it, and answer nobody with it."""
    from preflight import rollout

    rollout.begin(context.obj, "shadow", version, 0.0)


@app.command()
def canary(context: typer.Context, version: Version) -> None:
    """Let a version answer 5, 25, 50 and 100 % of flights in turn, as long as its guardrails hold."""
    from preflight import rollout

    rollout.begin(context.obj, "canary", version, 0.0)


@app.command()
def ab(
    context: typer.Context,
    version: Version,
    share: Annotated[float, typer.Option(help="of flights that it answers", min=0.01, max=0.99)] = 0.5,
) -> None:
    """Let a version answer a share of flights until it is stopped, to be compared by labels."""
    from preflight import rollout

    rollout.begin(context.obj, "ab", version, share)


@app.command()
def stop(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="kept with the rollout")] = "stopped by hand",
) -> None:
    """End the rollout: the champion answers everybody again."""
    from preflight import rollout

    rollout.stop(context.obj, reason)


@app.command()
def status(context: typer.Context, as_json: Json = False) -> None:
    """Which versions answer, the figures of the rollout so far against its guardrails, and what was decided."""
    from preflight import rollout

    rollout.status(context.obj, as_json)


def rollback(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="kept in the ledger")] = "rolled back by hand",
    to: Annotated[int | None, typer.Option(help="version; default: the one before the champion")] = None,
) -> None:
    """Let the version before the champion answer again: traffic at once, then registry and ledger."""
    from preflight import rollback as way_back

    way_back.rollback(context.obj, reason, to)
