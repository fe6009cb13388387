"""Which errors are answers to the user, in one sentence, and which are bugs. Imports nothing heavy."""

import errno
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

REFUSED, WRONG_USAGE = 1, 2
DISK_ERRORS = (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EDQUOT)
DAMAGED_WORDS = ("malformed", "not a database")
RESTORE = "restore it from a copy, or set PREFLIGHT_HOME to a fresh folder"
DISK_WORDS = ("disk is full", "readonly database", "unable to open database file", "disk i/o error")


@dataclass(frozen=True)
class Failure:
    """What to tell the user, and the exit code of the command."""

    sentence: str
    exit_code: int


def explain_failure(error: BaseException) -> Failure | None:
    """The failure behind an error, None when it is a bug that deserves its traceback.

    Tools wrap what happened in errors of their own, so the causes are looked at too.
    """
    return next((failure for cause in _causes(error) if (failure := _known(cause))), None)


def _known(error: BaseException) -> Failure | None:
    from data_checks.validation import DataRefused
    from infra.errors import PreflightError, UsageError
    from infra.settings import SettingsError
    from pipelines.clock import PeriodError

    if isinstance(error, PeriodError | SettingsError | UsageError):
        return Failure(str(error), WRONG_USAGE)
    if isinstance(error, PreflightError | DataRefused):
        return Failure(str(error), REFUSED)
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        return Failure(_about_disk(f"{error.filename or 'a file'}: {error.strerror}"), REFUSED)
    if isinstance(error, sqlite3.OperationalError) and any(words in str(error) for words in DISK_WORDS):
        return Failure(_about_disk(f"a database: {error}"), REFUSED)
    if isinstance(error, sqlite3.DatabaseError) and any(words in str(error) for words in DAMAGED_WORDS):
        return Failure(f"a database was damaged ({error}); {RESTORE}", REFUSED)
    return None


def _about_disk(what: str) -> str:
    return (
        f"cannot write {what}; free some space, change its permissions, or set PREFLIGHT_HOME to another folder; "
        "the same command then goes on where it stopped"
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
