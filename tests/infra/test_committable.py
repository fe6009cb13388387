"""What may not be committed: files of var/, keys, secrets; and everything that is committed may be."""

import shutil
import subprocess
from pathlib import Path

import pytest

from infra.committable import main, reasons

ROOT = Path(__file__).parents[2]


def is_repository() -> bool:
    """Whether git is there and lists what it tracks: it refuses a folder that belongs to another user."""
    listed = shutil.which("git") and subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, check=False)
    return bool(listed) and listed.returncode == 0 and bool(listed.stdout)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("var/report/index.html", b""),
        ("infra/secrets/value", b""),
        (".venv/bin/python", b""),
        ("pseudonym.key", b""),
        ("infra/proxy/server.pem", b""),
        (".env", b""),
        (".env", b"COMPOSE_PROFILES=core\nPASSWORD=hush\n"),
        (".env.production", b""),
        ("id_ed25519", b""),
        ("notes.md", b"-----BEGIN " + b"RSA PRIVATE KEY-----"),
        ("notes.md", b"AKIA" + b"ABCDEFGHIJKLMNOP"),
        ("notes.md", b"ghp_" + b"a" * 36),
        ("compose.yaml", b"url: postgresql://flights:" + b"correcthorse@db/flights"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_secret_or_written_by_a_run_is_refused(name, content):
    assert list(reasons(name, content))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("infra/pseudonyms.py", b""),
        ("docs/var.md", b""),
        (".env.example", b"PREFLIGHT_PORT=3000"),
        (".env", b"# docker-compose's own switches\nCOMPOSE_PROFILES=core,monitoring\n"),
        ("notes.md", b"postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE"),
        ("compose.yaml", b"postgresql://flights:${POSTGRES_PASSWORD}@db/flights"),
        ("notes.md", b"-----BEGIN PUBLIC KEY-----"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_only_looks_like_it_is_not_refused(name, content):
    assert list(reasons(name, content)) == []


def test_a_refused_file_is_named_with_the_way_out(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "server.key").write_text("")

    code = main(["server.key"])

    assert (code, capsys.readouterr().err) == (
        1,
        "committable: server.key: it is named like a key or a secret; "
        "take it out with `git rm --cached`, and change what was secret\n",
    )


def repository(folder: Path, *names: str) -> None:
    """A repository that tracks files of these names."""
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    subprocess.run(["git", "-C", folder, "add", "--force", "--all"], check=True)


@pytest.mark.parametrize(("name", "code"), [("var/x.json", 1), ("infra/x.json", 0)])
def test_without_names_it_looks_at_all_that_is_tracked(tmp_path, monkeypatch, name, code):
    repository(tmp_path, name)
    monkeypatch.chdir(tmp_path)

    assert main([]) == code


def test_no_tracked_file_is_no_pass(tmp_path, monkeypatch):
    repository(tmp_path)
    monkeypatch.chdir(tmp_path)

    assert main([]) == 1


@pytest.mark.skipif(not is_repository(), reason="git knows of no repository here")
def test_nothing_is_committed_that_may_not_be(monkeypatch):
    monkeypatch.chdir(ROOT)

    assert main([]) == 0
