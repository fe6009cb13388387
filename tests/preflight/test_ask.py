"""`preflight ask`: one flight of the plan asked of a running service, and each way in which there is no answer."""

import json
from dataclasses import replace

import pytest
from fake_service import CHAMPION, REASONS, WEEK, FakeService, home_of, listening, refusal, scores_of

from data_checks import schema as s
from infra.network import LOOPBACK, free_port
from preflight import show


@pytest.fixture
def context(tmp_path, feeds):
    return home_of(tmp_path, feeds)


@pytest.fixture
def service(context) -> FakeService:
    return FakeService(scores_of(context))


@pytest.fixture
def flight(context) -> dict:
    """A flight of the week, as its row of the plan."""
    return context.store.read_table("accepted/schedule", WEEK.id).row(100, named=True)


@pytest.fixture
def ask(context, run_here, flight):
    """Runs the command about that flight."""
    asked = (f"{flight[s.CARRIER]}{flight[s.FLIGHT_NUMBER]}", flight[s.FLIGHT_ID][:10], "--origin", flight[s.ORIGIN])
    return lambda address, *more: run_here(context.settings.home, "ask", *asked, "--address", address, *more)


def test_the_answer_of_the_service_is_shown_whole(service, ask, flight):
    with listening(service.app()) as address:
        ended = ask(f"{address}/")

    probability = service.says[flight[s.FLIGHT_ID]]
    decision = "warn" if probability >= 0.25 else "no warning"
    assert ended.returncode == 0, ended.stderr
    for words in (
        f"{probability:.1%}",
        f"version {CHAMPION}, champion",
        f"{decision}: warned from 25.0%",
        "fresh: known",
    ):
        assert words in ended.stdout
    for reason in REASONS:
        (row,) = [line for line in ended.stdout.splitlines() if line.startswith(f" {reason['words']}")]
        assert row.split()[-1] == f"{reason['contribution']:+.2f}"
        assert ("█│" in row, "│█" in row) == (reason["contribution"] < 0, reason["contribution"] > 0)
    last = f"{flight[s.FLIGHT_ID]}: version {CHAMPION} says {probability:.1%}, {decision}; most of all: it leaves early"
    assert ended.stdout.splitlines()[-1] == last


def test_json_is_the_answer_as_it_came(service, ask, flight):
    with listening(service.app()) as address:
        said = json.loads(ask(address, "--json").stdout)

    ((path, _, asked),) = service.seen
    assert (path, asked) == ("/v1/predict", [flight[s.FLIGHT_ID]])
    assert (said["flight_id"], said["reasons"]) == (flight[s.FLIGHT_ID], REASONS)
    assert said["probability_late"] == service.says[flight[s.FLIGHT_ID]]


def test_an_answer_from_the_plan_alone_without_reasons_is_shown_as_such(service, ask):
    bare = {"reasons": [], "features": {"mode": "plan_only", "known_until": None, "behind_minutes": 0.0}}
    service.spoil = lambda _, document: document | bare

    with listening(service.app()) as address:
        ended = ask(address)

    assert "plan_only: nothing but the plan was known" in ended.stdout
    assert "most of all" not in ended.stdout.splitlines()[-1]


def test_a_refusal_is_told_in_the_words_of_the_service(service, ask):
    service.spoil = lambda *_: refusal(422, "invalid_fields", "destination", "is XXX, no airport", "give an IATA code")

    with listening(service.app()) as address:
        ended = ask(address)

    told = "the service refused: 422 invalid_fields: destination: is XXX, no airport; give an IATA code"
    assert (ended.returncode, ended.stderr) == (1, f"preflight: {told}\n")


def test_a_flight_of_another_week_names_the_week_that_is_served_and_how_to_serve_another(service, ask, flight):
    with listening(replace(service, week=WEEK.plus(1)).app()) as address:
        ended = ask(address)

    assert ended.returncode == 1
    assert f"{flight[s.FLIGHT_ID]} leaves in the week of {WEEK.id}" in ended.stderr
    assert f"serves that of {WEEK.plus(1).id}; run: preflight serve --week {WEEK.id}\n" in ended.stderr


def test_where_nothing_answers_the_command_says_what_to_run(ask, run_here, context, flight):
    port = free_port()

    ended = ask(f"http://{LOOPBACK}:{port}")
    flight_asked = (f"{flight[s.CARRIER]}{flight[s.FLIGHT_NUMBER]}", flight[s.FLIGHT_ID][:10])
    by_setting = run_here(context.settings.home, "ask", *flight_asked, "--origin", flight[s.ORIGIN], port=port)

    told = f"preflight: nothing answers at http://{LOOPBACK}:{port}; run: preflight serve\n"
    assert (ended.returncode, ended.stderr) == (1, told)
    assert by_setting.stderr == told


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("UA9999", "2013-02-20"), 1, "there is no UA9999 on 2013-02-20; near it: UA"),
        (("UA1545", "2013-02-27"), 1, "run: preflight ingest 2013-02-25"),
        (("1545", "2013-02-20"), 2, "expected a carrier and a number such as UA1545"),
        (("UA1545", "2013-02"), 2, "expected a day such as 2013-07-04, got '2013-02'"),
    ],
)
def test_a_flight_that_cannot_be_meant_is_refused_before_the_service_is_asked(
    context, run_here, arguments, code, words
):
    ended = run_here(context.settings.home, "ask", *arguments)

    assert (ended.returncode, words in ended.stderr) == (code, True), ended.stderr


@pytest.mark.parametrize(
    ("share", "mark", "expected", "colour"),
    [(0.0, 0.5, "░░┃░", "green"), (0.5, 0.25, "█┃░░", "red"), (1.0, 1.0, "███┃", "red"), (0.25, 0.25, "█┃░░", "red")],
)
def test_a_share_is_drawn_beside_its_mark_and_is_red_from_the_mark_on(share, mark, expected, colour):
    bar = show.share_bar(share, mark, width=4)

    assert bar.plain == expected
    assert ("█" not in expected) or colour in {str(span.style) for span in bar.spans}


@pytest.mark.parametrize(
    ("value", "largest", "expected"),
    [(1.0, 1.0, "   │███"), (-1.0, 1.0, "███│   "), (0.34, 1.0, "   │█  "), (0.0, 0.0, "   │   ")],
)
def test_what_speaks_for_late_is_drawn_to_the_right_and_against_it_to_the_left(value, largest, expected):
    assert show.signed_bar(value, largest, width=3).plain == expected
