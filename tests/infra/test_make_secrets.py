"""Secrets that are made once, one folder per audience."""

import json
import stat

import pytest

from infra.make_secrets import AUDIENCES, DATABASES, main, make_secrets
from infra.settings import load_settings


def contents(folder) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_second_call_makes_nothing_and_changes_nothing(tmp_path):
    make_secrets(tmp_path)
    before = contents(tmp_path)

    assert make_secrets(tmp_path) == []
    assert contents(tmp_path) == before


def test_what_a_kill_left_out_is_made_from_what_is_there(tmp_path):
    make_secrets(tmp_path)
    before = contents(tmp_path)
    (tmp_path / "client" / "predictions_url").unlink()

    assert make_secrets(tmp_path) == ["client/predictions_url"]
    assert contents(tmp_path) == before


def test_no_two_stacks_share_a_secret(tmp_path):
    for name in ("one", "other"):
        make_secrets(tmp_path / name)

    one, other = contents(tmp_path / "one"), contents(tmp_path / "other")

    assert set(one) == set(other)
    assert [name for name in one if one[name] == other[name]] == []


def test_each_audience_has_the_password_of_its_own_database_and_no_other(tmp_path):
    make_secrets(tmp_path)

    found = contents(tmp_path)
    password_of = {name: found[f"postgres/{name}_password"].strip() for name in DATABASES}
    held = {
        (audience, name)
        for audience in AUDIENCES
        for name, password in password_of.items()
        for path, text in found.items()
        if path.startswith(f"{audience}/") and password in text
    }
    assert held == {
        *(("postgres", name) for name in DATABASES),
        *(("backup", name) for name in DATABASES),
        ("mlflow", "mlflow"),
        ("prefect", "prefect"),
        ("client", "preflight"),
    }


def test_settings_take_what_was_made(tmp_path):
    make_secrets(tmp_path)
    read = {
        "predictions_url": (tmp_path / "client/predictions_url").read_text().strip(),
        "api_key": (tmp_path / "service/api_key").read_text().strip(),
        "backup_databases": json.loads((tmp_path / "backup/backup_databases").read_text()),
    }

    settings = load_settings(**read)

    assert len(settings.backup_databases) == len(DATABASES)
    assert not any(secret in repr(settings) for secret in (read["predictions_url"], read["api_key"]))


def test_the_folder_is_closed_to_other_users_and_nothing_is_printed(tmp_path, capsys):
    folder = tmp_path / "secrets"

    assert main(folder) == 0

    said = capsys.readouterr().out
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [name for name, text in contents(folder).items() if text.strip() in said] == []


@pytest.mark.parametrize("name", ["postgres/postgres_password", "client/mlflow_password", "service/api_key"])
def test_a_secret_cannot_be_guessed(tmp_path, name):
    make_secrets(tmp_path)

    assert len((tmp_path / name).read_text().strip()) >= 32
