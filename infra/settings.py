"""Every setting of the project in one frozen class, each overridable by `PREFLIGHT_<NAME>`. Holds no rules."""

import os
import re
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from infra.errors import PreflightError

LOCAL, DASK = "local", "dask"
SCHEDULER = re.compile(r"tcp://[\w.-]+:\d{1,5}", re.ASCII)
DATABASES = ("sqlite:", "postgresql:", "postgresql+psycopg:")
SHORTEST_KEY = 16
SECRET = ("predictions_url", "api_key", "backup_databases")
"""Settings whose value may hold a password: it is never said, printed or logged."""
FREE = (
    *("home", "source", "port", "pseudonym_key", "tracking_uri", "api_key", "engine"),
    *("workers", "max_in_flight", "drain_seconds", "canary", "predictions_url"),
    *("log_segment_mb", "log_backlog_mb", "remembered_requests", "evidently_reports"),
    *("backup_databases", "backup_folders"),
)
"""Settings that may change during a life: they say where and how it is lived, and not what comes of it."""


class SettingsError(PreflightError, ValueError):
    """A setting has a value it cannot have."""


class Settings(BaseSettings):
    """Where things are and how large the steps of the year are."""

    model_config = SettingsConfigDict(env_prefix="PREFLIGHT_", frozen=True, extra="forbid")

    home: Path = Field(Path("var"), description="folder of everything the system writes")
    pseudonym_key: Path = Field(
        Path("secrets/pseudonym.key"), description="file with the key of pseudonyms; relative: under the home folder"
    )
    source: Path | None = Field(None, description="folder with the five source files; none: the installed package")
    first_day: date = Field(date(2013, 1, 1), description="first local day of the data")
    first_scored_week: date = Field(date(2013, 4, 1), description="Monday from which every flight is scored")
    last_day: date = Field(date(2013, 12, 31), description="last local day of the data")
    history_days: int = Field(45, ge=31, le=366, description="days of feeds that features may look back on")
    gate_days: int = Field(14, ge=7, le=60, description="newest days, kept from training, on which the gate judges")
    calibration_days: int = Field(
        14, ge=2, le=60, description="days before those, on which probabilities are calibrated"
    )
    fold_days: int = Field(14, ge=2, le=60, description="days of each slice on which hyperparameters are tuned")
    folds: int = Field(3, ge=1, le=12, description="slices on which hyperparameters are tuned, where history allows")
    gate_confidence: float = Field(0.8, gt=0.5, lt=1, description="one-sided confidence a log-loss gain needs")
    gate_least_gain: float = Field(0.004, ge=0, le=1, description="log loss that a challenger has to gain at least")
    cost_missed_late: float = Field(3.0, gt=0, description="cost of a late flight nobody was warned of")
    cost_false_alarm: float = Field(1.0, gt=0, description="cost of a warning about a flight in time")
    retrain_every_weeks: int = Field(4, ge=1, le=52, description="weeks after which a fresh challenger is due")
    rest_after_refusal_weeks: int = Field(2, ge=1, le=52, description="the same after a refused challenger")
    retrain_cooldown_weeks: int = Field(2, ge=1, le=52, description="weeks between two trainings at least")
    recent_window_weeks: int = Field(13, ge=4, le=52, description="weeks a challenger sees that forgets the past")
    tune_every_weeks: int = Field(13, ge=1, le=52, description="weeks after which hyperparameters are searched again")
    tune_trials: int = Field(12, ge=0, le=1000, description="trials of a search for hyperparameters; 0: the defaults")
    tune_trials_again: int = Field(
        8, ge=0, le=1000, description="trials of a search that begins with the best of the last"
    )
    tune_seconds: float = Field(300, gt=0, description="seconds after which a search starts no further trial")
    forests: int = Field(2, ge=1, le=32, description="forests that the model is the average of")
    trees: int = Field(80, ge=1, le=2000, description="boosting rounds of each")
    training_threads: int = Field(1, ge=1, le=64, description="OpenMP threads of a fit; above 2 sums lose their order")
    evidently_reports: int = Field(12, ge=1, le=1000, description="Evidently reports that are kept, 4 MB each")
    seed: int = Field(2013, ge=0, description="seed of every random choice")
    engine: str = Field(LOCAL, description="what maps over weeks: local, dask, or a Dask scheduler's tcp://host:port")
    workers: int = Field(2, ge=1, le=64, description="worker processes of the prediction service")
    max_in_flight: int = Field(64, ge=1, le=10_000, description="requests a worker takes at once; more get a 429")
    drain_seconds: float = Field(2, ge=0, le=300, description="seconds a service that ends still answers, not ready")
    log_segment_mb: int = Field(
        64, ge=1, le=4000, description="MB after which the prediction log goes on in a new file"
    )
    log_backlog_mb: int = Field(2000, ge=1, description="MB of answers not yet loaded, above which none is given")
    remembered_requests: int = Field(200_000, ge=1000, description="request ids that a worker knows the answer of")
    canary: bool = Field(False, description="a new champion answers 5, 25, 50, 100 % in turn, and not all at once")
    predictions_url: str | None = Field(
        None,
        repr=False,
        description="database that the prediction log is loaded into, as SQLAlchemy names it; none: SQLite",
    )
    tracking_uri: str | None = Field(
        None, description="address of the MLflow server with runs, models and aliases; none: SQLite, files beside it"
    )
    api_key: SecretStr | None = Field(
        None, description="what X-Api-Key has to hold where X-Model-Version pins a model; none: nobody asks"
    )
    backup_databases: tuple[str, ...] = Field(
        (),
        repr=False,
        description="PostgreSQL databases that a backup holds beside the home folder, as a JSON list of URLs",
    )
    backup_folders: tuple[Path, ...] = Field(
        (), description="folders that a backup holds beside the home folder, as a JSON list"
    )
    port: int = Field(3000, ge=1024, le=65535, description="loopback port of the prediction service")

    @field_validator("home")
    @classmethod
    def _is_a_folder_of_its_own(cls, home: Path) -> Path:
        if home == Path():
            raise ValueError("expected a folder of its own, not the current one")
        return home

    @field_validator("engine")
    @classmethod
    def _is_an_engine(cls, engine: str) -> str:
        if engine not in (LOCAL, DASK) and not SCHEDULER.fullmatch(engine):
            raise ValueError(f"expected {LOCAL}, {DASK} or the address of a Dask scheduler, tcp://host:port")
        return engine

    @field_validator("first_scored_week")
    @classmethod
    def _is_a_monday(cls, day: date) -> date:
        if day.weekday() != 0:
            raise ValueError("expected a Monday")
        return day

    @field_validator("tracking_uri")
    @classmethod
    def _is_a_server(cls, uri: str | None) -> str | None:
        if uri is not None and not uri.startswith(("http://", "https://")):
            raise ValueError("expected the http:// or https:// address of a server")
        return uri

    @field_validator("api_key")
    @classmethod
    def _is_long(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(f"expected at least {SHORTEST_KEY} characters; make secrets makes one")
        return key

    @field_validator("predictions_url", "backup_databases", mode="after")
    @classmethod
    def _are_databases(cls, urls: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        for url in (urls,) if isinstance(urls, str) else urls or ():
            if not url.startswith(DATABASES):
                raise ValueError(f"expected an address that begins with one of {', '.join(DATABASES)}")
        return urls

    @model_validator(mode="after")
    def _leaves_days_to_learn_and_to_score(self) -> "Settings":
        earliest = self.first_day + timedelta(days=2 * self.gate_days)
        if not earliest <= self.first_scored_week <= self.last_day:
            raise ValueError(
                f"expected PREFLIGHT_FIRST_SCORED_WEEK from {earliest} (as many days to learn from as "
                f"PREFLIGHT_GATE_DAYS to judge on) to PREFLIGHT_LAST_DAY, {self.last_day}; got {self.first_scored_week}"
            )
        return self


def load_settings(**overrides: Any) -> Settings:
    """The settings from the environment, `overrides` first; paths made absolute.

    Raises SettingsError, naming every variable that has a wrong value or is not a setting.
    """
    problems = _unknown_variables()
    try:
        settings = Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise SettingsError("; ".join(problems + [_readable(problem) for problem in error.errors()])) from error
    if problems:
        raise SettingsError("; ".join(problems))
    source = settings.source.absolute() if settings.source else None
    return settings.model_copy(update={"home": settings.home.absolute(), "source": source})


def _unknown_variables() -> list[str]:
    """A sentence per variable of ours that is none of the fields: pydantic-settings leaves those alone."""
    prefix, known = Settings.model_config["env_prefix"].lower(), Settings.model_fields
    ours = sorted(name for name in os.environ if name.lower().startswith(prefix))
    names = ", ".join(known)
    return [f"{name} is not a setting; they are {names}" for name in ours if name.lower()[len(prefix) :] not in known]


def _readable(problem: Mapping[str, Any]) -> str:
    words = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return words
    name = str(problem["loc"][0])
    got = "something else (it may be a secret)" if name in SECRET else repr(str(problem["input"]))
    return f"PREFLIGHT_{name.upper()}: {words[0].lower()}{words[1:]}, got {got}"
