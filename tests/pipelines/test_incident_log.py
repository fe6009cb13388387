"""Incidents told from an event log: the same again, kept as documents, from old homes too."""

from dataclasses import asdict, replace

import pytest

from infra.settings import Settings
from monitoring.decision import RETRAIN, ROLL_BACK, WAIT, WATCH, Signals
from monitoring.persistence import Standing
from pipelines.context import SWITCH, Context
from pipelines.incident_log import UnknownIncident, incident_of, incidents_of, keep_incidents

FIRST, SECOND, THIRD = "2013-07-01", "2013-07-08", "2013-07-15"
OFF = {"calibration_gap": 0.07}


@pytest.fixture
def context(tmp_path) -> Context:
    """A home in which nothing has been decided."""
    return Context(Settings(home=tmp_path))


def decide(context: Context, week: str, action: str, **changes: object) -> None:
    """Let a week be decided, quiet but for these signals."""
    quiet = Signals(1.0, 3, False, 0, 0.2, 0.2, 0.0, 0.0)
    signals = asdict(replace(quiet, **changes))
    context.journal.record(week, "decide", {"action": action, "reason": f"to {action}", "signals": signals})


def settle(context: Context, week: str, promoted: bool) -> None:
    """Let the training of a week come to its verdict."""
    facts = {"promoted": promoted, "judged": 3, "champion": 4 if promoted else 2, "reason": "by the gate"}
    context.journal.record(week, "promote", facts)


def told(context: Context) -> dict[str, list[str]]:
    """The steps of each incident by id."""
    return {one.id: [step.action for step in one.steps] for one in incidents_of(context)}


def test_lost_calibration_is_resolved_by_the_promotion_of_its_week(context):
    decide(context, FIRST, RETRAIN, **OFF)
    settle(context, FIRST, promoted=True)

    (incident,) = incidents_of(context)

    assert [step.action for step in incident.steps] == ["opened", "retrain", "resolved"]
    assert incident.steps[-1].reason == "version 4 was promoted: by the gate"
    assert {step.moment for step in incident.steps} == {"2013-07-08T04:00:00+00:00"}


def test_a_refusal_leaves_it_open(context):
    decide(context, FIRST, RETRAIN, **OFF)
    settle(context, FIRST, promoted=False)

    assert told(context) == {"calibration-champion-2013-07-01": ["opened", "retrain", "refused"]}


def test_a_training_that_has_not_ended_leaves_it_open(context):
    decide(context, FIRST, RETRAIN, **OFF)

    assert told(context) == {"calibration-champion-2013-07-01": ["opened", "retrain"]}


def test_going_back_resolves_it_once_the_ledger_says_so(context):
    decide(context, FIRST, ROLL_BACK, **OFF)
    before = told(context)
    context.ledger.append({"action": SWITCH, "promotions": 2, "from": 4, "to": 2, "week": FIRST, "reason": "worse"})

    after = incidents_of(context)[0].steps[-1]

    assert before == {"calibration-champion-2013-07-01": ["opened", "roll_back"]}
    assert (after.action, after.reason) == ("resolved", "version 2 answers again")


def test_an_alarm_that_has_not_stood_long_enough_opens_nothing(context):
    decide(context, FIRST, WAIT, alarms=(Standing("slices", "carrier=UA", 1, "off"),))

    assert told(context) == {}


def test_a_week_without_labels_does_not_calm_what_needs_them(context):
    decide(context, FIRST, WATCH, **OFF)
    decide(context, SECOND, WAIT, label_coverage=0.5)
    decide(context, THIRD, WAIT)

    assert told(context) == {"calibration-champion-2013-07-01": ["opened", "watch"]}


def test_a_home_that_was_lived_before_there_were_alarms_has_incidents_too(context):
    decide(context, SECOND, WATCH, share_drifted=0.6)
    event = context.journal.read(SECOND, "decide")
    for name in ("alarms", "gain_of_version_before", "trainings_this_quarter"):
        del event["signals"][name]
    old = Context(Settings(home=context.settings.home / "old"))
    old.journal.record(SECOND, "decide", {name: event[name] for name in ("action", "reason", "signals")})

    assert told(old) == told(context) == {"inputs-features-2013-07-08": ["opened", "watch"]}


def test_documents_are_written_once_and_again_when_they_are_lost_or_behind(context):
    decide(context, FIRST, RETRAIN, **OFF)
    keep_incidents(context)
    name = "incidents/calibration-champion-2013-07-01.json"
    mark = context.store.mark(name)
    keep_incidents(context)
    unchanged = context.store.mark(name) == mark
    context.store.remove(name)
    settle(context, FIRST, promoted=True)
    keep_incidents(context)

    assert unchanged
    assert context.store.read_json(name) == incidents_of(context)[0].as_dict()
    assert not context.store.read_json(name)["is_open"]


def test_an_incident_is_found_by_its_id(context):
    decide(context, FIRST, RETRAIN, **OFF)

    assert incident_of(context, "calibration-champion-2013-07-01").detector == "calibration"


def test_an_incident_that_never_was_is_refused_with_those_there_are(context):
    decide(context, FIRST, RETRAIN, **OFF)

    with pytest.raises(UnknownIncident, match="no incident 'skew-1'; the newest are calibration-champion-2013-07-01"):
        incident_of(context, "skew-1")
