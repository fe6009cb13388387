"""Records that cannot be changed unseen, and what one has to say before an alias moves."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.records import (
    PromotionRaced,
    PromotionRefused,
    RecordError,
    content_sha256,
    require_signed,
    require_yes,
    sign,
)

YES = sign({"version": 4, "bundle_sha256": "b" * 64, "champion": 3, "promote": True, "reason": "it gains", "x": [0.1]})


def test_a_signed_record_is_what_was_signed():
    assert require_signed(json.loads(json.dumps(YES)), "it") == YES


@given(st.data())
def test_one_changed_character_is_found(data):
    text = json.dumps(YES)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(min_codepoint=32, max_codepoint=126).filter(lambda one: one != text[place]))
    changed = text[:place] + other + text[place + 1 :]
    try:
        record = json.loads(changed)
    except ValueError:
        return  # it is no record any more
    if record == YES and list(record) == list(YES):
        return  # blanks between names, or 0.1 written otherwise

    with pytest.raises((RecordError, AttributeError)):
        require_signed(record, "the record")


def test_the_order_of_names_is_no_content_and_that_of_a_list_is():
    assert content_sha256({"a": 1, "b": 2}) == content_sha256({"b": 2, "a": 1})
    assert content_sha256({"a": [1, 2]}) != content_sha256({"a": [2, 1]})


def test_a_record_without_a_signature_is_refused_by_name():
    unsigned = {name: value for name, value in YES.items() if name != "sha256"}

    with pytest.raises(RecordError, match=r"the record of version 4 was changed after it was signed: .* None\.\.\."):
        require_signed(unsigned, "the record of version 4")


def test_what_is_not_a_number_is_not_signed():
    with pytest.raises(ValueError, match="not JSON compliant"):
        sign({"gain": float("nan")})


def test_a_record_that_says_yes_about_this_very_version_lets_it_in():
    assert require_yes(YES, 4, "b" * 64, 3) is YES


@pytest.mark.parametrize(
    ("record", "version", "bundle", "champion", "error", "said"),
    [
        (YES, 5, "b" * 64, 3, PromotionRefused, "is about version 4, not 5"),
        (YES, 4, "c" * 64, 3, PromotionRefused, "is about bundle_sha256 bbb.*, not ccc"),
        (sign({**YES, "promote": False}), 4, "b" * 64, 3, PromotionRefused, "may not become champion: it gains"),
        (YES, 4, "b" * 64, 7, PromotionRaced, "version 4 was judged against champion 3, and 7 is champion now"),
        (YES, 4, "b" * 64, None, PromotionRaced, "judged against champion 3, and None is champion now"),
        ({**YES, "reason": "it gain5"}, 4, "b" * 64, 3, RecordError, "was changed after it was signed"),
    ],
)
def test_every_other_record_is_refused_and_says_why(record, version, bundle, champion, error, said):
    with pytest.raises(error, match=said):
        require_yes(record, version, bundle, champion)
