"""`bakeoff`: the same year under every policy, as tables, as a page and as a document."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

BAKEOFF_BYTES = 300_000_000


def bakeoff(
    context: typer.Context,
    false_alarm: Annotated[float, typer.Option(help="cost of a flight in time that was called late", min=0.01)] = 1.0,
    missed: Annotated[float, typer.Option(help="cost of a late flight that was not called", min=0.01)] = 3.0,
    write: Annotated[Path | None, typer.Option(help="document to write, docs/bakeoff.md")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")] = False,
) -> None:
    """What retraining is worth: the year under every policy, and how models age. Interrupted, it goes on."""
    from infra.storage import write_atomically
    from monitoring.bakeoff import Costs
    from monitoring.bakeoff_page import render_bakeoff_page, write_document
    from monitoring.bakeoff_tables import tabulate_bakeoff
    from monitoring.bakeoff_words import conclude
    from pipelines.context import open_context
    from pipelines.report import BAKEOFF_PAGE
    from preflight import show

    home = open_context(context.obj)
    with home.store.exclusively():
        home.store.require_room(BAKEOFF_BYTES)
        found = _run(home, Costs(false_alarm, missed))
        page = home.store.write_text(BAKEOFF_PAGE, render_bakeoff_page(found))
    if write:
        write_atomically(write, write_document(found, f"preflight bakeoff --write {write}").encode())
    if not as_json:
        for table in tabulate_bakeoff(found):
            show.table(table.title, table.columns, list(table.rows))
        for paragraph in conclude(found):
            show.tell(f"{paragraph}\n")
    outcome = f"{found.fits} fits of {found.seconds:.0f} s; {conclude(found)[0]} Open {page}"
    document = {**found.as_dict(), "conclusion": conclude(found), "page": str(page)}
    show.finish(outcome, _without_nan(document), as_json)


def _run(home: object, costs: object) -> object:
    """The whole of it with a bar: features where they are not there, then fits, then policies."""
    from pipelines.bakeoff import run_bakeoff, set_arena, untuned
    from pipelines.bakeoff_fits import FOLDER
    from pipelines.bakeoff_policies import CONTENDERS
    from pipelines.worth import with_labels
    from preflight import show
    from preflight.year_features import year_features

    recipes = [untuned(home.settings)]
    with show.progress(len(recipes) * len(CONTENDERS), "policies") as advance:
        tell = _telling(advance)
        features = year_features(home, home.store.path(FOLDER), tell)
        arena = set_arena(with_labels(features, home.year().outcomes), home.store, home.settings, fitted=tell)
        return run_bakeoff(arena, recipes, costs, _lived(home, arena), played=advance)


def _telling(advance: Callable[..., None]) -> Callable[[str], None]:
    return lambda what: advance(what, 0)


def _lived(home: object, arena: object) -> object | None:
    """What the home folder itself answered, None where it has not lived through the year."""
    from pipelines.bakeoff import lived_course

    weeks = [week.id for week in home.scored_weeks()]
    if not all(home.store.has_table("predictions", week) for week in weeks):
        return None
    predictions: pl.DataFrame = home.store.read_weeks("predictions", weeks)
    return lived_course(predictions, home.journal.events("gate"), arena)


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nan(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value
