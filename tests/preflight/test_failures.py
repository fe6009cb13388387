"""Which errors are answers to the user, also when a tool has wrapped them, and which are bugs."""

import errno
import sqlite3

import pytest

from data_checks.feeds import RowsWithoutMoment
from data_checks.validation import BatchBlocked
from infra.storage import StorageError
from pipelines.clock import PeriodError
from preflight.failures import REFUSED, WRONG_USAGE, Failure, explain_failure


def wrapped(cause: Exception) -> Exception:
    try:
        try:
            raise cause
        except Exception as error:
            raise RuntimeError("a tool failed") from error
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (PeriodError("no such month"), Failure("no such month", WRONG_USAGE)),
        (StorageError("no room"), Failure("no room", REFUSED)),
        (BatchBlocked("too few rows"), Failure("too few rows", REFUSED)),
        (RowsWithoutMoment("3 rows"), Failure("3 rows", REFUSED)),
        (wrapped(StorageError("no room")), Failure("no room", REFUSED)),
    ],
)
def test_a_refusal_is_its_own_sentence(error, failure):
    assert explain_failure(error) == failure


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_no_more_is_a_refusal_that_names_the_file(number):
    failure = explain_failure(wrapped(OSError(number, "no more", "a/file")))

    assert (failure.exit_code, "a/file: no more" in failure.sentence) == (REFUSED, True)


@pytest.mark.parametrize("words", ["database or disk is full", "attempt to write a readonly database"])
def test_a_database_on_a_full_disk_is_a_refusal(words):
    assert explain_failure(wrapped(sqlite3.OperationalError(words))).exit_code == REFUSED


@pytest.mark.parametrize(
    "bug", [KeyError("x"), OSError(errno.EINVAL, "bug"), sqlite3.OperationalError("no such table")]
)
def test_a_bug_keeps_its_traceback(bug):
    assert explain_failure(wrapped(bug)) is None
