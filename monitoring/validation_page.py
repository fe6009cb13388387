"""Every rule of the contract on every batch as one page that opens without a network; its words are in `templates/`."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from data_checks import schema as s
from monitoring.html import page_environment

KEPT, SILENT = "kept", "silent"
COSTS = {s.BLOCK: "batch kept out", s.QUARANTINE: "rows quarantined", s.WARN: "warning"}
CHART_WIDTH, CHART_HEIGHT, MARGIN = 320, 64, 6


@dataclass(frozen=True)
class Cell:
    """One rule in one week: what came of it, in one word for the colour and in a sentence for the reader."""

    state: str
    failed: int
    words: str


@dataclass(frozen=True)
class RuleRow:
    """One rule over the weeks; `checked` and `failed` are sums, `chart` the course of a measure as SVG."""

    rule: str
    severity: str
    checked: int
    failed: int
    cells: tuple[Cell, ...]
    chart: str = ""


@dataclass(frozen=True)
class FeedTable:
    """The rules of one feed over its weeks: those about rows, and those about whole batches."""

    feed: str
    weeks: tuple[str, ...]
    landed: int
    rows: tuple[RuleRow, ...]
    measures: tuple[RuleRow, ...]

    @property
    def broken(self) -> int:
        """How many times a rule was broken, weeks counted once."""
        return sum(cell.state in COSTS for row in (*self.rows, *self.measures) for cell in row.cells)


def render_validation_page(records: Sequence[dict]) -> str:
    """The page as HTML from the validation records of the home folder. Equal records give equal bytes."""
    tables = [tabulate([record for record in records if record["feed"] == feed]) for feed in _feeds(records)]
    environment = page_environment()
    environment.filters["count"] = lambda value: f"{value:,}"
    return environment.get_template("validation.html").render(tables=tables, costs=COSTS)


def tabulate(records: Sequence[dict]) -> FeedTable:
    """The records of one feed by rule and week; a rule that a week does not know of has nothing to say there."""
    ordered = sorted(records, key=lambda record: record["week"])
    weeks = tuple(record["week"] for record in ordered)
    found = {(record["week"], rule["rule"]): rule for record in ordered for rule in record["rules"]}
    names = dict.fromkeys(rule["rule"] for record in reversed(ordered) for rule in record["rules"])
    rows = [_rule_row(name, weeks, found) for name in names]
    measured = {name for (_, name), rule in found.items() if "minimum" in rule}
    return FeedTable(
        feed=ordered[0]["feed"],
        weeks=weeks,
        landed=sum(record["rows"] for record in ordered),
        rows=tuple(row for row in rows if row.rule not in measured),
        measures=tuple(row for row in rows if row.rule in measured),
    )


def draw_course(values: Sequence[float | None], minimum: float | None, maximum: float | None, shows: str) -> str:
    """A measure by week as a small SVG: a line with a gap where nothing was said, dashed lines at its bounds."""
    bounds = [bound for bound in (minimum, maximum) if bound is not None]
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, high = min((*known, *bounds)), max((*known, *bounds))
    room = (high - low) or abs(high) or 1.0

    def x(number: int) -> float:
        return MARGIN + (CHART_WIDTH - 2 * MARGIN) * number / max(len(values) - 1, 1)

    def y(value: float) -> float:
        return CHART_HEIGHT - MARGIN - (CHART_HEIGHT - 2 * MARGIN) * (value - low) / room

    def dot(number: int, value: float) -> str:
        wrong = (minimum is not None and value < minimum) or (maximum is not None and value > maximum)
        return f'<circle class="{"wrong" if wrong else "right"}" cx="{x(number):.1f}" cy="{y(value):.1f}" r="2"/>'

    drawn = [(number, value) for number, value in enumerate(values) if value is not None]
    pairs = [(a, b) for a, b in pairwise(drawn) if b[0] == a[0] + 1]
    line = "".join(f"M{x(a[0]):.1f} {y(a[1]):.1f}L{x(b[0]):.1f} {y(b[1]):.1f}" for a, b in pairs)
    rules = "".join(
        f'<line class="bound" x1="0" x2="{CHART_WIDTH}" y1="{y(bound):.1f}" y2="{y(bound):.1f}"/>' for bound in bounds
    )
    dots = "".join(dot(number, value) for number, value in drawn)
    box = f'viewBox="0 0 {CHART_WIDTH} {CHART_HEIGHT}" role="img" aria-label="{escape(shows)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}>{rules}<path class="course" d="{line}"/>{dots}</svg>'


def _feeds(records: Sequence[dict]) -> list[str]:
    return list(dict.fromkeys(feed for feed in s.FEEDS for record in records if record["feed"] == feed))


def _rule_row(name: str, weeks: tuple[str, ...], found: dict[tuple[str, str], dict]) -> RuleRow:
    results = [found.get((week, name)) for week in weeks]
    said = [result for result in results if result is not None]
    newest = said[-1]
    cells = tuple(_cell(week, result) for week, result in zip(weeks, results, strict=True))
    values = [None if result is None else result["value"] for result in results]
    chart = ""
    if "minimum" in newest:
        column = name.split(" ")[0]
        chart = draw_course(values, newest["minimum"], newest["maximum"], f"{column} over {len(weeks)} weeks")
    return RuleRow(
        rule=name,
        severity=newest["severity"],
        checked=sum(result["checked"] for result in said),
        failed=sum(result["failed"] for result in said),
        cells=cells,
        chart=chart,
    )


def _cell(week: str, result: dict | None) -> Cell:
    if result is None or not result["checked"]:
        return Cell(SILENT, 0, f"{week}: nothing to judge by")
    if result["passed"]:
        value = "" if result["value"] is None else f", {result['observed']}"
        return Cell(KEPT, 0, f"{week}: kept{value}")
    return Cell(result["severity"], result["failed"], f"{week}: {COSTS[result['severity']]}, got {result['observed']}")
