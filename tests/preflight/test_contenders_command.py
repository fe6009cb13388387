"""What a user sees of the contest of the contenders: two tables, a page, and one sentence that names the main model."""

import json

import pytest

from pipelines.contenders import SIMPLEST_FIRST
from pipelines.imbalance import TREATMENTS


def test_the_contenders_and_the_treatments_are_told_and_written_as_a_page(run_here, tmp_path):
    page = tmp_path / "docs" / "contenders.md"
    asked = ("contenders", "--treatments", "--trees", "3", "--write", str(page))

    ended = run_here(tmp_path / "home", *asked, "--json")

    assert ended.returncode == 0, ended.stderr
    said, written = json.loads(ended.stdout), page.read_text()
    assert said["outcome"].startswith("The main model is ")
    assert said["outcome"] in written
    for name in SIMPLEST_FIRST:
        found = said["contenders"][name]
        assert f"| {name} | {found['roc_auc']:.4f} | {found['log_loss']:.4f} | " in written
        assert list(found["months"]) == ["2013-03"]
    assert [(row["treatment"], row["recalibrated"]) for row in said["treatments"]] == [
        (way, again) for way in TREATMENTS for again in (False, True)
    ]
    assert "## Class imbalance" in written


def test_without_a_month_to_score_the_command_says_what_to_change(run_here, tmp_path):
    ended = run_here(tmp_path, "contenders", first_scored_week="2013-03-04")

    assert ended.returncode == 1
    assert "expected a month that begins from 2013-03-04 to 2013-03-10, got none" in ended.stderr


@pytest.mark.parametrize("arguments", [("--trees", "0"), ("2013-07",)])
def test_wrong_usage_ends_with_2(run_here, tmp_path, arguments):
    assert run_here(tmp_path, "contenders", *arguments).returncode == 2
