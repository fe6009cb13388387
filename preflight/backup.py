"""`backup` and `restore`: everything of a home folder, and of the databases and folders that the settings name."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.archive import (
    DATABASES,
    FOLDERS,
    LOCK,
    ArchiveError,
    Contents,
    restore_folder,
    restored_database,
    verify_archive,
    write_archive,
)
from infra.errors import UsageError
from infra.postgres_dump import dump, name_in, restore
from infra.settings import Settings
from pipelines.context import open_context
from preflight import show

HOME = "home"
MADE_AGAIN = ("cache", "logs", "bentoml", "proxy", "stack", "prometheus")
"""Folders of a home that whatever wrote them makes anew."""
WAIT_SECONDS = 600


def backup(settings: Settings, target: Path, as_json: bool) -> None:
    """Write one file with everything; nothing is changed meanwhile but the prediction log, which may grow."""
    if target.is_dir():
        target = target / f"preflight-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar"
    if target.resolve().is_relative_to(settings.home):
        raise UsageError(f"expected a file outside of {settings.home}, which is what is copied; got {target}")
    if not any(path.is_file() and path.name != LOCK for path in settings.home.rglob("*")):
        raise UsageError(f"{settings.home} holds nothing to keep; name the home that was lived in, by PREFLIGHT_HOME")
    databases = {name_in(url): partial(dump, url) for url in settings.backup_databases}
    with open_context(settings).store.exclusively(wait_seconds=WAIT_SECONDS):
        contents = write_archive(target, _folders(settings), databases, skip=MADE_AGAIN)
    show.finish(_told("kept", contents, target), {"file": str(target), **_counts(settings, contents)}, as_json)


def restore_all(settings: Settings, source: Path, replace: bool, as_json: bool) -> None:
    """Verify the file first, then make folders and databases as they were."""
    contents = verify_archive(source)
    for name, folder in _folders(settings).items():
        kept = [path.name for path in folder.iterdir() if not path.name.startswith(".")] if folder.exists() else []
        if kept and not replace and any(path.is_file() for path in folder.rglob("*")):
            raise UsageError(f"{folder} is not empty ({', '.join(sorted(kept)[:3])}, ...); add --replace to replace it")
        if not contents.of(FOLDERS, name):
            raise ArchiveError(f"{source} holds nothing of {name}; it was made with other PREFLIGHT_BACKUP_FOLDERS")
    with open_context(settings).store.exclusively(wait_seconds=WAIT_SECONDS), TemporaryDirectory() as scratch:
        for url in settings.backup_databases:
            restore(url, restored_database(source, name_in(url), Path(scratch)))
        for name, folder in _folders(settings).items():
            restore_folder(source, name, folder)
    open_context.cache_clear()
    show.finish(_told("restored", contents, source), {"file": str(source), **_counts(settings, contents)}, as_json)


def _folders(settings: Settings) -> dict[str, Path]:
    """Folders by what they are called in the archive, the home last: it is what says that a life is there."""
    further = {folder.name or "root": folder for folder in settings.backup_folders}
    return {**further, HOME: settings.home}


def _counts(settings: Settings, contents: Contents) -> dict:
    return {
        "bytes": contents.bytes,
        "files": {name: contents.of(FOLDERS, name) for name in _folders(settings)},
        "databases": [name_in(url) for url in settings.backup_databases if contents.of(DATABASES, name_in(url))],
    }


def _told(what: str, contents: Contents, file: Path) -> str:
    return f"{what} {len(contents.files)} files, {contents.bytes / 1e6:.0f} MB: {file}"
