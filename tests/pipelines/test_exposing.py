"""The file of metrics: whole, new when there is news, and otherwise as old as the last news."""

from dataclasses import asdict

import pytest
from exposed import measured, validated

from infra.settings import load_settings
from monitoring.decision import Signals
from monitoring.exposition import FLOWS
from pipelines.context import SWITCH, Context
from pipelines.exposing import expose, marks

WEEK = "2013-07-01"


@pytest.fixture
def context(tmp_path) -> Context:
    """A home with one validated week and version 8 as champion after 5."""
    context = Context(load_settings(home=tmp_path / "home"))
    context.journal.record(WEEK, "validate", validated())
    for week, version in (("2013-05-06", 5), (WEEK, 8)):
        context.journal.record(week, "promote", {"champion": version, "promoted": True})
    return context


def shown(context: Context) -> dict[str, str]:
    """The lines of the file by what stands before their value."""
    lines = context.store.read_bytes(FLOWS).decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def test_the_file_says_what_the_records_of_the_home_do(context):
    expose(context, seconds={"MLflow": 1.5})

    assert shown(context)["preflight_champion_version"] == "8"
    assert shown(context)["preflight_clock_timestamp_seconds"] == "1373256000"  # 2013-07-08 00:00 in New York
    assert shown(context)['preflight_flow_part_seconds{part="MLflow"}'] == "1.5"


def test_what_the_last_command_took_stays_until_another_one_ends(context):
    expose(context, seconds={"MLflow": 1.5})

    expose(context)

    assert shown(context)['preflight_flow_part_seconds{part="MLflow"}'] == "1.5"


def test_only_a_switch_to_an_older_version_is_a_rollback(context):
    for before, after in ((8, 5), (5, 8)):
        context.ledger.append({"action": SWITCH, "from": before, "to": after, "promotions": 2, "reason": "tried"})

    expose(context)

    assert shown(context)["preflight_rollbacks_total"] == "1"


def test_incidents_that_are_open_are_counted(context):
    signals = Signals(0.99, 3, was_refused=False, refused_in_a_row=0, skill=0.15, expected_skill=0.16,
                      calibration_gap=0.09, share_drifted=0.1)  # fmt: skip
    decided = {"action": "watch", "reason": "calibration was lost", "window": None, "signals": asdict(signals)}

    expose(context)
    before = shown(context).get("preflight_open_incidents")
    context.journal.record(WEEK, "decide", decided)
    expose(context)

    assert (before, shown(context)["preflight_open_incidents"]) == (None, "1")


def test_a_file_that_would_be_the_same_keeps_its_age(context):
    expose(context)
    written = context.store.mark(FLOWS)

    expose(context)

    assert context.store.mark(FLOWS) == written


def test_a_new_week_is_news(context):
    expose(context)
    before, written = marks(context), context.store.mark(FLOWS)
    context.journal.record(WEEK, "monitor", measured())

    expose(context)

    assert before != marks(context)
    assert context.store.mark(FLOWS) != written
    assert shown(context)['preflight_skill_ratio{window="recent"}'] == "0.18"


def test_nothing_is_left_beside_the_file(context):
    expose(context)

    assert [path.name for path in context.store.path("metrics").iterdir()] == ["flows.prom"]
