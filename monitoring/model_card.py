"""The model card of a version in Markdown and HTML: both are made of the same sections, so neither lacks a fact.

Pure: equal facts give equal bytes. What the card says stands in `card_sections` (what was measured) and
`card_words` (what it is for, and its limits); how it looks stands in `templates/`.
"""

from dataclasses import dataclass

from markupsafe import Markup

from monitoring.card_facts import CardFacts
from monitoring.card_sections import sections_of
from monitoring.html import page_environment


@dataclass(frozen=True)
class Card:
    """A card in both of its forms."""

    markdown: str
    html: str


def render_card(facts: CardFacts) -> Card:
    """The card of a version."""
    environment = page_environment()
    environment.filters["markdown"] = _markdown
    about = {"facts": facts, "sections": sections_of(facts)}
    markdown, html = (environment.get_template(f"card.{form}").render(about) for form in ("md", "html"))
    return Card(markdown, html)


def _markdown(text: str) -> Markup:
    """The text as Markdown shows it: no tag of HTML, no end of a table's cell."""
    return Markup(text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("\n", " "))
