"""A challenger before the gate: the same evidence, statistics and checks as for flights, with bounds of its own."""

from dataclasses import asdict

import numpy as np
import polars as pl

from examples.second_data_set.features import ENCODING, IS_EAST, features_sha256, slice_names
from examples.second_data_set.training import COSTS, PROTOCOL, SEED, Model, days_of, scanned
from infra.storage import content_hash
from pipelines.evidence import Artefact, JudgedFlights, Looking, gather_evidence
from pipelines.fitting import latency_us, size_bytes
from pipelines.gate_record import gate_record
from pipelines.promotion import GateRules, decide_promotion

RULES = GateRules(
    least_gain=0.004,
    fewest_flights=250,  # a fortnight has 280 scans
    largest_auc=0.999,  # a shape is easier than weather; all but perfect is still too good to be true
    largest_calibration_error=0.25,  # ten bins of 28 scans are rough
)
LOOKING = Looking(
    confidence=RULES.confidence,
    harm_confidence=RULES.harm_confidence,
    slice_flights=40,
    slice_late=10,
    seed=SEED,
    families={},  # no group of people, large or small, is in the data
)


def judge(challenger: Model, champion: Model | None, labelled: pl.DataFrame) -> dict:
    """The signed record of a challenger on the newest days; the rival is the champion, or the base rate before one."""
    slices = challenger.slices
    judged = scanned(labelled, slices.gate, slices.end)
    known = scanned(labelled, slices.start, slices.gate)
    said = challenger.probability(judged)
    base_rate = np.full(judged.height, known[IS_EAST].mean())
    rival = base_rate if champion is None else champion.probability(judged)
    evidence = gather_evidence(
        said,
        rival,
        "the base rate" if champion is None else champion.name,
        JudgedFlights(judged[IS_EAST].to_numpy(), days_of(judged), slice_names(judged), pl.DataFrame()),
        artefact_of(challenger, champion, judged, said, rival),
        COSTS,
        LOOKING,
    )
    facts = {
        "version": challenger.version,
        "champion": None if champion is None else champion.version,
        "bundle_sha256": challenger.bundle.sha256,
        "protocol_sha256": PROTOCOL.sha256,
        "rows": content_hash(judged),
        "rules": asdict(RULES),
    }
    return gate_record(decide_promotion(evidence, RULES).as_record(), facts)


def artefact_of(
    challenger: Model, champion: Model | None, judged: pl.DataFrame, said: np.ndarray, rival: np.ndarray
) -> Artefact:
    """What the gate asks of the challenger's file."""
    seen = 0 if champion is None else max(0, (champion.slices.gate - challenger.slices.gate).days)
    return Artefact(
        sha256=challenger.bundle.sha256,
        parity=challenger.parity.value,
        size_bytes=size_bytes(challenger.bundle),
        latency_us=latency_us(challenger.scorer, ENCODING.encode(judged)),
        features_sha256=challenger.bundle.manifest["facts"]["features_sha256"],
        expected_features_sha256=features_sha256(),
        rival_sha256=None if champion is None else champion.bundle.sha256,
        same_answers_as_rival=bool(np.array_equal(said, rival)),
        rival_has_seen_days=seen,
    )
