"""`status` and `explain`: where the system is, and why. Both only read."""

from dataclasses import asdict

from infra.records import require_signed
from infra.settings import Settings
from infra.stopwatch import part
from monitoring.figures import readable
from pipelines.context import Context, open_context
from pipelines.gate_record import GATE
from pipelines.scoring import NoChampion
from preflight import show
from preflight.year import verdict


def status(settings: Settings, as_json: bool) -> None:
    """Newest week, champion, last decision, hash of the event log."""
    context = open_context(settings)
    journal = context.journal
    landed, scored, decided, gates, promotions = (
        journal.events(stage) for stage in ("land", "score", "decide", "gate", "promote")
    )
    promoted = context.promoted_versions()
    document = {
        "home": str(settings.home),
        "weeks_landed": len(landed),
        "weeks_scored": len(scored),
        "newest_week": scored[-1]["week"] if scored else None,
        "flights_scored": sum(event["flights"] for event in scored),
        "champion": context.answering_version(),
        "versions_promoted": len(promoted),
        "versions_refused": len(promotions) - len(promoted),
        "last_decision": {name: decided[-1][name] for name in ("week", "action", "reason")} if decided else None,
        "last_verdict": verdict(gates[-1]) if gates else None,
        "event_log_sha256": journal.digest(),
    }
    if not as_json:
        rows = [(name.replace("_", " "), _cell(value)) for name, value in document.items()]
        show.table("Status", {"what": "left", "now": "left"}, rows)
    show.finish(_where(document), document | _services(context, as_json), as_json)


def explain(settings: Settings, version: int | None, as_json: bool) -> None:
    """The gate's record of a version, as the registry keeps it."""
    from pipelines.later_labels import judge_later, say_later  # half a second that `status` does not need

    context = open_context(settings)
    if not context.journal.events("gate"):
        raise NoChampion(f"nothing has been trained under {settings.home}; run: preflight replay")
    with part("MLflow"):
        aliases = context.registry.aliases()
        number = version or context.champion()
        record, tags = _signed_record(context, number), context.registry.version_tags(number)
        judged = record if record["kind"] == GATE else _signed_record(context, record["judged_version"])
    held = sorted(name for name, holder in aliases.items() if holder == number)
    later = judge_later(context, judged)
    if not as_json:
        _print_version(context, record, judged, tags, held)
        _print_checks(f"The gate, of version {judged['version']}", judged)
        if judged is not record:
            _print_checks(f"The refit, version {number}", record)
        if later:
            show.tell(f"By later labels: {say_later(later)}.\n")
    document = {"version": number, "aliases": held, "tags": tags, "gate": record, "judged": judged}
    show.finish(verdict(record), document | {"later": asdict(later) if later else None}, as_json)


def _services(context: Context, as_json: bool) -> dict:
    """The services of a stack that was started from this home, printed as a table; nothing when none was."""
    from preflight.stack import print_states, stack_states

    states = stack_states(context.store)
    if states and not as_json:
        print_states(states)
    return {"services": [asdict(one) for one in states]} if states else {}


def _cell(value: object) -> object:
    if isinstance(value, dict):
        return ", ".join(map(str, value.values()))
    return "-" if value is None else value


def _signed_record(context: Context, version: int) -> dict:
    return require_signed(context.registry.gate_record(version), f"the gate record of version {version}")


def _print_version(context: Context, record: dict, judged: dict, tags: dict, held: list[str]) -> None:
    cause = context.journal.read(record["week"], "decide")
    rows = [
        ("aliases now", ", ".join(held) or "none"),
        ("trained because", cause["reason"] if cause else "the first champion"),
        ("judged on", record["decided_on"]),
        ("refit of", f"version {judged['version']}" if judged is not record else "-"),
        ("compared with", judged["evidence"]["rival_name"]),
        ("learned from", f"{tags['start'][:10]} to {tags['cutoff'][:10]} ({tags['window']} window)"),
        ("judged flights of", _span_of_gate(context, judged)),
        ("model file SHA-256", tags["sha256"]),
        ("fit key", tags["fit_key"]),
    ]
    show.table(f"Version {record['version']}", {"what": "left", "value": "left"}, rows)


def _span_of_gate(context: Context, judged: dict) -> str:
    training = next(event for event in context.journal.events("train") if event["version"] == judged["version"])
    return f"{training['cutoff'][:10]} to {training['end'][:10]}"


def _print_checks(title: str, record: dict) -> None:
    checks = [
        (check["name"], readable(check["value"]), check["bound"], "yes" if check["passed"] else "no", check["sentence"])
        for check in record["checks"]
    ]
    columns = {"check": "left", "found": "right", "needed": "left", "passed": "left", "in words": "left"}
    show.table(title, columns, checks)


def _where(document: dict) -> str:
    if document["newest_week"] is None:
        return f"no week has been lived yet under {document['home']}; run: preflight replay"
    return (
        f"lived up to week {document['newest_week']}, version {document['champion']} is champion, "
        f"event log {document['event_log_sha256']}"
    )
