"""Great Expectations suites and checkpoints, derived from the contract. The only module that imports it."""

import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import great_expectations as gx
import great_expectations.expectations as gxe
import polars as pl
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.row_conditions import Column as RowColumn

from data_checks import schema as s
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


class Validator:
    """A Great Expectations file context under `folder`, with one suite and one checkpoint per feed.

    The suites are written anew at every start: they follow the contract, and a process that
    was killed while it wrote one leaves nothing that the next would have to read.
    """

    def __init__(self, folder: Path, feeds: Iterable[s.Feed] = tuple(s.FEEDS.values())) -> None:
        for stale in STALE:
            _remove(folder / "gx" / stale)
        folder.mkdir(parents=True, exist_ok=True)
        self._context = gx.get_context(mode="file", project_root_dir=folder)
        self._context.variables.progress_bars = ProgressBarsConfig(globally=False)
        source = self._context.data_sources.add_or_update_pandas("feeds")
        self._checkpoints = {feed.name: self._checkpoint(source, feed) for feed in feeds}

    def check(self, feed: s.Feed, batch: pl.DataFrame, days: int, name: str, moment: datetime) -> list[RuleResult]:
        """Run a feed's checkpoint on a batch that covers so many `days`; one result per rule.

        `name` and `moment` identify the run, so that running it again replaces its record.
        """
        low, high = feed.rows_per_day
        outcome = self._checkpoints[feed.name].run(
            batch_parameters={"dataframe": batch.with_row_index(ROW).to_pandas()},
            expectation_parameters={"fewest_rows": low * days, "most_rows": high * days},
            run_id=RunIdentifier(run_name=name, run_time=moment),
        )
        (validation,) = outcome.run_results.values()
        return [_rule_result(result, feed, batch) for result in validation.results]

    def build_docs(self) -> Path:
        """Write Data Docs of all recorded runs; returns their first page. They fetch styles from other hosts."""
        (url,) = self._context.build_data_docs().values()
        return Path(url.removeprefix("file://"))

    def _checkpoint(self, source: object, feed: s.Feed) -> gx.Checkpoint:
        batch = source.add_dataframe_asset(feed.name).add_batch_definition_whole_dataframe("week")
        suite = self._context.suites.add(gx.ExpectationSuite(feed.name, expectations=expectations_of(feed)))
        definition = self._context.validation_definitions.add(
            gx.ValidationDefinition(name=feed.name, data=batch, suite=suite)
        )
        complete = {"result_format": "COMPLETE", "unexpected_index_column_names": [ROW]}
        return self._context.checkpoints.add(
            gx.Checkpoint(name=feed.name, validation_definitions=[definition], result_format=complete)
        )


def expectations_of(feed: s.Feed) -> list[gxe.Expectation]:
    """The expectations that follow from a feed's contract, each with its rule in words and its severity."""
    return [expectation for column in feed.columns for expectation in _column_expectations(column)] + [
        *_key_expectations(feed),
        *_joint_expectations(feed),
        gxe.ExpectTableRowCountToBeBetween(
            min_value={"$PARAMETER": "fewest_rows"},
            max_value={"$PARAMETER": "most_rows"},
            **_labels("between {} and {} rows per day".format(*feed.rows_per_day), feed.volume_severity),
        ),
    ]


def _column_expectations(column: s.Column) -> list[gxe.Expectation]:
    name, found = column.name, []
    if not column.nullable:
        found.append(gxe.ExpectColumnValuesToNotBeNull(column=name, **_labels(f"{name} is there")))
    if column.minimum is not None:
        words = f"{name} between {column.minimum:g} and {column.maximum:g} {column.unit}".strip()
        bounds = {"min_value": column.minimum, "max_value": column.maximum}
        found.append(gxe.ExpectColumnValuesToBeBetween(column=name, **bounds, **_labels(words)))
    if column.domain:
        words = f"{name} is one of {', '.join(column.domain)}"
        found.append(gxe.ExpectColumnValuesToBeInSet(column=name, value_set=list(column.domain), **_labels(words)))
    if column.pattern:
        words = f"{name} looks like {column.pattern}"
        found.append(gxe.ExpectColumnValuesToMatchRegex(column=name, regex=column.pattern, **_labels(words)))
    return found


def _key_expectations(feed: s.Feed) -> list[gxe.Expectation]:
    labels = _labels(f"{' and '.join(feed.key)} seen once", key=True)
    if len(feed.key) == 1:
        return [gxe.ExpectColumnValuesToBeUnique(column=feed.key[0], **labels)]
    return [gxe.ExpectCompoundColumnsToBeUnique(column_list=list(feed.key), **labels)]


def _joint_expectations(feed: s.Feed) -> list[gxe.Expectation]:
    ascending = [
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=later,
            column_B=earlier,
            ignore_row_if="either_value_is_missing",
            **_labels(f"{earlier} before {later}"),
        )
        for earlier, later in feed.ascending
    ]
    required = [
        gxe.ExpectColumnValuesToNotBeNull(
            column=column,
            row_condition=RowColumn(when).is_in(list(values)),
            **_labels(f"{column} is there when {when} is {' or '.join(values)}"),
        )
        for column, when, values in feed.required_when
    ]
    return ascending + required


def _labels(rule: str, severity: str = s.QUARANTINE, key: bool = False) -> dict:
    return {"meta": {"rule": rule, "severity": severity, "key": key}, "severity": GX_SEVERITY[severity]}


def _rule_result(result: gx.core.ExpectationValidationResult, feed: s.Feed, batch: pl.DataFrame) -> RuleResult:
    meta, found = result.expectation_config.meta, result.result
    if "exception_message" in str(result.exception_info) and not found:
        raise RuntimeError(f"rule '{meta['rule']}' of {feed.name} could not be checked: {result.exception_info}")
    rows = tuple(int(entry[ROW]) for entry in found.get("unexpected_index_list") or ())
    if meta["key"] and rows:
        rows = later_copies(batch, feed.key)
    return RuleResult(
        rule=meta["rule"],
        severity=meta["severity"],
        passed=bool(result.success),
        checked=int(found.get("element_count", batch.height)),
        failed=len(rows) if rows else int(not result.success),
        failed_rows=rows,
        observed=f"{found['observed_value']} rows" if "observed_value" in found else f"{len(rows)} rows",
    )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
