"""What drills of models, upgrades and experiments rely on: lines of our code, newer packages, days of weeks."""

import os

import pytest

from infra.imports import failing_imports
from infra.revision import ROOT
from practice.drills import models, splits, upgrades
from practice.drills.code import OtherCode, change_code
from practice.drills.newer_packages import Upgrade, objections, site_of

NEWER = Upgrade("packaging", "999.0", "packaging.markers", "Marker")


def variables(site) -> dict[str, str]:
    """The environment of a Python that finds what is in that folder first."""
    return {**os.environ, "PYTHONPATH": str(site)}


@pytest.mark.parametrize(("file", "before", "after"), [models.LEAK, models.STALE], ids=["leak", "stale"])
def test_the_line_that_a_drill_breaks_is_there(file, before, after):
    assert (ROOT / file).read_text().count(before) == 1


def test_a_line_that_is_gone_is_an_error_and_no_silence(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")

    with pytest.raises(OtherCode, match="'y = 1' 0 times"):
        change_code(tmp_path, "a.py", "y = 1", "y = 2")


def test_a_line_is_changed_in_its_file(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")

    change_code(tmp_path, "a.py", "x = 1", "x = 2")

    assert (tmp_path / "a.py").read_text() == "x = 2\n"


def test_a_newer_package_lacks_a_name_that_another_module_imports(tmp_path):
    said = failing_imports(["packaging.requirements"], variables(site_of(tmp_path, [NEWER])))

    assert said["packaging.requirements"].startswith(
        "ImportError: cannot import name 'Marker' from 'packaging.markers'"
    )


def test_a_newer_package_that_lacks_nothing_is_the_installed_one_by_another_version(tmp_path):
    site = site_of(tmp_path, [Upgrade("packaging", "999.0")])
    (site / "asked.py").write_text(
        "import importlib.metadata, packaging.requirements\nassert importlib.metadata.version('packaging') == '999.0'\n"
    )

    assert failing_imports(["asked"], variables(site)) == {}


def test_nobody_else_forbids_the_release_that_breaks():
    needing, against = objections(upgrades.PANDAS)

    assert (needing > 0, against) == (True, [])


def test_a_version_that_somebody_forbids_has_an_objection():
    assert objections(Upgrade("pandas", "0.1"))[1] != []


def test_each_story_can_be_told_in_sixty_seconds():
    drills = (*models.DRILLS, *upgrades.DRILLS, *splits.DRILLS)

    assert [one.name for one in drills if not 80 <= len(one.story.split()) <= 130] == []
