"""What arrived and what was done about it, in order: numbered documents, each written once, none changed again."""

import json

from infra.storage import Store

FOLDER = "ledger"


class Ledger:
    """Entries 1, 2, 3 ... of one home folder. An entry is the moment at which what it says has happened."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: list[dict] = []

    def entries(self) -> list[dict]:
        """All entries in order. Those read once are kept: an entry never changes."""
        while (entry := self._store.read_json(_name(len(self._read) + 1))) is not None:
            self._read.append(entry)
        return list(self._read)

    def append(self, facts: dict) -> dict:
        """Write the next entry and return it with its `number`; the caller holds the home folder."""
        number = len(self.entries()) + 1
        entry = json.loads(json.dumps({"number": number, **facts}, allow_nan=False))
        self._store.write_json(_name(number), entry)
        return entry


def _name(number: int) -> str:
    return f"{FOLDER}/{number:06d}.json"
