"""The table that one card lies on: dealt, answered, taken away. What is dealt is written last, so none is half."""

import base64
import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from infra.errors import PreflightError
from infra.storage import Store
from practice.cards.card import Card
from practice.cards.scratch import Scratch, dress, places, read_environment, write_environment
from practice.drills.ground import FOLDER as GROUND
from practice.drills.ground import Ground, Played

TABLE = ("practice", "card")
HOME, DEALT, ENVIRONMENT, SCORES = "home", "dealt.json", "env.sh", "scores.json"
NOTE = "looking is cheating: what follows names the card"


class NoCard(PreflightError, LookupError):  # noqa: N818
    """No card lies on the table."""


@dataclass(frozen=True)
class Dealt:
    """What lies on the table: which card, by which seed, since when, and the facts of its texts."""

    card: str
    seed: int
    at: datetime
    facts: dict[str, str]


@dataclass(frozen=True)
class Table:
    """A folder under a home, beside the ground; the system that is broken is under it."""

    folder: Path

    @classmethod
    def of(cls, home: Path) -> "Table":
        """The table of a home; of the home of a card, in a shell that acts on it, the table that it lies on.

        >>> Table.of(Path("/var/practice/card/home")) == Table.of(Path("/var"))
        True
        """
        inside = home.parts[-3:] == (*TABLE, HOME)
        return cls(home.parent if inside else home.joinpath(*TABLE))

    @property
    def ground(self) -> Ground:
        """The life that cards begin from, shared with drills."""
        return Ground(self.folder.parent / Path(GROUND).name)

    @property
    def environment(self) -> Path:
        """The file to be sourced."""
        return self.folder / ENVIRONMENT

    @property
    def played(self) -> Played:
        """The broken system, with the settings that its file of variables has now."""
        return read_environment(self.environment)

    def deal(
        self, card: Card, seed: int, at: Callable[[], datetime], set_up: Callable[[Scratch], None] = dress
    ) -> Dealt:
        """Break a fresh copy of the ground; what lay here before is gone. The clock starts when all of it is done."""
        self.clear()
        played = self.ground.copy(self.folder / HOME)
        write_environment(self.environment, played)
        scratch = Scratch(self.folder, played, random.Random(f"{card.name} {seed}"))
        set_up(scratch)
        facts = places(self.folder) | card.break_it(scratch)
        dealt = Dealt(card.name, seed, at(), facts)
        self._store.write_json(DEALT, {"note": NOTE, "sealed": _seal(dealt)})
        return dealt

    def dealt(self) -> Dealt:
        """What lies here. Raises NoCard."""
        written = self._store.read_json(DEALT)
        if written is None:
            raise NoCard("no card is dealt; run: preflight card deal")
        return _open(written["sealed"])

    def has_card(self) -> bool:
        """Whether a card waits for its answer."""
        return self._store.path(DEALT).exists()

    def clear(self) -> None:
        """Take away whatever lies here, finished or not: first what says that it is a card."""
        self._store.remove(DEALT)
        for name in (HOME, "backup", "sender"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def end(self, score: dict) -> list[dict]:
        """Take the card, leave its system to be looked at, and add a score to the record; all scores, oldest first."""
        scores = [*self.scores(), score]
        self._store.write_json(SCORES, {"scores": scores})
        self._store.remove(DEALT)
        return scores

    def scores(self) -> list[dict]:
        """What was played here so far, oldest first."""
        return (self._store.read_json(SCORES) or {"scores": []})["scores"]

    @property
    def _store(self) -> Store:
        return Store(self.folder)


def _seal(dealt: Dealt) -> str:
    """Not to be read by chance: it is no secret."""
    plain = {"card": dealt.card, "seed": dealt.seed, "at": dealt.at.isoformat(), "facts": dealt.facts}
    return base64.b64encode(json.dumps(plain).encode()).decode()


def _open(sealed: str) -> Dealt:
    plain = json.loads(base64.b64decode(sealed))
    return Dealt(plain["card"], plain["seed"], datetime.fromisoformat(plain["at"]), plain["facts"])
