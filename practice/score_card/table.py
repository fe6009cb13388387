"""The 28 tests of the ML Test Score in our words, each with its probe."""

from practice.score_card import numbers, records
from practice.score_card.probe import Probe

PYTEST = "python -m pytest -q -p no:cacheprovider"
PASSED = (" passed",)
LIFE = "tests/journey/test_short_year.py::test_every_scheduled_flight_is_predicted_exactly_once"
"""One short life from raw files to retraining, and what must be true of its predictions."""
NO_NUMBERS = "tests/monitoring/test_quality.py tests/pipelines/test_scoring.py tests/pipelines/test_gate_checks.py"
"""What happens to predictions and measures that are planted as NaN, as endless, or outside of 0 to 1."""

DATA = (
    Probe(
        "Data",
        1,
        "What features and feeds may look like is written down as a schema",
        "preflight validate 2013-12-30",
        "data_checks/schema.py",
        ("accepted",),
    ),
    Probe(
        "Data",
        2,
        "Every feature is worth having",
        "python -m practice.score_card.groups worth",
        "docs/feature-worth.md",
        (" 0 harmful",),
        look=records.every_group_was_weighed,
        half="the rubric asks it of every feature, and a group without evidence of a gain is still there; to drop it, "
        "or to show what it gains, would earn the rest",
        whole=("without evidence: none",),
    ),
    Probe(
        "Data",
        3,
        "No feature costs more than it gives",
        "python -m practice.score_card.groups cost",
        "docs/feature-worth.md",
        ("milliseconds for a thousand flights",),
        look=records.every_group_has_its_cost,
    ),
    Probe(
        "Data",
        4,
        "Features keep to the rules of what may be used",
        "preflight prove no-leak --moments 3",
        "pipelines/as_of.py",
        ("moments",),
    ),
    Probe(
        "Data",
        5,
        "Privacy is kept along the pipeline",
        f"{PYTEST} tests/infra/test_pseudonyms.py tests/infra/test_forgotten.py",
        "docs/privacy.md",
        PASSED,
        look=records.no_tail_number_in_log_or_model,
    ),
    Probe(
        "Data",
        6,
        "A new feature can be added quickly",
        f"{PYTEST} tests/test_add_a_feature.py",
        "docs/add-a-feature.md",
        PASSED,
    ),
    Probe(
        "Data",
        7,
        "All code of features is tested",
        f"{PYTEST} tests/pipelines/test_features.py tests/pipelines/test_feature_properties.py",
        "tests/pipelines/test_feature_properties.py",
        PASSED,
    ),
)

MODEL = (
    Probe(
        "Model",
        1,
        "Every specification of a model is reviewed and on record",
        "preflight explain",
        "docs/protocol.md",
        ("fit key", "model file SHA-256"),
        look=records.specifications_are_on_record,
    ),
    Probe(
        "Model",
        2,
        "Offline measures move with what decisions cost",
        "preflight replay",
        "monitoring/decision_cost.py",
        look=records.offline_and_online_move_together,
    ),
    Probe(
        "Model",
        3,
        "Hyperparameters were tuned",
        "preflight explain",
        "pipelines/tuning.py",
        look=records.parameters_were_searched,
    ),
    Probe(
        "Model", 4, "What age costs is known", "preflight bakeoff", "docs/bakeoff.md", look=records.age_costs_so_much
    ),
    Probe(
        "Model",
        5,
        "A simpler model is not better",
        "preflight contenders",
        "docs/contenders.md",
        look=records.simpler_was_tried,
    ),
    Probe(
        "Model",
        6,
        "Quality holds on every slice that matters",
        "preflight explain 20",
        "pipelines/promotion.py",
        look=records.slices_were_judged,
    ),
    Probe(
        "Model",
        7,
        "Inclusion was thought of",
        "preflight card 20",
        "monitoring/fairness.py",
        look=records.destinations_fare_alike,
    ),
)

INFRA = (
    Probe(
        "Infra",
        1,
        "Training is reproducible",
        "preflight rebuild --random 1 --seed 1",
        "pipelines/rebuild.py",
        ("identical",),
    ),
    Probe(
        "Infra",
        2,
        "Code that specifies models is unit tested",
        f"{PYTEST} tests/pipelines/test_training.py tests/pipelines/test_forest.py",
        "tests/pipelines/test_training.py",
        PASSED,
    ),
    Probe(
        "Infra",
        3,
        "The whole pipeline is tested together",
        f"{PYTEST} {LIFE}",
        "tests/journey/test_short_year.py",
        PASSED,
        look=records.every_stage_of_every_week,
    ),
    Probe(
        "Infra",
        4,
        "Quality is judged before a model serves",
        "preflight explain",
        "pipelines/promotion.py",
        look=records.champion_passed_the_gate,
    ),
    Probe(
        "Infra",
        5,
        "One example can be followed through the model",
        "preflight explain flight UA1547 2013-07-01",
        "docs/explain.md",
        ("probability", "decision", "truth"),
    ),
    Probe(
        "Infra",
        6,
        "Models are tried on some traffic before all of it",
        f"{PYTEST} tests/services/test_guardrails.py tests/services/test_agent.py",
        "docs/rollout.md",
        PASSED,
        half="these tests step a canary through 5, 25, 50 and 100 % and stop one that fails, `preflight drill run "
        "bad-promotion` does it with requests, but no champion of the year went through one: a replay has no requests, "
        "and a service begins one only where PREFLIGHT_CANARY is set; champions with a canary on record would earn the "
        "rest",
    ),
    Probe(
        "Infra",
        7,
        "A model can be rolled back quickly and safely",
        "preflight prove swaps --count 1 --rollbacks 1",
        "preflight/prove_swaps.py",
        ("rollback",),
    ),
)

MONITOR = (
    Probe(
        "Monitor",
        1,
        "Changes of dependencies are noticed",
        f"{PYTEST} tests/infra/test_culprit.py tests/infra/test_newest.py",
        "docs/ci.md",
        PASSED,
    ),
    Probe(
        "Monitor",
        2,
        "Inputs keep their rules while serving",
        f"{PYTEST} tests/services/test_parsing.py",
        "services/messages.py",
        PASSED,
    ),
    Probe(
        "Monitor",
        3,
        "Training and serving see the same features",
        "preflight prove parity 2013-12-30",
        "pipelines/mismatch.py",
        ("0 values differ",),
    ),
    Probe(
        "Monitor",
        4,
        "Models do not get too old",
        "preflight alarms",
        "monitoring/decision.py",
        look=records.age_is_decided_on,
    ),
    Probe(
        "Monitor",
        5,
        "Models are numerically stable",
        f"{PYTEST} {NO_NUMBERS}",
        "monitoring/quality.py",
        PASSED,
        look=numbers.every_number_is_finite,
    ),
    Probe(
        "Monitor",
        6,
        "Speed and memory do not get worse",
        "preflight metrics",
        "infra/prometheus/rules/alerts.yml",
        ("seconds",),
        half="alerts watch latency and benchmarks print ratios; nobody compares releases by itself, which would "
        "earn the rest",
    ),
    Probe(
        "Monitor",
        7,
        "Quality on live data does not get worse",
        "preflight alarms",
        "monitoring/decision.py",
        ("weeks alarmed",),
        look=numbers.quality_has_held,
    ),
)

PROBES: tuple[Probe, ...] = (*DATA, *MODEL, *INFRA, *MONITOR)
