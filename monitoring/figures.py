"""How figures read in sentences and tables, for every page, card and table alike."""

from collections.abc import Iterable, Mapping, Sequence

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


def markdown_table(columns: Mapping[str, str] | Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table in Markdown; where `columns` says how each is justified, `right` is.

    >>> markdown_table({"group": "left", "MB": "right"}, [("plan", "1.5")])
    ['| group | MB |', '| --- | ---: |', '| plan | 1.5 |']
    """
    sides = columns.values() if isinstance(columns, Mapping) else [""] * len(columns)
    rule = ["---:" if side == "right" else "---" for side in sides]
    return [f"| {' | '.join(line)} |" for line in (columns, rule, *rows)]
