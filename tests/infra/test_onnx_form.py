"""Whatever bytes it is given, the check says what is wrong with them and never fails itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.bundle import MODEL
from infra.onnx_form import forbidden_in
from pipelines.tampering import small_bundle

GRAPH = small_bundle(1).files[MODEL]


def test_our_own_graph_holds_nothing_forbidden():
    assert forbidden_in(GRAPH) is None


def test_no_bytes_are_no_graph():
    assert "format []" in forbidden_in(b"")


@given(st.binary(min_size=1, max_size=200))
@settings(max_examples=200)
def test_any_bytes_are_answered_in_words(content):
    assert isinstance(forbidden_in(content), str)


@given(st.integers(0, len(GRAPH) - 1), st.binary(min_size=1, max_size=4))
@settings(max_examples=200)
def test_a_graph_with_other_bytes_somewhere_is_allowed_or_refused_in_words(place, put):
    assert isinstance(forbidden_in(GRAPH[:place] + put + GRAPH[place + len(put) :]), str | None)


@given(st.integers(0, len(GRAPH) - 1))
@settings(max_examples=100)
def test_a_graph_that_ends_too_early_is_refused(end):
    assert isinstance(forbidden_in(GRAPH[:end]), str)


@pytest.mark.parametrize(
    "more",
    [b"\x12\x05four", b"\x12", b"\x08\x80", b"\x08" + b"\x80" * 10 + b"\x01"],
    ids=["value too short", "no value", "number without end", "number too long"],
)
def test_a_field_that_is_not_whole_is_no_graph(more):
    assert forbidden_in(GRAPH + more) == "its bytes are no ONNX graph"


def test_a_field_that_is_whole_is_allowed():
    assert forbidden_in(GRAPH + b"\x12\x04four") is None
