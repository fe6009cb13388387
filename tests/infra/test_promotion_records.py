"""Aliases move only with a signed record that says yes, one promotion at a time, whenever a process dies."""

import multiprocessing
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import mlflow
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from infra.records import PromotionRaced, PromotionRefused, RecordError, sign
from infra.registry import CHALLENGER, CHAMPION, MODEL_NAME, PREVIOUS, RECORD, Registry, RegistryError
from pipelines.tampering import small_bundle

BUNDLES = {number: small_bundle(number) for number in range(1, 4)}
SPAWNED = multiprocessing.get_context("spawn")
RACES = 10


def register(registry: Registry, fit_key: str, number: int = 1) -> int:
    example = pd.DataFrame({"a": [0.0, 1.0]})
    return registry.register(
        fit_key, LogisticRegression().fit(example, [0, 1]), BUNDLES[number], run_name=fit_key, parameters={},
        metrics={}, datasets={}, tags={}, lineage={}, example=example,
    )  # fmt: skip


def record(registry: Registry, version: int, /, **changes: object) -> dict:
    """What the gate would sign about a version that may replace today's champion."""
    document = {
        "version": version,
        "bundle_sha256": registry.version_tags(version)["bundle_sha256"],
        "champion": registry.aliases().get(CHAMPION),
        "promote": True,
        "reason": "it gains",
    }
    return sign({**document, **changes})


def judged(registry: Registry, fit_key: str, number: int = 1, /, **changes: object) -> int:
    """A version with a record that lets it in, unless the changes say otherwise."""
    version = register(registry, fit_key, number)
    registry.attach_gate_record(version, record(registry, version, **changes), "promoted")
    return version


@pytest.fixture
def registry(tmp_path) -> Registry:
    return Registry(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Registry:
    """For refusals, which change nothing."""
    return Registry(tmp_path_factory.mktemp("mlflow"))


def test_a_version_that_was_never_judged_is_not_promoted(shared):
    version = register(shared, "never judged")

    with pytest.raises(RegistryError, match=f"version {version} was never judged by the gate"):
        shared.promote(version)

    assert CHAMPION not in shared.aliases()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"promote": False, "reason": "it loses"}, "may not become champion: it loses"),
        ({"version": 77}, "is about version 77, not"),
        ({"bundle_sha256": BUNDLES[2].sha256}, f"is about bundle_sha256 {BUNDLES[2].sha256}, not {BUNDLES[1].sha256}"),
    ],
    ids=["says no", "of another version", "of another bundle"],
)
def test_a_record_that_does_not_let_this_version_in_moves_nothing(shared, changes, said):
    version = judged(shared, said, **changes)

    with pytest.raises(PromotionRefused, match=said):
        shared.promote(version)

    assert CHAMPION not in shared.aliases()


def test_a_record_with_a_changed_byte_moves_nothing(shared):
    version = judged(shared, "changed byte", promote=False, reason="it loses")
    client = mlflow.MlflowClient()
    run = client.get_run(client.get_model_version(MODEL_NAME, str(version)).run_id)
    file = Path(url2pathname(urlparse(run.info.artifact_uri).path), RECORD)
    file.write_text(file.read_text().replace("false", "true "))

    with pytest.raises(RecordError, match=f"the gate record of version {version} was changed after it was signed"):
        shared.promote(version)

    assert CHAMPION not in shared.aliases()


def test_a_yes_in_spite_of_a_failed_check_moves_nothing(shared):
    checks = [{"name": "enough days", "passed": True}, {"name": "lowers log loss", "passed": False}]
    version = judged(shared, "failed check", checks=checks)

    with pytest.raises(RecordError, match=f"version {version} says yes, though it failed at lowers log loss"):
        shared.promote(version)

    assert CHAMPION not in shared.aliases()


@pytest.mark.parametrize("changes", [{"reason": "it gains more"}, {"promote": False}], ids=["another", "says no"])
def test_a_refit_whose_candidate_has_another_record_now_moves_nothing(registry, changes):
    candidate = judged(registry, "candidate")
    before = registry.gate_record(candidate)
    refit = judged(registry, "refit", 2, judged_version=candidate, judged_record_sha256=before["sha256"])
    registry.attach_gate_record(candidate, record(registry, candidate, **changes), "promoted")

    with pytest.raises(RecordError, match=f"version {refit} says it is the refit of version {candidate}"):
        registry.promote(refit)
    assert CHAMPION not in registry.aliases()

    registry.attach_gate_record(candidate, before, "promoted")
    registry.promote(refit)
    assert registry.aliases()[CHAMPION] == refit


def test_a_promotion_moves_all_aliases_and_done_again_changes_nothing(registry):
    first = judged(registry, "first")
    registry.promote(first)
    second = judged(registry, "second")
    registry.challenge(second)

    for _ in range(2):
        registry.promote(second)

    assert registry.aliases() == {CHAMPION: second, PREVIOUS: first}


def test_who_was_judged_against_an_earlier_champion_is_refused_and_both_are_named(registry):
    first, second = judged(registry, "first"), judged(registry, "second")
    registry.promote(first)

    with pytest.raises(
        PromotionRaced, match=f"version {second} was judged against champion None, and {first} is champion"
    ):
        registry.promote(second)


@pytest.mark.parametrize("survived", [0, 1, 2])
def test_killed_between_the_writes_of_aliases_it_is_whole_after_the_next_try(registry, monkeypatch, survived):
    first = judged(registry, "first")
    registry.promote(first)
    second = judged(registry, "second")
    registry.challenge(second)
    _die_after(monkeypatch, registry, survived)
    with pytest.raises(KeyboardInterrupt):
        registry.promote(second)
    monkeypatch.undo()

    registry.promote(second)

    assert registry.aliases() == {CHAMPION: second, PREVIOUS: first}


def _die_after(monkeypatch: pytest.MonkeyPatch, registry: Registry, survived: int) -> None:
    """Let so many writes of aliases through, and die at the next."""
    client, left = registry._client, [survived]

    def dying(write):
        def once(*arguments):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return write(*arguments)

        return once

    for name in ("set_registered_model_alias", "delete_registered_model_alias"):
        monkeypatch.setattr(client, name, dying(getattr(client, name)))


def _promote_in_turns(folder: Path, version_of_race: list[int], start: object, results: object) -> None:
    """A process that promotes its candidate of each race the moment the other one does too."""
    registry = Registry(folder)
    for version in version_of_race:
        start.wait(timeout=240)
        try:
            registry.promote(version)
            results.put((version, None))
        except PromotionRaced as error:
            results.put((version, str(error)))
        start.wait(timeout=240)  # the next race begins when both have ended


def test_of_two_processes_that_promote_at_the_same_time_exactly_one_wins_and_the_loser_names_both(tmp_path):
    """Both candidates of a race were judged against the champion that the race before it has left."""
    registry = Registry(tmp_path)
    pairs = [[register(registry, f"race {race}, {side}", 1 + side) for side in range(2)] for race in range(RACES)]
    start, results = SPAWNED.Barrier(3), SPAWNED.Queue()
    racers = [
        SPAWNED.Process(
            target=_promote_in_turns, args=(tmp_path, [pair[side] for pair in pairs], start, results), daemon=True
        )
        for side in range(2)
    ]
    for racer in racers:
        racer.start()

    for pair in pairs:
        before = registry.aliases().get(CHAMPION)
        for version in pair:
            registry.attach_gate_record(version, record(registry, version), "promoted")
        start.wait(timeout=240)
        ended = dict(results.get(timeout=240) for _ in pair)
        start.wait(timeout=240)

        (winner,) = [version for version, error in ended.items() if error is None]
        (loser,) = set(pair) - {winner}
        assert registry.aliases()[CHAMPION] == winner
        assert registry.aliases().get(PREVIOUS) == before
        assert (registry.gate_record(winner)["version"], registry.gate_record(winner)["promote"]) == (winner, True)
        assert f"version {loser} was judged against champion {before}, and {winner} is champion now" in ended[loser]

    for racer in racers:
        racer.join(60)
        assert racer.exitcode == 0


def test_a_champions_challenger_alias_goes_when_it_is_promoted(registry):
    version = judged(registry, "first")
    registry.challenge(version)

    registry.promote(version)

    assert CHALLENGER not in registry.aliases()
