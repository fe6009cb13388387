"""Pseudonyms of tail numbers: keyed hashes that say "the same one again", and nothing to whoever lacks the key."""

import os
import secrets
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from infra.errors import PreflightError
from infra.settings import Settings
from infra.storage import make_folder

KEY_FILE = Settings.model_fields["pseudonym_key"].default
"""Where the key lies under a home folder, unless the setting names another file."""
KEY_BYTES = 32
PSEUDONYM_BYTES = 16
MOST_REMEMBERED = 2**16
"""Pseudonyms that a process remembers: the fleet of 2013 has 4,044 tail numbers, and a request may make some up."""


class PseudonymKeyError(PreflightError, RuntimeError):
    """The key of the pseudonyms cannot be read, cannot be made, or is none."""


class Pseudonyms:
    """The pseudonyms of one home folder. Its key is made when it is first asked for; it is never logged.

    `key_file` is relative to `home`, or absolute: a file that lies elsewhere is read and never made. Raises
    PseudonymKeyError when there is no key to be had.
    """

    def __init__(self, home: Path, key_file: Path = KEY_FILE) -> None:
        path = home / key_file
        if path.is_relative_to(home) and not path.exists():
            _make_key(path)
        self._key = _read_key(path)
        self._remembered = lru_cache(maxsize=MOST_REMEMBERED)(self._hash)

    def of(self, tail: str) -> str:
        """What stands for a tail number: 32 hexadecimal digits, the same for the same tail under the same key."""
        return self._remembered(tail)

    def digest(self, *contents: bytes) -> str:
        """What tells some bytes from others without saying anything of them: 16 hexadecimal digits."""
        hashed = blake2b(digest_size=8, key=self._key, person=b"preflight-bytes")
        for content in contents:
            hashed.update(content)
            hashed.update(b"\0")
        return hashed.hexdigest()

    @property
    def key_name(self) -> str:
        """What tells this key from another without saying anything of it."""
        return self._hash("", purpose=b"preflight-key")

    def _hash(self, text: str, purpose: bytes = b"preflight-tail") -> str:
        return blake2b(text.encode(), digest_size=PSEUDONYM_BYTES, key=self._key, person=purpose).hexdigest()


def _make_key(path: Path) -> None:
    """Make a key nobody else can read, whole or not at all; when two processes do so, the first one's stays."""
    make_folder(path.parent)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)  # unlike a rename, it fails where a key is already
    except FileExistsError:
        pass
    except OSError as error:
        raise PseudonymKeyError(
            f"cannot make the key {path}: {error.strerror or error}; change the permissions of its folder, "
            "or set PREFLIGHT_PSEUDONYM_KEY to a file that holds one"
        ) from error
    finally:
        aside.unlink(missing_ok=True)


def _read_key(path: Path) -> bytes:
    try:
        key = path.read_bytes()
    except OSError as error:
        raise PseudonymKeyError(
            f"expected a key of {KEY_BYTES} bytes in {path}, which cannot be read: {error.strerror or error}; "
            "restore it from a copy, or set PREFLIGHT_PSEUDONYM_KEY to the file that holds it"
        ) from error
    if len(key) != KEY_BYTES:
        raise PseudonymKeyError(
            f"expected a key of {KEY_BYTES} bytes in {path}, got {len(key)}; restore it from a copy "
            "(a new key would make other pseudonyms, see docs/privacy.md)"
        )
    return key
