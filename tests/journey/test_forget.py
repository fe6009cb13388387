"""A tail number is asked to be forgotten: it goes from everything, the past stays told, the future learns without."""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from conftest import SHORT_YEAR, Life, preflight
from polars.testing import assert_frame_equal

from data_checks import schema as s
from infra.registry_place import keep_own_files
from infra.settings import load_settings
from infra.storage import Store, content_hash
from pipelines.backfill import build_week
from pipelines.context import ERASURE, Context, ErasureUnfinished
from pipelines.delivery import deliver_file
from pipelines.erasing import ERASED_FEATURES, LEARNED_FROM_FORGOTTEN
from pipelines.erasure import begin, carry_out, finish
from pipelines.erasure_plan import ErasureRefused
from pipelines.landing import require_nothing_lost
from pipelines.model_cards import card_facts
from pipelines.rebuild import rebuild, registered
from pipelines.refitting import candidate_fit

TOOLS = ("mlflow", "gx", "prefect", "report", "cache", "logs")
"""Folders that only the whole command needs: without them a home has the data alone."""


@dataclass(frozen=True)
class Erased:
    """A home folder in which a tail number was forgotten, the life before, and how the command ended."""

    home: Path
    before: Life
    tail: str
    ended: subprocess.CompletedProcess

    @property
    def context(self) -> Context:
        return Context(load_settings(home=self.home, **SHORT_YEAR))

    def tables(self, dataset: str) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """The tables of a dataset before and after, week by week."""
        for week in self.context.all_weeks():
            if self.before.context.store.has_table(dataset, week.id):
                yield tuple(one.store.read_table(dataset, week.id) for one in (self.before.context, self.context))


def busiest_tail(life: Life) -> str:
    """The aircraft with most flights from New York."""
    weeks = [week.id for week in life.context.all_weeks()]
    tails = life.context.store.read_weeks("accepted/schedule", weeks)[s.TAIL_NUMBER].drop_nulls()
    return tails.value_counts().sort("count", s.TAIL_NUMBER)[s.TAIL_NUMBER][-1]


def leave_traces(home: Path, tail: str, schedule: pl.DataFrame) -> None:
    """What a service, a delivery and pages leave of an aircraft."""
    store = Store(home)
    store.write_text("report/explain.html", f"<td>aircraft {tail}</td>")
    store.write_text("validation/schedule/extra.json", json.dumps({"observed": f"such as {tail}"}))
    schedule.write_csv(store.make_folder("deliveries") / "came.csv")


def traces(home: Path, word: str) -> list[str]:
    """Every file in which a word stands, looked for in as many ways as there are kinds of file."""
    return [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file() and word in said_in(path)]


def said_in(path: Path) -> str:
    """Everything a file says, as text."""
    if path.suffix == ".parquet":
        rows = pl.read_parquet(path)
        return " ".join(str(value) for column in rows for value in column.unique().to_list())
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return " ".join(str(value) for array in arrays.values() if array.dtype.kind == "U" for value in array)
    if path.suffix == ".db":
        with sqlite3.connect(path) as connection:
            return "\n".join(connection.iterdump()) + path.read_bytes().decode("latin-1")
    return path.read_bytes().decode("latin-1")


def contents(home: Path) -> dict[str, bytes]:
    """Every file but the locks and what tools keep for themselves."""
    files = (path for path in home.rglob("*") if path.is_file() and not path.name.endswith((".lock", ".writable")))
    kept = (path for path in files if path.relative_to(home).parts[0] not in TOOLS)
    return {str(path.relative_to(home)): path.read_bytes() for path in kept}


@pytest.fixture(scope="module")
def erased(lived: Life, tmp_path_factory: pytest.TempPathFactory) -> Erased:
    """The busiest aircraft of the short year, forgotten; nobody writes to it."""
    home, tail = tmp_path_factory.mktemp("erased") / "home", busiest_tail(lived)
    shutil.copytree(lived.settings.home, home)
    keep_own_files(home / "mlflow")
    leave_traces(home, tail, lived.context.store.read_table("accepted/schedule", "2013-03-04"))
    assert len(traces(home, tail)) > 10
    ended = preflight(home, "forget", tail, "--yes", "--json")
    assert ended.returncode == 0, ended.stderr
    return Erased(home, lived, tail, ended)


@pytest.fixture
def erased_copy(erased: Erased, tmp_path: Path) -> Erased:
    """A copy of it to write to."""
    home = tmp_path / "home"
    shutil.copytree(erased.home, home)
    keep_own_files(home / "mlflow")
    return Erased(home, erased.before, erased.tail, erased.ended)


@pytest.fixture
def data_home(lived: Life, tmp_path: Path) -> Path:
    """A copy of the data of the short year, without the tools' folders."""
    home = tmp_path / "data"
    shutil.copytree(
        lived.settings.home, home, ignore=lambda folder, names: TOOLS if folder == str(lived.settings.home) else ()
    )
    return home


def data_context(home: Path) -> Context:
    """A fresh context, as a new process has it."""
    return Context(load_settings(home=home, **SHORT_YEAR))


def forget_data(home: Path, tail: str) -> dict:
    """What the command does, without asking and without the service's logs."""
    context = data_context(home)
    plan = begin(context, tail)
    carry_out(context, plan, tail)
    return finish(context, plan, tail)


def test_no_file_of_the_home_holds_the_tail_number(erased):
    assert traces(erased.home, erased.tail) == []


def test_the_command_says_how_much_it_erased_and_which_models_learned_from_it(erased):
    entry = json.loads(erased.ended.stdout)["entry"]

    before = pl.concat([rows for rows, _ in erased.tables("accepted/schedule")])
    assert entry["flights"] == before.filter(pl.col(s.TAIL_NUMBER) == erased.tail).height
    assert set(entry["versions"]) == {str(one["version"]) for one in erased.context.registry.versions()}


def test_its_flights_stay_as_flights_of_an_unknown_aircraft(erased):
    for before, after in erased.tables("accepted/schedule"):
        unknown = pl.when(pl.col(s.TAIL_NUMBER) != erased.tail).then(s.TAIL_NUMBER)
        assert_frame_equal(after, before.with_columns(unknown))


def test_features_of_its_flights_are_missing_and_no_other_value_moves(erased):
    changed = 0
    for (schedule, _), (before, after) in zip(
        erased.tables("accepted/schedule"), erased.tables("features"), strict=True
    ):
        its_own = pl.Series(schedule.filter(pl.col(s.TAIL_NUMBER) == erased.tail)[s.FLIGHT_ID]).implode()
        is_its_own = pl.col(s.FLIGHT_ID).is_in(its_own)
        assert_frame_equal(after.filter(~is_its_own), before.filter(~is_its_own))
        assert_frame_equal(after.drop(ERASED_FEATURES), before.drop(ERASED_FEATURES))
        assert after.filter(is_its_own).select(pl.col(ERASED_FEATURES).is_null().all()).row(0) == (True,) * len(
            ERASED_FEATURES
        )
        changed += after.filter(is_its_own).height
    assert changed > 50


def test_building_the_features_anew_gives_the_very_tables_that_were_erased_from(erased, tmp_path):
    context = erased.context

    for week in context.all_weeks():
        assert content_hash(build_week(context, Store(tmp_path), week)) == content_hash(
            context.store.read_table("features", week.id)
        )


def test_every_landed_row_is_still_accepted_or_quarantined(erased):
    for week in erased.context.all_weeks():
        require_nothing_lost(erased.context, week)


def test_the_event_log_stays_as_it_was_written(erased):
    assert erased.context.journal.digest() == erased.before.context.journal.digest()


def test_weeks_that_had_landed_land_again_as_nothing_new(erased_copy, run_flow):
    ended = run_flow(erased_copy.home, "ingest", "2013-01")

    assert (ended.returncode, "nothing new in 5 of 5" in ended.stdout) == (0, True), ended.stderr


def test_the_source_is_read_without_it(erased):
    feeds = erased.context.feeds_of_source()

    assert erased.tail not in feeds["schedule"][s.TAIL_NUMBER]
    assert erased.tail not in feeds["planes"][s.TAIL_NUMBER]


def test_a_model_that_learned_from_it_says_so_on_its_card(erased):
    context = erased.context

    assert card_facts(context, 1).erased == int(context.registry.version_tags(1)[LEARNED_FROM_FORGOTTEN]) > 0
    card = preflight(erased.home, "card", "1").stdout
    assert f"Of the flights it has seen, {card_facts(context, 1).erased} are of aircraft whose tail number" in card


def test_a_model_that_learned_from_it_is_not_called_corrupt_for_differing(erased):
    context = erased.context

    made = rebuild(context, registered(context, 1))

    assert not made.is_identical
    assert made.causes[0].startswith(f"{card_facts(context, 1).erased} of the flights it has seen are of aircraft that")
    assert [cause for cause in made.causes if "changed since" in cause] == []


def test_a_life_goes_on_after_it_and_its_next_training_learns_without(lived, tmp_path):
    tail, home = busiest_tail(lived), tmp_path / "home"
    for command in (("replay", "--until", "2013-02-10"), ("forget", tail, "--yes"), ("replay",)):
        ended = preflight(home, *command)
        assert ended.returncode == 0, ended.stderr

    context = data_context(home)
    tags = {one.pop("version"): one for one in context.registry.versions()}
    newest = context.journal.events("promote")[-1]["judged"]
    fit = candidate_fit(context, context.registry.lineage(newest))
    weeks = [week.id for week in context.all_weeks()]
    its_own = lived.context.store.read_weeks("accepted/schedule", weeks).filter(pl.col(s.TAIL_NUMBER) == tail)
    learned = fit.learned.join(its_own, on=s.FLIGHT_ID, how="semi")
    assert learned.height > 50
    assert learned.select(pl.col(ERASED_FEATURES).is_null().all()).row(0) == (True,) * len(ERASED_FEATURES)
    assert context.registry.lineage(newest)["data"] == fit.data
    assert (LEARNED_FROM_FORGOTTEN in tags[1], LEARNED_FROM_FORGOTTEN in tags[newest]) == (True, False)
    assert traces(home, tail) == []


def test_asked_again_it_changes_nothing(erased):
    before = contents(erased.home)

    ended = preflight(erased.home, "forget", erased.tail, "--yes")

    assert ended.stdout.splitlines()[-1] == f"{erased.tail} was erased before, nothing of it came back"
    assert contents(erased.home) == before


def test_a_new_delivery_lands_without_it_and_its_file_is_not_kept(erased_copy, tmp_path):
    flights = erased_copy.before.context.store.read_table("accepted/schedule", "2013-03-04")
    one = flights.filter(pl.col(s.TAIL_NUMBER) == erased_copy.tail)[:1].with_columns(pl.col(s.DISTANCE) + 1)
    one.write_csv(tmp_path / "late.csv")

    delivered = deliver_file(erased_copy.context, s.SCHEDULE, tmp_path / "late.csv")

    assert delivered["entry"]["rows"] == 1
    assert traces(erased_copy.home, erased_copy.tail) == []
    again = deliver_file(erased_copy.context, s.SCHEDULE, tmp_path / "late.csv")
    assert not again["is_new"]


def test_a_flight_of_it_is_explained_though_its_features_are_gone(erased):
    flights = erased.before.context.store.read_table("accepted/schedule", "2013-03-04")
    flight = flights.filter(pl.col(s.TAIL_NUMBER) == erased.tail).row(0, named=True)
    name = f"{flight[s.CARRIER]}{flight[s.FLIGHT_NUMBER]}"

    ended = preflight(erased.home, "explain", "flight", name, flight[s.FLIGHT_ID][:10], "--origin", flight[s.ORIGIN])

    assert (ended.returncode, "by features that were erased since" in ended.stdout) == (0, True), ended.stderr


def test_a_table_that_somebody_changed_is_not_made_right_by_erasing(lived, data_home):
    context, tail = data_context(data_home), busiest_tail(lived)
    features = context.store.read_table("features", "2013-03-04")
    context.store.write_table("features", "2013-03-04", features.with_columns(pl.col("distance_miles") + 1))

    with pytest.raises(ErasureRefused, match="features/2013-03-04 changed after being made; restore"):
        begin(context, tail)


def test_a_tail_number_that_stands_where_nothing_may_be_rewritten_is_named(lived, data_home):
    tail = busiest_tail(lived)
    context = data_context(data_home)
    context.ledger.append({"action": "discard", "feed": "schedule", "week": "2013-01-07", "rows": [], "reason": tail})

    with pytest.raises(ErasureRefused, match=rf"expected {tail} in no file .*, found it in ledger/\d+\.json; remove"):
        forget_data(data_home, tail)

    assert [entry["action"] for entry in context.ledger.entries()][-1] == "discard"


def test_a_run_that_is_killed_at_each_of_its_writes_ends_as_one_that_was_not(lived, data_home, tmp_path, monkeypatch):
    tail, twin = busiest_tail(lived), tmp_path / "twin"
    data_context(data_home).forgotten.key_of(tail)  # the same key for both
    shutil.copytree(data_home, twin)
    entry = forget_data(twin, tail)

    kills = 0
    while True:
        with monkeypatch.context() as dying:
            dying.setattr("infra.storage.os.replace", dying_at_its_second())
            try:
                found = forget_data(data_home, tail)
                break
            except Killed:
                kills += 1
        if (data_home / ERASURE).exists():
            with pytest.raises(ErasureUnfinished, match="was interrupted; run it again first: preflight forget TAIL"):
                data_context(data_home).claim_history()

    assert found == entry
    assert kills > entry["tables"] / 2
    assert contents(data_home) == contents(twin)


class Killed(BaseException):
    """The process would be gone here."""


def dying_at_its_second() -> object:
    """`os.replace` that works once."""
    calls = 0

    def replace(source: Path, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise Killed
        Path(source).rename(target)

    return replace


@pytest.mark.parametrize("wrong", ["N 1", "N14228-", "N123456789"])
def test_what_is_no_tail_number_is_wrong_usage(run_here, tmp_path, wrong):
    ended = run_here(tmp_path / "home", "forget", wrong, "--yes")

    assert (ended.returncode, "expected a tail number such as N14228" in ended.stderr) == (2, True)


def test_nothing_is_erased_before_somebody_has_said_yes(lived, data_home):
    ended = preflight(data_home, "forget", busiest_tail(lived))

    assert (ended.returncode, "What will be erased" in ended.stdout, "Aborted" in ended.stderr) == (1, True, True)
    assert not (data_home / "privacy").exists()
