"""The agent: workers follow the registry, rollouts end as their figures say, and a switch is recorded in the end."""

import json
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from data_checks import schema as s
from infra.bundle import Bundle
from infra.errors import UsageError
from infra.records import PromotionRefused, sign
from infra.settings import load_settings
from infra.storage import BusyError, Store
from monitoring.exposition import FLOWS
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.landing import settle as settle_rows
from pipelines.snapshot import snapshot_path, write_snapshot
from pipelines.state import World, prepare_state
from pipelines.tampering import small_bundle
from services import agent as agent_module
from services import rollout
from services.agent import Agent, run
from services.current import PLAN
from services.exporting import export_week
from services.guardrails import RolloutDecision
from services.model import CHALLENGER, POINTER, PREVIOUS, pointed
from services.prediction_log import FOLDER
from services.switching import HELD, NothingToGoBackTo, roll_back, settle

WEEK, NEXT_WEEK = "2013-03-04", "2013-03-11"
REFUSED = 4


class Registry:
    """Three versions that were let in, and a fourth that was not."""

    def __init__(self) -> None:
        self.now = {"champion": 2}
        self.is_down = False
        self.bundles = {version: small_bundle(version) for version in (1, 2, 3, REFUSED)}

    def aliases(self) -> dict[str, int]:
        if self.is_down:
            raise ConnectionError("no registry")
        return dict(self.now)

    def bundle(self, version: int) -> Bundle:
        return self.bundles[version]

    def gate_record(self, version: int) -> dict:
        return sign({"version": version, "promote": version != REFUSED, "reason": "so it was judged", "checks": []})

    def switch(self, version: int) -> None:
        self.now["champion"] = version


class ChangedRecord(Registry):
    """A registry in which somebody turned a no into a yes."""

    def gate_record(self, version: int) -> dict:
        return {**super().gate_record(REFUSED), "promote": True}


def empty_world() -> World:
    nothing = {name: pl.DataFrame(schema=feed.polars_schema) for name, feed in s.FEEDS.items()}
    return World(**nothing, planes=pl.DataFrame(schema=s.PLANES))


def home_of(tmp_path: Path, registry: Registry, **settings: object) -> Context:
    """A home in which versions 1 and 2 were promoted, and 2 is served."""
    context = Context(load_settings(home=tmp_path / "home", **settings))
    context.registry = registry
    for week, version in (("2013-02-04", 1), (WEEK, 2)):
        context.journal.record(week, "promote", {"champion": version, "promoted": True})
        context.journal.record(week, "score", {"version": version})
    state = prepare_state(empty_world())
    for week in (WEEK, NEXT_WEEK):
        write_snapshot(context.store, Week.from_id(week), state)
    export_week(context, 2, Week.from_id(WEEK))
    return context


@pytest.fixture
def context(tmp_path) -> Context:
    return home_of(tmp_path, Registry())


def served(context: Context, pointer: str = POINTER) -> int | None:
    found = pointed(context.store, pointer)
    return found and found.version


def promote(context: Context, version: int) -> None:
    context.registry.now["champion"] = version
    context.journal.record(NEXT_WEEK, "promote", {"champion": version, "promoted": True})


def log_answers(context: Context, count: int, version: int, beside: int, failed: bool = False) -> None:
    """Append answers of a version beside which another one scored, or failed, to the prediction log."""
    folder = context.store.make_folder(FOLDER)
    made = len(list(folder.glob("*.jsonl")))
    lines = []
    for number in range(count):
        document = {
            "id": f"{version}-{beside}-{made}-{number}",
            "latency_ms": 1.0,
            "kind": "predict",
            "version": version,
            "role": "champion",
            "shadow": None if failed else {"version": beside, "probability": [0.21]},
            "failed": {"version": beside, "why": "ValueError"} if failed else None,
            "answer": {"decision_threshold": 0.25, "flight_id": "a", "probability_late": 0.2},
        }
        lines.append(json.dumps(document))
    with (folder / "000001.jsonl").open("a") as file:
        file.write("\n".join(lines) + "\n")


class Loader:
    """A log of so many pages, in place of `load_log`; with 0 pages the database is gone."""

    def __init__(self, pages: list[int]) -> None:
        self.pages = pages

    def __call__(self, store: Store, engine: object, most_pages: int) -> int:
        if not self.pages:
            raise ConnectionError("no database")
        return sum(self.pages.pop(0) for _ in range(most_pages))


@contextmanager
def held(store: Store):
    with Store(store.home).exclusively():
        yield


def test_a_champion_that_the_registry_changed_answers_after_the_next_step(context):
    promote(context, 3)

    told = Agent(context).step()

    assert (served(context), served(context, PREVIOUS)) == (3, 2)
    assert told == ["version 3 answers after version 2"]


def test_a_page_is_loaded_each_step_and_nothing_is_waited_for_while_there_are_more(context, monkeypatch):
    monkeypatch.setattr(agent_module, "load_log", Loader([5, 3, 0]))
    waits = []

    def is_over(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) > 4

    run(Agent(context), is_over, 1, print)

    assert waits == [1, 0, 0, 1, 1], "after the last page, and when loading fails, there is time again"


def test_a_step_without_anything_to_do_changes_nothing(context):
    before = context.store.mark(POINTER)

    assert Agent(context).step() == []
    assert context.store.mark(POINTER) == before


@pytest.mark.parametrize("registry", [Registry, ChangedRecord], ids=["refused", "changed"])
def test_a_version_that_the_gate_did_not_let_in_never_answers(tmp_path, registry, caplog):
    context = home_of(tmp_path, Registry())
    context.registry = registry()
    context.registry.now["champion"] = REFUSED

    Agent(context).step()

    assert served(context) == 2
    assert "follow failed" in caplog.text


def test_a_new_week_is_served_and_a_chosen_one_stays(context):
    context.journal.record(NEXT_WEEK, "score", {"version": 2})

    Agent(context, stays_in_week=True).step()
    stayed = pointed(context.store, POINTER).week
    Agent(context).step()

    assert (stayed, pointed(context.store, POINTER).week) == (WEEK, NEXT_WEEK)


def test_a_snapshot_that_is_gone_is_made_again_from_the_feeds_when_they_are_there(context, monkeypatch):
    context.store.remove(snapshot_path(Week.from_id(WEEK)))
    told = Agent(context).step()
    nothing = context.store.mark(snapshot_path(Week.from_id(WEEK)))
    monkeypatch.setattr(Context, "world", lambda self, week: empty_world())

    Agent(context).step()

    assert (told, nothing) == ([], None)
    assert context.store.mark(snapshot_path(Week.from_id(WEEK))) is not None


def test_a_registry_that_is_down_changes_nothing_and_is_told(context, caplog):
    context.registry.is_down = True

    Agent(context).step()

    assert served(context) == 2
    assert "no registry" in caplog.text


def test_a_registry_that_is_back_is_told_and_so_is_its_next_outage(context, caplog):
    agent = Agent(context)
    told = []
    for is_down in (True, True, False, True):
        context.registry.is_down = is_down
        told.append(agent.step())

    assert told == [[], [], ["follow works again"], []]
    assert caplog.text.count("no registry") == 2


def test_a_rollback_moves_traffic_registry_and_records_and_goes_forth_again_only_by_name(context):
    done = roll_back(context, "a drill")

    assert (done.version_before, done.version, done.is_recorded) == (2, 1, True)
    assert (served(context), served(context, PREVIOUS)) == (1, 2)
    assert context.registry.now["champion"] == context.answering_version() == context.champion() == 1
    assert context.ledger.entries()[-1]["reason"] == "a drill"
    with pytest.raises(NothingToGoBackTo, match="run: preflight rollback --to 2"):
        roll_back(context, "again")
    assert roll_back(context, "and back", to=2).version == 2
    assert context.answering_version() == context.champion() == 2


def test_a_rollback_where_nothing_was_served_yet_says_which_version_it_leaves(context):
    context.store.remove(POINTER)

    done = roll_back(context, "at night", to=1)

    assert (done.version_before, done.version) == (2, 1)
    assert (context.ledger.entries()[-1]["from"], served(context)) == (2, 1)


def test_a_version_that_was_refused_never_takes_over_whoever_asks_for_it(context):
    with pytest.raises(PromotionRefused):
        roll_back(context, "a drill", to=REFUSED)

    assert (served(context), context.registry.now["champion"], context.store.read_json(HELD)) == (2, 2, None)


def test_what_was_decided_of_a_rollout_that_was_stopped_meanwhile_is_not_done(context):
    stage = rollout.begin(context, "canary", 3, 0.0, ("", 0))
    rollout.stop(context, "by hand")
    rollout.begin(context, "shadow", REFUSED, 0.0, ("", 0))

    done = [
        rollout.carry_out(context, stage, RolloutDecision(action, 0.25, "late"), ("", 0))
        for action in ("advance", "finish", "stop")
    ]

    assert done == [False, False, False]
    assert (served(context), context.store.read_json(PLAN)["challenger"]) == (2, REFUSED)


def test_a_rollout_is_not_begun_beside_another(context):
    rollout.begin(context, "shadow", 1, 0.0, ("", 0))

    with pytest.raises(UsageError, match="run: preflight rollout stop"):
        rollout.begin(context, "shadow", 3, 0.0, ("", 0))


def test_the_data_side_settles_what_it_has_begun_whatever_was_switched_since(context):
    roll_back(context, "a drill")

    settle_rows(context)


@pytest.mark.parametrize("spoil", [lambda store: store.remove(POINTER), lambda store: store.write_text(POINTER, "{")])
def test_a_pointer_that_is_gone_or_spoilt_is_written_again(context, spoil):
    spoil(context.store)

    (told,) = Agent(context).step()

    assert "version 2 answers" in told
    assert served(context) == 2


def test_a_promotion_after_a_rollback_counts_again(context):
    roll_back(context, "a drill")
    promote(context, 3)

    assert context.champion() == 3


def test_without_a_version_before_there_is_no_rollback(context):
    context.store.remove(PREVIOUS)

    with pytest.raises(NothingToGoBackTo, match="no version before"):
        roll_back(context, "a drill")


def test_a_rollback_beside_a_working_process_moves_traffic_at_once_and_the_records_when_it_is_free(context):
    with held(context.store):
        done = roll_back(context, "a drill")
        Agent(context).step()
        during = (served(context), context.registry.now["champion"])
    Agent(context).step()

    assert not done.is_recorded
    assert "the registry follows" in done.sentence()
    assert during == (1, 2)
    assert (served(context), context.registry.now["champion"], context.champion()) == (1, 1, 1)


def test_a_switch_killed_before_its_records_is_recorded_by_the_next_step_once(context, monkeypatch):
    monkeypatch.setattr(Registry, "switch", lambda self, version: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        roll_back(context, "a drill")
    monkeypatch.undo()

    Agent(context).step()
    settle(context)

    assert (served(context), context.registry.now["champion"]) == (1, 1)
    assert [entry["action"] for entry in context.ledger.entries()] == ["switch"]
    assert context.store.read_json(HELD) is None


def test_only_one_process_changes_who_answers(context):
    with context.store.exclusively("serving"):
        assert Agent(context).step() == []
        with pytest.raises(BusyError):
            rollout.begin(Context(context.settings), "shadow", 3, 0.0, ("", 0), wait_seconds=0)


def test_any_version_may_be_a_shadow_and_only_one_that_was_let_in_may_answer(context):
    stage = rollout.begin(context, "shadow", REFUSED, 0.0, ("", 0))

    assert (stage.plan.challenger, served(context, CHALLENGER)) == (REFUSED, REFUSED)
    rollout.stop(context, "seen")
    for mode in ("canary", "ab"):
        with pytest.raises(PromotionRefused, match="may not answer"):
            rollout.begin(context, mode, REFUSED, 0.5, ("", 0))


def test_the_champion_is_not_tried_beside_itself(context):
    with pytest.raises(UsageError, match="is the champion"):
        rollout.begin(context, "canary", 2, 0.0, ("", 0))


def test_with_canaries_a_new_champion_answers_a_share_more_and_more_and_all_in_the_end(tmp_path):
    context = home_of(tmp_path, Registry(), canary=True)
    promote(context, 3)
    agent, shares = Agent(context), []

    agent.step()
    for _ in range(4):
        shares.append(context.store.read_json(PLAN)["share"])
        log_answers(context, 600, version=2, beside=3)
        log_answers(context, 600, version=3, beside=2)
        agent.step()

    assert shares == [0.05, 0.25, 0.5, 1.0]
    assert (served(context), served(context, PREVIOUS), context.store.read_json(PLAN)) == (3, 2, None)
    assert context.champion() == 3
    assert agent.step() == []


def test_a_canary_that_fails_is_stopped_and_the_version_before_is_champion_again(tmp_path):
    context = home_of(tmp_path, Registry(), canary=True)
    promote(context, 3)
    agent = Agent(context)
    agent.step()
    log_answers(context, 300, version=2, beside=3, failed=True)

    (told,) = agent.step()

    assert "stop, failures" in told
    assert (served(context), context.store.read_json(PLAN)) == (2, None)
    assert context.registry.now["champion"] == context.champion() == 2
    assert "failures" in context.ledger.entries()[-1]["reason"]
    assert agent.step() == []


def test_a_canary_is_stopped_by_hand_although_its_pointer_is_gone(tmp_path):
    context = home_of(tmp_path, Registry(), canary=True)
    promote(context, 3)
    Agent(context).step()
    context.store.remove(POINTER)

    assert rollout.stop(context, "by hand")

    assert context.store.read_json(PLAN) is None
    assert context.registry.now["champion"] == 2


def test_a_canary_without_enough_answers_waits(tmp_path):
    context = home_of(tmp_path, Registry(), canary=True)
    promote(context, 3)
    agent = Agent(context)
    agent.step()
    log_answers(context, 20, version=3, beside=2)

    assert agent.step() == []
    assert context.store.read_json(PLAN)["share"] == 0.05


def test_a_shadow_that_fails_is_stopped_and_changes_nothing_else(context):
    rollout.begin(context, "shadow", 3, 0.0, ("", 0))
    log_answers(context, 300, version=2, beside=3, failed=True)

    (told,) = Agent(context).step()

    assert "shadow of version 3: stop" in told
    assert (served(context), context.store.read_json(PLAN), context.ledger.entries()) == (2, None, [])


def test_a_promotion_during_a_shadow_ends_it(context):
    rollout.begin(context, "shadow", 1, 0.0, ("", 0))
    promote(context, 3)

    Agent(context).step()

    assert (served(context), context.store.read_json(PLAN)) == (3, None)


def test_news_of_flows_and_rollbacks_are_exposed_once(context):
    agent = Agent(context)
    agent.step()
    before, written = context.store.read_bytes(FLOWS), context.store.mark(FLOWS)

    agent.step()
    stayed = context.store.mark(FLOWS)
    roll_back(context, "tried")
    agent.step()

    assert stayed == written
    assert b"preflight_rollbacks_total 0" in before
    assert b"preflight_rollbacks_total 1" in context.store.read_bytes(FLOWS)
