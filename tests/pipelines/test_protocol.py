"""The protocol: slices in the order of time, without overlap, and a hash that stands in the document."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.settings import Settings
from pipelines.protocol import Fold, Protocol, protocol_of, slice_time

START = datetime(2013, 1, 1, 5, tzinfo=UTC)
PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"


def day(number: int) -> datetime:
    """So many days after the first."""
    return START + timedelta(days=number)


def test_a_long_history_has_three_folds_then_calibration_then_the_gate():
    slices = slice_time(Protocol(), START, day(90))

    assert slices.folds == (Fold(day(20), day(34)), Fold(day(34), day(48)), Fold(day(48), day(62)))
    assert (slices.calibration, slices.gate, slices.end) == (day(62), day(76), day(90))


@pytest.mark.parametrize(
    ("days", "folds"), [(84, 3), (83, 2), (70, 2), (69, 1), (56, 1), (55, 0)], ids=lambda value: str(value)
)
def test_a_fold_needs_as_many_days_before_it_as_it_has(days, folds):
    assert len(slice_time(Protocol(), START, day(days)).folds) == folds


@pytest.mark.parametrize(("days", "calibrates"), [(42, True), (41, False)])
def test_a_calibration_slice_needs_as_many_days_before_it_as_it_has(days, calibrates):
    slices = slice_time(Protocol(), START, day(days))

    assert (slices.calibration < slices.gate) == calibrates


@given(
    gate=st.integers(7, 60), calibration=st.integers(2, 60), fold=st.integers(2, 60), folds=st.integers(1, 12),
    days=st.integers(61, 400),
)  # fmt: skip
def test_no_slice_overlaps_another_whatever_the_lengths(gate, calibration, fold, folds, days):
    protocol = Protocol(gate_days=gate, calibration_days=calibration, fold_days=fold, folds=folds)

    slices = slice_time(protocol, START, day(days))

    edges = [slices.start, *(edge for one in slices.folds for edge in (one.start, one.end))]
    edges += [slices.calibration, slices.gate, slices.end]
    assert edges == sorted(edges)
    assert all(one.start - slices.start >= one.end - one.start for one in slices.folds)
    assert (slices.end - slices.gate).days == gate


def test_every_length_and_rule_changes_the_hash():
    plain = Protocol()
    others = {replace(plain, **{field.name: getattr(plain, field.name) * 2}).sha256 for field in fields(plain)}

    assert len(others | {plain.sha256}) == len(fields(plain)) + 1


def test_the_document_names_the_hash_of_the_default_settings():
    assert protocol_of(Settings()).sha256 in PAGE.read_text()
