"""The year as one page that opens without a network. Gathers what the page shows; the words are in `templates/`."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from jinja2 import Environment

from monitoring import plots
from monitoring.decision import RETRAIN
from monitoring.figures import readable
from monitoring.html import page_environment
from monitoring.summary import PeriodRow, Year, mean_of
from monitoring.watch import watch_year
from monitoring.watch_plots import draw_watch
from monitoring.windows import DRIFT_THRESHOLD

NONE = "-"


@dataclass(frozen=True)
class Tool:
    """A tool with a page of its own: what it shows, the command that starts it and where it then answers."""

    name: str
    shows: str
    command: str
    address: str


@dataclass(frozen=True)
class Places:
    """Where the reader finds the rest; links are relative to the page, None to what was not made.

    `cards` leads from versions to their model cards.
    """

    home: str
    data_docs: str | None
    tools: tuple[Tool, ...]
    validation: str | None = None
    bakeoff: str | None = None
    explain: str | None = None
    cards: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Headline:
    """The year in numbers; metrics are means over the months, `months_ahead` those where live had the better AUC."""

    flights: int
    months: int
    months_ahead: int
    auc: dict[str, float | None]
    log_loss: dict[str, float | None]
    trained: int
    promoted: int
    refused: int
    landed: int
    quarantined: int
    warnings: int

    @property
    def auc_gain(self) -> float | None:
        """Mean AUC of live less that of the frozen champion, above 0 where retraining paid."""
        live, frozen = self.auc["live"], self.auc["frozen"]
        return None if live is None or frozen is None else live - frozen


@dataclass(frozen=True)
class FeatureDrift:
    """A feature's drift over the year: mean and largest distance, and the share of weeks at the threshold or above."""

    name: str
    mean: float
    largest: float
    largest_week: str
    share_above: float


@dataclass(frozen=True)
class FeedRow:
    """One week of one feed: how its rows fared, the rules they broke and what was only worth a warning."""

    week: str
    feed: str
    landed: int
    accepted: int
    quarantined: int
    rules_broken: dict[str, int]
    warnings: tuple[str, ...]


def render_page(year: Year, evidently: list[str], places: Places) -> str:
    """The page as HTML; `evidently` are the weeks that have a report of their own. Equal input gives equal bytes."""
    feeds, watch = feed_rows(year), watch_year(year.of("monitor"), year.of("decide"))
    return _environment().get_template("page.html").render(
        year=year,
        headline=summarise_headline(year, feeds),
        weeks=[event["week"] for event in year.of("score")],
        watch=watch,
        plots=draw_plots(year) | draw_watch(watch),
        frozen=_first_champion(year),
        refits=_refits(year),
        trainings={event["version"]: event for event in year.of("train")},
        undated=_verdicts_outside(year),
        features=summarise_drift(year),
        threshold=DRIFT_THRESHOLD,
        feeds=feeds,
        troubled=[row for row in feeds if row.quarantined or row.warnings],
        evidently=sorted(evidently),
        places=places,
        RETRAIN=RETRAIN,
    )  # fmt: skip


def summarise_headline(year: Year, feeds: list[FeedRow]) -> Headline:
    """The numbers a reader should leave with."""
    verdicts = [event["promote"] for event in year.of("gate")]
    return Headline(
        flights=sum(event["flights"] for event in year.of("score")),
        months=len(year.months),
        months_ahead=sum(_is_ahead(row) for row in year.months),
        auc={answer: mean_of(year.months, answer, "roc_auc") for answer in ("live", "frozen")},
        log_loss={answer: mean_of(year.months, answer, "log_loss") for answer in ("live", "frozen", "base_rate")},
        trained=len(year.of("train")),
        promoted=sum(verdicts),
        refused=len(verdicts) - sum(verdicts),
        landed=sum(row.landed for row in feeds),
        quarantined=sum(row.quarantined for row in feeds),
        warnings=sum(len(row.warnings) for row in feeds),
    )


def draw_plots(year: Year) -> dict[str, str]:
    """Every plot that the year has data for, by name, as inline SVG."""
    measured, validated = year.of("monitor"), year.of("validate")
    return {
        **{f"week_{metric}": plots.plot_quality(year.weeks, metric) for metric in plots.METRICS if year.weeks},
        **{f"month_{metric}": plots.plot_quality(year.months, metric) for metric in plots.METRICS if year.months},
        **({"drift": plots.plot_drift(measured)} if measured else {}),
        **({"versions": _draw_versions(year)} if year.of("gate") else {}),
        **({"feeds": plots.plot_feeds(validated)} if validated else {}),
    }


def summarise_drift(year: Year) -> list[FeatureDrift]:
    """Each feature's drift over the measured weeks, the farthest first."""
    measured = year.of("monitor")
    return [
        _feature_drift(name, {event["week"]: event["drift"][name] for event in measured if name in event["drift"]})
        for name in plots.rank_features(measured)
    ]


def feed_rows(year: Year) -> list[FeedRow]:
    """Every validated week and feed, in order."""
    return [
        FeedRow(
            week=event["week"],
            feed=feed,
            landed=counts["landed"],
            accepted=counts["accepted"],
            quarantined=counts["quarantined"],
            rules_broken=counts["rules_broken"],
            warnings=tuple(counts["warnings"]),
        )
        for event in year.of("validate")
        for feed, counts in event["feeds"].items()
    ]


def _draw_versions(year: Year) -> str:
    return plots.plot_versions(year.of("gate"), year.of("score"), year.of("decide"), _refits(year))


def _first_champion(year: Year) -> dict | None:
    """When the first champion was let in, and the version it was served as."""
    first = next((gate for gate in year.of("gate") if gate["promote"]), None)
    return first and first | {"version": _refits(year).get(first["version"], first["version"])}


def _refits(year: Year) -> dict[int, int]:
    """The version that each promoted one is served as."""
    return {event["judged"]: event["champion"] for event in year.of("promote") if event["promoted"]}


def _feature_drift(name: str, distances: dict[str, float]) -> FeatureDrift:
    farthest = max(distances, key=distances.__getitem__)
    above = sum(distance >= DRIFT_THRESHOLD for distance in distances.values())
    return FeatureDrift(
        name=name,
        mean=sum(distances.values()) / len(distances),
        largest=distances[farthest],
        largest_week=farthest,
        share_above=above / len(distances),
    )


def _is_ahead(row: PeriodRow) -> bool:
    live, frozen = row.live.roc_auc, row.frozen.roc_auc
    return live is not None and frozen is not None and live > frozen


def _verdicts_outside(year: Year) -> list[dict]:
    """The gate's verdicts that fell in no month of the table: those of the last week are given after the year."""
    months = {row.period for row in year.months}
    return [event for event in year.of("gate") if event["decided_on"][:7] not in months]


def _environment() -> Environment:
    environment = page_environment()
    environment.filters |= {
        "count": _count,
        "count_of": _count_of,
        "metric": _metric,
        "gain": _gain,
        "readable": readable,
        "share": _share,
        "versions": _versions,
    }
    return environment


def _count(value: int) -> str:
    return f"{value:,}"


def _count_of(value: int, noun: str) -> str:
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"


def _metric(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def _gain(value: float | None) -> str:
    return NONE if value is None else f"{value:+.3f}"


def _share(value: float) -> str:
    return f"{value:.1%}"


def _versions(numbers: Iterable[int]) -> str:
    return ", ".join(str(number) for number in numbers)
