"""Carries out the gate's verdict: a candidate that was let in is fitted again on all rows and made champion."""

import logging
from dataclasses import asdict

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from infra.orchestrator import RETRIED
from infra.records import require_signed
from infra.stopwatch import part
from monitoring.figures import readable
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.encoding import encode_features
from pipelines.fitting import labels_of, prove_parity
from pipelines.gate_record import event_of, refit_record
from pipelines.model_cards import write_card
from pipelines.promotion import GateRules
from pipelines.refit import refit_checks
from pipelines.refitting import candidate_fit
from pipelines.registering import refit_of, register_fit

logger = logging.getLogger(__name__)


@task(name="promote", cache_policy=NO_CACHE, **RETRIED)
def settle(context: Context, week: Week, gate: dict) -> dict:
    """Attach the record, and move the aliases if it says yes; done again it changes nothing."""
    before = context.journal.read(week.id, "promote")
    if before:
        return before
    record = _the_record(context, week, gate["version"])
    _attach(context, record)
    if record["promote"]:
        record = refit_and_register(context, week, record)
        _attach(context, record)
    if record["promote"]:
        with part("MLflow"):
            context.registry.promote(record["version"])
    verdict = "promoted" if record["promote"] else "refused"
    create_markdown_artifact(
        key=f"gate-{week.id}", markdown=_gate_card(gate), description=f"version {gate['version']} {verdict}"
    )
    logger.info("%s version %d: %s", verdict, gate["version"], record["reason"])
    return context.journal.record(
        week.id,
        "promote",
        {
            "promoted": record["promote"],
            "judged": gate["version"],
            "champion": record["version"] if record["promote"] else gate["champion"],
            "reason": record["reason"],
        },
    )


def _the_record(context: Context, week: Week, version: int) -> dict:
    """The record of a verdict. Raises RecordError when it is not signed, HistoryRewritten when the log has another."""
    name = f"records/version-{version}.json"
    record = require_signed(context.store.read_json(name), str(context.store.path(name)))
    context.journal.record(week.id, "gate", event_of(record))
    return record


def refit_and_register(context: Context, week: Week, judged: dict) -> dict:
    """Fit the recipe that was let in on all rows, the gate's included; returns the signed record of the refit."""
    name = f"records/version-{judged['version']}-refit.json"
    before = context.store.read_json(name)
    if before:
        return before
    with part("MLflow"):
        lineage = context.registry.lineage(judged["version"])
    fit = refit_of(candidate_fit(context, lineage))
    fitted = fit.make(context.settings)
    facts = register_fit(context, fit, fitted, f"{week.plus(1).id}-{fit.window}-refit", {"refit_of": judged["version"]})
    with part("gate"):
        checks = refit_checks(
            context.registry.scorer(judged["version"]).probability(encode_features(fit.judged)),
            fitted.scorer.probability(encode_features(fit.judged)),
            labels_of(fit.judged),
            prove_parity(fitted, fit.judged, context.settings.seed).value,
            GateRules(),
        )
    about = {
        "version": facts["version"],
        "week": week.id,
        "window": fit.window,
        "decided_on": judged["decided_on"],
        "bundle_sha256": facts["bundle_sha256"],
        "protocol_sha256": judged["protocol_sha256"],
    }
    record = refit_record(judged, about, [asdict(check) for check in checks])
    context.store.write_json(name, record)
    return record


def _attach(context: Context, record: dict) -> None:
    verdict = "promoted" if record["promote"] else "refused"
    with part("MLflow"):
        context.registry.attach_gate_record(record["version"], record, verdict)
    write_card(context, record["version"])


def _gate_card(event: dict) -> str:
    verdict = "promoted" if event["promote"] else "refused"
    rows = "\n".join(
        f"| {check['name']} | {readable(check['value'])} | {check['bound']} | {'yes' if check['passed'] else 'no'} |"
        for check in event["checks"]
    )
    head = "| check | value | needed | passed |\n| --- | --- | --- | --- |"
    return f"## Version {event['version']} {verdict}\n\n{event['reason']}\n\n{head}\n{rows}\n"
