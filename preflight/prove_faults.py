"""`prove faults`: what the contract lets through, clean and spoilt. It needs the source alone and writes nothing."""

import tempfile
from pathlib import Path

from data_checks import schema as s
from data_checks.faults import all_faults
from data_checks.feeds import split_feeds
from infra.errors import PreflightError
from infra.settings import Settings
from pipelines.clock import Week
from pipelines.context import open_context
from pipelines.rehearsal import Rehearsal, Trial
from preflight import show


class FaultMissed(PreflightError):  # noqa: N818
    """A fault that some rule must catch was accepted, or a clean batch was kept out."""


def faults(settings: Settings, count: int, seed: int | None, as_json: bool) -> None:
    """Every fault on `count` weeks of the year, and the whole year as it is."""
    from data_checks.suites import Validator

    context = open_context(settings)
    feeds = split_feeds(context.source.tables(s.SOURCE_COLUMNS))
    with tempfile.TemporaryDirectory() as scratch:
        rehearsal = Rehearsal(feeds, Validator(Path(scratch)), settings.first_day, settings.last_day)
        spoilt = choose_weeks([week for week in rehearsal.weeks() if context.data_days(week) == 7], count)
        trials = _rehearse(rehearsal, spoilt, settings.seed if seed is None else seed)
    clean = summarise_clean(rehearsal)
    rows = [summarise(mine) for mine in _by_fault(trials).values()]
    if not as_json:
        _print(rows, clean)
    missed = [row for row in rows if row["caught_weeks"] < row["weeks"] and not row["excuse"]]
    if missed or clean["blocked"]:
        names = [f"{row['fault']} in {row['where']} of {row['feed']}" for row in missed] + clean["blocked"]
        raise FaultMissed(f"the contract fails on: {'; '.join(names)}; see data_checks/schema.py")
    excused = sum(row["caught_weeks"] < row["weeks"] for row in rows)
    outcome = (
        f"{len(rows)} faults on {len(spoilt)} weeks: {len(rows) - excused} always caught by a named rule, {excused} "
        f"cannot be told in some weeks; the {clean['weeks']} clean weeks: none blocked, {clean['quarantined']} of "
        f"{clean['landed']} rows quarantined"
    )
    show.finish(outcome, {"faults": rows, "clean": clean, "weeks": [week.id for week in spoilt]}, as_json)


def choose_weeks(weeks: list[Week], count: int) -> list[Week]:
    """So many of the weeks, evenly spread, the first among them: nothing is known before it."""
    return [weeks[number * len(weeks) // count] for number in range(min(count, len(weeks)))]


def summarise(trials: list[Trial]) -> dict:
    """One fault over its weeks: how often it was caught, and the rules that did, those of most weeks first."""
    fault = trials[0].fault
    return {
        "fault": fault.name,
        "feed": fault.feed.name,
        "where": fault.where,
        "weeks": len(trials),
        "caught_weeks": sum(trial.caught for trial in trials),
        "blocked_weeks": sum(bool(trial.blocked_by) for trial in trials),
        "blocked_by": _most_common([rule for trial in trials for rule in trial.blocked_by]),
        "quarantined_by": _most_common([rule for trial in trials for rule in trial.quarantined_by]),
        "wrong_rows_accepted": sum(trial.wrong_rows_accepted for trial in trials),
        "excuse": fault.excuse,
    }


def summarise_clean(rehearsal: Rehearsal) -> dict:
    """What the contract says of the year as it is."""
    found = rehearsal.clean.items()
    return {
        "weeks": len(rehearsal.weeks()),
        "landed": sum(judged.landed for _, judged in found),
        "quarantined": sum(judged.landed - judged.accepted.height for _, judged in found if not judged.blocked_by),
        "blocked": [f"clean {feed} of {week}: {', '.join(j.blocked_by)}" for (feed, week), j in found if j.blocked_by],
        "quarantined_by": [f"{week} {feed}: {rule}" for (feed, week), j in found for rule in j.quarantined_by],
        "warnings": [f"{week} {feed}: {rule}" for (feed, week), j in found for rule in j.warned_by],
    }


def _rehearse(rehearsal: Rehearsal, spoilt: list[Week], seed: int) -> list[Trial]:
    faults = all_faults()
    with show.progress(len(rehearsal.weeks()) + len(faults) * len(spoilt), "batches") as advance:
        for week in rehearsal.weeks():
            rehearsal.judge_clean_week(week)
            advance(f"clean week {week.id}")
        trials = []
        for week in spoilt:
            for fault in faults:
                trials.append(rehearsal.try_fault(fault, week, seed))
                advance(f"week {week.id}, {fault.feed.name}: {fault.name}, {fault.where}")
    return [trial for trial in trials if trial is not None]


def _by_fault(trials: list[Trial]) -> dict[tuple, list[Trial]]:
    found: dict[tuple, list[Trial]] = {}
    for trial in trials:
        found.setdefault((trial.fault.name, trial.fault.feed.name, trial.fault.where), []).append(trial)
    return found


def _most_common(rules: list[str]) -> list[str]:
    return sorted(set(rules), key=lambda rule: (-rules.count(rule), rule))


def _print(rows: list[dict], clean: dict) -> None:
    columns = {"fault": "left", "where": "left", "caught": "left", "by": "left"}
    show.table("What the contract says of spoilt weeks", columns, [_line(row) for row in rows])
    for row in rows:
        if row["excuse"] and row["caught_weeks"] < row["weeks"]:
            show.tell(f"{row['fault']} in {row['where']} cannot always be told: {row['excuse']}")
    for line in clean["quarantined_by"]:
        show.tell(f"clean year: quarantined, {line}")
    for line in clean["warnings"]:
        show.tell(f"clean year: warning, {line}")


def _line(row: dict) -> tuple:
    generic = f"{s.QUARANTINED_SHARE} "  # says that much is wrong, where another rule says what
    named = [rule for rule in (*row["blocked_by"], *row["quarantined_by"]) if not rule.startswith(generic)]
    how = "blocked" if row["blocked_weeks"] else "rows out" if row["quarantined_by"] else "accepted"
    by = named[0] if named else ""
    place = f"{row['feed']}: {row['where']}"
    return (row["fault"], place, f"{how} {row['caught_weeks']}/{row['weeks']}", by if len(by) < 30 else f"{by[:27]}...")
