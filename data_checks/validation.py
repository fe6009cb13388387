"""What becomes of a batch once its rules have been checked: accepted, quarantined row by row, or blocked whole."""

from dataclasses import asdict, dataclass

import polars as pl

from data_checks import contract as c
from data_checks.rules import measure_rules, repeats

BROKEN_RULES = "broken_rules"


class DataRefused(ValueError):  # noqa: N818
    """Data may not enter, for a reason that one sentence tells."""


class BatchBlocked(DataRefused):
    """A batch broke a rule of severity `block`; nothing of it may go on."""


@dataclass(frozen=True)
class RuleResult:
    """One rule of a feed on one batch. `failed_rows` are positions in the batch, empty for rules on the whole batch.

    `value` is what a measure came to, None for rules about rows and where it could not be said.
    """

    rule: str
    severity: str
    passed: bool
    checked: int
    failed: int
    failed_rows: tuple[int, ...] = ()
    observed: str = ""
    value: float | None = None


@dataclass(frozen=True)
class Verdict:
    """The two halves of a batch: every landed row is in exactly one of them."""

    accepted: pl.DataFrame
    quarantined: pl.DataFrame


def judge_batch(batch: pl.DataFrame, feed: c.Feed, results: list[RuleResult]) -> Verdict:
    """Split a batch by its rule results; `quarantined` has one more column naming the rules a row broke.

    Raises BatchBlocked naming every broken rule of severity `block`, and those to quarantine by that name no row.
    """
    blocking = [result for result in results if not result.passed and _blocks(result)]
    if blocking:
        broken = "; ".join(f"{result.rule}, got {result.observed}" for result in blocking)
        raise BatchBlocked(f"{feed.name} stays out, it broke: {broken}")
    rules_of_row: dict[int, list[str]] = {}
    for result in results:
        if not result.passed and result.severity == c.QUARANTINE:
            for row in result.failed_rows:
                rules_of_row.setdefault(row, []).append(result.rule)
    numbered = batch.with_row_index("row")
    broken = pl.DataFrame(
        {"row": list(rules_of_row), BROKEN_RULES: ["; ".join(sorted(rules)) for rules in rules_of_row.values()]},
        schema={"row": pl.UInt32, BROKEN_RULES: pl.String},
    )
    verdict = Verdict(
        accepted=numbered.join(broken, on="row", how="anti", maintain_order="left").drop("row"),
        quarantined=numbered.join(broken, on="row", maintain_order="left").drop("row"),
    )
    if verdict.accepted.height + verdict.quarantined.height != batch.height:
        raise AssertionError(f"{feed.name}: {batch.height} landed rows became another number")
    return verdict


def _blocks(result: RuleResult) -> bool:
    return result.severity == c.BLOCK or (result.severity == c.QUARANTINE and not result.failed_rows)


def later_copies(batch: pl.DataFrame, key: tuple[str, ...]) -> tuple[int, ...]:
    """Positions of the rows whose key stood in an earlier row already; the first copy is the one that counts."""
    return tuple(batch.select(pl.arg_where(repeats(key))).to_series().to_list())


def as_record(week: str, feed: c.Feed, rows: int, results: list[RuleResult]) -> dict:
    """What the rules said of a batch of so many rows, as plain values to be kept; of measures with their bounds."""
    bounds = {rule.name: {"minimum": rule.minimum, "maximum": rule.maximum} for rule in measure_rules(feed)}
    rules = [
        {name: value for name, value in asdict(result).items() if name != "failed_rows"} | bounds.get(result.rule, {})
        for result in results
    ]
    return {"week": week, "feed": feed.name, "rows": rows, "rules": rules}
