"""Every version that was judged has its card: in the registry, as a page, and on the command line."""

import pytest
from mlflow.artifacts import load_text

from infra.records import RecordError
from monitoring.model_card import render_card
from pipelines.model_cards import card_facts, write_card, written_cards


@pytest.fixture(scope="module")
def versions(lived) -> list[int]:
    return [entry["version"] for entry in lived.context.registry.versions()]


def test_every_version_has_its_page_from_the_moment_it_was_judged(lived, versions):
    assert sorted(written_cards(lived.context)) == versions


def test_the_registry_keeps_both_forms_as_the_page_shows_them(lived, versions):
    registry = lived.context.registry
    for version in versions:
        run = registry._version(version).run_id
        made = render_card(card_facts(lived.context, version))

        assert load_text(f"runs:/{run}/card.md") == made.markdown
        assert load_text(f"runs:/{run}/card.html") == made.html
        assert lived.context.store.path("report/models", f"version-{version}.html").read_text() == made.html


def test_a_refit_tells_of_the_candidate_that_was_judged(lived):
    facts = card_facts(lived.context, 2)

    assert (facts.is_refit, facts.judged["version"], facts.judged_lineage["calibrated_by"]["method"] is not None) == (
        True,
        1,
        True,
    )


def test_a_record_that_was_changed_is_refused(lived, monkeypatch):
    context = lived.context
    record = {**context.registry.gate_record(1), "reason": "it pays"}
    monkeypatch.setattr(context.registry, "gate_record", lambda _: record)

    with pytest.raises(RecordError, match="the gate record of version 1 was changed after it was signed"):
        write_card(context, 1)


def test_the_page_of_the_year_leads_to_every_card(lived_copy, run_here):
    home = lived_copy.settings.home
    assert run_here(home, "report").returncode == 0

    page = (home / "report" / "index.html").read_text()

    for event in lived_copy.context.journal.events("promote"):
        for version in {event["judged"], *([event["champion"]] if event["promoted"] else [])}:
            assert f'<a href="models/version-{version}.html">{version}</a>' in page
            assert (home / "report" / "models" / f"version-{version}.html").exists()


def test_the_command_prints_the_card_or_writes_either_form(lived, run_here, tmp_path):
    card = render_card(card_facts(lived.context, 1))

    printed = run_here(lived.settings.home, "card", "1")
    for name in ("card.md", "card.html"):
        assert run_here(lived.settings.home, "card", "1", "-o", str(tmp_path / name)).returncode == 0

    assert printed.stdout.rstrip() == card.markdown.rstrip()
    assert (tmp_path / "card.md").read_text() == card.markdown
    assert (tmp_path / "card.html").read_text() == card.html


def test_a_version_that_does_not_exist_has_no_card(lived, run_here):
    ended = run_here(lived.settings.home, "card", "99")

    assert (ended.returncode, "there is no version 99" in ended.stderr) == (1, True)
