"""A week ends: everything that landed for it is judged, and accepted or quarantined, or the week is blocked."""

from collections import Counter

from data_checks import schema as s
from data_checks.deliveries import BATCH, superseded_by
from data_checks.quarantine import Judgement
from data_checks.validation import BROKEN_RULES, BatchBlocked
from infra.storage import MissingTable, content_hash
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.landing import judge_open_week, keep_verdicts, landed_rows, require_nothing_lost, settle


def close_week(context: Context, week: Week) -> dict:
    """Judge the three feeds of a week that has landed, once, and record what came of it.

    Raises BatchBlocked when a batch of any feed must stay out: then nothing of the week is accepted.
    """
    settle(context)
    before = context.journal.read(week.id, "validate")
    if before:
        require_nothing_lost(context, week)
        return before
    if context.journal.read(week.id, "land") is None:
        raise MissingTable(f"week {week.id} has not landed yet; run: preflight ingest {week.id}")
    judgements, blocked = {}, {}
    for name, feed in s.FEEDS.items():
        try:
            judgements[name] = judge_open_week(context, week, feed)
        except BatchBlocked as error:
            blocked[name] = str(error)
    if blocked:
        note_blocked(context, week, blocked)
        ways_out = [f"preflight deliver {name} FILE --corrects {_in_force(context, name, week)}" for name in blocked]
        raise BatchBlocked(f"week {week.id}: {'; '.join(blocked.values())}; mend the rows, then: {', '.join(ways_out)}")
    feeds = {name: _keep(context, week, s.FEEDS[name], judgement) for name, judgement in judgements.items()}
    return context.journal.record(week.id, "validate", {"feeds": feeds})


def note_blocked(context: Context, week: Week, reasons: dict[str, str]) -> None:
    """Keep which batches are blocked and why, for those who ask, until the week is accepted; nothing reads it else."""
    blocked = {
        name: {"reason": reason, "batches": list(_batches(context, s.FEEDS[name], week))}
        for name, reason in reasons.items()
    }
    context.store.write_json(f"blocked/{week.id}.json", {"week": week.id, "feeds": blocked})


def blocked_weeks(context: Context) -> list[dict]:
    """The weeks that are blocked as far as the last look at them says, each with its feeds, batches and reasons."""
    notes = [context.store.read_json(f"blocked/{path.name}") for path in context.store.files("blocked", "*.json")]
    return [note for note in notes if not context.is_closed(Week.from_id(note["week"]))]


def _keep(context: Context, week: Week, feed: s.Feed, judgement: Judgement) -> dict:
    accepted, quarantined = keep_verdicts(context, feed, week.id, judgement.verdicts)
    warnings = [result for result in judgement.results if not result.passed and result.severity == s.WARN]
    return {
        "landed": accepted.height + quarantined.height,
        "accepted": accepted.height,
        "quarantined": quarantined.height,
        "rules_broken": dict(sorted(Counter(quarantined[BROKEN_RULES].to_list()).items())),
        "warnings": [f"{result.rule}, got {result.observed}" for result in warnings],
        "accepted_hash": content_hash(accepted),
        "batches": _batches(context, feed, week),
    }


def _in_force(context: Context, name: str, week: Week) -> str:
    """The batches of a week that nothing superseded: one of them is to blame."""
    settled = superseded_by(context.ledger.entries())
    batches = [batch for batch in _batches(context, s.FEEDS[name], week) if batch not in settled]
    return batches[0] if len(batches) == 1 else f"BATCH (one of {', '.join(batches) or 'none that landed'})"


def _batches(context: Context, feed: s.Feed, week: Week) -> dict[str, int]:
    """How many rows each batch has brought for the week."""
    return dict(sorted(landed_rows(context, feed, week.id)[BATCH].value_counts().iter_rows()))
