"""The base of every error that is an answer to the user rather than a bug."""


class PreflightError(Exception):
    """Refused or failed for a reason that one sentence tells: what was expected, what was found, what to do next."""


class UsageError(PreflightError, ValueError):
    """A command was asked for something that it does not know."""
