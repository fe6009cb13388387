"""What a user meets who brings files and looks after the quarantine."""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from conftest import environment

from data_checks import schema as s

WEEK = "2013-02-18"


def outcome(ended: subprocess.CompletedProcess) -> tuple[int, str, bool]:
    """Exit code, standard error, and whether that is a single sentence without a traceback."""
    lines = ended.stderr.strip().splitlines()
    return ended.returncode, ended.stderr, len(lines) == 1 and "Traceback" not in ended.stderr


def written(folder: Path, rows: pl.DataFrame, name: str = "file.csv") -> str:
    path = folder / name
    rows.write_csv(path)
    return str(path)


def landed_late(feeds: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Three landings of a week that has passed, half an hour later than was said first."""
    landings = feeds["outcomes"].filter(event=s.ARRIVED).filter(pl.col(s.FLIGHT_ID).str.starts_with("2013-02-20"))
    half_an_hour = pl.col(s.KNOWN_AT) + pl.duration(minutes=30)
    return landings[:3].with_columns(pl.col(s.DELAY) + 30, half_an_hour).drop(s.REVISION)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("deliver", "flights", "{file}"), 2, "expected a feed, schedule, outcomes, weather; got 'flights'"),
        (("deliver", "outcomes", "{none}"), 1, "cannot be read: No such file"),
        (("deliver", "outcomes", "{picture}"), 1, "can be read neither as CSV nor as Parquet"),
        (("deliver", "outcomes", "{empty}"), 1, "is empty"),
        (("deliver", "schedule", "{file}"), 1, "this is no schedule: it lacks the columns carrier"),
        (("deliver", "outcomes", "{file}", "--corrects", "outcomes-1"), 1, "no batch outcomes-1 has landed"),
        (("quarantine", "list", "--status", "lost"), 2, "--status: expected open, replayed, discarded, superseded"),
        (("quarantine", "list", "--week", "juli"), 2, "expected a month such as 2013-07"),
        (("quarantine", "list", "--feed", "flights"), 2, "expected a feed"),
        (("quarantine", "show", "abc"), 1, "no quarantined row has the hash abc"),
        (("quarantine", "discard", "--reason", "why not"), 2, "say which rows to discard"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_writes_nothing(feeds, run_here, tmp_path, arguments, code, words):
    files = {name: tmp_path / f"{name}.csv" for name in ("file", "none", "picture", "empty")}
    landed_late(feeds).write_csv(files["file"])
    files["picture"].write_bytes(b"PAR1\x00\x01nothing of the kind")
    files["empty"].write_bytes(b"\n")

    ended = outcome(run_here(tmp_path / "home", *(argument.format(**files) for argument in arguments)))

    assert (ended[0], words in ended[1], ended[2], (tmp_path / "home").exists()) == (code, True, True, False), ended[1]


def test_before_anything_landed_there_is_nothing_to_list(run_here, tmp_path):
    said = [run_here(tmp_path, *command).stdout for command in (("deliveries",), ("quarantine", "list"))]

    assert "0 batches landed" in said[0]
    assert "0 rows in quarantine" in said[1]


def test_a_life_lists_a_batch_per_feed_and_week(lived, run_here):
    listed = json.loads(run_here(lived.settings.home, "deliveries", "--json").stdout)["deliveries"]

    events = lived.context.journal.events("validate")
    batches = [batch for event in events for feed in event["feeds"].values() for batch in feed["batches"]]
    assert sorted(entry["batch"] for entry in listed) == sorted(batches)
    assert [entry["number"] for entry in listed] == list(range(1, len(batches) + 1))
    assert all(entry["fate"]["waiting"] == 0 for entry in listed)


def test_weeks_that_have_landed_land_nothing_again_and_say_so(lived_copy, run_flow):
    before = lived_copy.context.ledger.entries()

    ended = run_flow(lived_copy.settings.home, "ingest", "2013-02-11")

    assert ended.stdout.splitlines()[-1].endswith("have landed, nothing new in 1 of 1"), ended.stderr
    assert lived_copy.context.ledger.entries() == before


def test_the_impossible_wind_of_february_can_be_looked_at_and_discarded(lived_copy, run_here, run_flow):
    home = lived_copy.settings.home
    (row,) = json.loads(run_here(home, "quarantine", "list", "--feed", "weather", "--rows", "--json").stdout)["rows"]

    ended = run_flow(home, "quarantine", "discard", "--row", row["row_hash"][:12], "--reason", "a broken vane")

    assert "discarded 1 rows: a broken vane" in ended.stdout, ended.stderr
    shown = run_here(home, "quarantine", "show", row["row_hash"][:12])
    assert "discard (entry" in shown.stdout
    assert shown.stdout.splitlines()[-1] == "discarded: wind_speed_mph between 0 and 150 mph"
    assert "1048" in shown.stdout


def test_a_replay_without_a_fix_changes_nothing_and_says_so(lived_copy, run_flow):
    before = lived_copy.context.ledger.entries()

    ended = run_flow(lived_copy.settings.home, "quarantine", "replay", "--feed", "weather")

    assert ended.stdout.splitlines()[-1] == "nothing changed: no open row passes now", ended.stderr
    assert lived_copy.context.ledger.entries() == before


def test_revised_labels_land_once_and_leave_the_event_log_as_it_was(lived_copy, feeds, run_flow, tmp_path):
    home, file = lived_copy.settings.home, written(tmp_path, landed_late(feeds).with_columns(gate=pl.lit("A7")))
    before = lived_copy.context.journal.digest()

    first, again = (run_flow(home, "deliver", "outcomes", file) for _ in range(2))

    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert first.stdout.splitlines()[0] == "left alone, not in the contract: gate"
    assert "landed 3 rows as outcomes-" in first.stdout
    assert first.stdout.splitlines()[-1].endswith(": 3 accepted")
    assert "nothing new: these 3 rows landed before as outcomes-" in again.stdout
    revised = lived_copy.context.store.read_table("accepted/outcomes", WEEK).filter(pl.col(s.REVISION) == 1)
    assert revised.height == 3
    assert lived_copy.context.journal.digest() == before
    assert len(list((home / "deliveries").iterdir())) == 1


def test_of_two_landings_at_the_same_moment_one_wins_and_the_other_says_so(lived_copy, feeds, tmp_path):
    file = written(tmp_path, landed_late(feeds))
    command = [sys.executable, "-m", "preflight", "deliver", "outcomes", file]
    home = lived_copy.settings.home

    both = [
        subprocess.Popen(command, env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=300) for process in both]

    ends = sorted(zip([process.returncode for process in both], said, strict=True))
    assert [code for code, _ in ends] == [0, 1]
    assert "landed 3 rows as outcomes-" in ends[0][1][0]
    assert "another preflight process is writing to" in ends[1][1][1]
    landings = [entry for entry in lived_copy.context.ledger.entries() if "file" in entry["origin"]]
    assert len(landings) == 1
