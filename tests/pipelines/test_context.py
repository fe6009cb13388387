"""A home folder holds one life: the settings that shape it stay, those that do not may change."""

from pathlib import Path

import pytest

from infra.settings import Settings
from pipelines.context import Context, OtherHistory


def life(home: Path, **settings: object) -> Context:
    return Context(Settings(home=home, **settings))


def test_a_life_goes_on_with_the_settings_it_began_with(tmp_path):
    life(tmp_path, trees=10).claim_history()

    life(tmp_path, trees=10, port=4000, source=tmp_path).claim_history()


def test_a_life_does_not_go_on_with_other_settings(tmp_path):
    life(tmp_path, trees=10).claim_history()

    with pytest.raises(OtherHistory, match=r"holds a life with PREFLIGHT_TREES 10 \(now 20\)"):
        life(tmp_path, trees=20).claim_history()


def test_two_homes_hold_two_lives(tmp_path):
    life(tmp_path / "a", trees=10).claim_history()

    life(tmp_path / "b", trees=20).claim_history()
