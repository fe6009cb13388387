"""`features --worth`: what each group of features is worth and costs, as a table and as a page of the documents."""

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from infra.settings import Settings
from infra.storage import write_atomically
from monitoring.day_blocks import Gain
from monitoring.figures import markdown_table
from pipelines.backfill import accepted_home
from pipelines.context import Context, open_context
from pipelines.estimators import plain_parameters
from pipelines.feature_catalog import FEATURES as CATALOG
from pipelines.feature_catalog import NAMES
from pipelines.group_costs import time_groups, time_state
from pipelines.worth import ROUNDS, Month, Worth, groups, month_starts, names_without, score_month, weigh_group
from pipelines.worth import with_labels as join_labels
from preflight import show
from preflight.year_features import build_year

NEEDED_AUC = 0.747
REPETITIONS = 7
COLUMNS = {
    "group": "left",
    "features": "right",
    "AUC lost": "right",
    "log loss added": "right",
    "ms per 1,000": "right",
    "MB": "right",
    "verdict": "left",
}


@dataclass(frozen=True)
class Cost:
    """What a group takes: look-ups for a thousand flights, and its columns of the year in memory."""

    features: int
    ms_per_1000_flights: float
    megabytes: float


@dataclass(frozen=True)
class Ablation:
    """Everything that was measured."""

    full: list[Month]
    worths: list[Worth]
    costs: dict[str, Cost]
    state_ms_per_1000_flights: float
    flights: int
    trees: int

    @property
    def mean_auc(self) -> float:
        """Mean ROC-AUC over the months, all features."""
        return _mean(month.quality.roc_auc for month in self.full)

    @property
    def mean_log_loss(self) -> float:
        """Mean log loss over the months, all features."""
        return _mean(month.quality.log_loss for month in self.full)

    def outcome(self) -> str:
        """The line the table stands beside."""
        enough = "at least" if self.mean_auc >= NEEDED_AUC else "BELOW"
        return (
            f"mean AUC {self.full[0].start:%B} to {self.full[-1].start:%B} {self.mean_auc:.4f} "
            f"({enough} the {NEEDED_AUC} needed), mean log loss {self.mean_log_loss:.4f}: "
            f"{len(NAMES)} features, {self.trees} trees, retrained monthly"
        )

    def rows(self) -> list[tuple[str, ...]]:
        """The table: one row per group, the dearest loss first."""
        return [
            (
                worth.group,
                str(self.costs[worth.group].features),
                _range(worth.roc_auc),
                _range(worth.log_loss),
                f"{self.costs[worth.group].ms_per_1000_flights:.2f}",
                f"{self.costs[worth.group].megabytes:.1f}",
                worth.verdict,
            )
            for worth in sorted(self.worths, key=lambda worth: -worth.roc_auc.mean)
        ]


def weigh_features(settings: Settings, trees: int | None, page: Path | None, as_json: bool) -> None:
    """Leave out one group after the other; print the table, and write it to `page` if there is one."""
    ablation = _ablate(open_context(settings), trees or settings.trees)
    if page:
        write_atomically(page, _page(ablation, page).encode())
    if not as_json:
        show.table("Without one group of features after the other; 95 % intervals of days", COLUMNS, ablation.rows())
    document = {
        "months": {f"{month.start:%Y-%m}": asdict(month.quality) for month in ablation.full},
        "mean_roc_auc": ablation.mean_auc,
        "mean_log_loss": ablation.mean_log_loss,
        "needed_roc_auc": NEEDED_AUC,
        "trees": ablation.trees,
        "groups": {worth.group: {**asdict(worth), **asdict(ablation.costs[worth.group])} for worth in ablation.worths},
        "state_ms_per_1000_flights": ablation.state_ms_per_1000_flights,
    }
    show.finish(ablation.outcome(), document, as_json)


def _ablate(context: Context, trees: int) -> Ablation:
    settings = context.settings
    months = month_starts(settings.first_scored_week, settings.last_day)
    parameters = plain_parameters(settings, trees)
    full, worths = [], []
    with show.progress(len(context.all_weeks()) + len(months) * (1 + len(groups())), "weeks and fits") as advance:
        with tempfile.TemporaryDirectory(prefix="preflight-worth-") as scratch:
            features = build_year(context, Path(scratch), advance)
        labelled = join_labels(features, context.year().outcomes)
        for group in (None, *groups()):
            scored = []
            for month in months:
                scored.append(score_month(labelled, month, parameters, names_without(group)))
                advance(f"{month:%B} {f'without {group}' if group else 'with all features'}")
            if group:
                worths.append(weigh_group(group, full, scored, settings.seed))
            else:
                full = scored
    costs, state_ms = _costs(context, features)
    return Ablation(full, worths, costs, state_ms, features.height, trees)


def _costs(context: Context, features: pl.DataFrame) -> tuple[dict[str, Cost], float]:
    """The cost of each group, and of the state that they share, on the flights of the last whole week."""
    week = context.all_weeks()[-2]
    with tempfile.TemporaryDirectory(prefix="preflight-worth-") as scratch:
        world = open_context(accepted_home(context, Path(scratch))).world(week)
    costs = {}
    for group, milliseconds in time_groups(world, week, REPETITIONS).items():
        names = [feature.name for feature in CATALOG if feature.group == group]
        costs[group] = Cost(len(names), milliseconds, features.select(names).estimated_size() / 1e6)
    return costs, time_state(world, week, REPETITIONS)


def _page(ablation: Ablation, page: Path) -> str:
    head = [
        "# What each group of features is worth",
        "",
        f"Made by `preflight features --worth --write {page}`"
        + f" with {ablation.trees} trees; run it again to refresh. Do not edit.",
        "",
        f"**{ablation.outcome()}.**",
        "",
        "On the first of each month a model is fitted on every flight whose label is known by then, and scores the",
        "month: no gate, no calibration, the same seed. Then the same again without one group of features after the",
        f"other. Intervals hold 95 % of {ROUNDS} rounds in which the days of each month were drawn again with",
        "replacement, the same days for both models: flights of one day share their weather, and drawing flights",
        "would make the intervals several times too narrow. They say nothing about the luck of a fit: another",
        "seed gives another model.",
        "",
        "A group is kept when one interval lies above 0 and none below, harmful the other way round. What a group",
        "costs is the look-up for a thousand flights of a week (the fastest of some repetitions), and its columns of",
        f"the {ablation.flights:,} flights in memory. The state that all groups share is prepared once a week, which",
        f"comes to {ablation.state_ms_per_1000_flights:.1f} ms per 1,000 flights.",
        "",
    ]
    table = markdown_table(list(COLUMNS), ablation.rows())
    reasons = [f"- {worth.group}: {worth.verdict}, {worth.reason}." for worth in ablation.worths]
    months = [
        (f"{month.start:%B}", f"{month.learned:,}", f"{month.quality.flights:,}", f"{month.quality.late_share:.1%}",
         f"{month.quality.roc_auc:.4f}", f"{month.quality.log_loss:.4f}")
        for month in ablation.full
    ]  # fmt: skip
    by_month = markdown_table(["month", "learned from", "scored", "late", "AUC", "log loss"], months)
    return "\n".join([*head, *table, "", *reasons, "", "## Month by month, all features", "", *by_month, ""])


def _range(gain: Gain) -> str:
    return f"{gain.mean:+.4f} [{gain.lower:+.4f}, {gain.upper:+.4f}]"


def _mean(values: object) -> float:
    found = list(values)
    return sum(found) / len(found)
