"""Whether a command that a page tells people to type is one that there is, with arguments that it takes."""

import io
import re
import shlex
from contextlib import redirect_stderr, redirect_stdout
from itertools import takewhile
from pathlib import Path

from typer.main import get_command

from preflight.cli import app

ROOT = Path(__file__).resolve().parents[2]
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
OTHERS = {"docker-compose", "curl", "promtool", "kubectl", "nginx", "git", "ls", "cat", "open", "sqlite3", "kill"}


def problem_of(command: str) -> str | None:
    """What is wrong with it, None when it can be typed as it stands."""
    words = list(takewhile(lambda word: word not in ("|", ";", ">", "&&"), shlex.split(command)))
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words = words[1:]
    match [word.removeprefix(".venv/bin/") for word in words[:1]] + words[1:]:
        case ["preflight", *arguments]:
            return _problem_of_ours(arguments)
        case ["make", *targets]:
            missing = [name for name in targets if "=" not in name and name not in TARGETS]
            return f"the Makefile has no target {missing[0]}" if missing else None
        case ["python", "-m", "pytest", *arguments] | ["pytest", *arguments]:
            return _missing(word.split("::")[0] for word in arguments if word.startswith("tests"))
        case ["python", "-m", module, *_]:
            path = Path(module.replace(".", "/"))
            exists = any((ROOT / one).exists() for one in (path.with_suffix(".py"), path / "__main__.py"))
            return None if exists or not (ROOT / path.parts[0]).exists() else f"there is no module {module}"
        case [name, *_] if name in OTHERS:
            return None
    return "it is no command of ours, no make target, no module"


def _missing(paths) -> str | None:
    return next((f"there is no {path}" for path in paths if not (ROOT / path).exists()), None)


def _problem_of_ours(arguments: list[str]) -> str | None:
    said = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(said):
        try:
            _PARSER.main(list(arguments), prog_name="preflight")
        except SystemExit as ended:
            return f"wrong usage: {said.getvalue()}" if ended.code else None
    return None


def _that_does_nothing(command):
    """The command, and all below it, parsed as ever and then done with."""
    command.callback = lambda *_, **__: None
    for below in getattr(command, "commands", {}).values():
        _that_does_nothing(below)
    return command


_PARSER = _that_does_nothing(get_command(app))
