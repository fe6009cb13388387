"""`tour`: the steps of docs/tour.md run on the reader's own life, one by one, checked, resumed where they stopped."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.markdown import Markdown
from rich.rule import Rule

from infra.settings import Settings
from infra.storage import Store
from infra.termination import cleaned_up_on_terminate
from pipelines.context import open_context
from practice.questions import plain
from practice.tour import MINUTES, Step, StepFailed, broken_promises, steps_of
from preflight import show

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tour.md"
PLACE = "practice/tour.json"
LONGEST_SECONDS = 1800


class NothingLived(StepFailed):
    """There is no lived year to walk through."""


def tour(settings: Settings, minutes: int, is_unattended: bool, from_start: bool) -> None:
    """Walk through the steps of a tour. Raises StepFailed where the system does not say what the page promises."""
    if not open_context(settings).journal.weeks("score"):
        raise NothingLived(f"expected a lived year under {settings.home}, got none; run: preflight demo")
    steps, store = steps_of(PAGE, minutes), Store(settings.home)
    first = 0 if from_start else _place(store, minutes, len(steps))
    began = time.monotonic()
    for number, step in enumerate(steps[first:], first + 1):
        _tell(step, number, len(steps))
        if not is_unattended and _wait("Enter runs it, q leaves the tour here. ") == "q":
            show.finish(f"left before step {number} of {len(steps)}; preflight tour {minutes} goes on there", {}, False)
            return
        _run(settings, step)
        _explain(step)
        _keep_place(store, minutes, number)
    _keep_place(store, minutes, 0)
    took = (time.monotonic() - began) / 60
    show.finish(
        f"the tour of {minutes} minutes: {len(steps)} steps, each said what the page promises; {took:.1f} minutes",
        {},
        False,
    )


def _place(store: Store, minutes: int, steps: int) -> int:
    done = (store.read_json(PLACE) or {}).get(str(minutes), 0)
    return done if done < steps else 0


def _keep_place(store: Store, minutes: int, done: int) -> None:
    """Note how many steps of this tour are done; the places in tours of other lengths stay."""
    others = {length: place for length, place in (store.read_json(PLACE) or {}).items() if length in map(str, MINUTES)}
    store.write_json(PLACE, {**others, str(minutes): done})


def _tell(step: Step, number: int, steps: int) -> None:
    show.console().print(Rule(f"{number} of {steps} · {step.title}"))
    show.console().print(Markdown(f"{plain(step.parts['What we do.'])}\n\n    {step.command}"))


def _run(settings: Settings, step: Step) -> None:
    """The command's output as it comes, then what it promised. Raises StepFailed."""
    command = [sys.executable, "-m", "preflight", "--home", str(settings.home), *step.arguments]
    said = []
    with _on_leash(command) as process:
        for line in process.stdout or ():
            said.append(line)
            sys.stdout.write(line)
            sys.stdout.flush()
        process.wait(LONGEST_SECONDS)
    if process.returncode != 0:
        raise StepFailed(f'"{step.title}": `{step.command}` ended with {process.returncode}; its words are above')
    if missing := broken_promises(step, "".join(said)):
        raise StepFailed(f'"{step.title}": `{step.command}` did not say {missing}; docs/tour.md promises it')


@contextmanager
def _on_leash(command: list[str]) -> Iterator[subprocess.Popen]:
    """A command that ends before we do: by SIGTERM we leave as by Ctrl-C, and by a kill its leash notices."""
    with cleaned_up_on_terminate():
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.leash", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.communicate()  # closes the leash, and reads on, so that nobody waits for a full pipe


def _explain(step: Step) -> None:
    parts = [f"**{name}** {step.parts[name]}" for name in ("Check.", "What could go wrong.", "Say.")]
    show.console().print(Markdown(plain("\n\n".join(parts))))


def _wait(prompt: str) -> str:
    sys.stdout.write(prompt)
    sys.stdout.flush()
    line = sys.stdin.readline()
    return line.strip().lower()[:1] if line else "q"
