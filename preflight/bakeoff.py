"""`bakeoff`: the same year under every policy, as tables, as a page and as a document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # tools are imported inside commands, so that `--help` answers at once
    from monitoring.bakeoff import Bakeoff
    from monitoring.decision_cost import CostTable
    from pipelines.bakeoff_arena import Arena, Course, Recipe
    from pipelines.clock import Week
    from pipelines.context import Context
    from pipelines.estimators import ModelParameters

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
    from monitoring.bakeoff_page import render_bakeoff_page, write_document
    from monitoring.bakeoff_tables import tabulate_bakeoff
    from monitoring.bakeoff_words import conclude
    from monitoring.decision_cost import CostTable
    from pipelines.context import open_context
    from pipelines.report import BAKEOFF_PAGE
    from preflight import show

    home = open_context(context.obj)
    with home.store.exclusively():
        home.store.require_room(BAKEOFF_BYTES)
        found = _run(home, CostTable(missed_late=missed, false_alarm=false_alarm))
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
    show.finish(outcome, document, as_json)


def _run(home: Context, costs: CostTable) -> Bakeoff:
    """The whole of it with a bar: features where they are not there, then fits, then policies."""
    from pipelines.bakeoff import as_the_library, played_by, run_bakeoff, set_arena, untuned
    from pipelines.bakeoff_fits import FOLDER
    from pipelines.worth import with_labels
    from preflight import show
    from preflight.year_features import year_features

    recipes = [untuned(home.settings), as_the_library(home.settings), *tuned(home)]
    with show.progress(sum(len(played_by(recipe)) for recipe in recipes), "policies") as advance:

        def tell(what: str) -> None:
            advance(what, 0)

        features = year_features(home, home.store.path(FOLDER), tell)
        arena = set_arena(with_labels(features, home.year().outcomes), home.store, home.settings, fitted=tell)
        return run_bakeoff(arena, recipes, costs, _lived(home, arena), played=advance)


def tuned(home: Context) -> list[Recipe]:
    """The recipes that the home folder found in its searches, each from the week it was found in; none without one."""
    from pipelines.bakeoff_arena import Recipe
    from pipelines.estimators import ModelParameters, plain_parameters
    from pipelines.recipe_log import last_recipe

    def parameters_at(week: Week) -> ModelParameters:
        found = last_recipe(home, week)
        return ModelParameters(**found["parameters"]) if found else plain_parameters(home.settings)

    return [Recipe("tuned", parameters_at)] if home.journal.events("tune") else []


def _lived(home: Context, arena: Arena) -> Course | None:
    """What the home folder itself answered, None where it has not lived through the year."""
    from pipelines.bakeoff import lived_course

    weeks = [week.id for week in home.scored_weeks()]
    if not all(home.store.has_table("predictions", week) for week in weeks):
        return None
    return lived_course(home.store.read_weeks("predictions", weeks), home.journal.events("gate"), arena)
