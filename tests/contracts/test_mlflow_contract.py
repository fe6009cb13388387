"""What we rely on in MLflow: a version is registered once per fit, with all that it came from, and loads as it was."""

import mlflow
import numpy as np
import polars as pl
import pytest

from infra.bundle import ModelFileError
from infra.records import sign
from infra.registry import MODEL_NAME, Registry, RegistryError
from monitoring.labels import IS_LATE
from pipelines.artefact import build_bundle
from pipelines.calibration_map import IDENTITY
from pipelines.estimators import ModelParameters
from pipelines.feature_catalog import CATEGORIES, NAMES
from pipelines.training import fit_model, predict_probability


def rows(count: int = 600, seed: int = 1) -> pl.DataFrame:
    """Rows with every feature, the label depending on the first number."""
    random = np.random.default_rng(seed)
    columns = {
        name: random.choice(CATEGORIES[name], count) if name in CATEGORIES else random.normal(size=count)
        for name in NAMES
    }
    frame = pl.DataFrame(columns)
    return frame.with_columns((pl.col("departure_minute_of_day") > 0).alias(IS_LATE))


@pytest.fixture(scope="module")
def registry(tmp_path_factory) -> Registry:
    return Registry(tmp_path_factory.mktemp("mlflow"))


def register(registry: Registry, fit_key: str = "a fit") -> int:
    model = fit_model(rows(), ModelParameters(trees=3))
    return registry.register(
        fit_key,
        model,
        build_bundle(model[-1], IDENTITY, 0.25, {"fit_key": fit_key}),
        run_name="2013-07-01-expanding",
        parameters={"trees": 3},
        metrics={"gate_roc_auc": 0.9},
        datasets={"training": "0" * 64},
        tags={"end": "2013-07-01T04:00:00+00:00"},
        lineage={"data": {"training": "0" * 64}},
        example=rows().select(NAMES).head(3).to_pandas(),
    )


def let_in(registry: Registry, version: int, champion: int | None) -> None:
    """Give a version a record that says yes, against that champion."""
    bundle = registry.version_tags(version)["bundle_sha256"]
    record = sign({"version": version, "bundle_sha256": bundle, "champion": champion, "promote": True})
    registry.attach_gate_record(version, record, "promoted")


def test_registering_the_same_fit_again_gives_the_same_version(registry):
    assert register(registry) == register(registry)


def test_a_version_keeps_parameters_metrics_data_signature_and_example(registry):
    version = register(registry)

    run = mlflow.MlflowClient().get_run(mlflow.MlflowClient().get_model_version(MODEL_NAME, str(version)).run_id)
    signature = mlflow.models.get_model_info(f"models:/{MODEL_NAME}/{version}").signature
    files = {path.name for path in registry.verified_file(version).parent.iterdir()}
    assert (run.data.params["trees"], run.data.metrics["gate_roc_auc"]) == ("3", 0.9)
    assert [entry.dataset.name for entry in run.inputs.dataset_inputs] == ["training"]
    assert signature.inputs.input_names() == list(NAMES)
    assert {"MLmodel", "model.skops", "input_example.json", "requirements.txt"} <= files


def test_a_loaded_version_gives_the_probabilities_of_the_fit(registry):
    fitted = predict_probability(fit_model(rows(), ModelParameters(trees=3)), rows(seed=2))

    loaded = predict_probability(registry.load(register(registry)), rows(seed=2))

    assert (loaded == fitted).all()


def test_aliases_move_and_go_and_moving_them_again_changes_nothing(registry):
    first, second = register(registry), register(registry, "another fit")
    let_in(registry, first, champion=None)
    let_in(registry, second, champion=first)

    for _ in range(2):
        registry.challenge(second)
        registry.promote(first if "champion" not in registry.aliases() else second)
        registry.promote(second)

    assert registry.aliases() == {"champion": second, "previous": first}


def test_the_gates_record_comes_back_as_it_was_attached(registry):
    version = register(registry)
    record = {"promote": False, "reason": "ein Größenvergleich", "checks": [{"value": 0.1}]}

    registry.attach_gate_record(version, record, "refused")

    assert (registry.gate_record(version), registry.version_tags(version)["gate"]) == (record, "refused")


def test_a_version_without_a_verdict_or_that_does_not_exist_is_an_error(registry):
    version = register(registry, "never judged")

    with pytest.raises(RegistryError, match="never judged by the gate"):
        registry.gate_record(version)
    with pytest.raises(RegistryError, match="there is no version 99; known: 1"):
        registry.version_tags(99)


def test_a_model_file_that_was_changed_after_registration_is_refused(registry):
    version = register(registry, "to be tampered with")
    file = registry.verified_file(version)
    served = registry.bundle_folder(version) / "model.onnx"
    for one in (file, served):
        one.write_bytes(one.read_bytes() + b"\0")

    with pytest.raises(ModelFileError, match="is not what was registered"):
        registry.load(version)
    with pytest.raises(ModelFileError, match=r"model\.onnx is not what was registered"):
        registry.scorer(version)


def test_a_database_whose_first_migration_was_killed_is_made_anew(tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"half a database")

    assert Registry(tmp_path).versions() == []
