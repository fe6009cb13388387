"""A drill of an experiment: the arms are not divided as planned."""

import polars as pl

from data_checks import schema as s
from infra.http_connection import OK, Answer
from infra.http_load import Pace, send_requests
from monitoring.ab import UNDECIDED
from pipelines.clock import Week, local_day
from practice.drills.ground import UNTIL, Played
from practice.drills.scene import Drill, DrillFailed, Scene
from services.client import ask_flight
from services.parity import as_message
from services.rollout import read_stage
from services.routing import AB, CHALLENGER, Plan, arm_of
from services.traffic import as_requests

SHARE = 0.5
CALLS_IN_A_ROW, FOLLOW_SECONDS = 10, 30
"""So many answers of the challenger in a row, each on a connection of its own: every worker follows the plan."""


def sample_ratio_mismatch(scene: Scene) -> None:
    """An A/B of halves whose front door loses every second request of one arm."""
    played = scene.copy()
    week = Week.holding(UNTIL)
    day = week.days()[1]
    flights = played.store.read_table("accepted/schedule", week.id).filter(local_day(s.SCHEDULED_DEPARTURE) == day)
    version = [one for one in played.context.promoted_versions() if one != played.context.answering_version()][-1]
    with played.serving() as address:
        plan = _begin_ab(scene, played, version, flights, address)
        theirs = [name for name in flights[s.FLIGHT_ID] if arm_of(name, plan) == CHALLENGER]
        lost = scene.inject(
            f"the front door loses every second request of version {version}: {len(theirs[::2])} of {flights.height}",
            lambda: theirs[::2],
        )
        _ask_all(flights.filter(~pl.col(s.FLIGHT_ID).is_in(lost or [])), address, "first")
        found: dict = scene.detect(lambda: _mismatch(played), lambda compared: compared["ratio"]["reason"])
        scene.respond(
            (found["winner"], found["gain"]) == (UNDECIDED, None),
            f"no winner and no gain is told, whatever the labels say: {found['reason']}",
        )
        played.must("rollout", "stop", "--reason", "the arms were not divided as planned")
        _begin_ab(scene, played, version, flights, address)
        _ask_all(flights, address, "second")
        compared = _by_labels(played)
        scene.recover(
            not compared["ratio"]["mismatch"],
            f"begun again behind a door that loses nothing: {compared['ratio']['reason']}",
        )


def _begin_ab(scene: Scene, played: Played, version: int, flights: pl.DataFrame, address: str) -> Plan:
    """An A/B of halves that every worker follows."""
    played.must("rollout", AB, version, "--share", SHARE)
    stage = read_stage(played.context)
    if stage is None:
        raise DrillFailed(f"the A/B of version {version} did not begin")
    plan = stage.plan
    rows = flights.iter_rows(named=True)
    first = next(as_message(row) for row in rows if arm_of(row[s.FLIGHT_ID], plan) == CHALLENGER)

    def everybody_follows() -> bool:
        return all(ask_flight(address, first)["model_version"] == version for _ in range(CALLS_IN_A_ROW))

    scene.wait(everybody_follows, FOLLOW_SECONDS)
    return plan


def _ask_all(flights: pl.DataFrame, address: str, run: str) -> None:
    """Ask about each flight once, in order; what is answered stands in the log. Raises DrillFailed."""
    heard: list[Answer] = []
    send_requests(address, as_requests(flights, 1, f"drill-{run}"), heard.append, Pace(connections=4))
    failed = [answer for answer in heard if answer.status != OK]
    if failed:
        raise DrillFailed(f"{len(failed)} of {flights.height} requests were not answered, the first: {failed[0]}")


def _by_labels(played: Played) -> dict:
    """What the A/B comes to so far."""
    return played.ask("rollout", "status")["by_labels"]


def _mismatch(played: Played) -> dict | None:
    compared = _by_labels(played)
    return compared if compared["ratio"]["mismatch"] else None


DRILLS = (
    Drill(
        name="sample-ratio-mismatch",
        title="An experiment loses a part of one arm",
        fault="of an A/B of halves the front door loses every second request of the challenger's arm",
        detector="the sample ratio of the A/B: chi-square of the keys in both arms against the planned share",
        response="no winner and no gain is told, whatever the labels say",
        runbook="`preflight rollout status` shows both counts; `preflight rollout stop`, mend the route, begin again",
        story=(
            "Half of the traffic was planned for the new model, a third arrived. Error rates are fine, as what never "
            "arrives never fails; latency is fine too. The temptation is to compare the means of what is there. But "
            "what was lost was not lost at random, maybe the slow ones, maybe one airport, and no amount of data mends "
            "a biased split. So before anything is compared the counts are: keys, not requests, since a batch goes to "
            "one arm as a whole. Chi-square at one in a thousand, low because the consequence is that nothing at all "
            "is concluded. The status then tells no gain that somebody could quote. Stop, find the leak, begin again "
            "with a new salt."
        ),
        play=sample_ratio_mismatch,
        disarm=(
            (
                "monitoring/ab.py",
                "return SampleRatio(p_value, p_value < alpha, found)",
                "return SampleRatio(p_value, False, found)",
            ),
        ),
    ),
)
