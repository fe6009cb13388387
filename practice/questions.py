"""Interview questions as they stand in `docs/interview/`: the pages are the only source, and are read strictly."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.errors import PreflightError

LEVELS = ("junior", "mid", "senior")
PARTS = ("Two minutes.", "Trade-offs.", "Here.", "Prove it.", "Next they ask.")
OPTIONAL = ("What carries over.",)
NOT_TOPICS = ("README.md", "whiteboard.md", "walkthrough.md")
LEAST_WORDS, MOST_WORDS = 90, 380
"""Of the two-minute version: at 150 words a minute it is told in forty seconds to two and a half minutes."""


class QuestionMalformed(PreflightError):  # noqa: N818
    """A page of questions is not written as questions are."""


@dataclass(frozen=True)
class Question:
    """One question and its answer, each part as Markdown; `parts` holds them by the words they begin with."""

    topic: str
    title: str
    level: str
    parts: dict[str, str]

    @property
    def commands(self) -> list[str]:
        """What proves the answer, as it is typed."""
        return re.findall(r"`([^`]+)`", self.parts["Prove it."].split(" - ")[0])

    @property
    def files(self) -> list[str]:
        """The links to files of this repository, as they stand."""
        return re.findall(r"\]\((\.\./[^)#]+)", self.parts["Here."])

    @property
    def options(self) -> list[list[str]]:
        """The rows of the table of trade-offs, its head left out."""
        lines = [line for line in self.parts["Trade-offs."].splitlines() if line.startswith("|")]
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def read_questions(folder: Path) -> list[Question]:
    """Every question of the folder's pages, page by page. Raises QuestionMalformed naming page and question."""
    pages = [path for path in sorted(folder.glob("*.md")) if path.name not in NOT_TOPICS]
    return [question for page in pages for question in parse_page(page.stem, page.read_text())]


def parse_page(topic: str, text: str) -> Iterator[Question]:
    """The questions of one page: each begins with a heading of the second level.

    >>> page = "# T\\n\\n## Why?\\n\\n*Level: mid*\\n\\n**Two minutes.** So.\\n\\n**Trade-offs.**\\n\\n| a |\\n"
    >>> next(parse_page("t", page))
    Traceback (most recent call last):
    ...
    practice.questions.QuestionMalformed: ...expected the parts Two minutes., Trade-offs., Here., ...
    """
    for block in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, rest = block.partition("\n")
        yield _question(topic, title.strip(), rest)


def _question(topic: str, title: str, rest: str) -> Question:
    level = re.match(r"\s*\*Level: (\w+)\*\s*\n", rest)
    if level is None or level[1] not in LEVELS:
        raise QuestionMalformed(f'{topic}, "{title}": expected a line *Level: {" or ".join(LEVELS)}* under its heading')
    pieces = re.split(r"^\*\*([A-Z][^*]+\.)\*\*", rest[level.end() :], flags=re.MULTILINE)
    parts = {name: words.strip() for name, words in zip(pieces[1::2], pieces[2::2], strict=True)}
    if [name for name in parts if name not in OPTIONAL] != list(PARTS):
        expected, got = ", ".join(PARTS[:3]), ", ".join(parts)
        raise QuestionMalformed(f'{topic}, "{title}": expected the parts {expected}, ... in this order, got {got}')
    return Question(topic, title, level[1], parts)


def plain(text: str) -> str:
    """Markdown for a terminal: links as their words alone.

    >>> plain("an AUC of [0.7666](../figures.md#live_auc)")
    'an AUC of 0.7666'
    """
    return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)
