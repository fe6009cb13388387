"""Great Expectations suites and checkpoints, derived from the contract's rules. The only module that imports it."""

import shutil
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
import polars as pl
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.row_conditions import Column as RowColumn

from data_checks import rules as r
from data_checks import schema as s
from data_checks.history import History
from data_checks.joint import with_derived
from data_checks.measures import measure_batch
from data_checks.offline_docs import make_offline
from data_checks.validation import RuleResult, later_copies

GX_SEVERITY = {s.BLOCK: "critical", s.QUARANTINE: "warning", s.WARN: "info"}
ROW = "row"
STALE = (
    "expectations",
    "validation_definitions",
    "checkpoints",
    "great_expectations.yml",
    "uncommitted/config_variables.yml",
)
COUNTS = {"result_format": "BASIC"}
NAMES_ROWS = {"result_format": "COMPLETE", "unexpected_index_column_names": [ROW]}
"""Naming rows takes half as long again, so only rules that broke are asked for them, and records stay small."""

Derive = Callable[[s.Feed, pl.DataFrame, Any], pl.DataFrame]
"""What `with_derived` does: the batch of a feed with its derived columns, beside what was known before."""
Measure = Callable[[s.Feed, pl.DataFrame, int, Any, Iterable[int]], dict[str, float | None]]
"""What `measure_batch` does: every measure of a feed's contract by name."""


class Validator:
    """A Great Expectations file context under `folder`: for each feed a suite for rows and one for measures.

    The suites are written anew at every start: they follow the contract, and a process that
    was killed while it wrote one leaves nothing that the next would have to read. Feeds of another
    contract come with their own `derive` and `measure`.
    """

    def __init__(
        self,
        folder: Path,
        feeds: Iterable[s.Feed] = tuple(s.FEEDS.values()),
        derive: Derive = with_derived,
        measure: Measure = measure_batch,
    ) -> None:
        self._derive, self._measure = derive, measure
        for stale in STALE:
            _remove(folder / "gx" / stale)
        folder.mkdir(parents=True, exist_ok=True)
        self._context = gx.get_context(mode="file", project_root_dir=folder)
        self._context.variables.progress_bars = ProgressBarsConfig(globally=False)
        source = self._context.data_sources.add_or_update_pandas("feeds")
        self._checkpoints = {}
        for feed in feeds:
            self._checkpoints[feed.name] = (
                self._checkpoint(source, feed.name, r.row_rules(feed)),
                self._checkpoint(source, f"{feed.name}_measures", r.measure_rules(feed)),
            )

    def check(
        self,
        feed: s.Feed,
        batch: pl.DataFrame,
        days: int,
        name: str,
        moment: datetime,
        history: Any = History(),  # noqa: B008 - frozen
    ) -> list[RuleResult]:
        """Judge a batch that covers so many `days`, its rows and then itself; one result per rule.

        `name` and `moment` identify the run, so that running it again replaces its record.
        """
        run = RunIdentifier(run_name=name, run_time=moment)
        rows_checkpoint, measures_checkpoint = self._checkpoints[feed.name]
        derived = self._derive(feed, batch, history)
        frame = derived.with_row_index(ROW).to_pandas()
        rows = _name_rows(_run(rows_checkpoint, run, frame), _data_of(rows_checkpoint), feed, derived, frame)
        failed = {row for result in rows for row in result.failed_rows}
        measured = self._measure(feed, derived, days, history, failed)
        numbers = pl.DataFrame([measured], schema={column.name: column.dtype for column in feed.measures})
        found = _run(measures_checkpoint, run, numbers.to_pandas())
        return rows + [_measure_result(result, measured) for result in found]

    def check_rows(self, feed: s.Feed, batch: pl.DataFrame, history: Any) -> list[RuleResult]:
        """As `check`, of the rules about rows alone, for rows that are no whole week; nothing is recorded."""
        checkpoint, _ = self._checkpoints[feed.name]
        (definition,) = checkpoint.validation_definitions
        derived = self._derive(feed, batch, history)
        frame = derived.with_row_index(ROW).to_pandas()
        found = definition.data.get_batch({"dataframe": frame}).validate(definition.suite, result_format=COUNTS)
        return _name_rows(_readable(found.results), definition.data, feed, derived, frame)

    def build_docs(self) -> Path:
        """Write Data Docs of all recorded runs, so that they open without a network; returns their first page."""
        (url,) = self._context.build_data_docs().values()
        first = Path(url.removeprefix("file://"))
        make_offline(first.parent)
        return first

    def _checkpoint(self, source: object, name: str, rules: tuple[r.Rule, ...]) -> gx.Checkpoint:
        batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("week")
        suite = self._context.suites.add(
            gx.ExpectationSuite(name, expectations=[expectation_of(rule) for rule in rules])
        )
        definition = self._context.validation_definitions.add(
            gx.ValidationDefinition(name=name, data=batch, suite=suite)
        )
        return self._context.checkpoints.add(
            gx.Checkpoint(name=name, validation_definitions=[definition], result_format=COUNTS)
        )


def expectation_of(rule: r.Rule) -> gxe.Expectation:
    """The expectation that says the same as a rule of the contract, with its name and severity."""
    column = {"column": rule.columns[0]}
    labels = {
        "meta": {"rule": rule.name, "severity": rule.severity, "kind": rule.kind},
        "severity": GX_SEVERITY[rule.severity],
    }
    if rule.kind == r.THERE:
        return gxe.ExpectColumnValuesToNotBeNull(**column, **labels)
    if rule.kind == r.MOSTLY_THERE:
        return gxe.ExpectColumnValuesToNotBeNull(**column, mostly=1 - rule.maximum, **labels)
    if rule.kind == r.WITHIN:
        return gxe.ExpectColumnValuesToBeBetween(**column, min_value=rule.minimum, max_value=rule.maximum, **labels)
    if rule.kind == r.AMONG:
        return gxe.ExpectColumnValuesToBeInSet(**column, value_set=list(rule.values), **labels)
    if rule.kind == r.TRUE:
        return gxe.ExpectColumnValuesToBeInSet(**column, value_set=[True], **labels)
    if rule.kind == r.LIKE:
        return gxe.ExpectColumnValuesToMatchRegex(**column, regex=rule.pattern, **labels)
    if rule.kind == r.ONCE and len(rule.columns) == 1:
        return gxe.ExpectColumnValuesToBeUnique(**column, **labels)
    if rule.kind == r.ONCE:
        return gxe.ExpectCompoundColumnsToBeUnique(column_list=list(rule.columns), **labels)
    if rule.kind == r.BEFORE:
        earlier, later = rule.columns
        pair = {"column_A": later, "column_B": earlier, "ignore_row_if": "either_value_is_missing"}
        return gxe.ExpectColumnPairValuesAToBeGreaterThanB(**pair, **labels)
    condition = RowColumn(rule.columns[1]).is_in(list(rule.values))
    conditional = gxe.ExpectColumnValuesToNotBeNull if rule.kind == r.THERE_WHEN else gxe.ExpectColumnValuesToBeNull
    return conditional(**column, row_condition=condition, **labels)


def _run(checkpoint: gx.Checkpoint, run: RunIdentifier, frame: pd.DataFrame) -> list:
    outcome = checkpoint.run(batch_parameters={"dataframe": frame}, run_id=run)
    (validation,) = outcome.run_results.values()
    return _readable(validation.results)


def _readable(results: list) -> list:
    """The results, if every rule could be checked; what cannot be checked was not kept."""
    for result in results:
        if "exception_message" in str(result.exception_info) and not result.result:
            rule = result.expectation_config.meta["rule"]
            raise RuntimeError(f"rule '{rule}' could not be checked: {result.exception_info}")
    return results


def _data_of(checkpoint: gx.Checkpoint) -> gx.core.batch_definition.BatchDefinition:
    (definition,) = checkpoint.validation_definitions
    return definition.data


def _name_rows(
    results: list,
    data: gx.core.batch_definition.BatchDefinition,
    feed: s.Feed,
    derived: pl.DataFrame,
    frame: pd.DataFrame,
) -> list[RuleResult]:
    names = {result.expectation_config.meta["rule"] for result in results if not result.success}
    broken = [rule for rule in r.row_rules(feed) if rule.name in names]
    rows = _failed_rows(data, broken, frame) if broken else {}
    for rule in broken:
        if rule.kind == r.ONCE:
            rows[rule.name] = later_copies(derived, rule.columns)
    return [_row_result(result, rows.get(result.expectation_config.meta["rule"], ())) for result in results]


def _failed_rows(
    data: gx.core.batch_definition.BatchDefinition, broken: list[r.Rule], frame: pd.DataFrame
) -> dict[str, tuple[int, ...]]:
    """The rows that broke each of these rules, by the rule's name."""
    suite = gx.ExpectationSuite("broken", expectations=[expectation_of(rule) for rule in broken])
    found = data.get_batch({"dataframe": frame}).validate(suite, result_format=NAMES_ROWS)
    return {
        result.expectation_config.meta["rule"]: tuple(
            int(entry[ROW]) for entry in result.result.get("unexpected_index_list") or ()
        )
        for result in found.results
    }


def _row_result(result: gx.core.ExpectationValidationResult, rows: tuple[int, ...]) -> RuleResult:
    meta = result.expectation_config.meta
    return RuleResult(
        rule=meta["rule"],
        severity=meta["severity"],
        passed=bool(result.success),
        checked=int(result.result["element_count"]),
        failed=len(rows) if rows else int(not result.success),
        failed_rows=rows if meta["severity"] == s.QUARANTINE else (),
        observed=f"{len(rows)} rows",
    )


def _measure_result(result: gx.core.ExpectationValidationResult, measured: dict[str, float | None]) -> RuleResult:
    meta = result.expectation_config.meta
    value = measured[result.expectation_config.kwargs["column"]]
    return RuleResult(
        rule=meta["rule"],
        severity=meta["severity"],
        passed=bool(result.success),
        checked=int(value is not None),
        failed=int(not result.success),
        observed="nothing" if value is None else f"{value:.4g}",
        value=value,
    )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
