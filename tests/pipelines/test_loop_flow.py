"""What an event about an incident may start: the training that was decided, once."""

import pytest

from infra.settings import Settings
from monitoring.decision import RETRAIN, WATCH
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.loop_flow import NotDecided, answer_incident

WEEK = Week.from_id("2013-07-01")
SIGNALS = {
    "label_coverage": 1.0,
    "weeks_since_training": 3,
    "was_refused": False,
    "refused_in_a_row": 0,
    "skill": 0.2,
    "expected_skill": 0.2,
    "calibration_gap": 0.07,
    "share_drifted": 0.0,
}
INCIDENT = "calibration-champion-2013-07-01"


@pytest.fixture
def context(tmp_path) -> Context:
    """A home in which nothing has been decided."""
    return Context(Settings(home=tmp_path))


def decide(context: Context, action: str) -> None:
    """Let the week be decided, its calibration lost."""
    facts = {"action": action, "reason": "off", "window": "expanding", "signals": SIGNALS}
    context.journal.record(WEEK.id, "decide", facts)


def test_an_event_for_a_training_that_has_its_verdict_trains_nothing_and_returns_it(context):
    decide(context, RETRAIN)
    verdict = {"promoted": True, "judged": 3, "champion": 4, "reason": "by the gate"}
    context.journal.record(WEEK.id, "promote", verdict)

    said = answer_incident(context, WEEK, INCIDENT)

    assert said == {"trained": False, "incident": INCIDENT, "week": WEEK.id, "stage": "promote", **verdict}
    assert not context.store.path("mlflow").exists()


def test_an_event_that_no_decision_asked_for_is_refused(context):
    decide(context, WATCH)

    with pytest.raises(NotDecided, match="whose decision says watch; run: preflight end-week 2013-07-01"):
        answer_incident(context, WEEK, INCIDENT)


def test_an_event_about_a_week_that_has_not_ended_is_refused(context):
    with pytest.raises(NotDecided, match="whose decision says nothing yet"):
        answer_incident(context, WEEK, INCIDENT)


def test_the_documents_of_incidents_are_written_when_an_event_comes_again(context):
    decide(context, RETRAIN)
    facts = {"promoted": True, "judged": 3, "champion": 4, "reason": "by the gate"}
    context.journal.record(WEEK.id, "promote", facts)

    answer_incident(context, WEEK, INCIDENT)

    assert not context.store.read_json(f"incidents/{INCIDENT}.json")["is_open"]
