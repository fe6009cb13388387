"""`preflight alarms`: the year monitored, and how far its detectors can be trusted."""

from dataclasses import asdict
from pathlib import Path
from statistics import mean, median

import polars as pl

from infra.settings import Settings
from monitoring.alarm_record import (
    Record,
    estimate_record,
    estimates_by_month,
    judge_detectors,
    mark_alarms,
    worse_weeks,
)
from monitoring.bands import rate_per_week
from monitoring.clean_weeks import draw_halves, false_alarms_by_default
from monitoring.figures import markdown_table
from monitoring.lead import leads
from monitoring.windows import FALSE_ALARMS_PER_YEAR
from pipelines.context import Context, open_context
from pipelines.encoding import encode_features
from pipelines.feature_catalog import CATEGORICAL, NAMES
from pipelines.lead_days import days_of
from pipelines.scoring import NoChampion
from pipelines.watching import profile_week, reference_weeks, watch_frozen_year
from preflight import show

RATES = (FALSE_ALARMS_PER_YEAR, 4, 12)
METRICS = {"log_loss": "log loss", "roc_auc": "AUC", "skill": "skill", "late_share": "late share"}
WEEK_HEADS = {
    "week": "left",
    "alarms": "left",
    "in truth": "left",
    "estimated": "right",
    "realised": "right",
    "done": "left",
}
RECORD_HEADS = dict.fromkeys(("detector", "alarms", "in worse weeks", "precision", "recall"), "right")
ESTIMATE_HEADS = dict.fromkeys(("estimate of", "weeks", "mean error", "mean absolute error", "correlation"), "right")


MONTHLY = ("log_loss", "roc_auc", "late_share")
MONTH_HEADS = {
    "month": "left",
    **{f"{METRICS[metric]}{kind}": "right" for metric in MONTHLY for kind in (" est.", "", " off")},
}
DAYS_A_WEEK = 7
LABEL_DELAYS = (0, 7, 30)
"""Days until a label is known: within hours as here, after a week, or when the month's statistics are published."""
LEAD_HEADS = {
    "weeks": "left",
    "estimate rang": "left",
    "labels rang": "left",
    **{f"lead, labels after {days} days": "right" for days in LABEL_DELAYS},
}


def alarms(settings: Settings, frozen: bool, as_json: bool) -> None:
    """The year's alarms, each detector's record, and how near the estimates came."""
    context = open_context(settings)
    weeks = watch_frozen_year(context) if frozen else watched_weeks(context)
    if not as_json:
        show.table("Weeks that alarmed", WEEK_HEADS, week_rows(weeks, {} if frozen else _done(context)))
        show.table("What labels said of it later", RECORD_HEADS, record_rows(judge_detectors(weeks)))
        show.table("Quality told without labels", ESTIMATE_HEADS, estimate_rows(weeks))
        show.table("Month by month, estimated and as it came", MONTH_HEADS, month_rows(weeks))
        if not frozen:
            show.table("Days of lead of the estimate, in runs of worse weeks", LEAD_HEADS, lead_rows(context, weeks))
    document = {
        "weeks": [week["week"] for week in weeks],
        "worse": worse_weeks(weeks),
        "alarms": mark_alarms(weeks),
        "detectors": [asdict(record) for record in judge_detectors(weeks)],
        "estimates": {metric: estimate_record(weeks, metric) for metric in METRICS},
    }
    show.finish(_sentence(weeks), document, as_json)


def calibrate(settings: Settings, draws: int, as_json: bool) -> None:
    """False alarms a year on weeks among which nothing changed, beside what was allowed."""
    context = open_context(settings)
    found = measure_false_alarms(context, draws)
    reference, by_default = measure_defaults(context, draws)
    if not as_json:
        heads = {"detector": "left", **{f"{rate:g} allowed": "right" for rate in RATES}}
        show.table(f"False alarms a year, {draws} draws of clean weeks", heads, false_alarm_rows(found))
    total = sum(by_rate[RATES[0]] for by_rate in found.values())
    show.finish(
        f"all {len(found)} detectors together raise {total:.1f} false alarms a year on clean weeks; Evidently's "
        f"defaults would raise {by_default:.1f}, with a reference of {reference} rows",
        {
            "false_alarms_per_year": {name: {str(rate): n for rate, n in of.items()} for name, of in found.items()},
            "by_default_per_year": by_default,
            "reference_rows": reference,
        },
        as_json,
    )


def write(settings: Settings, draws: int, path: Path, as_json: bool) -> None:
    """The page that says all of it."""
    context = open_context(settings)
    lived, frozen = watched_weeks(context), watch_frozen_year(context)
    false = measure_false_alarms(context, draws)
    parts = [
        "# Alarms, and how far they can be trusted",
        f"Written by `preflight alarms --write {path}` on a lived year. How to read it: [monitoring](monitoring.md).",
        "## As the year was lived",
        markdown_table(WEEK_HEADS, week_rows(lived, _done(context))),
        markdown_table(RECORD_HEADS, record_rows(judge_detectors(lived))),
        "Month by month, estimated and as it came:",
        markdown_table(MONTH_HEADS, month_rows(lived)),
        "How many days the estimate rings before labels do, in runs of worse weeks, by the days that labels take:",
        markdown_table(LEAD_HEADS, lead_rows(context, lived)),
        "## If the champion of March had answered all year",
        markdown_table(WEEK_HEADS, week_rows(frozen, {})),
        markdown_table(RECORD_HEADS, record_rows(judge_detectors(frozen))),
        "## Quality told without labels",
        markdown_table(ESTIMATE_HEADS, estimate_rows(lived)),
        "The same of the champion of March:",
        markdown_table(ESTIMATE_HEADS, estimate_rows(frozen)),
        f"## False alarms a year, {draws} draws of clean weeks",
        markdown_table(
            {"detector": "left", **{f"{rate:g} allowed": "right" for rate in RATES}}, false_alarm_rows(false)
        ),
    ]
    texts = [part if isinstance(part, str) else "\n".join(part) for part in parts]
    path.write_text("\n\n".join(texts) + "\n")
    show.finish(f"wrote {path}", {"page": str(path)}, as_json)


def watched_weeks(context: Context) -> list[dict]:
    """The weeks as they were measured. Raises NoChampion where none was, or by a release that knew no bands."""
    weeks = [event for event in context.journal.events("monitor") if "bands" in event]
    if not weeks:
        raise NoChampion(
            f"no week under {context.settings.home} was held against what is normal; run: preflight replay"
        )
    return weeks


def measure_false_alarms(context: Context, draws: int) -> dict[str, dict[float, float]]:
    """False alarms a year by detector and allowed rate, on whole weeks: half a week is no week like the others."""
    facts, version = watched_weeks(context), context.promoted_versions()[-1]
    scorer = context.registry.scorer(version)
    lived = [week for week in context.all_weeks() if context.store.has_table("features", week.id)]
    whole = [week.id for week in lived if context.data_days(week) == DAYS_A_WEEK]
    facts = [week for week in facts if week["week"] in whole]
    tables = [context.store.read_table("features", week) for week in whole]
    profiles = [profile_week(table) for table in tables]
    said = [scorer.probability(encode_features(table)) for table in tables]
    found: dict[str, dict[float, float]] = {}
    with show.progress(len(RATES) * draws, "draws") as advance:
        for rate in RATES:
            rung = []
            for drawn in draw_halves(profiles, said, facts, rate, draws, context.settings.seed):
                rung.append(drawn)
                advance(f"{rate:g} a year allowed")
            for detector in rung[0]:
                found.setdefault(detector, {})[rate] = mean(drawn.get(detector, 0.0) for drawn in rung)
    return found


def measure_defaults(context: Context, draws: int) -> tuple[int, float]:
    """Rows of the newest champion's reference, and false alarms a year of Evidently's defaults against it."""
    version = context.promoted_versions()[-1]
    reference = context.store.read_table("reference_windows", f"version-{version}")
    weeks = [context.store.read_table("features", week).select(NAMES) for week in reference_weeks(context, version)]
    rows_a_week = int(median(week.height for week in weeks))
    rung = false_alarms_by_default(reference, pl.concat(weeks), CATEGORICAL, rows_a_week, draws, context.settings.seed)
    return reference.height, rung


def week_rows(weeks: list[dict], done: dict[str, str]) -> list[tuple]:
    """A row for each week that alarmed or was worse."""
    truth, rows = worse_weeks(weeks), []
    for week in weeks:
        rang = ", ".join(f"{alarm['detector']} ({alarm['subject']})" for alarm in week["alarms"])
        worse = truth.get(week["week"])
        if rang or worse:
            said = "" if worse is None else "worse" if worse else "as before"
            told, came = (_figure(week.get(name, {})) for name in ("estimate", "realised"))
            rows.append((week["week"], rang or "none", said, told, came, done.get(week["week"], "")))
    return rows


def record_rows(records: list[Record]) -> list[tuple]:
    """A row for each detector."""
    return [
        (one.detector, str(one.alarms), f"{one.right} of {one.worse_weeks}", _share(one.precision), _share(one.recall))
        for one in records
    ]


def estimate_rows(weeks: list[dict]) -> list[tuple]:
    """A row for each estimated metric."""
    rows = []
    for metric, name in METRICS.items():
        found = estimate_record(weeks, metric)
        errors = (f"{found['mean_error']:+.4f}", f"{found['mean_absolute_error']:.4f}", f"{found['correlation']:.2f}")
        rows.append((name, str(found["weeks"]), *errors))
    return rows


def month_rows(weeks: list[dict]) -> list[tuple]:
    """A row for each month: each metric as it was promised, as it came, and the first less the second."""
    found = {metric: estimates_by_month(weeks, metric) for metric in MONTHLY}
    return [
        (month, *(cell for metric in MONTHLY for cell in _told_and_came(*found[metric][month])))
        for month in found["log_loss"]
        if all(month in found[metric] for metric in MONTHLY)
    ]


def _told_and_came(told: float, came: float) -> tuple[str, str, str]:
    return f"{told:.3f}", f"{came:.3f}", f"{told - came:+.3f}"


def lead_rows(context: Context, weeks: list[dict]) -> list[tuple]:
    """A row for each run of worse weeks."""
    days, truth = days_of(context), worse_weeks(weeks)
    lower_of = {week["week"]: week["bands"]["estimate"]["lower"] for week in weeks if "estimate" in week["bands"]}
    by_delay = [leads(days, truth, lower_of, rate_per_week(FALSE_ALARMS_PER_YEAR), delay) for delay in LABEL_DELAYS]
    rows = []
    for found in zip(*by_delay, strict=True):
        first = found[0]
        name = first.weeks[0] if len(first.weeks) == 1 else f"{first.weeks[0]} to {first.weeks[-1]}"
        rang = [one.isoformat() if one else "no" for one in (first.estimate, first.labels)]
        rows.append((name, *rang, *("-" if one.days is None else f"{one.days:+d}" for one in found)))
    return rows


def false_alarm_rows(found: dict[str, dict[float, float]]) -> list[tuple]:
    """A row for each detector, and one for all together."""
    rows = [(name, *(f"{by_rate[rate]:.1f}" for rate in RATES)) for name, by_rate in found.items()]
    return [*rows, ("all", *(f"{sum(by_rate[rate] for by_rate in found.values()):.1f}" for rate in RATES))]


def _done(context: Context) -> dict[str, str]:
    return {event["week"]: event["action"] for event in context.journal.events("decide")}


def _sentence(weeks: list[dict]) -> str:
    truth = worse_weeks(weeks)
    rang = {week["week"] for week in weeks if week["alarms"]}
    (estimate,) = (one for one in judge_detectors(weeks) if one.detector == "estimate")
    correlation = estimate_record(weeks, "skill")["correlation"]
    return (
        f"{len(rang)} of {len(weeks)} weeks alarmed; of {sum(truth.values())} that were worse the estimate without "
        f"labels rang in {estimate.right}, and {estimate.alarms - estimate.right} times elsewhere; the skill it tells "
        f"correlates {correlation:.2f} with what came"
    )


def _figure(metrics: dict) -> str:
    return f"{metrics['skill']:.3f}" if "skill" in metrics else "-"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"
