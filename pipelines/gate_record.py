"""The gate's record: one signed document per candidate. Aliases move only with a record that says yes."""

from infra.records import sign

GATE, REFIT = "gate", "refit"


def gate_record(decision: dict, facts: dict) -> dict:
    """The signed record of a candidate: the decision with all its checks, and `facts` such as version and bundle."""
    return sign({"kind": GATE, "format": 1, **facts, **decision})


def refit_record(judged: dict, facts: dict, checks: list[dict]) -> dict:
    """The signed record of the same recipe fitted again on all rows: it says yes when its judged self was let in.

    `checks` are about the refit alone; it answers nearly as the candidate did that the gate has judged.
    """
    promote = judged["promote"] and all(check["passed"] for check in checks)
    failed = next((check for check in checks if not check["passed"]), None)
    reason = judged["reason"] if failed is None else f"{failed['name']}: {failed['sentence']}"
    return sign(
        {
            "kind": REFIT,
            "format": 1,
            **facts,
            "judged_version": judged["version"],
            "judged_record_sha256": judged["sha256"],
            "champion": judged["champion"],
            "promote": promote,
            "reason": reason,
            "checks": checks,
        }
    )


EVENT_FACTS = ("version", "champion", "window", "decided_on", "promote", "reason")
EVENT_EVIDENCE = ("challenger", "rival", "rival_name", "gain", "cost_per_thousand", "rival_cost_per_thousand")


def event_of(record: dict) -> dict:
    """What the event log keeps of a gate's record: nothing that a clock has measured, and not every slice."""
    checks = [
        {name: value for name, value in check.items() if name != "is_reproducible"}
        for check in record["checks"]
        if check["is_reproducible"]
    ]
    evidence = {name: record["evidence"][name] for name in EVENT_EVIDENCE}
    return {**{name: record[name] for name in EVENT_FACTS}, "checks": checks, "evidence": evidence}
