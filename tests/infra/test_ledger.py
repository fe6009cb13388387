"""A ledger only grows: entries have numbers without gaps, and none is written twice."""

import pytest

from infra.ledger import Ledger
from infra.storage import Store


def test_entries_are_numbered_in_the_order_in_which_they_were_written(tmp_path):
    ledger = Ledger(Store(tmp_path))

    written = [ledger.append({"action": action}) for action in ("land", "discard")]

    assert written == [{"number": 1, "action": "land"}, {"number": 2, "action": "discard"}]
    assert Ledger(Store(tmp_path)).entries() == ledger.entries() == written


def test_entries_of_another_process_are_seen(tmp_path):
    ours, theirs = Ledger(Store(tmp_path)), Ledger(Store(tmp_path))
    ours.append({"action": "land"})
    assert len(theirs.entries()) == 1

    theirs.append({"action": "discard"})

    assert [entry["action"] for entry in ours.entries()] == ["land", "discard"]
    assert ours.append({"action": "replay"})["number"] == 3


def test_what_is_returned_can_be_changed_without_changing_the_ledger(tmp_path):
    ledger = Ledger(Store(tmp_path))
    ledger.append({"action": "land"})

    ledger.entries().clear()

    assert len(ledger.entries()) == 1


def test_an_entry_holds_only_what_json_can(tmp_path):
    ledger = Ledger(Store(tmp_path))

    with pytest.raises(ValueError, match="Out of range float"):
        ledger.append({"rows": float("nan")})

    assert ledger.entries() == []
