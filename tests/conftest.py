"""What all tests share: silent tools, properties that try the same examples, the real feeds, one short life."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import hypothesis
import polars as pl
import pytest
from small_service import SmallHome, make_small_home

from data_checks import schema as s
from data_checks.feeds import split_feeds
from infra.orchestrator import prefect_server
from infra.registry_place import keep_own_files
from infra.settings import Settings, load_settings
from infra.source import open_source
from pipelines.context import Context
from pipelines.state import World
from preflight.cli import main
from preflight.session import prepare
from preflight.show import NARROWEST

TOOLS_HOME = Path(tempfile.gettempdir(), f"preflight-tests-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}")
TOOLS_HOME.mkdir(exist_ok=True)  # Prefect warns at import when the folder above its own is missing
prepare(load_settings(home=TOOLS_HOME), verbose=False)

hypothesis.settings.register_profile("preflight", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("preflight")

SHORT_YEAR = {
    "first_scored_week": date(2013, 2, 4),
    "last_day": date(2013, 3, 10),
    "trees": 10,
    "calibration_days": 5,
    "fold_days": 5,
    "retrain_every_weeks": 2,
}
"""Five weeks to learn from and five to score: two challengers beside the first champion."""

ROOT = Path(__file__).resolve().parents[1]
INHERITED = ("PREFECT_HOME", "BENTOML_HOME", "MPLCONFIGDIR")


@dataclass(frozen=True)
class Life:
    """A home folder in which a replay has come to its end, and what it printed."""

    settings: Settings
    printed: dict

    @property
    def context(self) -> Context:
        return Context(self.settings)


def environment(home: Path, **settings: object) -> dict[str, str]:
    """The variables of a command that lives the short year under `home`."""
    chosen = {"home": home, **SHORT_YEAR, **settings}
    without_ours = {name: value for name, value in os.environ.items() if name not in INHERITED}
    width = {"COLUMNS": str(NARROWEST)}  # readline tells a pytest worker 80, whoever looks
    return without_ours | width | {f"PREFLIGHT_{name.upper()}": str(value) for name, value in chosen.items()}


def preflight(home: Path, *arguments: str, timeout: float = 900, **settings: object) -> subprocess.CompletedProcess:
    """Run a command as a user would and return how it ended; `settings` are those of `PREFLIGHT_...`."""
    return subprocess.run(
        [sys.executable, "-m", "preflight", *arguments],
        env=environment(home, **settings),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@pytest.fixture
def run_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess]:
    """As `preflight`, inside this process, where the tools are imported once."""

    def ended(home: Path, *arguments: str, **settings: object) -> subprocess.CompletedProcess:
        for name, value in environment(home, **settings).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["preflight", *arguments])
        with pytest.raises(SystemExit) as exit:
            main()
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, exit.value.code, said.out, said.err)

    return ended


@pytest.fixture
def run_flow(prefect_url: str, run_here: Callable, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """As `run_here`, on a Prefect server that many tests share."""
    monkeypatch.setenv("PREFECT_API_URL", prefect_url)
    return run_here


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """The short year, lived once for all tests; nobody writes to it."""
    home = tmp_path_factory.mktemp("lived")
    ended = preflight(home, "replay", "--json", timeout=900)
    assert ended.returncode == 0, ended.stderr
    return Life(load_settings(home=home, **SHORT_YEAR), json.loads(ended.stdout))


@pytest.fixture(scope="session")
def prefect_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prefect server that runs as long as the tests."""
    with prefect_server(tmp_path_factory.mktemp("prefect")) as server:
        server.wait()
        yield server.url


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation, built once for all tests as `make site` builds it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    silent = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    ended = subprocess.run(command, cwd=ROOT, env=silent, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "WARNING" not in ended.stderr
    return folder


@pytest.fixture
def lived_copy(lived: Life, tmp_path: Path) -> Life:
    """A copy of the short year to write to."""
    home = tmp_path / "home"
    shutil.copytree(lived.settings.home, home)
    keep_own_files(home / "mlflow")
    return Life(load_settings(home=home, **SHORT_YEAR), lived.printed)


@pytest.fixture(scope="session")
def source_tables() -> dict[str, pl.DataFrame]:
    """The five tables of the installed data package."""
    return open_source(None, s.SOURCE_COLUMNS).tables(s.SOURCE_COLUMNS)


@pytest.fixture(scope="session")
def feeds(source_tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """All feeds and reference tables of 2013."""
    return split_feeds(source_tables)


@pytest.fixture(scope="session")
def small_home(feeds: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> SmallHome:
    """Small models over one real week, for the service; nobody writes to it."""
    year = World(**{name: feeds[name] for name in s.FEEDS}, planes=feeds["planes"])
    return make_small_home(tmp_path_factory.mktemp("small") / "home", year)


@pytest.fixture
def small_copy(small_home: SmallHome, tmp_path: Path) -> SmallHome:
    """A copy of the small home to write to, and to answer from."""
    return small_home.copy(tmp_path / "home")
