"""How figures read in sentences and tables, for every page, card and table alike."""

NONE = "-"


def readable(value: float) -> str:
    """A number with four digits that count; a whole one as it is.

    >>> readable(12870), readable(0.77941)
    ('12870', '0.7794')
    """
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.4g}"


def metric(value: float | None) -> str:
    """A metric to four places; a dash where it does not exist."""
    return NONE if value is None else f"{value:.4f}"


def signed(value: float) -> str:
    """A difference to four places with its sign."""
    return f"{value:+.4f}"


def share(value: float) -> str:
    """A share of 1 as a percentage."""
    return f"{value:.1%}"


def count(value: int) -> str:
    """A whole number with commas."""
    return f"{value:,}"


def yes_or_no(value: bool) -> str:
    """What a table says of a truth."""
    return "yes" if value else "no"
