"""`card`: the model card of a version, from what the registry keeps of it. Only reads."""

from pathlib import Path

from infra.settings import Settings
from infra.storage import write_atomically
from monitoring.model_card import render_card
from pipelines.context import open_context
from pipelines.model_cards import card_facts
from pipelines.scoring import NoChampion
from preflight import show


def card(settings: Settings, version: int, output: Path | None) -> None:
    """Print the card as Markdown, or write it to a file, as HTML where that is what its name says."""
    context = open_context(settings)
    if not context.journal.events("gate"):
        raise NoChampion(f"nothing has been trained under {settings.home}; run: preflight replay")
    made = render_card(card_facts(context, version))
    if output is None:
        show.tell(made.markdown.rstrip())
        return
    write_atomically(output, (made.html if output.suffix == ".html" else made.markdown).encode())
    show.tell(f"wrote the card of version {version} to {output}")
