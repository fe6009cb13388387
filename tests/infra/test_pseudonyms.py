"""A pseudonym says "the same again" and nothing else; its key is made once, and only its owner can read it."""

import stat
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from infra.pseudonyms import KEY_BYTES, KEY_FILE, PseudonymKeyError, Pseudonyms


def test_the_same_tail_has_the_same_pseudonym_in_every_process_of_a_home(tmp_path):
    first, second = Pseudonyms(tmp_path), Pseudonyms(tmp_path)

    assert first.of("N14228") == first.of("N14228") == second.of("N14228")
    assert first.key_name == second.key_name


def test_another_tail_and_another_home_have_other_pseudonyms(tmp_path):
    here, elsewhere = Pseudonyms(tmp_path / "a"), Pseudonyms(tmp_path / "b")

    found = {here.of("N14228"), here.of("N24211"), elsewhere.of("N14228"), here.key_name, here.of("")}

    assert len(found) == 5
    assert all(len(pseudonym) == 32 for pseudonym in found)


def test_a_known_key_gives_the_pseudonym_that_blake2b_gives(tmp_path):
    (tmp_path / "key").write_bytes(bytes(range(32)))

    pseudonym = Pseudonyms(tmp_path, tmp_path / "key").of("N14228")

    # of blake2b with 16 bytes, this key and the person preflight-tail, worked out apart
    assert pseudonym == "0ce71628ac2b5e63fab1596c20ea23f5"


def test_the_key_can_be_read_by_its_owner_alone(tmp_path):
    Pseudonyms(tmp_path)

    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert len((tmp_path / KEY_FILE).read_bytes()) == KEY_BYTES
    assert [path.name for path in (tmp_path / KEY_FILE).parent.iterdir()] == [KEY_FILE.name]


def test_processes_that_race_for_the_first_key_end_with_one(tmp_path):
    start = Barrier(8)

    def race(_: int) -> str:
        start.wait()
        return Pseudonyms(tmp_path).of("N14228")

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(race, range(8)))

    assert len(found) == 1


def test_a_key_of_another_length_is_refused_and_left_as_it_is(tmp_path):
    (tmp_path / "key").write_bytes(b"too short")

    with pytest.raises(PseudonymKeyError, match=r"expected a key of 32 bytes in .*key, got 9; restore it"):
        Pseudonyms(tmp_path, tmp_path / "key")

    assert (tmp_path / "key").read_bytes() == b"too short"


def test_a_key_that_a_setting_names_elsewhere_is_never_made(tmp_path):
    with pytest.raises(PseudonymKeyError, match=r"elsewhere.*cannot be read: No such file.*PREFLIGHT_PSEUDONYM_KEY"):
        Pseudonyms(tmp_path / "home", tmp_path / "elsewhere")

    assert not (tmp_path / "elsewhere").exists()


def test_nothing_that_is_printed_of_it_holds_the_key(tmp_path):
    pseudonyms = Pseudonyms(tmp_path)
    key = (tmp_path / KEY_FILE).read_bytes()

    assert key.hex() not in f"{pseudonyms!r} {pseudonyms.key_name} {pseudonyms.of('N14228')}"
