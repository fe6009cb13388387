"""Writes the card of a version: into its run in the registry, and as a page beside the report of the year."""

from infra.records import require_signed
from infra.stopwatch import part
from monitoring.card_facts import CardFacts
from pipelines.context import Context
from pipelines.erasing import LEARNED_FROM_FORGOTTEN

FOLDER = "report/models"


def write_card(context: Context, version: int) -> None:
    """Write both forms of a version's card; done again it writes the same bytes."""
    with part("imports"):
        from monitoring.model_card import render_card  # matplotlib, which most commands do not need
    facts = card_facts(context, version)
    with part("report"):
        card = render_card(facts)
        context.store.write_text(f"{FOLDER}/version-{version}.html", card.html)
    with part("MLflow"):
        context.registry.attach_card(version, card.markdown, card.html)


def card_facts(context: Context, version: int) -> CardFacts:
    """What the card of a version is made of.

    Raises RegistryError when there is none or it was not judged, RecordError when a record was changed.
    """
    registry = context.registry
    with part("MLflow"):
        record = _signed(context, version)
        judged, tags = record.get("judged_version", version), registry.version_tags(version)
        return CardFacts(
            version=version,
            record=record,
            judged=_signed(context, judged),
            lineage=registry.lineage(version),
            judged_lineage=registry.lineage(judged),
            manifest=registry.bundle(version).manifest,
            model_sha256=tags["sha256"],
            erased=int(tags.get(LEARNED_FROM_FORGOTTEN, 0)),
        )


def written_cards(context: Context) -> dict[int, str]:
    """The versions that have a page, with the way to it from the report of the year."""
    pages = context.store.files(FOLDER, "version-*.html")
    return {int(page.stem.removeprefix("version-")): f"models/{page.name}" for page in pages}


def _signed(context: Context, version: int) -> dict:
    return require_signed(context.registry.gate_record(version), f"the gate record of version {version}")
