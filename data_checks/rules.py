"""Every promise of the contract as one named rule, in words and as a test on a frame. Suites are built of these."""

from dataclasses import dataclass

import polars as pl

from data_checks import contract as c

THERE, WITHIN, AMONG, LIKE, TRUE = "there", "within", "among", "like", "true"
ONCE, BEFORE, THERE_WHEN, ABSENT_WHEN, MOSTLY_THERE = "once", "before", "there when", "absent when", "mostly there"


@dataclass(frozen=True)
class Rule:
    """One rule: its name in words, what breaking it costs, the columns it looks at, and what it asks of them.

    `values` are the allowed words, or the words of the last column at which the rule holds.
    """

    name: str
    severity: str
    kind: str
    columns: tuple[str, ...]
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    pattern: str = ""


def row_rules(table: c.Table) -> tuple[Rule, ...]:
    """The rules that follow from a table's columns, key and joint promises; of a feed with its derived columns."""
    columns = (*table.columns, *getattr(table, "derived", ()))
    alone = [rule for column in columns for rule in column_rules(column)]
    once = Rule(f"{' and '.join(table.key)} seen once", c.QUARANTINE, ONCE, table.key)
    return (*alone, once, *(_joint_rules(table) if isinstance(table, c.Feed) else ()))


def measure_rules(feed: c.Feed) -> tuple[Rule, ...]:
    """The rules about a whole batch of a feed."""
    return tuple(rule for column in feed.measures for rule in column_rules(column))


def column_rules(column: c.Column) -> list[Rule]:
    """What a column promises by itself."""
    name, names, severity = column.name, (column.name,), column.severity
    rules = []
    if not column.nullable:
        rules.append(Rule(f"{name} is there", severity, THERE, names))
    if column.most_missing is not None:
        words = f"{name} missing in at most {column.most_missing:.0%} of the rows"
        rules.append(Rule(words, c.BLOCK, MOSTLY_THERE, names, maximum=column.most_missing))
    if column.minimum is not None or column.maximum is not None:
        words = f"{name} {_range(column)} {column.unit}".strip()
        rules.append(Rule(words, severity, WITHIN, names, column.minimum, column.maximum))
    if column.domain:
        rules.append(Rule(f"{name} is one of {', '.join(column.domain)}", severity, AMONG, names, values=column.domain))
    if column.pattern:
        rules.append(Rule(f"{name} looks like {column.pattern}", severity, LIKE, names, pattern=column.pattern))
    if column.dtype == pl.Boolean:
        rules.append(Rule(f"{name} is true", severity, TRUE, names))
    return rules


def allowed(column: c.Column) -> str:
    """The values a column may have, in words; empty where any of its type will do."""
    found = [_range(column)] if column.minimum is not None or column.maximum is not None else []
    found += [", ".join(column.domain)] if column.domain else []
    found += [f"`{column.pattern}`"] if column.pattern else []
    found += ["true"] if column.dtype == pl.Boolean else []
    return "; ".join(found)


def broken(rule: Rule) -> pl.Expr:
    """Whether a row breaks the rule; never null. For rules about rows, not for `mostly there`."""
    column = pl.col(rule.columns[0])
    found = {
        THERE: lambda: column.is_null(),
        WITHIN: lambda: (column < _or(rule.minimum, float("-inf"))) | (column > _or(rule.maximum, float("inf"))),
        AMONG: lambda: ~column.is_in(list(rule.values)),
        LIKE: lambda: ~column.str.contains(rule.pattern),
        TRUE: lambda: ~column,
        ONCE: lambda: repeats(rule.columns),
        BEFORE: lambda: column >= pl.col(rule.columns[1]),
        THERE_WHEN: lambda: column.is_null() & pl.col(rule.columns[1]).is_in(list(rule.values)),
        ABSENT_WHEN: lambda: column.is_not_null() & pl.col(rule.columns[1]).is_in(list(rule.values)),
    }[rule.kind]()
    return found.fill_null(False)


def repeats(key: tuple[str, ...]) -> pl.Expr:
    """Whether a row's key stood in an earlier row already; a key that is missing whole is no key."""
    has_key = pl.any_horizontal(pl.col(name).is_not_null() for name in key)
    return ~pl.struct(key).is_first_distinct() & has_key


def _joint_rules(feed: c.Feed) -> list[Rule]:
    before = [
        Rule(f"{earlier} before {later}", c.QUARANTINE, BEFORE, (earlier, later)) for earlier, later in feed.ascending
    ]
    conditions = [(THERE_WHEN, "is there", feed.required_when), (ABSENT_WHEN, "is missing", feed.absent_when)]
    conditional = [
        Rule(
            f"{column} {words} when {when} is {' or '.join(values)}", c.QUARANTINE, kind, (column, when), values=values
        )
        for kind, words, promises in conditions
        for column, when, values in promises
    ]
    return before + conditional


def _range(column: c.Column) -> str:
    if column.maximum is None:
        return f"at least {column.minimum:g}"
    if column.minimum is None:
        return f"at most {column.maximum:g}"
    if column.minimum == column.maximum:
        return f"exactly {column.minimum:g}"
    return f"between {column.minimum:g} and {column.maximum:g}"


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
