"""`preflight prove ...`: what each proof is called and what it may be told. Tools are imported inside commands."""

from typing import Annotated

import typer

app = typer.Typer(
    name="prove", help="Show on the data that a claim holds: exit 0 when it does, 1 naming what breaks it."
)

Period = Annotated[str | None, typer.Argument(help="a month, 2013-07, or a day of a week; default: the year")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


@app.command("no-leak")
def no_leak(
    context: typer.Context,
    moments: Annotated[int, typer.Option(help="random moments of the year to go back to", min=1)] = 200,
    seed: Annotated[int | None, typer.Option(help="of the moments and the noise [PREFLIGHT_SEED]", min=0)] = None,
    as_json: Json = False,
) -> None:
    """Delete and scramble everything known after a moment, rebuild its flights' features, require the same bits."""
    from preflight import prove as proofs

    proofs.no_leak(context.obj, moments, seed, as_json)


@app.command("backfill")
def backfill(
    context: typer.Context,
    workers: Annotated[int, typer.Option(help="processes of the parallel way", min=2, max=64)] = 2,
    seed: Annotated[int | None, typer.Option(help="of the random order [PREFLIGHT_SEED]", min=0)] = None,
    as_json: Json = False,
) -> None:
    """Build the weeks forward, in random order, in parallel and after a kill -9; require one table hash."""
    from preflight import prove as proofs

    proofs.backfill(context.obj, workers, seed, as_json)


@app.command("engine")
def engine(
    context: typer.Context,
    weeks: Annotated[int | None, typer.Option(help="the first weeks of the year; default: all", min=2)] = None,
    as_json: Json = False,
) -> None:
    """Build the weeks here, on one Dask worker, on two, and on two of which one is killed; require one table hash."""
    from preflight import prove_engine as proof

    proof.engine(context.obj, weeks, as_json)


@app.command("parity")
def parity(context: typer.Context, period: Period = None, as_json: Json = False) -> None:
    """Build every flight alone, in its batch and online; require the same bits."""
    from preflight import prove_online

    prove_online.parity(context.obj, period, as_json)


@app.command("skew")
def skew(
    context: typer.Context,
    period: Period = None,
    every_flight: Annotated[
        bool, typer.Option("--every-flight", help="ask every flight anew, rather than check what the service logged")
    ] = False,
    as_json: Json = False,
) -> None:
    """Recompute the features of every logged request offline; require the same bits."""
    from preflight import prove_online

    prove_online.skew(context.obj, period, every_flight, as_json)


@app.command("faults")
def faults(
    context: typer.Context,
    weeks: Annotated[int, typer.Option(help="weeks of the year that are spoilt, spread evenly", min=1, max=51)] = 4,
    seed: Annotated[int | None, typer.Option(help="of what is random in a fault [PREFLIGHT_SEED]", min=0)] = None,
    as_json: Json = False,
) -> None:
    """Spoil real weeks in eight ways and require a named rule to catch each; require the clean year to pass."""
    from preflight import prove_faults as proof

    proof.faults(context.obj, weeks, seed, as_json)


@app.command("artefacts")
def artefacts(
    context: typer.Context,
    tries: Annotated[int, typer.Option(help="spoilt bundles", min=12)] = 1000,
    seed: Annotated[int | None, typer.Option(help="of what is random in them [PREFLIGHT_SEED]", min=0)] = None,
    as_json: Json = False,
) -> None:
    """Flip, cut, append and swap bytes of a served model; require each to be refused, naming the file."""
    from preflight import prove_artefacts as proof

    proof.artefacts(context.obj, tries, seed, as_json)


@app.command("swaps")
def swaps(
    context: typer.Context,
    count: Annotated[int, typer.Option(help="swaps between promoted versions", min=1, max=1000)] = 20,
    rollbacks: Annotated[int, typer.Option(help="rollbacks by command", min=0, max=100)] = 5,
    as_json: Json = False,
) -> None:
    """Change models under load, roll back, point to what must not answer; require no failed and no mixed answer."""
    from preflight import prove_swaps as proof

    proof.swaps(context.obj, count, rollbacks, as_json)


@app.command("kills")
def kills(
    context: typer.Context,
    count: Annotated[int, typer.Option(help="kills of a worker, one after the other", min=1, max=1000)] = 50,
    as_json: Json = False,
) -> None:
    """Kill workers with -9 under load; require every acknowledged prediction to be on record exactly once."""
    from preflight import prove_kills as proof

    proof.kills(context.obj, count, as_json)


@app.command("detectors")
def detectors(
    context: typer.Context,
    weeks: Annotated[int, typer.Option(help="weeks of the lived year that are spoilt, evenly spread", min=1)] = 4,
    without: Annotated[str | None, typer.Option(help="a detector that is switched off: the proof must fail")] = None,
    as_json: Json = False,
) -> None:
    """Put faults of feeds, models and serving into real weeks; require the contract or the named detector to see them.

    A feed fault is tried at the contract's door, and let past it to see who else would have noticed.
    """
    from preflight import prove_detectors

    prove_detectors.detectors(context.obj, weeks, without, as_json)


@app.command("worker")
def worker(
    context: typer.Context,
    period: Annotated[str, typer.Argument(help="the month, 2013-03, whose features are built")] = "2013-03",
    as_json: Json = False,
) -> None:
    """Kill worker and flow run with -9 in mid-run: the run is marked, asked again it leaves the same table."""
    from preflight import prove_worker as proof

    proof.worker(context.obj, period, as_json)
