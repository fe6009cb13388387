"""The key of a service: to pin a version is an operator's call."""

import pytest
from small_service import OLD, SmallHome, answering, problems_of

KEY = "0123456789abcdef"


@pytest.fixture
def home(small_copy) -> SmallHome:
    return small_copy


@pytest.mark.parametrize("sent", [{}, {"x_api_key": ""}, {"x_api_key": KEY[:-1]}, {"x_api_key": KEY + "0"}])
def test_a_pin_without_the_key_is_refused_and_not_on_record(home, sent):
    with answering(home, api_key=KEY) as service:
        answer = service.post("predict", home.message(), x_model_version=str(OLD), **sent)

    assert answer.status_code == 401
    assert problems_of(answer)[0]["field"] == "X-Api-Key"
    assert KEY.encode() not in answer.content
    assert home.logged() == []


def test_a_pin_with_the_key_is_answered_by_that_version(home):
    with answering(home, api_key=KEY) as service:
        answer = service.post("predict", home.message(), x_model_version=str(OLD), x_api_key=KEY)

    assert (answer.status_code, answer.json()["model_version"]) == (200, OLD)
    assert KEY not in str(home.logged())


def test_who_pins_nothing_needs_no_key(home):
    with answering(home, api_key=KEY) as service:
        assert service.post("predict", home.message()).status_code == 200


def test_a_service_without_a_key_lets_everybody_pin(home):
    with answering(home) as service:
        assert service.post("predict", home.message(), x_model_version=str(OLD)).status_code == 200
