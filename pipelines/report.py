"""Gathers the year so far from the home folder, for tables and for the page."""

import logging
import shlex
from pathlib import Path

from data_checks import schema as s
from data_checks.times import NEW_YORK
from infra.settings import Settings
from infra.stopwatch import part
from monitoring.labels import known_labels
from monitoring.page import Places, Tool, render_page
from monitoring.retention import choose_dropped
from monitoring.summary import Year, summarise_year
from monitoring.validation_page import render_validation_page
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.model_cards import written_cards
from pipelines.registering import costs_of
from pipelines.scoring import NoChampion

logger = logging.getLogger(__name__)

PAGE = "report/index.html"
EVIDENTLY_REPORTS = "report/evidently"
VALIDATION_PAGE = "report/validation.html"
BAKEOFF_PAGE = "report/bakeoff.html"
EXPLAIN_PAGE = "report/explain.html"
DATA_DOCS = ("gx", "uncommitted", "data_docs", "local_site", "index.html")


def write_report(context: Context) -> Path:
    """Write the page of the year so far; returns where it lies. Raises NoChampion when nothing was scored."""
    year = year_so_far(context)
    evidently = keep_reports(context)
    with part("report"):
        context.store.write_text(VALIDATION_PAGE, render_validation_page(validation_records(context)))
        page = render_page(year, evidently, find_places(context))
    return context.store.write_text(PAGE, page)


def keep_reports(context: Context) -> list[str]:
    """Drop the Evidently reports that are too many; returns the weeks of those that stay."""
    weeks = [path.stem for path in context.store.files(EVIDENTLY_REPORTS, "*.html")]
    dropped = choose_dropped(weeks, context.settings.evidently_reports)
    for one in dropped:
        logger.info("dropped the Evidently report of week %s: %s", one.week, one.reason)
        context.store.remove(f"{EVIDENTLY_REPORTS}/{one.week}.html")
    return weeks[len(dropped) :]


def year_so_far(context: Context) -> Year:
    """Every scored week with the labels known at the end of the newest. Raises NoChampion when none was scored."""
    scored = [event["week"] for event in context.journal.events("score")]
    if not scored:
        raise NoChampion(f"nothing has been scored under {context.settings.home}; run: preflight replay")
    last = Week.from_id(scored[-1])
    return summarise_year(
        context.store.read_weeks("predictions", scored),
        context.store.read_weeks("yardsticks", scored),
        known_labels(context.accepted(s.OUTCOMES, last), last.end),
        context.journal.events(),
        context.journal.digest(),
        NEW_YORK,
        costs_of(context.settings),
    )


def validation_records(context: Context) -> list[dict]:
    """What the rules said of every batch that was judged, by feed and week."""
    return [
        context.store.read_json(f"validation/{feed}/{path.name}")
        for feed in s.FEEDS
        for path in context.store.files(f"validation/{feed}", "*.json")
    ]


def find_places(context: Context) -> Places:
    """Where a reader of the page finds the rest of this home folder, and the commands that open it."""
    has_docs = context.store.path(*DATA_DOCS).exists()
    return Places(
        home=str(context.settings.home),
        data_docs="/".join(("..", *DATA_DOCS)) if has_docs else None,
        tools=_tools(context.settings),
        validation=_page_that_is_there(context, VALIDATION_PAGE),
        bakeoff=_page_that_is_there(context, BAKEOFF_PAGE),
        explain=_page_that_is_there(context, EXPLAIN_PAGE),
        cards=written_cards(context),
    )


def _page_that_is_there(context: Context, page: str) -> str | None:
    return Path(page).name if context.store.path(page).exists() else None


def _tools(settings: Settings) -> tuple[Tool, ...]:
    home = settings.home
    return (
        Tool(
            name="MLflow",
            shows="Every run, version and alias, with parameters, metrics and the gate's record. Its page loads "
            "styles from other hosts.",
            command=f".venv/bin/mlflow ui --backend-store-uri {shlex.quote(f'sqlite:///{home}/mlflow/mlflow.db')} "
            "--port 5000",
            address="localhost:5000",
        ),
        Tool(
            name="Evidently",
            shows="Drift, quality, calibration, volume and quarantine of every week. First: preflight workspace.",
            command=f"PREFLIGHT_HOME={shlex.quote(str(home))} .venv/bin/preflight evidently",
            address="localhost:8000",
        ),
        Tool(
            name="Prefect",
            shows="Every flow run with its tasks, times, logs and cards.",
            command=f"PREFECT_HOME={shlex.quote(f'{home}/prefect')} .venv/bin/prefect server start",
            address="localhost:4200",
        ),
        Tool(
            name="Prediction service",
            shows="The champion of today, answering over HTTP.",
            command=f"PREFLIGHT_HOME={shlex.quote(str(home))} .venv/bin/preflight serve",
            address=f"localhost:{settings.port}",
        ),
    )
