"""What we rely on in MLflow for studies: nested runs, metrics by step, and nothing twice after a kill."""

import mlflow
import pytest

from infra.registry import EXPERIMENT, Registry

TRIALS = [
    {"number": 0, "state": "complete", "parameters": {"leaves": 31}, "fold_losses": [0.53, 0.50, 0.46]},
    {"number": 1, "state": "pruned", "parameters": {"leaves": 99}, "fold_losses": [0.57]},
]


@pytest.fixture(scope="module")
def registry(tmp_path_factory) -> Registry:
    return Registry(tmp_path_factory.mktemp("mlflow"))


def log(registry: Registry, key: str, trials: list[dict] = TRIALS) -> str:
    """Log a study of this key."""
    return registry.log_study(
        key, run_name="tune-2013-04-01", parameters={"chosen": "default"}, metrics={"gain": 0.01}, trials=trials
    )


def runs(which: str) -> list:
    """The runs, not deleted, that a filter finds."""
    client = mlflow.MlflowClient()
    return list(client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id], filter_string=which))


def test_a_study_is_a_run_with_a_nested_run_per_trial(registry):
    parent = log(registry, "nested")

    run = mlflow.MlflowClient().get_run(parent)
    children = runs(f"tags.`mlflow.parentRunId` = '{parent}'")
    assert (run.info.run_name, run.info.status) == ("tune-2013-04-01", "FINISHED")
    assert (run.data.params, run.data.metrics) == ({"chosen": "default"}, {"gain": 0.01})
    assert sorted(
        (child.info.run_name, child.info.status, child.data.tags["state"], child.data.params["leaves"])
        for child in children
    ) == [("trial-0", "FINISHED", "complete", "31"), ("trial-1", "FINISHED", "pruned", "99")]


def test_the_losses_of_a_trial_are_a_metric_with_the_fold_as_step(registry):
    parent = log(registry, "steps")

    (first,) = runs(f"tags.`mlflow.parentRunId` = '{parent}' and tags.`mlflow.runName` = 'trial-0'")

    history = mlflow.MlflowClient().get_metric_history(first.info.run_id, "fold_log_loss")
    assert [(entry.step, entry.value) for entry in history] == [(0, 0.53), (1, 0.50), (2, 0.46)]


def test_a_study_is_logged_once(registry):
    assert log(registry, "once") == log(registry, "once")
    assert len(runs("tags.study_key = 'once'")) == 3


@pytest.mark.parametrize("calls", range(1, 9))
def test_a_study_whose_logging_was_killed_leaves_nothing_twice(registry, monkeypatch, calls):
    key = f"killed-{calls}"

    class Killed(Exception):  # noqa: N818
        pass

    left = iter([None] * calls)

    def until_killed(method):
        def called(*arguments, **more):
            if next(left, "killed") == "killed":
                raise Killed
            return method(*arguments, **more)

        return called

    with monkeypatch.context() as patched:
        for name in ("create_run", "log_batch", "set_terminated"):
            patched.setattr(registry._client, name, until_killed(getattr(registry._client, name)))
        with pytest.raises(Killed):
            log(registry, key)

    parent = log(registry, key)

    found = runs(f"tags.study_key = '{key}'")
    assert sorted(run.info.run_name for run in found) == ["trial-0", "trial-1", "tune-2013-04-01"]
    assert {run.info.status for run in found} == {"FINISHED"}
    assert {run.data.tags.get("mlflow.parentRunId") for run in found} == {None, parent}
