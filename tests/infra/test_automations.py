"""The automations as a Prefect server has them: once each, and what an event starts."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from prefect import flow
from prefect.client.orchestration import get_client

from infra.automations import (
    NEVER_BEGAN_AUTOMATION,
    RETRAIN_AUTOMATION,
    RETRAIN_EVENT,
    ZOMBIE_AUTOMATION,
    apply_automations,
    emit,
    mark_killed_runs,
    mark_runs_that_never_began,
    zombie_window_seconds,
)
from infra.flow_runs import events_of, runs_of, talking_to

WAIT_SECONDS = 60
AUTOMATIONS = (RETRAIN_AUTOMATION, ZOMBIE_AUTOMATION, NEVER_BEGAN_AUTOMATION)


@flow(name="stands-for-a-training")
def stand_in(week: str, incident: str) -> None:
    """Never run: nobody serves it."""


def until_there(look: Callable[[], list]) -> list:
    """What is found, once it is, or nothing when time is up."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


@pytest.fixture(scope="module")
def applied(prefect_url):
    """What applying says the first time and the second."""
    with talking_to(prefect_url):
        deployment = stand_in.to_deployment(stand_in.name).apply()
        return apply_automations(deployment), apply_automations(deployment), deployment


def test_applying_twice_keeps_each_automation_once(prefect_url, applied):
    with talking_to(prefect_url), get_client(sync_client=True) as client:
        there = [len(client.read_automations_by_name(name)) for name in AUTOMATIONS]

    assert [[one.done for one in time_] for time_ in applied[:2]] == [["created"] * 3, ["kept"] * 3]
    assert there == [1, 1, 1]


def test_an_automation_that_was_changed_by_hand_is_put_back(prefect_url, applied):
    with talking_to(prefect_url):
        with get_client(sync_client=True) as client:
            (found,) = client.read_automations_by_name(ZOMBIE_AUTOMATION)
            client.pause_automation(found.id)
        again = {one.name: one.done for one in apply_automations(applied[2])}

    assert again == dict.fromkeys(AUTOMATIONS, "kept") | {ZOMBIE_AUTOMATION: "updated"}


def test_the_event_asks_for_a_flow_run_with_its_week_and_incident(prefect_url, applied):
    since = datetime.now(UTC) - timedelta(seconds=1)
    payload = {"week": "2013-07-01", "incident": "quality-champion-2013-07-01", "reason": "lost"}
    with talking_to(prefect_url):
        emit(RETRAIN_EVENT, "flight-lateness", payload)
        runs = until_there(lambda: runs_of(stand_in.name, since))
        told = until_there(lambda: events_of(RETRAIN_EVENT, since))  # the server writes events down every few seconds
        with get_client(sync_client=True) as client:
            parameters = [client.read_flow_run(run.id).parameters for run in runs]

    assert len(told) == 1
    assert parameters == [{"week": "2013-07-01", "incident": "quality-champion-2013-07-01"}]


@pytest.mark.parametrize(("beats_every", "seconds"), [(30, 90), (180, 540)])
def test_a_run_counts_as_killed_after_three_missed_heartbeats_and_not_before(beats_every, seconds):
    assert mark_killed_runs(beats_every).trigger.within == timedelta(seconds=seconds)


def test_without_heartbeats_the_window_is_still_that_of_the_shortest():
    assert zombie_window_seconds(None) == 90


def test_a_run_is_watched_from_its_beginning_not_from_its_first_heartbeat():
    assert mark_killed_runs(30).trigger.after == {"prefect.flow-run.Running", "prefect.flow-run.heartbeat"}


def test_an_end_of_a_run_of_any_kind_ends_the_watch():
    expected = mark_killed_runs(30).trigger.expect

    ends = {"prefect.flow-run.Completed", "prefect.flow-run.Failed", "prefect.flow-run.Cancelled"}
    assert expected == ends | {"prefect.flow-run.Crashed", "prefect.flow-run.heartbeat"}


def test_a_run_that_waits_for_its_turn_is_not_taken_for_one_that_never_began():
    trigger = mark_runs_that_never_began().trigger

    assert trigger.after == {"prefect.flow-run.Pending"}
    assert {"prefect.flow-run.Running", "prefect.flow-run.AwaitingConcurrencySlot"} <= trigger.expect
    assert trigger.within == timedelta(seconds=900)
