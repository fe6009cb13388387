"""The hot routes: every request is answered or refused in words, once, on record, by one version."""

import asyncio
import json
import logging
import math
import os
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise

import pytest
from small_service import CHAMPION, JSON, NEW, OLD, InProcess, SmallHome, answering, problems_of, spiteful_bodies

from services import exchange
from services.answering import LOG_RETRY_SECONDS
from services.exchange import MOST_BYTES
from services.hot import RETRY_SECONDS, HotRoutes
from services.messages import BatchPrediction, Explanation, FlightPrediction, ModelCard
from services.model import LEAVING, POINTER, PREVIOUS, point_to
from services.routing import Plan, arm_of

ROUTES = ("predict", "predict_batch", "explain")


@pytest.fixture
def home(small_copy) -> SmallHome:
    return small_copy


@pytest.fixture
def service(home):
    """The champion, and the one before it, over an empty log."""
    with answering(home) as service:
        yield service


def body_for(route: str, home: SmallHome) -> dict:
    return {"flights": home.messages(3)} if route == "predict_batch" else home.message()


@pytest.mark.parametrize("route", ROUTES)
def test_whatever_is_sent_is_refused_in_words_with_400_or_422_and_not_on_record(service, home, route):
    requests = [("POST", f"/v1/{route}", {"content": body, "headers": JSON}) for body in spiteful_bodies(home).values()]

    answers = dict(zip(spiteful_bodies(home), service.ask_together(requests), strict=True))

    assert {what: answer.status_code for what, answer in answers.items() if answer.status_code not in (400, 422)} == {}
    assert all(problems_of(answer) for answer in answers.values())
    assert max(len(answer.content) for answer in answers.values()) < 20_000
    assert home.logged() == []


@pytest.mark.parametrize("route", ROUTES)
def test_a_valid_request_is_answered_by_the_champion_and_put_on_record(service, home, route):
    answer = service.post(route, body_for(route, home))

    (line,) = home.logged()
    assert (answer.status_code, answer.headers["x-model-version"]) == (200, str(CHAMPION))
    assert answer.json() == line["answer"]
    assert (line["kind"], line["version"], line["role"]) == (route, CHAMPION, "champion")
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == line["id"]


def test_reasons_are_the_strongest_of_all_that_explain_the_score(service, home):
    short, full = (service.post(route, home.message()).json() for route in ("predict", "explain"))

    sizes = [abs(one["contribution"]) for one in full["reasons"]]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 0
    assert short["reasons"] == full["reasons"][:3]
    assert full["log_odds"] == pytest.approx(full["bias"] + sum(one["contribution"] for one in full["reasons"]))
    assert full["probability_late"] == pytest.approx(1 / (1 + math.exp(-full["log_odds"])))
    assert short["probability_late"] == full["probability_late"]


def test_a_flight_has_the_same_probability_alone_as_in_a_batch(service, home):
    alone = [service.post("predict", message).json() for message in home.messages(20)]
    (together,) = [service.post("predict_batch", {"flights": home.messages(20)}).json()["predictions"]]

    assert together == [{name: one[name] for name in together[0]} for one in alone]
    assert len({one["probability_late"] for one in together}) > 3


def test_a_flight_is_late_from_the_threshold_on(service, home):
    answer = service.post("predict_batch", {"flights": home.messages(500)}).json()

    threshold = answer["decision_threshold"]
    assert {one["is_late"] for one in answer["predictions"]} == {True, False}
    assert all(one["is_late"] == (one["probability_late"] >= threshold) for one in answer["predictions"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/predict", 405), ("PUT", "/v1/predict", 405), ("DELETE", "/v1/predict_batch", 405),
        ("PATCH", "/v1/explain", 405), ("PUT", "/v1/model", 405), ("BREW" * 100, "/v1/predict", 405),
        ("POST", "/v1", 404), ("POST", "/v1/", 404), ("POST", "/v1/nothing", 404), ("GET", "/v1/" + "a" * 5000, 404),
        ("POST", "/v1/../predict/x", 404), ("POST", "/v1/pre%00dict", 404), ("POST", "/v1/%F0%9F%9B%AB", 404),
    ],
)  # fmt: skip
def test_a_wrong_method_is_405_and_a_wrong_path_404(service, home, method, path, status):
    answer = service.ask(method, path, json=home.message())

    assert (answer.status_code, "allow" in answer.headers) == (status, status == 405)
    assert len(answer.content) < 500
    problems_of(answer)


@pytest.mark.parametrize(
    "kind",
    ["application/octet-stream", "application/vnd.bentoml+pickle", "text/plain", "application/x-www-form-urlencoded",
     "multipart/form-data; boundary=x", "application/jsonx", "", "\xff"],
)  # fmt: skip
def test_what_does_not_call_itself_json_is_415(service, home, kind):
    content = json.dumps(home.message()).encode()

    answer = service.ask("POST", "/v1/predict", content=content, headers={"content-type": kind.encode("latin-1")})

    assert answer.status_code == 415
    assert problems_of(answer)[0]["field"] == "Content-Type"


def test_json_may_say_its_character_set(service, home):
    content = json.dumps(home.message()).encode()

    answer = service.ask(
        "POST", "/v1/predict", content=content, headers={"content-type": "Application/JSON; charset=utf-8"}
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("name", "text"),
    [("X-Request-Id", text) for text in (b"", b"a b", b"a" * 129, b"\xff", b'"', b"a\\", "ü".encode(), b"a/b")]
    + [("X-Model-Version", text) for text in (b"", b"0", b"-1", b"1.5", b"four", b"9" * 30, b"\xb2", b"+4", b" 4")]
    + [("X-Deadline-Ms", text) for text in (b"0", b"-1", b"1e3", b"60001", b"NaN")],
)
def test_a_wrong_header_is_422_by_its_name(service, home, name, text):
    answer = service.ask("POST", "/v1/predict", json=home.message(), headers={name: text})

    assert answer.status_code == 422
    assert problems_of(answer)[0]["field"] == name


def test_an_id_that_we_give_cannot_be_foreseen_from_those_before(service, home):
    given = [service.post("predict", home.message()).json()["request_id"] for _ in range(20)]

    assert len(set(given)) == 20
    assert len({one[:6] for one in given}) > 10, "a part that stays is no secret"


@pytest.mark.parametrize("request_id", ["a", "A.b_c:d-9", "0" * 128])
def test_the_id_of_the_caller_is_that_of_the_answer_and_of_a_refusal(service, home, request_id):
    answer = service.post("predict", home.message(), x_request_id=request_id)
    refusal = service.post("predict", home.message(carrier="XX"), x_request_id=request_id)

    assert answer.json()["request_id"] == refusal.json()["request_id"] == request_id


async def megabytes(count: int, sent: list[int]) -> AsyncIterator[bytes]:
    for _ in range(count * 16):
        sent.append(65_536)
        yield b" " * 65_536


def test_of_a_body_of_eighty_megabytes_one_is_read(service):
    sent = []

    answer = service.ask("POST", "/v1/predict", content=megabytes(80, sent), headers=JSON)

    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
    assert problems_of(answer)
    assert MOST_BYTES < sum(sent) <= MOST_BYTES + 2 * 65_536


def test_a_body_may_be_as_long_as_the_limit_and_not_longer(service, home):
    text = json.dumps(home.message()).encode()

    answers = [
        service.ask("POST", "/v1/predict", content=text.ljust(MOST_BYTES + more), headers=JSON) for more in (0, 1)
    ]

    assert [answer.status_code for answer in answers] == [200, 413]


def test_a_body_in_one_piece_that_names_no_length_is_bounded_too(service, home):
    async def in_one_piece() -> AsyncIterator[bytes]:
        yield json.dumps(home.message()).encode().ljust(MOST_BYTES + 1)

    assert service.ask("POST", "/v1/predict", content=in_one_piece(), headers=JSON).status_code == 413


def test_a_body_that_says_it_is_too_long_is_not_waited_for(service):
    sent = []

    answer = service.ask(
        "POST", "/v1/predict", content=megabytes(1, sent), headers=JSON | {"content-length": str(MOST_BYTES + 1)}
    )

    assert (answer.status_code, sent) == (413, [])


def test_a_body_that_does_not_come_is_408_and_gives_its_place_back(service, home, monkeypatch):
    monkeypatch.setattr(exchange, "BODY_SECONDS", 0.05)

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    answer = service.ask("POST", "/v1/predict", content=never(), headers=JSON)

    assert (answer.status_code, answer.headers["connection"]) == (408, "close")
    assert problems_of(answer)
    assert service.routes._in_flight == 0


def call(routes: HotRoutes, messages: list[dict], **scope: object) -> list[dict]:
    """What the application sends when it receives just these messages."""
    waiting, sent = list(messages), []

    async def receive() -> dict:
        return waiting.pop(0)

    async def send(message: dict) -> None:
        sent.append(message)

    full = {
        "type": "http",
        "method": "POST",
        "path": "/v1/predict",
        "headers": [(b"content-type", b"application/json")],
    }
    asyncio.run(routes(full | scope, receive, send))
    return sent


@pytest.mark.parametrize("before", [[], [{"type": "http.request", "body": b"{", "more_body": True}]])
def test_a_caller_that_hangs_up_is_forgotten(service, home, before):
    sent = call(service.routes, [*before, {"type": "http.disconnect"}])

    assert (sent, home.logged(), service.routes._in_flight) == ([], [], 0)


@pytest.mark.parametrize(("body", "status"), [(b"", 200), (b"{}", 200), (b'{"x": 1}', 422), (b"[" * 100, 422)])
def test_the_model_may_be_asked_by_post_of_nothing(service, body, status):
    answer = service.ask("POST", "/model", content=body, headers=JSON)

    assert answer.status_code == status


def test_a_websocket_is_turned_away(service):
    assert call(service.routes, [], type="websocket") == [{"type": "websocket.close"}]


def test_the_same_id_gets_the_same_bytes_and_one_line(service, home):
    answers = [service.post("predict", home.message(), x_request_id="same") for _ in range(3)]

    assert len({answer.content for answer in answers}) == 1
    assert [answer.headers.get("x-answered-before") for answer in answers] == [None, "true", "true"]
    assert [line["id"] for line in home.logged()] == ["same"]


def test_the_same_id_gets_the_same_bytes_from_another_worker_and_after_a_swap(service, home):
    first = service.post("predict", home.message(), x_request_id="same")
    home.export(NEW)

    with answering(home) as other:
        again = other.post("predict", home.message(), x_request_id="same")
        fresh = other.post("predict", home.message(), x_request_id="other")

    assert again.content == first.content
    assert fresh.json()["model_version"] == NEW
    assert len(home.logged()) == 2


def test_the_same_id_of_requests_that_are_there_at_once_is_on_record_once(service, home):
    request = ("POST", "/v1/predict", {"json": home.message(), "headers": {"X-Request-Id": "same"}})

    answers = service.ask_together([request] * 30)

    assert len({answer.content for answer in answers}) == 1
    assert len(home.logged()) == 1


def test_an_id_that_is_known_is_answered_though_no_model_could(service, home):
    first = service.post("predict", home.message(), x_request_id="known")
    spoil(service, "champion")

    answers = [service.post("predict", home.message(), x_request_id=name) for name in ("known", "new")]

    assert [answer.status_code for answer in answers] == [200, 500]
    assert answers[0].content == first.content


@pytest.mark.parametrize("row", [0, 1])
def test_when_another_worker_was_faster_with_an_id_its_answer_is_given(service, home, monkeypatch, row):
    first = service.post("predict", home.message(0), x_request_id="raced")
    monkeypatch.setattr(service.worker._log, "find", lambda key: None)

    again = service.post("predict", home.message(row), x_request_id="raced")

    assert again.status_code == (200 if row == 0 else 409)
    assert (again.content == first.content) == (row == 0)
    assert len(home.logged()) == 1


@pytest.mark.parametrize("other", ["flight", "route", "pin"])
def test_an_id_that_was_used_for_another_request_is_409(service, home, other):
    service.post("predict", home.message(0), x_request_id="used")

    answer = {
        "flight": lambda: service.post("predict", home.message(1), x_request_id="used"),
        "route": lambda: service.post("explain", home.message(0), x_request_id="used"),
        "pin": lambda: service.post("predict", home.message(0), x_request_id="used", x_model_version=str(OLD)),
    }[other]()

    assert answer.status_code == 409
    assert problems_of(answer)[0]["field"] == "X-Request-Id"
    assert len(home.logged()) == 1


def test_a_refused_request_leaves_its_id_free(service, home):
    refused = service.post("predict", home.message(carrier="XX"), x_request_id="once")
    taken = service.post("predict", home.message(), x_request_id="once")

    assert (refused.status_code, taken.status_code) == (422, 200)


def test_ids_that_are_made_are_of_their_own_in_every_worker(service, home):
    with answering(home) as other:
        ids = [one.post("predict", home.message()).json()["request_id"] for one in (service, other) for _ in range(5)]

    assert len(set(ids)) == len(home.logged()) == 10


def test_a_version_that_is_loaded_can_be_pinned(service, home):
    answers = {version: service.post("predict", home.message(), x_model_version=str(version)) for version in (OLD, 4)}

    assert {version: answer.json()["model_version"] for version, answer in answers.items()} == {OLD: OLD, 4: 4}
    assert {answer.json()["role"] for answer in answers.values()} == {"pinned"}


def test_a_version_that_is_not_loaded_is_404_and_those_that_are_named(service, home):
    answer = service.post("predict", home.message(), x_model_version="77")

    assert answer.status_code == 404
    (problem,) = problems_of(answer)
    assert problem["remedy"] == f"ask for one of {OLD}, {CHAMPION}"


def test_a_request_whose_time_has_passed_is_504_and_not_scored(service, home):
    async def slowly() -> AsyncIterator[bytes]:
        yield b" "
        await asyncio.sleep(0.05)
        yield json.dumps(home.message()).encode()

    answers = [
        service.ask("POST", "/v1/predict", content=slowly(), headers=JSON | {"X-Deadline-Ms": allowed})
        for allowed in ("20", "60000")
    ]

    assert [answer.status_code for answer in answers] == [504, 200]
    assert problems_of(answers[0])[0]["field"] == "X-Deadline-Ms"
    assert len(home.logged()) == 1


def test_more_requests_than_may_wait_are_429_and_the_others_answered(home):
    request = ("POST", "/v1/predict", {"json": home.message()})

    with answering(home, max_in_flight=8) as service:
        crowd = service.ask_together([request] * 40)
        after = service.ask_together([request] * 8)

    refused = [answer for answer in crowd if answer.status_code == 429]
    assert Counter(answer.status_code for answer in crowd) == {429: 40 - 8, 200: 8}
    assert {answer.headers["retry-after"] for answer in refused} == {str(RETRY_SECONDS)}
    assert all(problems_of(answer) for answer in refused)
    assert {answer.status_code for answer in after} == {200}


def test_without_a_model_requests_are_503_and_told_when_to_come_again(home):
    answer = InProcess.__new__(InProcess)
    answer.routes = HotRoutes()

    refused = answer.ask("POST", "/v1/predict", json=home.message())

    assert (refused.status_code, refused.headers["retry-after"]) == (503, str(RETRY_SECONDS))
    problems_of(refused)


def test_an_answer_that_cannot_be_put_on_record_is_503_and_given_again_when_there_is_room(service, home, caplog):
    segment = home.segment
    full = os.open("/dev/full", os.O_RDWR)
    handle = service.worker._log._handle
    keep = os.dup(handle)
    os.dup2(full, handle)

    refused = [service.post("predict", home.message(row)) for row in range(3)]
    os.dup2(keep, handle)
    answer = service.post("predict", home.message())

    assert {(one.status_code, one.headers["retry-after"]) for one in refused} == {(503, str(LOG_RETRY_SECONDS))}
    assert {one.json()["error"]["code"] for one in refused} == {"log_unwritable"}
    assert [record.levelno for record in caplog.records if str(segment) in record.message] == [logging.ERROR]
    assert answer.status_code == 200
    assert len(home.logged()) == 1
    for one in (full, keep):
        os.close(one)


def test_an_id_that_cannot_be_looked_up_is_503_too(service, home, monkeypatch):
    service.post("predict", home.message(), x_request_id="first")
    log = service.worker._log
    monkeypatch.setattr(log, "_limits", replace(log._limits, segment_bytes=1))
    next_segment = home.segment.with_name("000002.jsonl")
    next_segment.mkdir()

    refused = service.post("predict", home.message(), x_request_id="second")
    next_segment.rmdir()
    answer = service.post("predict", home.message(), x_request_id="second")

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "log_unwritable")
    assert answer.status_code == 200
    assert [line["id"] for line in home.logged()] == ["first", "second"]


def test_a_log_that_is_behind_is_503(home):
    with answering(home) as service:
        log = service.worker._log
        log._is_behind, log._limits = True, replace(log._limits, backlog_bytes=-1)

        refused = service.post("predict", home.message())

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "log_behind")


def test_a_worker_that_leaves_answers_on_and_asks_its_callers_to_go(service, home):
    assert service.worker.is_ready()
    home.store.write_text(LEAVING, "")
    asyncio.run(one_poll(service))

    answers = [
        service.post("predict", home.message()),
        service.ask("GET", "/v1/model"),
        service.post("predict", home.message(carrier="XX")),
    ]

    assert not service.worker.is_ready()
    assert [answer.status_code for answer in answers] == [200, 200, 422]
    assert {answer.headers["connection"] for answer in answers} == {"close"}


async def one_poll(service: InProcess) -> None:
    """Until the worker's own loop has looked once."""
    service.worker.start()
    async with asyncio.timeout(30):
        while not service.worker._is_leaving:
            await asyncio.sleep(0.05)


class Failing:
    """A scorer that fails."""

    def __init__(self, scorer: object) -> None:
        self.manifest = scorer.manifest

    def explain(self, features: object) -> None:
        raise RuntimeError("secret words of a stack trace")

    probability = explain


def spoil(service: InProcess, role: str) -> None:
    """Let the model in a role fail at every request."""
    follower = service.worker._follower
    model = follower.current.champion if role == "champion" else follower.current.others[role]
    spoilt = replace(model, scorer=Failing(model.scorer))
    if role == "champion":
        follower.current = replace(follower.current, champion=spoilt)
    else:
        follower.current = replace(follower.current, others=follower.current.others | {role: spoilt})


@pytest.mark.parametrize("route", ROUTES)
def test_when_a_challenger_fails_the_champion_answers_and_it_is_on_record(home, route):
    home.try_beside("canary", share=1.0)
    with answering(home) as service:
        spoil(service, "challenger")

        answer = service.post(route, body_for(route, home))

    (line,) = home.logged()
    assert (answer.status_code, answer.json()["model_version"], answer.json()["role"]) == (200, CHAMPION, "champion")
    assert (line["version"], line["failed"]["version"], line["shadow"]) == (CHAMPION, NEW, None)
    assert line["failed"]["why"] == "RuntimeError: secret words of a stack trace"
    assert b"secret" not in answer.content


def test_when_a_shadow_fails_nobody_notices_and_it_is_on_record(home):
    home.try_beside("shadow")
    with answering(home) as service:
        before = service.post("predict", home.message()).json()
        spoil(service, "challenger")

        after = service.post("predict", home.message()).json()

    assert {**after, "request_id": ""} == {**before, "request_id": ""}
    assert home.logged()[1]["failed"]["version"] == NEW


@pytest.mark.parametrize("pin", [None, str(OLD)])
def test_when_the_model_that_has_to_answer_fails_it_is_500_without_a_trace_in_the_body(service, home, caplog, pin):
    spoil(service, "previous" if pin else "champion")

    answer = service.ask(
        "POST", "/v1/predict", json=home.message(), headers={"X-Model-Version": pin} if pin else {"X-Request-Id": "a"}
    )

    assert answer.status_code == 500
    assert problems_of(answer)
    assert b"secret" not in answer.content
    assert "secret words" in caplog.text
    assert home.logged() == []


def test_a_shadow_is_scored_and_logged_and_never_answers(home):
    with answering(home) as service:
        alone = service.post("predict_batch", {"flights": home.messages(200)}).json()
    home.try_beside("shadow")
    with answering(home) as service:
        beside = service.post("predict_batch", {"flights": home.messages(200)}).json()
        pinned = service.post("predict_batch", {"flights": home.messages(200)}, x_model_version=str(NEW)).json()

    shadow = home.logged()[1]["shadow"]
    assert beside["predictions"] == alone["predictions"]
    assert (beside["role"], shadow["version"]) == ("champion", NEW)
    assert shadow["probability"] == [one["probability_late"] for one in pinned["predictions"]]
    assert home.logged()[2]["shadow"] is None


@pytest.mark.parametrize("mode", ["canary", "ab"])
def test_a_share_of_the_flights_is_answered_by_the_challenger_and_always_the_same_ones(home, mode):
    home.try_beside(mode, share=0.3)
    requests = [("POST", "/v1/predict", {"json": message}) for message in home.messages(200)]

    with answering(home, max_in_flight=500) as service, answering(home, max_in_flight=500) as other:
        answers, again = ([one.json() for one in each.ask_together(requests)] for each in (service, other))

    plan = Plan(mode, NEW, 0.3, "test")
    roles = [answer["role"] for answer in answers]
    assert roles == [arm_of(answer["flight_id"], plan) for answer in answers] == [one["role"] for one in again]
    assert 30 < roles.count("challenger") < 90
    assert {(one["role"], one["model_version"]) for one in answers} == {("champion", CHAMPION), ("challenger", NEW)}
    assert {(line["version"], line["shadow"]["version"]) for line in home.logged()} == {
        (CHAMPION, NEW),
        (NEW, CHAMPION),
    }


def test_no_answer_mixes_versions_while_the_champion_is_swapped_two_hundred_times(service, home):
    flights = home.messages(200)
    served = [home.export(CHAMPION), home.export(OLD, PREVIOUS)]
    expected = {}
    for version in (OLD, CHAMPION):
        answer = service.post("predict_batch", {"flights": flights}, x_model_version=str(version)).json()
        expected[version] = answer["predictions"]

    async def swap() -> None:
        for turn in range(200):
            point_to(home.store, served[turn % 2], PREVIOUS)
            point_to(home.store, served[1 - turn % 2], POINTER)
            await asyncio.to_thread(service.follow)

    async def ask_meanwhile() -> list[dict]:
        swapping, answers = asyncio.create_task(swap()), []
        async with service.client() as client:
            while not swapping.done():
                asking = (client.post("/v1/predict_batch", json={"flights": flights}) for _ in range(4))
                answers += [answer.json() for answer in await asyncio.gather(*asking)]
        await swapping
        return answers

    answers = asyncio.run(ask_meanwhile())

    changes = sum(one["model_version"] != other["model_version"] for one, other in pairwise(answers))
    assert expected[OLD] != expected[CHAMPION]
    assert [answer for answer in answers if answer["predictions"] != expected[answer["model_version"]]] == []
    assert changes >= 20


def test_the_card_says_who_answers_what_and_by_what_right(service, home):
    home.try_beside("canary", share=0.25)
    service.follow()

    card = service.ask("GET", "/v1/model").json()

    assert (card["model_version"], card["gate"]["promote"], card["refused"]) == (CHAMPION, True, None)
    assert card["loaded"] == {"champion": CHAMPION, "challenger": NEW, "previous": OLD}
    assert card["rollout"] == {"mode": "canary", "challenger": NEW, "share": 0.25}
    assert (card["departures_from"], card["departures_before"]) == ("2013-03-04T05:00:00Z", "2013-03-18T04:00:00Z")


def test_no_tail_number_is_put_on_record(service, home):
    row = next(row for row in range(100) if home.message(row)["tail_number"])

    service.post("predict", home.message(row))
    service.post("predict", home.message(row, tail_number="N404XX"))

    text = home.segment.read_text()
    assert home.message(row)["tail_number"] not in text
    assert "N404XX" not in text


def test_answers_are_what_the_messages_promise(service, home):
    for route, form in zip(ROUTES, (FlightPrediction, BatchPrediction, Explanation), strict=True):
        answer = service.post(route, body_for(route, home))
        assert form.model_validate_json(answer.content).request_id == answer.headers["x-request-id"]
        assert set(form.model_fields) == set(answer.json())
    assert ModelCard.model_validate_json(service.ask("GET", "/v1/model").content).model_version == CHAMPION


def test_a_batch_that_goes_beyond_the_snapshot_says_so_as_a_whole(service, home):
    beyond = home.message(0, scheduled_departure="2013-03-12T10:00:00Z", scheduled_arrival="2013-03-12T12:00:00Z")

    answer = service.post("predict_batch", {"flights": [home.message(1), beyond]}).json()

    assert answer["features"]["mode"] == "stale"
    assert answer["features"]["behind_minutes"] == (24 + 4) * 60
