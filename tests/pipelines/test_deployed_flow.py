"""A flow as a worker runs it: it waits for whoever holds the home, and holds it while it runs."""

import threading
import time

import pytest
from prefect import flow

from infra.flow_runs import talking_to
from infra.settings import Settings
from infra.storage import BusyError, Store
from pipelines.context import open_context
from pipelines.deployed_flow import deployed
from pipelines.quarantine import Selection
from pipelines.quarantine_flow import discard

seen: list[tuple[str, bool]] = []


@flow(name="look-around", flow_run_name="look-around-{week}")
def look_around(week: str, settings: Settings | None = None) -> str:
    """What the home looks like from within."""
    try:
        with Store(settings.home).exclusively():
            seen.append((week, False))
    except BusyError:
        seen.append((week, True))
    return str(settings.home)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home that the environment names, as it does for a worker."""
    monkeypatch.setenv("PREFLIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("pipelines.deployed_flow.expose", lambda *_: None)
    open_context.cache_clear()
    seen.clear()
    yield Store(tmp_path / "home")
    open_context.cache_clear()


def test_a_deployed_flow_holds_the_home_while_it_runs(home, prefect_url):
    with talking_to(prefect_url):
        said = deployed(look_around)(week="2013-07-01")

    assert (said, seen) == (str(home.home), [("2013-07-01", True)])


def test_a_deployed_flow_waits_for_whoever_holds_the_home(home, prefect_url):
    let_go = threading.Event()

    def hold() -> None:
        with home.exclusively():
            let_go.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    threading.Timer(3, let_go.set).start()
    began = time.monotonic()
    with talking_to(prefect_url):
        deployed(look_around)(week="2013-07-01")
    holder.join()

    assert (let_go.is_set(), seen, time.monotonic() - began > 2) == (True, [("2013-07-01", True)], True)


def test_everything_in_quarantine_is_never_given_up_at_once():
    with pytest.raises(Exception, match="say which rows to discard"):
        discard.fn(Selection(), "by mistake")
