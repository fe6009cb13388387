"""Variables that are read from files, as a container is started with them."""

import os
import subprocess
import sys

import pytest

from infra.from_files import SecretFileError, expand


def test_a_variable_is_read_from_its_file_without_the_last_line_end(tmp_path):
    (tmp_path / "password").write_text(" two words\n")

    expanded = expand({"PASSWORD_FILE": str(tmp_path / "password"), "OTHER": "1"}, str(tmp_path))

    assert expanded == {"PASSWORD": " two words", "OTHER": "1"}


@pytest.mark.parametrize("content", [None, "", "\n", b"\xff"])
def test_a_file_that_holds_no_secret_is_named(tmp_path, content):
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(SecretFileError, match=rf"PASSWORD_FILE: .*{path}.*make secrets"):
        expand({"PASSWORD_FILE": str(path)}, str(tmp_path))


def test_a_value_and_a_file_at_once_are_refused(tmp_path):
    (tmp_path / "password").write_text("x")

    with pytest.raises(SecretFileError, match="PASSWORD and PASSWORD_FILE are both set"):
        expand({"PASSWORD_FILE": str(tmp_path / "password"), "PASSWORD": "y"}, str(tmp_path))


def test_a_file_of_another_tool_elsewhere_stays(tmp_path):
    (tmp_path / "certificates").write_text("x")
    theirs = {"SSL_CERT_FILE": str(tmp_path / "certificates")}

    assert expand(theirs) == theirs


def run(folder, *command: str, **variables: str) -> subprocess.CompletedProcess:
    script = f"import sys; from infra.from_files import main; sys.exit(main({list(command)!r}, {str(folder)!r}))"
    return subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )


def test_the_command_gets_the_value_and_not_the_file(tmp_path):
    (tmp_path / "password").write_text("pass\n")
    script = "import os; print(os.environ['PASSWORD'], 'PASSWORD_FILE' in os.environ)"

    ran = run(tmp_path, sys.executable, "-c", script, PASSWORD_FILE=str(tmp_path / "password"))

    assert (ran.returncode, ran.stdout) == (0, "pass False\n")


@pytest.mark.parametrize(
    ("command", "file", "said"),
    [
        ((), None, "expected a command"),
        (("/no/such/program",), None, "cannot run /no/such/program"),
        (("true",), "absent", "A_FILE: cannot read"),
    ],
)
def test_what_cannot_be_started_is_said_in_a_sentence(tmp_path, command, file, said):
    ran = run(tmp_path, *command, **({"A_FILE": str(tmp_path / file)} if file else {}))

    assert ran.returncode == 2
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
