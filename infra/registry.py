"""Experiments, model versions and aliases. With `model_signature` the only module that imports MLflow.

Aliases: `champion` answers, `challenger` is the newest candidate, `previous` is where a
rollback would go. A version is loaded only if its file has the SHA-256 it was registered with.
"""

from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version as installed_version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from typing import Any

import mlflow
import pandas as pd
from filelock import FileLock
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import Metric, Param, Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID as PARENT

from infra.bundle import MODEL_NAME, Bundle, read_bundle, write_bundle
from infra.model_file import TRUSTED_TYPES, load_model, sha256_of, verify_model
from infra.model_signature import signature_of
from infra.records import require_judged, require_let_in, require_yes
from infra.registry_errors import RegistryError, require_missing, require_readable
from infra.registry_place import ARTIFACTS, DATABASE, EXPERIMENT, keep_own_files
from infra.scorer import Scorer, load_bundle
from infra.storage import forget_unfinished_database, make_folder, mark_migrated

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
MODEL_FILE = "model.skops"
BUNDLE, RECORD, LINEAGE, CARD = "bundle", "gate.json", "lineage.json", "card"


class Registry:
    """The MLflow tracking store and model registry under one folder, or at a tracking server's address."""

    def __init__(self, folder: Path, tracking_uri: str | None = None) -> None:
        if tracking_uri is None:
            forget_unfinished_database(folder, DATABASE)
            require_readable(folder / DATABASE)
            keep_own_files(folder)
        make_folder(folder)
        self._promotions = FileLock(folder / "promotion.lock")  # of all that share the home, whatever keeps the models
        self._uri = tracking_uri or f"sqlite:///{folder / DATABASE}"
        mlflow.set_tracking_uri(self._uri)
        self._client = mlflow.MlflowClient(self._uri)
        if self._client.get_experiment_by_name(EXPERIMENT) is None:
            place = None if tracking_uri else (folder / ARTIFACTS).as_uri()
            self._client.create_experiment(EXPERIMENT, artifact_location=place)
        self._experiment = mlflow.set_experiment(EXPERIMENT).experiment_id
        if tracking_uri is None:
            mark_migrated(folder)

    def register(
        self,
        fit_key: str,
        model: object,
        bundle: Bundle,
        *,
        run_name: str,
        parameters: dict[str, object],
        metrics: dict[str, float],
        datasets: dict[str, str],
        tags: dict[str, str],
        lineage: dict,
        example: pd.DataFrame,
    ) -> int:
        """Log a fitted model with all that it came from and return its version.

        `bundle` is what is served; `model` lies beside it as scikit-learn, for people who want to look at it.
        `fit_key` names the fit: asked for again, also after a kill, the version that exists is
        returned. The version is created last and in one step, so no version lacks its model.
        """
        known = self.version_of(fit_key)
        if known is not None:
            return known
        self._abandon_unfinished(fit_key)
        with mlflow.start_run(run_name=run_name, tags={"fit_key": fit_key, **tags}):
            mlflow.log_params(parameters)
            mlflow.log_metrics(metrics)
            for name, digest in datasets.items():
                mlflow.log_input(MetaDataset(CodeDatasetSource({}), name=name, digest=digest[:36]), context=name)
            mlflow.log_dict(lineage, LINEAGE)
            with TemporaryDirectory(prefix="preflight-bundle-") as folder:
                mlflow.log_artifacts(str(write_bundle(Path(folder, BUNDLE), bundle)), BUNDLE)
            info = mlflow.sklearn.log_model(
                model,
                name="model",
                signature=signature_of(example),
                input_example=example,
                pyfunc_predict_fn="predict_proba",
                pip_requirements=[f"{name}=={installed_version(name)}" for name in ("scikit-learn", "skops", "numpy")],
                skops_trusted_types=list(TRUSTED_TYPES),
            )
        self._ensure_model_exists()
        digest = sha256_of(_local(info.model_uri) / MODEL_FILE)
        created = self._client.create_model_version(
            MODEL_NAME,
            source=info.model_uri,
            run_id=info.run_id,
            model_id=info.model_id,
            tags={"fit_key": fit_key, "sha256": digest, "bundle_sha256": bundle.sha256, "run": run_name, **tags},
        )
        return int(created.version)

    def log_study(
        self,
        study_key: str,
        *,
        run_name: str,
        parameters: dict[str, object],
        metrics: dict[str, float],
        trials: Sequence[dict],
        tags: dict[str, str] | None = None,
    ) -> str:
        """Log a study of hyperparameters as a run with one nested run per trial, and return the run's id.

        Each of `trials` has its `number`, `state`, `parameters` and `fold_losses`, which become one metric with the
        fold as step. `study_key` names the study: asked for again, the run that exists is returned; what a kill left
        unfinished is deleted, and logged anew.
        """
        found = self._runs(f"tags.study_key = '{study_key}'")
        whole = [run for run in found if run.info.status == "FINISHED" and PARENT not in run.data.tags]
        if whole:
            return whole[0].info.run_id
        for leftover in found:
            self._client.delete_run(leftover.info.run_id)
        named = {"study_key": study_key, **(tags or {})}
        measured = [Metric(name, value, _now(), 0) for name, value in metrics.items()]
        parent = self._log_run(run_name, parameters, measured, named)
        for trial in trials:
            losses = [Metric("fold_log_loss", loss, _now(), step) for step, loss in enumerate(trial["fold_losses"])]
            above = {**named, PARENT: parent, "state": trial["state"]}
            child = self._log_run(f"trial-{trial['number']}", trial["parameters"], losses, above)
            self._client.set_terminated(child)
        self._client.set_terminated(parent)  # last of all: a finished run has all of its trials
        return parent

    def version_of(self, fit_key: str) -> int | None:
        """The version registered for a fit, None when there is none."""
        found = self._client.search_model_versions(f"name = '{MODEL_NAME}' and tags.fit_key = '{fit_key}'")
        return int(found[0].version) if found else None

    def versions(self) -> list[dict[str, Any]]:
        """Tags of every version with its number, oldest first."""
        found = self._client.search_model_versions(f"name = '{MODEL_NAME}'")
        ordered = sorted(found, key=lambda version: int(version.version))
        return [{"version": int(version.version), **version.tags} for version in ordered]

    def version_tags(self, version: int) -> dict[str, str]:
        """What was recorded with a version. Raises RegistryError when there is none."""
        return dict(self._version(version).tags)

    def aliases(self) -> dict[str, int]:
        """Which version each alias points to. Raises RegistryUnreadable when nobody can say."""
        try:
            aliases = self._client.get_registered_model(MODEL_NAME).aliases
        except MlflowException as error:
            require_missing(error, self._uri)
            return {}
        return {name: int(version) for name, version in aliases.items()}

    def promote(self, version: int) -> None:
        """Make a version champion, as its signed record says; doing it again changes nothing.

        One promotion at a time: of two versions judged against the same champion the first wins. Raises what
        `require_yes` raises when the record does not let this version in, now.
        """
        with self._promotions:
            bundle_sha256 = self.version_tags(version)["bundle_sha256"]
            record, champion = self.gate_record(version), self.aliases().get(CHAMPION)
            if "judged_version" in record:
                require_judged(record, self.gate_record(record["judged_version"]))
            require_yes(record, version, bundle_sha256, record["champion"] if champion == version else champion)
            self._point({CHAMPION: version, PREVIOUS: record["champion"], CHALLENGER: None})

    def switch(self, version: int) -> None:
        """Make a version champion again that was let in before; doing it again changes nothing.

        Raises what `require_signed` raises, and PromotionRefused when its record says no.
        """
        with self._promotions:
            require_let_in(self.gate_record(version), version)
            now = self.aliases().get(CHAMPION)
            if now != version:
                self._point({CHAMPION: version, PREVIOUS: now})

    def challenge(self, version: int) -> None:
        """Make a version the challenger, the newest candidate."""
        self._point({CHALLENGER: version})

    def _point(self, aliases: dict[str, int | None]) -> None:
        now = self.aliases()
        for name, version in aliases.items():
            if version is None and name in now:
                self._client.delete_registered_model_alias(MODEL_NAME, name)
            elif version is not None and now.get(name) != version:
                self._client.set_registered_model_alias(MODEL_NAME, name, str(version))

    def attach_gate_record(self, version: int, record: dict, verdict: str) -> None:
        """Keep the gate's record with the version: the whole of it as an artifact, the verdict as a tag."""
        run = self._version(version).run_id
        self._client.log_dict(run, record, RECORD)
        self.tag(version, "gate", verdict)

    def tag(self, version: int, name: str, value: str) -> None:
        """Note something on a version; it shows in the registry and in `version_tags`."""
        self._client.set_model_version_tag(MODEL_NAME, str(version), name, value)

    def gate_record(self, version: int) -> dict:
        """The gate's record of a version. Raises RegistryError when it was never judged."""
        run = self._version(version).run_id
        try:
            return mlflow.artifacts.load_dict(f"runs:/{run}/{RECORD}")
        except MlflowException as error:
            raise RegistryError(f"version {version} was never judged by the gate") from error

    def attach_card(self, version: int, markdown: str, html: str) -> None:
        """Keep the card of a version with its run, in both of its forms."""
        run = self._version(version).run_id
        for form, text in (("md", markdown), ("html", html)):
            self._client.log_text(run, text, f"{CARD}.{form}")

    def lineage(self, version: int) -> dict:
        """What a version came from: data, features, code, parameters, lock and protocol, as it was registered."""
        return mlflow.artifacts.load_dict(f"runs:/{self._version(version).run_id}/{LINEAGE}")

    def parameters(self, version: int) -> dict[str, str]:
        """The parameters that the run of a version logged, as text."""
        return dict(self._client.get_run(self._version(version).run_id).data.params)

    def scorer(self, version: int) -> Scorer:
        """The bundle of a version, verified and answering. Raises ModelFileError when a file is not as registered."""
        return _scorer_once(self.bundle_folder(version), self.version_tags(version)["bundle_sha256"])

    def bundle(self, version: int) -> Bundle:
        """The verified bundle of a version, to be copied."""
        return read_bundle(self.bundle_folder(version), self.version_tags(version)["bundle_sha256"])

    def bundle_folder(self, version: int) -> Path:
        """Where the bundle of a version lies."""
        artifacts = self._client.get_run(self._version(version).run_id).info.artifact_uri
        return _local(f"{artifacts}/{BUNDLE}")  # a runs:/ address would be copied aside each time

    def load(self, version: int) -> object:
        """The model of a version as scikit-learn. Raises ModelFileError when its file is not as registered."""
        return _load_once(self.verified_file(version))

    def verified_file(self, version: int) -> Path:
        """The model file of a version, its SHA-256 checked against the registration."""
        registered = self._version(version).tags["sha256"]
        return verify_model(_local(f"models:/{MODEL_NAME}/{version}") / MODEL_FILE, registered)

    def _version(self, version: int) -> ModelVersion:
        try:
            return self._client.get_model_version(MODEL_NAME, str(version))
        except MlflowException as error:
            require_missing(error, self._uri)
            known = ", ".join(str(entry["version"]) for entry in self.versions()) or "none"
            raise RegistryError(f"there is no version {version}; known: {known}") from error

    def _abandon_unfinished(self, fit_key: str) -> None:
        for run in self._runs(f"tags.fit_key = '{fit_key}'"):
            self._client.set_terminated(run.info.run_id, "KILLED")

    def _runs(self, which: str) -> list[Run]:
        return list(self._client.search_runs([self._experiment], filter_string=which))

    def _log_run(self, name: str, parameters: dict, metrics: list[Metric], tags: dict[str, str]) -> str:
        """A run that is still running, with all of this, in two calls."""
        run = self._client.create_run(self._experiment, tags=tags, run_name=name).info.run_id
        self._client.log_batch(run, metrics, [Param(key, str(value)) for key, value in parameters.items()])
        return run

    def _ensure_model_exists(self) -> None:
        try:
            self._client.get_registered_model(MODEL_NAME)
        except MlflowException:
            self._client.create_registered_model(MODEL_NAME, description="Probability that a flight arrives late")


_load_once = lru_cache(maxsize=4)(load_model)
_scorer_once = lru_cache(maxsize=4)(load_bundle)


def _now() -> int:
    return int(time() * 1000)


def _local(uri: str) -> Path:
    try:
        return Path(mlflow.artifacts.download_artifacts(uri))
    except (MlflowException, OSError) as error:
        raise RegistryError(f"{uri} is missing; restore it from a copy, or train again") from error
