"""Brings a candidate before the gate: gathers who it is up against and what its artefact is, and signs the verdict."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import numpy as np

from infra.settings import Settings
from infra.stopwatch import part
from monitoring.labels import IS_LATE
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.definitions import features_sha256
from pipelines.encoding import encode_features
from pipelines.evidence import Artefact, Looking, gather_evidence
from pipelines.fitting import Fitted, latency_us, prove_parity, size_bytes
from pipelines.gate_record import gate_record
from pipelines.promotion import GateRules, decide_promotion
from pipelines.protocol import protocol_of
from pipelines.registering import Fit, costs_of
from pipelines.rows import judged_flights

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rival:
    """Whom the candidate has to beat: the champion, or the base rate where there is none yet."""

    name: str
    probability: np.ndarray
    version: int | None = None
    bundle_sha256: str | None = None
    learned_until: datetime | None = None
    data: str | None = None


def judge(context: Context, week: Week, version: int, fit: Fit, fitted: Fitted) -> dict:
    """The signed record of a candidate, on the newest rows; nothing is written."""
    settings = context.settings
    rival = rival_of(context, fit)
    with part("gate"):
        probability = fitted.scorer.probability(encode_features(fit.judged))
        evidence = gather_evidence(
            probability,
            rival.probability,
            rival.name,
            judged_flights(context, week, fit.judged),
            artefact_of(fit, fitted, probability, rival, settings.seed),
            costs_of(settings),
            looking_of(settings),
        )
        rules = rules_of(settings)
        decision = decide_promotion(evidence, rules)
    facts = {
        "version": version,
        "champion": rival.version,
        "week": week.id,
        "window": fit.window,
        "decided_on": week.plus(1).id,
        "bundle_sha256": fitted.bundle.sha256,
        "protocol_sha256": protocol_of(settings).sha256,
        "rules": asdict(rules),
    }
    return gate_record(decision.as_record(), facts)


def rules_of(settings: Settings) -> GateRules:
    """The bounds of the gate with those that are settings."""
    return GateRules(confidence=settings.gate_confidence, least_gain=settings.gate_least_gain)


def looking_of(settings: Settings) -> Looking:
    """How the gate looks, at the confidences of its rules."""
    rules = rules_of(settings)
    return Looking(confidence=rules.confidence, harm_confidence=rules.harm_confidence, seed=settings.seed)


def rival_of(context: Context, fit: Fit) -> Rival:
    """The champion's answers to the rows that judge, or those of the base rate of what was learned."""
    champion = context.champion()
    if champion is None:
        return Rival("the base rate", np.full(fit.judged.height, float(fit.learned[IS_LATE].mean())))
    with part("MLflow"):
        scorer, tags = context.registry.scorer(champion), context.registry.version_tags(champion)
        lineage = context.registry.lineage(champion)
    return Rival(
        name=f"version {champion}",
        probability=scorer.probability(encode_features(fit.judged)),
        version=champion,
        bundle_sha256=scorer.sha256,
        learned_until=datetime.fromisoformat(tags["cutoff"]),
        data=lineage["data"]["training"],
    )


def artefact_of(fit: Fit, fitted: Fitted, probability: np.ndarray, rival: Rival, seed: int) -> Artefact:
    """What the gate asks of the candidate's file, compared with the rival's."""
    seen = rival.learned_until - fit.slices.gate if rival.learned_until else None
    return Artefact(
        sha256=fitted.bundle.sha256,
        parity=prove_parity(fitted, fit.judged, seed).value,
        size_bytes=size_bytes(fitted.bundle),
        latency_us=latency_us(fitted.scorer, encode_features(fit.judged)),
        features_sha256=fitted.bundle.manifest["facts"]["features_sha256"],
        expected_features_sha256=features_sha256(),
        rival_sha256=rival.bundle_sha256,
        same_answers_as_rival=bool(np.array_equal(probability, rival.probability)),
        new_data_since_rival=rival.data != fit.data["training"],
        rival_has_seen_days=max(0, -(-seen // DAY)) if seen else 0,
    )
