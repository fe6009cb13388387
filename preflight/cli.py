"""The `preflight` command. Tools are imported inside commands, so that `--help` answers at once."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from preflight import (
    alarms_cli,
    card_cli,
    contenders_cli,
    drill_cli,
    explain_cli,
    gate_cli,
    log_cli,
    loop_cli,
    metrics_cli,
    pages_cli,
    practice_cli,
    prove_cli,
    quarantine_cli,
    rollout_cli,
    server_cli,
    serving_cli,
    stack_cli,
    versions_cli,
    workspace_cli,
)
from preflight.bakeoff import bakeoff
from preflight.failures import explain_failure

app = typer.Typer(
    name="preflight",
    help="A machine-learning system that lives through the flights of 2013: every step a command.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(explain_cli.app)
app.add_typer(prove_cli.app)
app.add_typer(drill_cli.app)
app.add_typer(quarantine_cli.app)
app.command()(bakeoff)
app.command()(gate_cli.gate)
app.command()(alarms_cli.alarms)
app.command()(alarms_cli.shift)
app.command()(rollout_cli.rollback)
app.command()(contenders_cli.contenders)
app.add_typer(serving_cli.app)
app.add_typer(server_cli.app)
app.add_typer(rollout_cli.app)
app.add_typer(versions_cli.app)
app.add_typer(card_cli.app)
app.add_typer(log_cli.app)
app.command()(workspace_cli.workspace)
app.command()(workspace_cli.evidently)
app.add_typer(metrics_cli.app)
app.add_typer(pages_cli.app)
app.add_typer(practice_cli.app)
app.add_typer(loop_cli.app)
app.add_typer(stack_cli.app)

INTERRUPTED = 130  # how typer ends on Ctrl-C

Period = Annotated[str, typer.Argument(help="a month, 2013-07, or any day of a week, 2013-07-04")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


@app.callback()
def common(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option(help="folder of everything that is written [PREFLIGHT_HOME, default var]")
    ] = None,
    source: Annotated[
        Path | None, typer.Option(help="folder with the five source files [PREFLIGHT_SOURCE, default the package]")
    ] = None,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="log what flows do, and tracebacks")] = False,
) -> None:
    """Options of every command; they stand before its name."""
    from infra.settings import load_settings
    from preflight.session import prepare

    context.obj = load_settings(home=home, source=source)
    prepare(context.obj, verbose)


@app.command()
def demo(context: typer.Context, as_json: Json = False) -> None:
    """Live through the year, serve a day of it over HTTP, write the page. What `make demo` runs."""
    from preflight import year

    year.demo(context.obj, as_json)


@app.command()
def replay(
    context: typer.Context,
    until: Annotated[str | None, typer.Option(help="last month, 2013-07, or day; default: the end of the data")] = None,
    as_json: Json = False,
) -> None:
    """Live week by week from the beginning, or from where an earlier life stopped."""
    from preflight import year

    year.replay(context.obj, until, as_json)


@app.command()
def ingest(context: typer.Context, period: Period, as_json: Json = False) -> None:
    """Land the rows each feed delivers in a week or month."""
    from preflight import steps

    steps.ingest(context.obj, period, as_json)


@app.command()
def deliver(
    context: typer.Context,
    feed: Annotated[str, typer.Argument(help="schedule, outcomes or weather")],
    file: Annotated[Path, typer.Argument(help="CSV or Parquet with the columns of the contract")],
    corrects: Annotated[str | None, typer.Option(help="the batch whose place it takes")] = None,
    as_json: Json = False,
) -> None:
    """Land a file of a feed: early, late, out of order, twice, or to correct a batch that came before."""
    from preflight import deliveries

    deliveries.deliver(context.obj, feed, file, corrects, as_json)


@app.command(name="deliveries")
def list_deliveries(context: typer.Context, as_json: Json = False) -> None:
    """Every batch that landed, in order of arrival: where its rows are, what it corrects, what superseded it."""
    from preflight import deliveries

    deliveries.list_deliveries(context.obj, as_json)


@app.command()
def validate(context: typer.Context, period: Period, as_json: Json = False) -> None:
    """Check landed rows against the contract: accept, quarantine, or block the batch."""
    from preflight import steps

    steps.validate(context.obj, period, as_json)


@app.command()
def features(
    context: typer.Context,
    period: Annotated[str | None, typer.Argument(help="a month, 2013-07, or any day of a week, 2013-07-04")] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="weeks built side by side; none: 1, on Dask one a CPU", min=1, max=64),
    ] = None,
    worth: Annotated[bool, typer.Option("--worth", help="of the year: what each group is worth and costs")] = False,
    trees: Annotated[int | None, typer.Option(help="of --worth: boosting rounds [PREFLIGHT_TREES]", min=1)] = None,
    write: Annotated[Path | None, typer.Option(help="of --worth: page to write, docs/feature-worth.md")] = None,
    as_json: Json = False,
) -> None:
    """Build the features of a week or month, each flight as of two hours before it leaves; or weigh them: --worth."""
    if worth == bool(period):
        raise typer.BadParameter("give a PERIOD to build, or --worth to weigh the groups of the year")
    if worth:
        from preflight.worth import weigh_features

        weigh_features(context.obj, trees, write, as_json)
        return
    from preflight import steps

    steps.features(context.obj, period, workers, as_json)


@app.command()
def train(
    context: typer.Context,
    as_of: Annotated[str, typer.Option(help="day: labels known at the start of its week are learned from")],
    window: Annotated[
        str, typer.Option(help="expanding: all of history; recent: the newest weeks alone")
    ] = "expanding",
    as_json: Json = False,
) -> None:
    """Train a challenger, judge it at the gate, promote or refuse it."""
    from preflight import steps

    steps.train(context.obj, as_of, window, as_json)


@app.command()
def score(context: typer.Context, period: Period, as_json: Json = False) -> None:
    """Predict the flights of a week or month with the champion, each exactly once."""
    from preflight import steps

    steps.score(context.obj, period, as_json)


@app.command()
def monitor(context: typer.Context, period: Period, as_json: Json = False) -> None:
    """Measure drift and quality of scored weeks, as known at the end of each."""
    from preflight import steps

    steps.monitor(context.obj, period, as_json)


@app.command()
def retrain(context: typer.Context, period: Period, as_json: Json = False) -> None:
    """Decide about measured weeks, and train a challenger where the decision says so."""
    from preflight import steps

    steps.retrain(context.obj, period, as_json)


@app.command()
def serve(
    context: typer.Context,
    port: Annotated[
        int | None, typer.Option(help="loopback port [PREFLIGHT_PORT, default 3000]", min=1024, max=65535)
    ] = None,
    week: Annotated[
        str | None, typer.Option(help="day of the week whose departures are answered; default: the newest scored")
    ] = None,
    proxy: Annotated[bool, typer.Option("--proxy", help="nginx in front, each worker on a port of its own")] = False,
) -> None:
    """Answer predictions over HTTP, follow registry and rollouts, load the prediction log, until Ctrl-C."""
    from preflight import serving

    serving.serve(context.obj, port, week, proxy)


@app.command()
def parity(
    context: typer.Context,
    day: Annotated[
        str | None, typer.Option(help="day whose flights are asked for; default: the champion's last")
    ] = None,
    as_json: Json = False,
) -> None:
    """Start the service, ask it every flight of one day, require batch scoring's probabilities to 1e-6, stop it."""
    from preflight import serving

    serving.parity(context.obj, day, as_json)


@app.command()
def forget(
    context: typer.Context,
    tail: Annotated[str, typer.Argument(help="tail number of the aircraft, such as N14228")],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    as_json: Json = False,
) -> None:
    """Erase a tail number from tables, features, logs and pages, for good; the next training learns without it."""
    from preflight import forget as erasure

    erasure.forget(context.obj, tail, yes, as_json)


@app.command()
def status(context: typer.Context, as_json: Json = False) -> None:
    """Where the system is in its year: newest week, champion, last decision, event-log hash."""
    from preflight import look

    look.status(context.obj, as_json)


@app.command()
def report(context: typer.Context, as_json: Json = False) -> None:
    """Write the page of the year so far, var/report/index.html."""
    from preflight import year

    year.report(context.obj, as_json)


@app.command()
def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Check this machine: versions, known breaks, lock against installed, port, disk, data."""
    from preflight import doctor as checkup

    checkup.doctor(context.obj, as_json)


def main() -> None:
    """Run the command; a refusal ends with one sentence and exit code 1, wrong usage with 2."""
    try:
        app()
    except SystemExit as ending:
        if ending.code == INTERRUPTED:
            exec("")  # CPython 3.11: else `python -m`, interrupted within an exec of an import, ends by SIGINT
            sys.stderr.write("preflight: interrupted; the same command goes on where it stopped\n")
            sys.exit(1)
        raise
    except Exception as error:
        failure = explain_failure(error)
        if failure is None or "-v" in sys.argv[1:] or "--verbose" in sys.argv[1:]:
            raise
        sys.stderr.write(f"preflight: {failure.sentence}\n")
        sys.exit(failure.exit_code)
