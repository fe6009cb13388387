"""A copy of folders and databases in one file, whole or not at all, and their way back. Knows not what is in them.

The file is a tar: `folders/NAME/...`, `databases/NAME.dump`, and last `manifest.json` with the SHA-256 of each. What is
written to meanwhile is copied as far as it was when its turn came; SQLite databases through SQLite, so that they are
whole. Folders are copied before databases: who moves rows from the one into the other loses none between the two.
"""

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from infra.errors import PreflightError
from infra.storage import make_folder

MANIFEST, FOLDERS, DATABASES = "manifest.json", "folders", "databases"
FORMAT = 1
SQLITE = b"SQLite format 3\0"
PIECE = 2**20
OWNER_ALONE, PERMISSIONS = 0o600, 0o777
PASSING = (".lock", ".part", ".sock", "-wal", "-shm", "-journal")
"""Ends of names that stand for a moment of a process, and not for something kept."""
LOCK = ".lock"
"""Held by whoever restores: another file in its place would let a second process in."""
RESTORING = ".restoring"
"""Under a folder that is being restored; gone when it is done."""


class ArchiveError(PreflightError, ValueError):
    """An archive cannot be written, is not whole, or is not one of ours."""


@dataclass(frozen=True)
class Contents:
    """What an archive holds: files by name with the SHA-256 of each, bytes in all."""

    files: dict[str, str]
    bytes: int

    def of(self, kind: str, name: str) -> int:
        """How many files it has of a folder or database."""
        return sum(path.startswith((f"{kind}/{name}/", f"{kind}/{name}.")) for path in self.files)


def write_archive(
    target: Path,
    folders: Mapping[str, Path],
    databases: Mapping[str, Callable[[Path], None]],
    skip: tuple[str, ...] = (),
) -> Contents:
    """Write `target`: folders by name, without the paths in `skip`, and what each of `databases` dumps into a file.

    Written aside and renamed, readable by its owner alone. Raises ArchiveError when there is one already.
    """
    if target.exists():
        raise ArchiveError(f"{target} is there already; name another file, or remove it")
    make_folder(target.parent)
    aside, files, size = target.with_name(f".{target.name}.part"), {}, 0
    try:
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ALONE), "wb") as file:
            with tarfile.open(fileobj=file, mode="w") as tar, TemporaryDirectory(dir=target.parent) as scratch:
                for name, path, mode in _everything(folders, databases, skip, Path(scratch)):
                    files[name], added = _add(tar, name, path, mode)
                    size += added
                text = json.dumps({"format": FORMAT, "files": files, "bytes": size}, indent=1).encode()
                tar.addfile(_member(MANIFEST, len(text)), io.BytesIO(text))
            file.flush()
            os.fsync(file.fileno())
        aside.rename(target)
    except OSError as error:
        raise ArchiveError(f"cannot write {target}: {error.strerror or error}; make room, then repeat it") from error
    finally:
        aside.unlink(missing_ok=True)
    return Contents(files, size)


def verify_archive(source: Path) -> Contents:
    """Read all of an archive and compare it with its manifest. Raises ArchiveError naming what is not as it was."""
    found: dict[str, str] = {}
    manifest = None
    try:
        with tarfile.open(source, mode="r:") as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content is None or member.name.startswith("/") or ".." in Path(member.name).parts:
                    raise ArchiveError(
                        f"{source} holds {member.name}, which is no file of a backup; use another archive"
                    )
                if member.name == MANIFEST:
                    manifest = json.load(content)
                else:
                    found[member.name] = _sha256(content)
    except (OSError, tarfile.TarError, json.JSONDecodeError) as error:
        raise ArchiveError(f"cannot read {source} as a backup: {error}; use another archive") from error
    if manifest is None or manifest.get("format") != FORMAT:
        raise ArchiveError(f"{source} has no manifest of format {FORMAT}: it was cut off, or is no backup; use another")
    if found != manifest["files"]:
        changed = sorted({name for name, _ in found.items() ^ manifest["files"].items()})
        raise ArchiveError(f"{source} is not as it was written: {', '.join(changed[:3])}; use another archive")
    return Contents(found, manifest["bytes"])


def restore_folder(source: Path, name: str, folder: Path) -> int:
    """Make a folder hold what a verified archive has of it and nothing else; how many files.

    Killed at any moment and called again, it comes to the same end; until then `RESTORING` lies in the folder.
    """
    aside, prefix, count = folder / RESTORING, f"{FOLDERS}/{name}/", 0
    shutil.rmtree(aside, ignore_errors=True)
    make_folder(aside)
    with tarfile.open(source, mode="r:") as tar:
        for member in tar:
            if member.name.startswith(prefix):
                _take_out(tar, member, aside / member.name.removeprefix(prefix))
                count += 1
    for old in folder.iterdir():
        if old != aside and old.name != LOCK and not old.is_mount():
            _remove(old)
    for new in sorted(aside.iterdir()):
        place = folder / new.name
        if place.is_mount():  # a volume of its own is filled, as it cannot be replaced
            for old in place.iterdir():
                _remove(old)
            for inner in new.iterdir():
                shutil.move(inner, place / inner.name)
        else:
            new.rename(place)
    shutil.rmtree(aside)
    return count


def restored_database(source: Path, name: str, scratch: Path) -> Path:
    """The dump of a database, taken out of a verified archive into a folder. Raises ArchiveError when there is none."""
    with tarfile.open(source, mode="r:") as tar:
        try:
            member = tar.getmember(f"{DATABASES}/{name}.dump")
        except KeyError as error:
            raise ArchiveError(
                f"{source} holds no database {name}; leave it out of PREFLIGHT_BACKUP_DATABASES"
            ) from error
        return _take_out(tar, member, scratch / f"{name}.dump")


def _everything(
    folders: Mapping[str, Path], databases: Mapping[str, Callable[[Path], None]], skip: tuple[str, ...], scratch: Path
) -> Iterator[tuple[str, Path, int]]:
    for name, folder in folders.items():
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.is_file() and not path.name.endswith(PASSING) and inside.parts[0] not in (*skip, RESTORING):
                yield f"{FOLDERS}/{name}/{inside}", _settled(path, scratch), path.stat().st_mode
    for name, dump in databases.items():
        dump(scratch / name)
        yield f"{DATABASES}/{name}.dump", scratch / name, OWNER_ALONE


def _take_out(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> Path:
    """Write a member, which `verify_archive` found to be a file, to a place of ours, as closed as it was; flushed."""
    make_folder(target.parent)
    content = tar.extractfile(member)
    if content is None:
        raise ArchiveError(f"{member.name} is no file; use another archive")
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ALONE), "wb") as file:
        shutil.copyfileobj(content, file)
        os.fchmod(file.fileno(), member.mode & PERMISSIONS)
        file.flush()
        os.fsync(file.fileno())
    return target


def _settled(path: Path, scratch: Path) -> Path:
    """The file itself, or of a SQLite database a copy in which no transaction is half done."""
    with path.open("rb") as file:
        if file.read(len(SQLITE)) != SQLITE:
            return path
    copy = scratch / "sqlite"
    copy.unlink(missing_ok=True)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


def _add(tar: tarfile.TarFile, name: str, path: Path, mode: int) -> tuple[str, int]:
    """Put a file of so many bytes as it has now into the archive; its SHA-256 and bytes."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        hashing = _Hashing(file)
        tar.addfile(_member(name, size, mode), hashing)
    return hashing.digest.hexdigest(), size


class _Hashing:
    """A file that is hashed as it is read."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self.digest.update(piece)
        return piece


def _member(name: str, size: int, mode: int = OWNER_ALONE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, mode & PERMISSIONS
    return member


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := file.read(PIECE):
        digest.update(piece)
    return digest.hexdigest()


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
