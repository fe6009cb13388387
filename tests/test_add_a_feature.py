"""Follows docs/add-a-feature.md in a copy of the project: what the page adds is built, proved and served."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "add-a-feature.md").read_text()
ADDED = "visibility_change_3h_miles"

SERVED = f'''
import polars as pl
from data_checks import schema as s
from data_checks.feeds import split_feeds
from infra.source import open_source
from monitoring.labels import known_labels
from pipelines.clock import Week
from pipelines.feature_catalog import NAMES
from pipelines.features import build_features
from pipelines.state import World, prepare_state
from pipelines.time_travel import choose_moments, travel, world_of_week
from pipelines.estimators import ModelParameters
from pipelines.training import fit_model, predict_probability
from services.feature_parity import compare_ways
from services.messages import FlightRequest
from services.online import OnlineFeatures, as_features
from services.parity import as_message

feeds = split_feeds(open_source(None, s.SOURCE_COLUMNS).tables(s.SOURCE_COLUMNS))
year = World(**{{name: feeds[name] for name in s.FEEDS}}, planes=feeds["planes"])
week = Week.from_id("2013-02-04")
world = world_of_week(year, week, 3)
state = prepare_state(world)
built = build_features(world.schedule, state)
plan = world.schedule.filter(pl.col(s.SCHEDULED_DEPARTURE) >= week.start).head(200)

labelled = built.join(known_labels(world.outcomes, week.end), on=s.FLIGHT_ID)
model = fit_model(labelled, ModelParameters(trees=5))
asked = [FlightRequest(**as_message(row)) for row in plan.iter_rows(named=True)]
online = as_features([OnlineFeatures(state, plan, week).rows(asked)])
batch = built.filter(pl.col(s.FLIGHT_ID).is_in(plan[s.FLIGHT_ID].implode()))

assert "{ADDED}" in NAMES
assert built["{ADDED}"].n_unique() > 20, "it says nothing"
assert "{ADDED}" in model.feature_names_in_, "the model does not see it"
assert (predict_probability(model, online) == predict_probability(model, batch)).all(), "served otherwise"
assert list(compare_ways(plan, state, week)) == []
assert not [found for found in travel(year, choose_moments(plan, 3, seed=1), 3, seed=1) if found.mismatches]
print("served")
'''


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the packages, changed as the page says."""
    for package in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]:
        shutil.copytree(ROOT / package, tmp_path / package)
    for file, context, added in changes():
        text = (tmp_path / file).read_text()
        assert text.count(context) == 1, f"{file} has no single line {context!r} any more"
        (tmp_path / file).write_text(text.replace(context, context + added))
    return tmp_path


def changes() -> list[tuple[str, str, str]]:
    """The page's changes: file, the line after which to write, and what."""
    blocks = re.findall(r"```diff\n\+\+\+ (\S+)\n (.*\n)((?:\+.*\n)+)```", PAGE)
    return [(file, context, re.sub(r"^\+", "", added, flags=re.MULTILINE)) for file, context, added in blocks]


def test_the_recipe_changes_two_files():
    assert [file for file, _, _ in changes()] == ["pipelines/feature_catalog.py", "pipelines/features.py"]


def test_a_feature_added_by_the_recipe_is_trained_on_proved_and_served(copy):
    ended = subprocess.run([sys.executable, "-c", SERVED], cwd=copy, capture_output=True, text=True, timeout=300)

    assert ended.stdout.split() == ["served"], ended.stderr
