"""`preflight alarms`: the record of a lived year by table, document and page, and a home that has none."""

import json

WEEKS = ["2013-02-04", "2013-02-11", "2013-02-18", "2013-02-25", "2013-03-04"]


def test_the_document_has_every_week_every_detector_that_looked_and_how_near_estimates_came(run_here, lived):
    ended = run_here(lived.settings.home, "alarms", "--json")

    told = json.loads(ended.stdout)
    assert (ended.returncode, told["weeks"]) == (0, WEEKS)
    assert {"inputs", "predictions", "estimate", "coverage"} <= {one["detector"] for one in told["detectors"]}
    assert told["estimates"]["log_loss"]["weeks"] == len(WEEKS)
    assert 0 < told["estimates"]["late_share"]["mean_absolute_error"] < 0.5


def test_the_last_line_says_how_many_weeks_alarmed_and_how_the_estimate_did(run_here, lived):
    ended = run_here(lived.settings.home, "alarms")

    assert ended.returncode == 0, ended.stderr
    assert "of 5 weeks alarmed" in ended.stdout.splitlines()[-1]
    assert "Days of lead of the estimate" in ended.stdout


def test_the_champion_that_was_never_retrained_has_a_record_of_its_own(run_here, lived_copy):
    ended = run_here(lived_copy.settings.home, "alarms", "--frozen", "--json")

    assert json.loads(ended.stdout)["weeks"] == WEEKS


def test_false_alarms_are_told_for_each_detector_and_rate_and_grow_with_what_is_allowed(run_here, lived):
    ended = run_here(lived.settings.home, "alarms", "--calibrate", "--draws", "2", "--json")

    told = json.loads(ended.stdout)["false_alarms_per_year"]
    assert {"inputs", "missing", "predictions", "estimate"} <= told.keys()
    assert all(rates["1"] <= rates["12"] for rates in told.values())


def test_the_page_has_every_part(run_here, lived_copy, tmp_path):
    page = tmp_path / "alarms.md"

    ended = run_here(lived_copy.settings.home, "alarms", "--write", str(page), "--draws", "1")

    assert ended.returncode == 0, ended.stderr
    for part in ("As the year was lived", "champion of March", "Quality told without labels", "False alarms a year"):
        assert part in page.read_text()


def test_a_home_in_which_nothing_was_lived_is_told_what_to_run(run_here, tmp_path):
    ended = run_here(tmp_path / "empty", "alarms")

    assert ended.returncode != 0
    assert "run: preflight replay" in ended.stderr
