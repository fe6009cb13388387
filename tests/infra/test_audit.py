"""The audit fails when it audited less than the lock, when nobody answered, and when an acceptance expired."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra.audit import (
    INCOMPLETE,
    UNREACHABLE,
    USAGE,
    VULNERABLE,
    Acceptance,
    AcceptanceError,
    judge,
    main,
    read_acceptances,
    rounds,
)
from infra.locks import parse_lock, read_lock
from infra.network import LOOPBACK, free_port

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 6, 15)
LOCK = "alpha==1.0 ; sys_platform == 'nowhere'\nboth==1 ; python_version < '3'\nboth==2 ; python_version >= '3'\n"
PINS = parse_lock(LOCK)
ADVISORY = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["1.1"], "description": "a hole"}


def answers(*advisories: dict) -> list[dict]:
    """What pip-audit says of the pins in its JSON, with advisories about alpha."""
    return [
        {"name": "alpha", "version": "1.0", "vulns": list(advisories)},
        {"name": "both", "version": "1", "vulns": []},
        {"name": "both", "version": "2", "vulns": []},
    ]


def accepted(**changed: object) -> Acceptance:
    return Acceptance(**{"id": "CVE-2026-1", "package": "alpha", "reason": "not called", "expires": TODAY, **changed})


def test_every_pin_audited_and_nothing_known_passes():
    audit = judge(PINS, answers(), [], TODAY)

    assert (audit.code, audit.sentences) == (0, ("3 of 3 pins audited, 0 advisories accepted, no other is known",))


def test_a_pin_that_was_skipped_is_no_pass_and_is_named():
    skipped = {"name": "alpha", "skip_reason": "not found on the index"}

    audit = judge(PINS, [skipped, *answers()[1:]], [], TODAY)

    assert audit.code == INCOMPLETE
    assert "alpha 1.0 was not audited: not found on the index" in audit.sentences
    assert audit.sentences[-1].startswith("2 of 3 pins were audited, expected all")


def test_a_pin_that_is_not_mentioned_is_no_pass():
    assert judge(PINS, answers()[:2], [], TODAY).code == INCOMPLETE


def test_another_version_than_the_pinned_one_is_no_pass():
    other = [{**each, "version": "9"} if each["name"] == "alpha" else each for each in answers()]

    assert judge(PINS, other, [], TODAY).code == INCOMPLETE


@pytest.mark.parametrize("said", [[], [{"name": pin.name, "skip_reason": "not found"} for pin in PINS]])
def test_nothing_audited_at_all_means_that_no_service_answered(said):
    audit = judge(PINS, said, [], TODAY)

    assert audit.code == UNREACHABLE
    assert audit.sentences[0].startswith("0 of 3 pins were audited")


def test_many_pins_that_were_not_audited_are_counted_and_the_first_named():
    pins = parse_lock("".join(f"package-{number}==1\n" for number in range(50)))

    audit = judge(pins, [{"name": "package-0", "version": "1", "vulns": []}], [], TODAY)

    assert len(audit.sentences) == 11
    assert audit.sentences[-1].startswith("1 of 50 pins")


def test_a_vulnerability_fails_and_says_where_it_is_mended():
    audit = judge(PINS, answers(ADVISORY), [], TODAY)

    assert audit.code == VULNERABLE
    assert audit.sentences == ("alpha 1.0 has CVE-2026-1, PYSEC-2026-1, fixed in 1.1",)


@pytest.mark.parametrize(
    ("expires", "code"), [(date(2026, 6, 16), 0), (TODAY, 0), (date(2026, 6, 14), VULNERABLE)], ids=str
)
def test_an_acceptance_holds_until_its_last_day(expires, code):
    audit = judge(PINS, answers(ADVISORY), [accepted(expires=expires)], TODAY)

    assert audit.code == code
    assert ("which has passed" in audit.sentences[0]) == bool(code)


@pytest.mark.parametrize("other", [{"id": "CVE-2026-2"}, {"package": "both"}], ids=["advisory", "package"])
def test_an_acceptance_of_something_else_lets_nothing_pass_and_is_named(other):
    audit = judge(PINS, answers(ADVISORY), [accepted(**other)], TODAY)

    assert audit.code == VULNERABLE
    assert "meets no finding" in audit.sentences[-1]


def test_a_pin_that_was_not_audited_weighs_more_than_a_finding_and_both_are_said():
    audit = judge(PINS, answers(ADVISORY)[:2], [], TODAY)

    assert audit.code == INCOMPLETE
    assert "alpha 1.0 has CVE-2026-1, PYSEC-2026-1, fixed in 1.1" in audit.sentences


def test_no_round_holds_a_package_twice_and_none_is_lost():
    split = rounds(PINS)

    assert [[pin.name for pin in each] for each in split] == [["alpha", "both"], ["both"]]


def test_the_rounds_of_the_projects_lock_hold_all_of_it():
    pins = read_lock(ROOT / "requirements.lock")

    split = rounds(pins)

    assert sorted([pin for each in split for pin in each], key=str) == sorted(pins, key=str)
    assert [each for each in split if len({pin.name for pin in each}) < len(each)] == []


def test_the_projects_acceptances_can_be_read():
    assert isinstance(read_acceptances(ROOT / "infra" / "advisories.toml"), list)


def acceptances(folder: Path, text: str) -> Path:
    path = folder / "advisories.toml"
    path.write_text(text)
    return path


WHOLE = 'id = "A"\npackage = "Some_Package"\nreason = "why"\nexpires = 2026-07-01\n'


def test_an_acceptance_is_read(tmp_path):
    read = read_acceptances(acceptances(tmp_path, f"[[accepted]]\n{WHOLE}"))

    assert read == [Acceptance("A", "some-package", "why", date(2026, 7, 1))]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('reason = "why"\n', "", "lacks reason"),
        ('reason = "why"\n', 'reason = " "\n', "lacks reason"),
        ("expires = 2026-07-01\n", "", "lacks expires"),
        ("expires = 2026-07-01\n", 'expires = "2026-07-01"\n', "lacks expires"),
        ("expires = 2026-07-01\n", "expires = 2026-07-01T00:00:00\n", "lacks expires"),
        ('package = "Some_Package"\n', "", "lacks package"),
        ('id = "A"\n', "", "lacks id"),
        ('id = "A"\n', 'id = "A"\nuntil = 1\n', "unknown until"),
    ],
)
def test_an_acceptance_that_lacks_something_is_refused_by_name(tmp_path, old, new, named):
    path = acceptances(tmp_path, f"[[accepted]]\n{WHOLE.replace(old, new)}")

    with pytest.raises(AcceptanceError, match=named):
        read_acceptances(path)


@contextmanager
def vulnerability_service(known: dict[str, list[dict]]) -> Iterator[tuple[str, list[dict]]]:
    """A small service that answers as OSV does, and the questions it was asked."""
    asked: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(question)
            vulnerabilities = known.get(question["package"]["name"])
            body = json.dumps({"vulns": vulnerabilities} if vulnerabilities else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}/v1/query", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


HOLE = {
    "id": "GHSA-aaaa-bbbb-cccc",
    "aliases": ["CVE-2026-1"],
    "summary": "a hole",
    "affected": [
        {
            "package": {"name": "alpha", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
        }
    ],
}


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.lock"
    path.write_text(LOCK)
    return path


def test_pip_audit_asks_the_service_about_every_pin_whatever_its_marker(lock, capsys):
    with vulnerability_service({}) as (address, asked):
        code = main([str(lock), "--service", address])

    assert (code, capsys.readouterr().out) == (
        0,
        "audit: 3 of 3 pins audited, 0 advisories accepted, no other is known\n",
    )
    questions = {(each["package"]["name"], each["version"]) for each in asked}
    assert questions == {("alpha", "1.0"), ("both", "1"), ("both", "2")}


def test_pip_audit_finds_what_the_service_knows(lock, capsys):
    with vulnerability_service({"alpha": [HOLE]}) as (address, _):
        code = main([str(lock), "--service", address])

    said = capsys.readouterr().err
    assert (code, said) == (VULNERABLE, "audit: alpha 1.0 has CVE-2026-1, GHSA-aaaa-bbbb-cccc, fixed in 1.1\n")


def test_what_is_accepted_passes_through_the_command(lock, tmp_path):
    path = acceptances(
        tmp_path, '[[accepted]]\nid = "CVE-2026-1"\npackage = "alpha"\nreason = "r"\nexpires = 9999-01-01\n'
    )

    with vulnerability_service({"alpha": [HOLE]}) as (address, _):
        assert main([str(lock), "--service", address, "--accepted", str(path)]) == 0


def test_a_service_that_cannot_be_reached_is_a_failure_of_its_own(lock, capsys):
    code = main([str(lock), "--service", f"http://{LOOPBACK}:{free_port()}/v1/query"])

    said = capsys.readouterr().err
    assert (code, "none was audited" in said, "this is no pass" in said) == (UNREACHABLE, True, True)


@pytest.mark.parametrize("text", ["", "numpy>=2\n"], ids=["empty", "unpinned"])
def test_a_file_that_is_no_lock_is_wrong_usage(tmp_path, text):
    (tmp_path / "requirements.lock").write_text(text)

    assert main([str(tmp_path / "requirements.lock")]) == USAGE
