"""The tail numbers that were erased, as pseudonyms alone: whatever comes in later is asked about here first."""

import os
from functools import cached_property
from pathlib import Path

from infra.errors import PreflightError
from infra.pseudonyms import KEY_FILE, Pseudonyms
from infra.storage import Store

FILE = "privacy/forgotten.json"


class OtherKey(PreflightError, RuntimeError):  # noqa: N818
    """The pseudonyms of the erased tail numbers were made with another key, so nobody would be known again."""


class Forgotten:
    """The suppression list of one home folder; read again whenever its file has changed, by whichever process."""

    def __init__(self, home: Path, key_file: Path = KEY_FILE) -> None:
        self._store, self._home, self._key_file = Store(home), home, key_file
        self._file = str(home / FILE)
        self._stamp: tuple[int, ...] = ()
        self._keys: frozenset[str] = frozenset()

    def is_forgotten(self, tail_key: str) -> bool:
        """Whether the tail number behind a pseudonym was erased."""
        return tail_key in self.keys

    def holds(self, tail: str) -> bool:
        """Whether a tail number was erased."""
        keys = self.keys
        return bool(keys) and self.key_of(tail) in keys

    def key_of(self, tail: str) -> str:
        """The pseudonym of a tail number, in whatever case somebody wrote it."""
        return self.pseudonyms.of(tail.upper())

    def add(self, tail: str) -> None:
        """Put a tail number on the list; once it is there, that changes nothing."""
        if not self.holds(tail):
            keys = sorted({*self.keys, self.key_of(tail)})
            self._store.write_json(FILE, {"key": self.pseudonyms.key_name, "tails": keys})

    @cached_property
    def pseudonyms(self) -> Pseudonyms:
        """The pseudonyms of the home folder; a key is made only when the first one is asked for."""
        return Pseudonyms(self._home, self._key_file)

    @property
    def keys(self) -> frozenset[str]:
        """The pseudonyms of all that were erased. Raises OtherKey when another key than today's made them."""
        try:
            found = os.stat(self._file)
        except FileNotFoundError:
            return frozenset()
        stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
        if stamp != self._stamp:
            self._keys, self._stamp = self._read(), stamp
        return self._keys

    def _read(self) -> frozenset[str]:
        listed = self._store.read_json(FILE)
        if listed["key"] != self.pseudonyms.key_name:
            raise OtherKey(
                f"{self._file} was made with the key {listed['key']}, the key there is now is "
                f"{self.pseudonyms.key_name}: erased tail numbers would come in again; restore the key from a copy, "
                "or set PREFLIGHT_PSEUDONYM_KEY to its file"
            )
        return frozenset(listed["tails"])
