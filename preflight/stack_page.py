"""One page about the stack: a table of services with links. It opens without a network."""

from datetime import datetime
from pathlib import Path

from monitoring.html import page_environment

PATHS = {
    "prefect": [("runs", "/runs"), ("deployments", "/deployments"), ("automations", "/automations")],
    "mlflow": [("experiments", "/#/experiments"), ("models", "/#/models")],
    "evidently": [("projects", "/")],
    "serve": [("who answers", "/v1/model"), ("ready?", "/readyz")],
    "prometheus": [("alerts", "/alerts"), ("targets", "/targets")],
    "worker": [("healthy?", "/health")],
}
PAGES = (
    ("report/index.html", "the year: quality, drift, decisions"),
    ("report/validation.html", "every rule on every batch"),
    ("report/explain.html", "what the champion listens to"),
    ("gx/uncommitted/data_docs/local_site/index.html", "Data Docs of Great Expectations"),
)


def render_stack_page(home: Path, states: list, moment: datetime) -> str:
    """The page as HTML: each service as it was at that moment, and the pages of the home that exist."""
    pages = [(f"../{path}", words) for path, words in PAGES if (home / path).exists()]
    return (
        page_environment()
        .get_template("stack.html")
        .render(
            states=states,
            paths=PATHS,
            pages=pages,
            moment=moment.isoformat(sep=" ", timespec="seconds"),
            up=sum(one.state == "up" for one in states),
        )
    )
