"""What we rely on in BentoML: the service starts for real, answers typed messages and refuses others in words."""

import shutil
from datetime import date
from pathlib import Path

import httpx
import polars as pl
import pytest
from conftest import SHORT_YEAR, environment

from data_checks import schema as s
from infra.network import ServerDidNotStart, free_port
from infra.service_process import running_service
from infra.settings import load_settings
from infra.storage import Store
from pipelines.clock import Week, local_day
from pipelines.context import Context
from pipelines.tampering import small_bundle
from preflight.serving import compare_day
from services.model import PREVIOUS, VERIFIED, Served, export_model, exported_model, load_served
from services.parity import as_message

DAY = date(2013, 3, 8)


@pytest.fixture(scope="module")
def served_home(lived, tmp_path_factory) -> Path:
    """A copy of the short year to export to."""
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(lived.settings.home, home)
    return home


@pytest.fixture(scope="module")
def served(served_home):
    """The version that scored the last week, behind HTTP, with one day of its flights."""
    home = served_home
    context = Context(load_settings(home=home, **SHORT_YEAR))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(home).items():
            patch.setenv(name, value)
        result = compare_day(context, DAY)
        flights = context.accepted(s.SCHEDULE, Week.holding(DAY), 1)
        flights = flights.filter(local_day(s.SCHEDULED_DEPARTURE) == DAY)
        with running_service(home, free_port()) as service, httpx.Client(base_url=service.address) as client:
            yield client, flights, result


def message(flights: pl.DataFrame, **changed: object) -> dict:
    return as_message(flights.row(0, named=True)) | changed


def test_every_flight_of_a_day_gets_the_probability_of_batch_scoring(served):
    _, flights, result = served

    assert result.parity.flights == flights.height
    assert result.parity.largest_difference <= 1e-6


def test_one_flight_is_answered_with_its_id_moment_and_version(served):
    client, flights, result = served

    answer = client.post("/predict", json=message(flights)).json()

    assert answer["flight_id"] == flights[s.FLIGHT_ID][0]
    assert answer["model_version"] == result.version
    assert 0 < answer["probability_late"] < 1


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"carrier": "XX"}, "Input should be '9E'"),
        ({"flight_number": 0}, "greater than or equal to 1"),
        ({"distance_miles": 49}, "greater than or equal to 50"),
        ({"scheduled_departure": "2013-03-08T10:00:00"}, "timezone"),
        ({"scheduled_arrival": "2013-03-01T10:00:00-05:00"}, "must be after scheduled_departure"),
        ({"delay": 10}, "Extra inputs are not permitted"),
        (
            {"scheduled_departure": "2013-06-01T10:00:00-05:00", "scheduled_arrival": "2013-06-01T12:00:00-05:00"},
            "leave outside of",
        ),
    ],
)
def test_a_wrong_flight_is_refused_with_400_in_words(served, changed, words):
    client, flights, _ = served

    answer = client.post("/predict", json=message(flights, **changed))

    assert (answer.status_code, words in answer.text) == (400, True), answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"carrier": NaN}'])
def test_a_body_that_is_no_flight_is_refused_with_400(served, body):
    answer = served[0].post("/predict", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 400


def test_a_batch_has_one_to_a_thousand_flights(served):
    client, flights, _ = served
    one = message(flights)

    codes = [client.post("/predict_batch", json={"flights": [one] * count}).status_code for count in (0, 1, 1000, 1001)]

    assert codes == [400, 200, 200, 400]


def test_a_body_above_a_megabyte_is_refused_with_413(served):
    assert served[0].post("/predict", content=b" " * 1_000_001).status_code == 413


def test_the_front_page_asks_nothing_of_other_hosts(served):
    page = served[0].get("/").text

    assert "/predict" in page
    assert "http" not in page


def test_the_model_says_which_it_is_and_what_it_can_answer(served):
    client, _, result = served

    card = client.post("/model", json={}).json()

    assert card["model_version"] == result.version
    assert card["departures_from"] == "2013-03-04T05:00:00Z"
    assert card["refused"] is None


def spoil(source: Path, home: Path, verified: bool) -> Served:
    """Make a home whose newest exported model was tampered with; the one before it had been verified, or had not."""
    shutil.copytree(source, home, ignore=shutil.ignore_patterns("bentoml", "logs"))
    store = Store(home)
    last = exported_model(store)
    for fallback in (VERIFIED, PREVIOUS):
        store.path(fallback).unlink(missing_ok=True)
    if verified:
        load_served(store)
    bad = export_model(store, small_bundle(1), last.version + 1, last.week)
    store.path(bad.folder, "model.onnx").write_bytes(b"not what was registered")
    return last


def test_a_spoilt_model_leaves_the_last_verified_one_answering_and_ready(served, served_home, tmp_path):
    client, flights, _ = served
    last = spoil(served_home, tmp_path / "home", verified=True)

    with running_service(tmp_path / "home", free_port()) as service, httpx.Client(base_url=service.address) as other:
        card = other.post("/model", json={}).json()
        answers = [asked.post("/predict", json=message(flights)).json() for asked in (client, other)]
        ready = other.get("/readyz").status_code

    assert (card["model_version"], ready) == (last.version, 200)
    assert "model.onnx is not what was registered" in card["refused"]
    assert answers[0] == answers[1]
    assert "refused the exported model" in service.log.read_text()


def test_a_spoilt_model_with_none_to_fall_back_on_keeps_the_service_from_starting(served, served_home, tmp_path):
    spoil(served_home, tmp_path / "home", verified=False)

    with pytest.raises(ServerDidNotStart, match="ended with code"), running_service(tmp_path / "home", free_port()):
        pass

    (log,) = (tmp_path / "home" / "logs").glob("service-*.log")
    assert "model.onnx is not what was registered" in log.read_text()
