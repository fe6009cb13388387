"""How results look in a terminal: tables, a progress bar on standard error, the outcome as the last line."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

NARROWEST = 100  # what the tables need when nobody looks: a pipe or a log has no width


def console() -> Console:
    """Standard output, wide enough for the tables where it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", NARROWEST)))


def finish(outcome: str, document: dict, as_json: bool) -> None:
    """End a command: the outcome as last line, or the whole document as JSON with the outcome in it."""
    if as_json:
        sys.stdout.write(json.dumps({**document, "outcome": outcome}, indent=1, allow_nan=False) + "\n")
    else:
        tell(outcome)


def tell(line: str) -> None:
    """Print one line now."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def table(title: str, columns: dict[str, str], rows: list[tuple]) -> None:
    """Print a table; `columns` maps each heading to how it is justified."""
    made = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for heading, justify in columns.items():
        made.add_column(heading, justify=justify, overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else str(cell) for cell in row))
    console().print(made)


def share_bar(share: float, mark: float, width: int = 40) -> Text:
    """A share from 0 to 1 as a bar, with a mark where another one is; it is red when it comes up to the mark."""
    filled, place = round(share * width), min(int(mark * width), width - 1)
    full, empty = ("█", "red" if share >= mark else "green"), ("░", "bright_black")
    cells = [full if cell < filled else empty for cell in range(width)]
    return Text.assemble(*cells[:place], ("┃", "bold"), *cells[place + 1 :])


def signed_bar(value: float, largest: float, width: int = 12) -> Text:
    """A value as a bar to the right of a middle line, red, or to the left, green; `largest` fills its half."""
    blocks = "█" * round(abs(value) / largest * width) if largest else ""
    left, right = (blocks, "") if value < 0 else ("", blocks)
    return Text.assemble((left.rjust(width), "green"), ("│", "bright_black"), (right.ljust(width), "red"))


class Story:
    """A progress bar over weeks that also tells what happened, line by line."""

    def __init__(self, bar: Progress, task: int, weeks: list[str]) -> None:
        self._bar, self._task, self._weeks = bar, task, weeks

    def at(self, week: str, stage: str) -> None:
        """Show that `stage` of `week` begins."""
        self._bar.update(self._task, completed=self._weeks.index(week), week=f"week of {week}", stage=stage)

    def tell(self, line: str) -> None:
        """Print one line above the bar."""
        self._bar.console.print(line, highlight=False, soft_wrap=True)


@contextmanager
def story(weeks: list[str]) -> Iterator[Story]:
    """A progress bar over `weeks` on standard error for the length of the block."""
    columns = (
        TextColumn("{task.fields[week]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("weeks"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[stage]}"),
    )
    looked_at = sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not looked_at) as bar:
        task = bar.add_task("", total=len(weeks), week="waking up", stage="starting Prefect, importing the tools")
        yield Story(bar, task, weeks)


@contextmanager
def progress(total: int, unit: str) -> Iterator[Callable[..., None]]:
    """A progress bar on standard error; calling what it yields says what was done, and counts it as one or as given."""
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    looked_at = sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not looked_at) as bar:
        task = bar.add_task("", total=total)
        yield lambda done, counted=1: bar.update(task, advance=counted, description=done)
