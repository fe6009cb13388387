"""What answers follows the pointers, and whatever does not verify leaves what answers where it is, and says why."""

import asyncio
import errno
import json
import logging
import shutil
from dataclasses import asdict, replace

import numpy as np
import orjson
import polars as pl
import pytest
from prometheus_client import REGISTRY
from small_service import CHAMPION, NEW, OLD, WEEK, InProcess, SmallHome, answering, problems_of

from data_checks import schema as s
from infra.bundle import MODEL, REASONS
from pipelines.feature_catalog import NAMES
from pipelines.snapshot import snapshot_path, write_snapshot
from pipelines.state import World, prepare_state
from pipelines.tampering import small_bundle
from services import current, worker
from services.current import PLAN, Follower
from services.model import CHALLENGER, POINTER, PREVIOUS, NothingToServe, export_model, point_to, pointed
from services.prediction_log import unpack_features

NEXT_WEEK = WEEK.plus(1)
COUNTS = ("departures_same_hour", "origin_waiting_flights", "precipitation_6h_in")


@pytest.fixture
def home(small_copy) -> SmallHome:
    return small_copy


@pytest.fixture
def service(home):
    with answering(home) as service:
        service.follow()
        yield service


def counted(name: str) -> float:
    """A metric's value, of a metric without labels."""
    return REGISTRY.get_sample_value(name)


def answered(service: InProcess, home: SmallHome, **changed: object) -> dict:
    answer = service.post("predict", home.message(**changed))
    assert answer.status_code == 200, answer.text
    return answer.json()


def card(service: InProcess) -> dict:
    service.follow()
    return service.ask("GET", "/v1/model").json()


def bundle_file(home: SmallHome, version: int, name: str):
    return home.store.path(f"serving/{home.bundles[version].sha256[:16]}", name)


def at(moment: str, hours: int = 2) -> dict:
    """A departure at a moment, and its arrival."""
    departure = np.datetime64(moment)
    return {
        "scheduled_departure": f"{departure}:00Z",
        "scheduled_arrival": f"{departure + np.timedelta64(hours, 'h')}:00Z",
    }


def used(home: SmallHome) -> dict[str, float]:
    """The features that the last answer on record was given with."""
    return dict(zip(NAMES, unpack_features(home.logged()[-1]["x"])[0].tolist(), strict=True))


def test_another_champion_answers_once_it_is_pointed_to(service, home):
    before = answered(service, home)
    home.export(NEW)
    home.export(CHAMPION, PREVIOUS)

    said = card(service)

    assert (before["model_version"], answered(service, home)["model_version"]) == (CHAMPION, NEW)
    assert said["loaded"] == {"champion": NEW, "previous": CHAMPION}
    assert said["refused"] is None


def test_without_a_change_nothing_is_loaded(service, home, monkeypatch):
    loads = []
    monkeypatch.setattr(Follower, "load", lambda follower: loads.append(follower))

    for _ in range(3):
        service.follow()
    home.store.write_text(POINTER, home.store.path(POINTER).read_text())
    service.follow()

    assert len(loads) == 1


def test_a_model_that_is_loaded_is_not_read_again_when_its_week_moves_on(service, home):
    scorer = service.worker._follower.current.champion.scorer
    bundle_file(home, CHAMPION, MODEL).unlink()
    point_to(home.store, replace(pointed(home.store, POINTER), week=NEXT_WEEK.id))

    service.follow()

    assert service.worker._follower.current.champion.scorer is scorer
    assert service.worker._follower.current.champion.served.week == NEXT_WEEK.id


def corrupt(home: SmallHome) -> None:
    path = bundle_file(home, NEW, MODEL)
    home.export(NEW)
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def cut_off(home: SmallHome) -> None:
    home.export(NEW)
    path = bundle_file(home, NEW, REASONS)
    path.write_bytes(path.read_bytes()[:100])


def gone(home: SmallHome) -> None:
    home.export(NEW)
    shutil.rmtree(bundle_file(home, NEW, MODEL).parent)


def of_other_features(home: SmallHome) -> None:
    export_model(home.store, small_bundle(1), NEW, WEEK.id)


def off_its_probe(home: SmallHome) -> None:
    served = home.export(NEW)
    point_to(home.store, replace(served, probe=tuple(said + 1e-6 for said in served.probe)))


def with_half_a_probe(home: SmallHome) -> None:
    served = home.export(NEW)
    point_to(home.store, replace(served, probe=served.probe[:3]))


def off_the_probe_of_the_loaded_one(home: SmallHome) -> None:
    served = pointed(home.store, POINTER)
    point_to(home.store, replace(served, probe=tuple(said + 1e-6 for said in served.probe)))


def without_a_pointer(home: SmallHome) -> None:
    home.store.remove(POINTER)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (corrupt, "model.onnx is not what was registered"),
        (cut_off, "reasons.npy is not what was registered"),
        (gone, "manifest.json is missing"),
        (of_other_features, "asks for 4 features"),
        (off_its_probe, "off its probe"),
        (with_half_a_probe, "off its probe"),
        (off_the_probe_of_the_loaded_one, "off its probe"),
        (without_a_pointer, "champion.json is gone"),
    ],
)
def test_what_does_not_verify_leaves_the_champion_answering_and_says_why_once(service, home, caplog, spoil, words):
    refused_before, before = counted("preflight_refused_models_total"), answered(service, home)
    spoil(home)

    for _ in range(3):
        home.export(OLD, PREVIOUS)  # something else that is followed changes
        service.follow()

    after = answered(service, home)
    assert {**after, "request_id": ""} == {**before, "request_id": ""}
    assert words in card(service)["refused"]
    assert service.worker.is_ready()
    assert counted("preflight_refused_models_total") == refused_before + 1
    (told,) = (record for record in caplog.records if words in record.message)
    assert (told.levelno, f"version {CHAMPION} goes on answering" in told.message) == (logging.ERROR, True)


def test_a_champion_that_is_off_its_probe_by_what_is_allowed_answers_and_is_ready(service, home):
    served = home.export(NEW)
    point_to(home.store, replace(served, probe=tuple(said + 1e-12 for said in served.probe)))

    assert (card(service)["model_version"], card(service)["refused"]) == (NEW, None)
    assert service.worker.is_ready()


POINTERS = {
    "nothing": "",
    "half": '{"version": 5,',
    "a list": "[1, 2]",
    "a word": '"champion"',
    "null": "null",
    "bytes": "\x00\x01",
    "no fields": "{}",
    "another field": {"stage": "Production"},
    "a version in words": {"version": "five"},
    "a version of 0": {"version": 0},
    "a number for a hash": {"sha256": 5},
    "a path for a hash": {"sha256": "../../../etc/passwd"},
    "a week that is none": {"week": "soon"},
    "a week that begins on a Tuesday": {"week": "2013-03-05"},
    "a moment that is none": {"known_until": "soon"},
    "a moment without an offset": {"known_until": "2013-03-11T04:00:00"},
    "a probe in words": {"probe": ["a", "b"]},
}


@pytest.mark.parametrize("said", POINTERS.values(), ids=POINTERS)
def test_a_pointer_that_makes_no_sense_leaves_the_champion_answering_and_is_named(service, home, said):
    served = asdict(pointed(home.store, POINTER))
    home.store.write_text(POINTER, said if isinstance(said, str) else json.dumps(served | said))

    refused = card(service)["refused"]

    assert "champion.json" in refused
    assert answered(service, home)["model_version"] == CHAMPION


def test_a_model_that_was_mended_answers(service, home):
    corrupt(home)
    assert card(service)["refused"]

    home.export(NEW)

    assert (card(service)["model_version"], card(service)["refused"]) == (NEW, None)


def test_a_model_that_the_machine_could_not_read_for_the_moment_is_tried_again(home, monkeypatch):
    follower = Follower(home.store)
    home.export(NEW)

    def fails(store, served):
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as busy:
        busy.setattr(current, "load_verified", fails)
        follower.load()
        assert (follower.current.champion.version, follower.has_changed()) == (CHAMPION, True)

    follower.load()
    assert (follower.current.champion.version, follower.has_changed()) == (NEW, False)


def test_a_worker_that_starts_falls_back_as_one_that_runs(home):
    home.export(NEW)
    with answering(home) as first:
        assert answered(first, home)["model_version"] == NEW
    path = bundle_file(home, NEW, MODEL)
    path.write_bytes(b"spoilt")
    refused_before = counted("preflight_refused_models_total")

    with answering(home) as service:
        said = card(service)

        assert answered(service, home)["model_version"] == OLD
    assert counted("preflight_refused_models_total") == refused_before + 1
    assert "model.onnx is not what was registered" in said["refused"]


def test_without_any_model_there_is_nothing_to_follow(tmp_path, home):
    with pytest.raises(NothingToServe):
        Follower(SmallHome(tmp_path, home.plan, home.bundles).store)


@pytest.mark.parametrize("pointer", [PREVIOUS, CHALLENGER])
def test_a_model_beside_the_champion_that_is_spoilt_is_left_out(service, home, caplog, pointer):
    home.store.write_text(pointer, "{")

    said = card(service)

    assert "champion" in said["loaded"]
    assert said["refused"] is None
    assert f"the {'previous' if pointer == PREVIOUS else 'challenger'} is not loaded" in caplog.text


def test_the_versions_that_can_be_pinned_are_those_that_are_loaded(service, home):
    home.try_beside("shadow")
    service.follow()

    pinned = [service.post("predict", home.message(), x_model_version=str(version)) for version in (3, 4, 5)]
    assert [answer.json()["model_version"] for answer in pinned] == [OLD, CHAMPION, NEW]

    home.store.remove(PREVIOUS)
    service.follow()
    assert service.post("predict", home.message(), x_model_version=str(OLD)).status_code == 404


def test_a_plan_is_followed_and_its_end_too(service, home):
    home.try_beside("canary", share=1.0)
    service.follow()
    assert answered(service, home)["role"] == "challenger"

    home.store.remove(PLAN)
    service.follow()
    assert answered(service, home)["role"] == "champion"


PLAN_FOR_NEW = {"mode": "canary", "challenger": NEW, "share": 1.0, "salt": "a"}
PLANS = {
    "of a version that is not loaded": PLAN_FOR_NEW | {"challenger": 77},
    "of the champion": PLAN_FOR_NEW | {"challenger": CHAMPION},
    "of a version in words": PLAN_FOR_NEW | {"challenger": "5"},
    "of another mode": PLAN_FOR_NEW | {"mode": "blue-green"},
    "of too large a share": PLAN_FOR_NEW | {"share": 1.5},
    "of a share in words": PLAN_FOR_NEW | {"share": "all"},
    "with a number for salt": PLAN_FOR_NEW | {"salt": 5},
    "with another field": PLAN_FOR_NEW | {"until": "noon"},
    "that is a list": [1],
    "that is a word": "canary",
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_plan_that_cannot_be_carried_out_is_not_followed(service, home, plan):
    home.export(NEW, CHALLENGER)
    home.store.write_text(PLAN, json.dumps(plan))

    said = card(service)

    assert said["rollout"] == {"mode": "none", "challenger": None, "share": 0}
    assert said["loaded"]["challenger"] == NEW
    assert answered(service, home)["role"] == "champion"


def test_a_plan_that_is_half_written_is_not_followed(service, home):
    home.export(NEW, CHALLENGER)
    home.store.write_text(PLAN, json.dumps(PLAN_FOR_NEW)[:20])

    assert card(service)["rollout"]["mode"] == "none"


def test_a_plan_is_followed_once_its_version_is_there(service, home):
    home.store.write_json(PLAN, PLAN_FOR_NEW)
    assert card(service)["rollout"]["mode"] == "none"

    home.export(NEW, CHALLENGER)

    assert card(service)["rollout"] == {"mode": "canary", "challenger": NEW, "share": 1.0}


def test_a_snapshot_that_is_replaced_gives_new_features(service, home):
    nothing = {name: pl.DataFrame(schema=feed.polars_schema) for name, feed in s.FEEDS.items()}
    answered(service, home)
    before = used(home)

    write_snapshot(home.store, WEEK, prepare_state(World(**nothing, planes=pl.DataFrame(schema=s.PLANES))))
    service.follow()
    answer = answered(service, home)

    assert answer["features"]["mode"] == "fresh"
    assert (before[s.SEATS] > 0, np.isnan(used(home)[s.SEATS])) == (True, True)


@pytest.mark.parametrize("spoilt", [None, b"", b"not an archive", b"PK\x03\x04 half"])
def test_without_a_whole_snapshot_answers_are_of_the_plan_alone_and_say_so(service, home, spoilt):
    snapshot = home.store.path(snapshot_path(WEEK))
    whole = snapshot.read_bytes()
    fresh = answered(service, home)

    snapshot.unlink()
    if spoilt is not None:
        snapshot.write_bytes(spoilt)
    service.follow()
    alone = answered(service, home)
    known = {name for name, value in used(home).items() if value == value}
    snapshot.write_bytes(whole)
    service.follow()
    back = answered(service, home)

    assert alone["features"] == {"mode": "plan_only", "known_until": None, "behind_minutes": 0.0}
    assert known == {
        "carrier", "origin", "departure_minute_of_day", "departure_weekday", "days_from_holiday", "distance_miles",
        "scheduled_block_min",
    }  # fmt: skip
    assert fresh["features"]["mode"] == "fresh"
    assert {**back, "request_id": ""} == {**fresh, "request_id": ""}


def test_without_a_snapshot_any_departure_is_answered(service, home):
    home.store.path(snapshot_path(WEEK)).unlink()
    service.follow()

    assert answered(service, home, **at("2013-12-24T10:00"))["features"]["mode"] == "plan_only"
    assert card(service)["departures_from"] is None
    assert (home.logged()[-1]["mode"], home.logged()[-1]["week"]) == ("plan_only", None)


def test_a_worker_that_starts_without_a_snapshot_answers_and_takes_it_up(home):
    snapshot = home.store.path(snapshot_path(WEEK))
    whole = snapshot.read_bytes()
    snapshot.unlink()
    with answering(home) as service:
        assert answered(service, home)["features"]["mode"] == "plan_only"
        snapshot.write_bytes(whole)
        service.follow()

        assert answered(service, home)["features"]["mode"] == "fresh"


def test_a_snapshot_is_taken_up_while_a_model_is_refused(service, home):
    snapshot = home.store.path(snapshot_path(WEEK))
    whole = snapshot.read_bytes()
    home.store.remove(POINTER)
    snapshot.unlink()
    service.follow()
    assert answered(service, home)["features"]["mode"] == "plan_only"

    snapshot.write_bytes(whole)
    service.follow()

    assert answered(service, home)["features"]["mode"] == "fresh"


@pytest.mark.parametrize("spoilt", [None, b"not a table"])
def test_without_the_plan_of_the_week_features_are_computed_and_the_same(service, home, spoilt):
    looked_up = answered(service, home)
    (plan,) = home.store.path(f"accepted/{s.SCHEDULE.name}").rglob("*.parquet")
    plan.unlink() if spoilt is None else plan.write_bytes(spoilt)

    with answering(home) as other:
        computed = answered(other, home)

    assert {**computed, "request_id": ""} == {**looked_up, "request_id": ""}


@pytest.mark.parametrize(
    ("departure", "mode", "behind"),
    [
        ("2013-03-11T03:59", "fresh", 0),
        ("2013-03-11T04:00", "stale", 0),
        ("2013-03-11T06:30", "stale", 30),
        ("2013-03-18T03:59", "stale", 7 * 24 * 60 - 121),
    ],
)
def test_a_departure_beyond_the_snapshot_is_stale_by_so_many_minutes(service, home, departure, mode, behind):
    answer = answered(service, home, **at(departure))

    assert answer["features"] == {
        "mode": mode,
        "known_until": "2013-03-11T04:00:00+00:00",
        "behind_minutes": behind,
    }
    assert {name for name in COUNTS if np.isnan(used(home)[name])} == (set(COUNTS) if mode == "stale" else set())


@pytest.mark.parametrize("departure", ["2013-03-04T04:59", "2013-03-18T04:00", "2013-12-24T10:00", "2000-01-02T00:00"])
def test_a_departure_of_which_nothing_is_known_is_422_with_both_bounds(service, home, departure):
    answer = service.post("predict", home.message(**at(departure)))

    (problem,) = problems_of(answer)
    assert (answer.status_code, problem["field"]) == (422, "scheduled_departure")
    assert "2013-03-04 05:00 to 2013-03-18 04:00 UTC" in problem["problem"]


def test_the_metrics_say_who_serves_and_up_to_when_the_feeds_are_known(service, home):
    home.export(NEW)
    service.follow()

    assert counted("preflight_serving_version") == NEW
    assert counted("preflight_features_known_until_seconds") == WEEK.end.timestamp()


def test_what_a_worker_cannot_follow_it_survives(service, home, monkeypatch, caplog):
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.01)
    turns = []

    def broken(_: Follower) -> bool:
        turns.append(1)
        raise RuntimeError("a bug")

    monkeypatch.setattr(Follower, "has_changed", broken)

    async def follow_for_a_while() -> None:
        service.worker.start()
        async with asyncio.timeout(30):
            while len(turns) < 3:
                await asyncio.sleep(0.01)

    asyncio.run(follow_for_a_while())

    assert orjson.loads(service.post("predict", home.message()).content)["model_version"] == CHAMPION
    assert "the pointers could not be followed" in caplog.text
