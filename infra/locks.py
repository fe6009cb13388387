"""What a lock says: every pin with its marker and its hashes, what differs between two locks, a mixture of both."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name

from infra.errors import PreflightError

_PIN = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(\[[^]]*\])?==(?P<version>[^\s;\\]+)\s*(;\s*(?P<marker>[^\\]+))?")


class LockError(PreflightError, ValueError):
    """A file is not a lock: it pins nothing, or holds a line that pins nothing."""


@dataclass(frozen=True)
class Pin:
    """One version of one package, as a lock has it; `text` is its lines with the hashes."""

    name: str
    version: str
    marker: str
    text: str

    @property
    def applies_here(self) -> bool:
        """Whether the Python that runs this would install it."""
        return not self.marker or Marker(self.marker).evaluate()


@dataclass(frozen=True)
class Change:
    """A package that two locks pin otherwise; no versions means that a lock does not have it."""

    name: str
    old: tuple[str, ...]
    new: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} {' and '.join(self.old) or 'absent'} -> {' and '.join(self.new) or 'absent'}"


def read_lock(path: Path) -> list[Pin]:
    """The pins of a lock in its order, also those that another system or Python would install. Raises LockError."""
    try:
        text = path.read_text()
    except OSError as error:
        raise LockError(f"{path} cannot be read: {error.strerror}; name a lock that `make lock` wrote") from error
    pins = parse_lock(text)
    if not pins:
        raise LockError(f"{path} pins no package, expected lines such as `numpy==2.4.6`; write it with `make lock`")
    return pins


def parse_lock(text: str) -> list[Pin]:
    """The pins in the text of a lock, in its order. Raises LockError naming a line that is no pin.

    >>> parse_lock("a==1 \\\\\\n    --hash=sha256:ff\\nb==2 ; sys_platform == 'win32'\\n")[1].marker
    "sys_platform == 'win32'"
    """
    pins: list[Pin] = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line.startswith((" ", "\t")) and pins:
            last = pins.pop()
            pins.append(Pin(last.name, last.version, last.marker, f"{last.text}{line}\n"))
            continue
        found = _PIN.match(line)
        if found is None:
            raise LockError(
                f"expected a pin such as `numpy==2.4.6`, got {line.strip()!r}; write the lock by `make lock`"
            )
        name, marker = canonicalize_name(found["name"]), (found["marker"] or "").strip()
        pins.append(Pin(name, found["version"], marker, f"{line}\n"))
    return pins


def changes_between(old: Sequence[Pin], new: Sequence[Pin]) -> list[Change]:
    """Every package that this Python would install otherwise from `new` than from `old`, by name."""
    before, after = _versions(old), _versions(new)
    return [
        Change(name, before.get(name, ()), after.get(name, ()))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def mix(old: Sequence[Pin], new: Sequence[Pin], taken: Collection[str]) -> str:
    """The text of the lock `old` with the packages of `taken` as `new` has them, or without those it does not have."""
    pins = [pin for pin in old if pin.name not in taken] + [pin for pin in new if pin.name in taken]
    return "".join(pin.text for pin in sorted(pins, key=lambda pin: pin.name))


def _versions(pins: Sequence[Pin]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for pin in pins:
        if pin.applies_here:
            found[pin.name] = (*found.get(pin.name, ()), pin.version)
    return found
