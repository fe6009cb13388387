"""The suppression list knows an erased tail number again, holds none, and will not work with another key."""

import json

import pytest

from infra.forgotten import FILE, Forgotten, OtherKey
from infra.pseudonyms import KEY_FILE


def test_a_tail_on_the_list_is_known_again_in_any_case_and_by_its_pseudonym(tmp_path):
    forgotten = Forgotten(tmp_path)

    forgotten.add("N14228")

    assert forgotten.holds("N14228")
    assert forgotten.holds("n14228")
    assert forgotten.is_forgotten(forgotten.key_of("N14228"))
    assert not forgotten.holds("N24211")


def test_the_list_holds_no_tail_number(tmp_path):
    Forgotten(tmp_path).add("N14228")

    assert "14228" not in (tmp_path / FILE).read_text()


def test_another_process_sees_what_was_added_meanwhile(tmp_path):
    service, command = Forgotten(tmp_path), Forgotten(tmp_path)
    assert not service.holds("N14228")

    command.add("N14228")

    assert service.holds("N14228")


def test_adding_it_again_changes_nothing(tmp_path):
    Forgotten(tmp_path).add("N14228")
    before = (tmp_path / FILE).read_bytes()

    Forgotten(tmp_path).add("N14228")

    assert (tmp_path / FILE).read_bytes() == before


def test_nothing_is_made_by_asking_an_empty_list(tmp_path):
    assert not Forgotten(tmp_path).holds("N14228")

    assert list(tmp_path.iterdir()) == []


def test_a_key_that_was_lost_is_named_rather_than_let_everything_in_again(tmp_path):
    Forgotten(tmp_path).add("N14228")
    (tmp_path / KEY_FILE).unlink()

    with pytest.raises(OtherKey, match=r"made with the key \w{32}, the key there is now is \w{32}.*restore the key"):
        Forgotten(tmp_path).holds("N14228")


def test_the_list_says_which_key_it_was_made_with(tmp_path):
    forgotten = Forgotten(tmp_path)
    forgotten.add("N14228")

    listed = json.loads((tmp_path / FILE).read_text())

    assert listed == {"key": forgotten.pseudonyms.key_name, "tails": [forgotten.key_of("N14228")]}
