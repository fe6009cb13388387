"""The event log of the year: one file per week and stage, written once, so that a killed run knows where it was."""

import hashlib
import json
from typing import Any

from infra.errors import PreflightError
from infra.storage import Store

STAGES = ("land", "validate", "score", "monitor", "decide", "tune", "train", "gate", "promote")
"""The stages of a week in the order in which they happen."""


class HistoryRewritten(PreflightError, RuntimeError):  # noqa: N818
    """A stage that was recorded came out differently when it was done again."""


class Journal:
    """What happened, by week and stage. An event holds no wall-clock time, so equal histories have equal hashes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, week: str, stage: str, facts: dict) -> dict:
        """Write the event once and return it; recording equal facts again changes nothing.

        Raises HistoryRewritten when other facts stand there already.
        """
        event = json.loads(json.dumps({"week": week, "stage": stage, **_rounded(facts)}, allow_nan=False))
        before = self.read(week, stage)
        if before is None:
            self._store.write_json(self._name(week, stage), event)
        elif before != event:
            changed = sorted(key for key in before.keys() | event.keys() if before.get(key) != event.get(key))
            raise HistoryRewritten(
                f"{stage} of week {week} was recorded with other {', '.join(changed)} than it has now; "
                "what happened stays: set PREFLIGHT_HOME to a fresh folder for another history"
            )
        return event

    def read(self, week: str, stage: str) -> dict | None:
        """The event of one stage of a week, None when it has not happened."""
        return self._store.read_json(self._name(week, stage))

    def events(self, stage: str | None = None) -> list[dict]:
        """All events, or those of one stage, in the order in which they happened."""
        wanted = _files_of(stage) if stage else "*.json"
        return [self._store.read_json(f"journal/{path.name}") for path in self._store.files("journal", wanted)]

    def weeks(self, stage: str) -> list[str]:
        """The weeks in which a stage has happened, in order, without reading what came of it."""
        return [path.name[: len("2013-07-01")] for path in self._store.files("journal", _files_of(stage))]

    def digest(self) -> str:
        """SHA-256 over all events in order: equal for two lives that were the same."""
        lines = (json.dumps(event, sort_keys=True) for event in self.events())
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def _name(self, week: str, stage: str) -> str:
        return f"journal/{week}-{STAGES.index(stage)}-{stage}.json"


def _files_of(stage: str) -> str:
    return f"*-{STAGES.index(stage)}-{stage}.json"


def _rounded(value: Any) -> Any:
    """Floats to nine decimals: below that, two machines differ in the order of a sum, not in what happened."""
    if isinstance(value, float):
        return round(value, 9)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
