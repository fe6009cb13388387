"""Files of a registered version that are not there any more: a sentence that names them, and no traceback."""

import mlflow
import pytest

from infra.bundle import MODEL_NAME
from infra.registry import EXPERIMENT, Registry, RegistryError


def test_a_bundle_that_was_deleted_is_missing_by_name(tmp_path):
    registry = Registry(tmp_path)
    client = mlflow.MlflowClient()
    run = client.create_run(client.get_experiment_by_name(EXPERIMENT).experiment_id)
    client.create_registered_model(MODEL_NAME)
    client.create_model_version(MODEL_NAME, source=run.info.artifact_uri, run_id=run.info.run_id)

    with pytest.raises(RegistryError, match=f"{run.info.run_id}/artifacts/bundle is missing; restore it"):
        registry.bundle_folder(1)
