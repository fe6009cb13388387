"""What a user meets: exit codes, one sentence on standard error, nothing half written."""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from infra.source import package_folder


def source_files(folder: Path, **changed: bytes | None) -> Path:
    """The five source files in `folder`; `flights=b""` replaces one, `flights=None` leaves it out."""
    folder.mkdir()
    for path in package_folder().glob("*.csv*"):
        name = path.name.partition(".")[0]
        if name not in changed:
            shutil.copy(path, folder / path.name)
        elif changed[name] is not None:
            (folder / f"{name}.csv").write_bytes(changed[name])
    return folder


def outcome(ended: subprocess.CompletedProcess) -> tuple[int, str, bool]:
    """Exit code, standard error, and whether that is a single sentence without a traceback."""
    lines = ended.stderr.strip().splitlines()
    return ended.returncode, ended.stderr, len(lines) == 1 and "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ingest", "2014-07"), "there is no data for 2014-07: the year runs from 2013-01-01"),
        (("replay", "--until", "juli"), "expected a month such as 2013-07 or a day such as 2013-07-04, got 'juli'"),
        (("validate", "2013-13"), "expected a month"),
        (("train", "--as-of", "2013-02"), "--as-of: expected a day"),
        (("train", "--as-of", "2013-02-18", "--window", "lately"), "--window: expected expanding or recent"),
        (("score", "2013-01-07"), "no week of 2013-01-07 is scored"),
        (("parity", "--day", "2013-02"), "expected a day"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_sentence_and_writes_nothing(run_here, tmp_path, arguments, words):
    home = tmp_path / "home"

    code, said, one_sentence = outcome(run_here(home, *arguments))

    assert (code, words in said, one_sentence, home.exists()) == (2, True, True, False), said


def test_an_unknown_command_or_option_ends_with_2(run_here, tmp_path):
    assert [run_here(tmp_path, *wrong).returncode for wrong in (("fly",), ("ingest",), ("demo", "--fast"))] == [2, 2, 2]


def test_a_wrong_setting_ends_with_2_and_names_its_variable(run_here, tmp_path):
    code, said, one_sentence = outcome(run_here(tmp_path, "status", trees="many"))

    assert (code, "PREFLIGHT_TREES" in said, one_sentence) == (2, True, True)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"weather": None}, "weather.csv is missing from"),
        ({"planes": b""}, "planes.csv is empty"),
        ({"planes": b"tailnum,year,seats\nN1,2000,100\n"}, "planes.csv lacks the column engines"),
        ({"airlines": b"code,name\nUA,United\n"}, "airlines.csv lacks the column carrier"),
        ({"airports": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xfe"}, "airports.csv"),
        ({"planes": b"tailnum,year,seats,engines\nN1,2000,many,2\n"}, "1 values of seats are not whole numbers"),
    ],
)
def test_a_wrong_source_ends_with_1_and_lands_nothing(run_here, tmp_path, changed, words):
    home, source = tmp_path / "home", source_files(tmp_path / "source", **changed)

    code, said, one_sentence = outcome(run_here(home, "ingest", "2013-02", source=source))

    assert (code, words in said, one_sentence) == (1, True, True), said
    assert not (home / "landed").exists()


def test_a_home_that_cannot_be_written_ends_with_1_and_says_what_to_do(run_here, tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")

    code, said, one_sentence = outcome(run_here(in_the_way / "home", "ingest", "2013-02"))

    assert (code, "PREFLIGHT_HOME" in said, one_sentence) == (1, True, True), said


def test_a_second_writer_is_refused_with_1(lived_copy, run_here):
    with lived_copy.context.store.exclusively():
        code, said, one_sentence = outcome(run_here(lived_copy.settings.home, "ingest", "2013-02"))

    assert (code, "another preflight process" in said, one_sentence) == (1, True, True), said


def test_a_port_in_use_ends_with_1_and_names_who_holds_it(lived_copy, run_here):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = str(held.getsockname()[1])
        code, said, one_sentence = outcome(run_here(lived_copy.settings.home, "serve", "--port", port))

    assert (code, f"port {port} is in use by" in said, one_sentence) == (1, True, True), said


@pytest.mark.parametrize("command", [("validate", "2013-02"), ("score", "2013-02"), ("monitor", "2013-02")])
def test_a_step_before_its_turn_names_the_command_that_is_missing(run_flow, tmp_path, command):
    code, said, one_sentence = outcome(run_flow(tmp_path, *command))

    assert (code, "; run: preflight" in said, one_sentence) == (1, True, True), said


@pytest.mark.parametrize("command", ["parity", "serve", "explain", "report"])
def test_what_needs_a_life_says_so_when_there_is_none(run_here, tmp_path, command):
    code, said, one_sentence = outcome(run_here(tmp_path, command))

    assert (code, "run: preflight replay" in said, one_sentence) == (1, True, True), said


def test_other_rows_for_a_week_that_has_landed_are_refused(lived_copy, run_flow, tmp_path):
    source = source_files(tmp_path / "source", planes=b"tailnum,year,seats,engines\nN14228,1999,149,2\n")

    code, said, one_sentence = outcome(run_flow(lived_copy.settings.home, "ingest", "2013-02", source=source))

    assert (code, "was landed from other rows" in said, one_sentence) == (1, True, True), said


def test_status_says_where_the_year_is(lived, run_here):
    said = json.loads(run_here(lived.settings.home, "status", "--json").stdout)

    assert said["event_log_sha256"] == lived.printed["event_log_sha256"]
    assert said["newest_week"] == "2013-03-04"
    assert said["versions_promoted"] + said["versions_refused"] == len(lived.context.journal.events("promote"))


def test_explain_gives_the_gates_record_of_the_champion(lived_copy, run_here):
    said = json.loads(run_here(lived_copy.settings.home, "explain", "--json").stdout)

    assert "champion" in said["aliases"]
    assert said["gate"] == lived_copy.context.registry.gate_record(lived_copy.context.promoted_versions()[-1])


def test_explain_of_a_version_that_does_not_exist_names_those_that_do(lived_copy, run_here):
    code, said, one_sentence = outcome(run_here(lived_copy.settings.home, "explain", "99"))

    assert (code, "there is no version 99; known: 1, 2" in said, one_sentence) == (1, True, True), said


def test_the_doctor_finds_this_machine_well(run_here, tmp_path):
    ended = run_here(tmp_path, "doctor", "--json", port=_free_port())

    states = {finding["what"]: finding["state"] for finding in json.loads(ended.stdout)["findings"]}
    assert ended.returncode == 0, ended.stdout
    assert states["lock"] == states["data"] == states["telemetry"] == "good"


def test_help_imports_none_of_the_tools():
    code = "import sys; from preflight.cli import app; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    heavy = {"polars", "pandas", "sklearn", "prefect", "mlflow", "great_expectations", "evidently", "bentoml", "numpy"}
    assert heavy.isdisjoint(loaded)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return held.getsockname()[1]
