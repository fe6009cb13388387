"""The tour through a living system: its steps as they stand in `docs/tour.md`, page and script at once."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from infra.errors import PreflightError

PARTS = ("What we do.", "Check.", "What could go wrong.", "Say.")
MINUTES = (5, 15, 45)


class TourMalformed(PreflightError):  # noqa: N818
    """The page of the tour is not written as steps are."""


class StepFailed(PreflightError):  # noqa: N818
    """A command of the tour failed, or did not say what the page promises."""


@dataclass(frozen=True)
class Step:
    """One step: which tours it is in, its words, its command, and what the output has to contain."""

    title: str
    tours: tuple[int, ...]
    parts: dict[str, str]
    command: str

    @property
    def promised(self) -> list[str]:
        """The words in code of *Check*: each has to stand in the output."""
        return re.findall(r"`([^`]+)`", self.parts["Check."])

    @property
    def arguments(self) -> list[str]:
        """The command's words after `preflight`."""
        return shlex.split(self.command)[1:]


def steps_of(page: Path, minutes: int) -> list[Step]:
    """The steps of one tour, in order. Raises TourMalformed naming the step."""
    return [step for step in read_steps(page.read_text()) if minutes in step.tours]


def read_steps(text: str) -> list[Step]:
    """Every step of the page: each begins with a heading of the second level."""
    blocks = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    return [_step(*block.split("\n", 1)) for block in blocks]


def broken_promises(step: Step, output: str) -> list[str]:
    """The promised words that the output does not contain, however its lines are broken: 10 loaded are not 0 loaded."""
    said = " ".join(output.split())
    return [words for words in step.promised if not re.search(rf"(?<!\w){re.escape(' '.join(words.split()))}", said)]


def _step(title: str, rest: str) -> Step:
    tours = re.search(r"^\*In the tours of ([\d, and]+) minutes\*$", rest, re.MULTILINE)
    command = re.search(r"^    (preflight .+)$", rest, re.MULTILINE)
    pieces = re.split(r"^\*\*([A-Z][^*]+\.)\*\*", rest, flags=re.MULTILINE)
    parts = {name: words.strip() for name, words in zip(pieces[1::2], pieces[2::2], strict=True)}
    if tours is None or command is None or tuple(parts) != PARTS:
        raise TourMalformed(
            f'docs/tour.md, "{title}": expected *In the tours of ... minutes*, one command, and the parts '
            f"{', '.join(PARTS)} in this order, got {', '.join(parts)}"
        )
    minutes = tuple(map(int, re.findall(r"\d+", tours[1])))
    parts["What we do."] = parts["What we do."].replace(f"    {command[1]}", "").strip()
    return Step(title.strip(), minutes, parts, command[1])
