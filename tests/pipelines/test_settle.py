"""What the gate has signed and the event log says is carried out, and nothing else, whatever lies in the folder."""

import json

import pytest

from infra.journal import HistoryRewritten
from infra.records import RecordError, sign
from pipelines.clock import Week
from pipelines.context import open_context
from pipelines.promote_flow import settle


@pytest.fixture
def unsettled(lived_copy):
    """A home killed before its last verdict was carried out, the verdict, and the path of its record."""
    context = open_context(lived_copy.settings)
    gate = context.journal.events("gate")[-1]
    (done,) = context.store.files("journal", f"{gate['week']}-*-promote.json")
    done.unlink()
    return context, gate, context.store.path(f"records/version-{gate['version']}.json")


def change(path, **facts: object) -> dict:
    record = {**json.loads(path.read_text()), **facts}
    path.write_text(json.dumps(record))
    return record


def carry_out(context, gate: dict) -> dict:
    return settle.fn(context, Week.from_id(gate["week"]), gate)


def test_a_verdict_that_was_not_carried_out_yet_is(unsettled, monkeypatch):
    monkeypatch.setattr("pipelines.promote_flow.create_markdown_artifact", lambda **_: None)
    context, gate, _ = unsettled

    assert carry_out(context, gate)["promoted"] == gate["promote"]


def test_a_changed_record_is_refused_before_anything_is_attached(unsettled):
    context, gate, path = unsettled
    before = context.registry.gate_record(gate["version"])
    change(path, promote=not gate["promote"])

    with pytest.raises(RecordError, match=f"version-{gate['version']}.json was changed after it was signed"):
        carry_out(context, gate)

    assert context.registry.gate_record(gate["version"]) == before


def test_a_changed_record_that_was_signed_again_is_held_to_the_event_log(unsettled):
    context, gate, path = unsettled
    champion, before = context.registry.aliases(), context.registry.gate_record(gate["version"])
    path.write_text(json.dumps(sign(change(path, promote=not gate["promote"], reason="because"))))

    with pytest.raises(HistoryRewritten, match="was recorded with other promote, reason than it has now"):
        carry_out(context, gate)

    assert context.registry.aliases() == champion
    assert context.registry.gate_record(gate["version"]) == before
