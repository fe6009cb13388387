"""Makes a version again in a fresh process, from its lineage and the home's data, and compares bit by bit.

Nothing of the version itself goes in: a candidate is calibrated again on its slice; a refit takes the calibration of
its candidate, for that is how a refit is made.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np

from infra.errors import PreflightError
from infra.processes import SPAWNED, end_with_parent
from infra.settings import Settings
from pipelines.backfill import FEATURES
from pipelines.causes import Manifests, explain_difference
from pipelines.clock import Week
from pipelines.context import Context, open_context
from pipelines.encoding import encode_features
from pipelines.erasing import LEARNED_FROM_FORGOTTEN
from pipelines.estimators import ModelParameters
from pipelines.fitting import calibrate
from pipelines.protocol import Slices, protocol_of
from pipelines.refitting import candidate_fit
from pipelines.registering import Fit, lineage_of, refit_of

CANDIDATE, REFIT = "candidate", "refit"


class CannotRebuild(PreflightError, ValueError):  # noqa: N818
    """A version cannot be made again with this code."""


@dataclass(frozen=True)
class Registered:
    """What the registry says of a version, as plain values: the process that makes it again needs no registry.

    `candidate` is the lineage of the version that it is a refit of; `logged` are the parameters of its run, as text;
    `erased` is how many of the flights it has seen are of aircraft that were erased since.
    """

    version: int
    lineage: dict
    candidate: dict | None
    logged: dict[str, str]
    bundle_sha256: str
    decision_threshold: float
    erased: int = 0

    @property
    def kind(self) -> str:
        """Whether it is a candidate or a refit."""
        return CANDIDATE if self.candidate is None else REFIT


@dataclass(frozen=True)
class Rebuilt:
    """A version made again: both hashes then and now, and, where one differs, why, the likeliest cause first."""

    version: int
    kind: str
    rows: int
    predictions: tuple[str, str]
    bundle: tuple[str, str]
    causes: tuple[str, ...] = ()

    @property
    def same_predictions(self) -> bool:
        """Whether it answers the rows that judged with the same bits."""
        return self.predictions[0] == self.predictions[1]

    @property
    def is_identical(self) -> bool:
        """Whether it answers with the same bits and is the same file, byte by byte."""
        return self.same_predictions and self.bundle[0] == self.bundle[1]


def registered(context: Context, version: int) -> Registered:
    """What the registry says of a version. Raises RegistryError when there is none."""
    registry = context.registry
    lineage = registry.lineage(version)
    judged = lineage.get("refit_of")
    bundle = registry.bundle(version)
    return Registered(
        version=version,
        lineage=lineage,
        candidate=None if judged is None else registry.lineage(judged),
        logged=registry.parameters(version),
        bundle_sha256=bundle.sha256,
        decision_threshold=bundle.manifest["decision_threshold"],
        erased=int(registry.version_tags(version).get(LEARNED_FROM_FORGOTTEN, 0)),
    )


def draw_versions(versions: Sequence[int], number: int, seed: int) -> list[int]:
    """So many versions at random: none a second time before every other one has had its turn.

    >>> sorted(draw_versions([1, 2, 3], 6, seed=1))
    [1, 1, 2, 2, 3, 3]
    """
    random = np.random.default_rng(seed)
    rounds = -(-number // len(versions))
    return [int(version) for _ in range(rounds) for version in random.permutation(versions)][:number]


def rebuild_each(settings: Settings, versions: Sequence[Registered]) -> Iterator[Rebuilt]:
    """Make versions again, one after the other, each in a process that was started for it; yields each when made."""
    with ProcessPoolExecutor(1, SPAWNED, initializer=end_with_parent, max_tasks_per_child=1) as pool:
        yield from pool.map(partial(_in_this_process, settings), versions)


def rebuild(context: Context, version: Registered) -> Rebuilt:
    """Make a version again here, with the settings the home was lived with; nothing of the home is written.

    Raises CannotRebuild when its lineage names parameters that this code does not have, or a table is missing.
    """
    _require_known(version)
    context = context.as_lived()
    fit = _fit_again(context, version)
    fitted = fit.make(context.settings)
    now = lineage_of(fit, fitted.scorer.probability(encode_features(fit.judged)), context.settings)
    made = Rebuilt(
        version=version.version,
        kind=version.kind,
        rows=fit.learned.height,
        predictions=(version.lineage["predictions_sha256"], now["predictions_sha256"]),
        bundle=(version.bundle_sha256, fitted.bundle.sha256),
    )
    if made.is_identical:
        return made
    manifests = Manifests(
        then={**version.lineage, "decision_threshold": version.decision_threshold},
        made={**now, "decision_threshold": fitted.bundle.manifest["decision_threshold"]},
        logged=version.logged,
    )
    return replace(made, causes=(*_erased(version), *explain_difference(context, manifests)))


def _in_this_process(settings: Settings, version: Registered) -> Rebuilt:
    return rebuild(open_context(settings), version)


def _erased(version: Registered) -> Iterator[str]:
    """A version that saw what is gone cannot be made again: that is no damage."""
    if version.erased:
        yield (
            f"{version.erased} of the flights it has seen are of aircraft that were erased since (docs/privacy.md): "
            "what it learned from is gone, and nothing can make it again; preflight train learns without"
        )


def _fit_again(context: Context, version: Registered) -> Fit:
    lineage = version.candidate or version.lineage
    _require_features(context, Slices.from_text(lineage["slices"]))
    fit = candidate_fit(context, {**lineage, "parameters": version.lineage["parameters"]})
    if version.candidate is not None:
        return refit_of(fit)
    choice = calibrate(fit.learned, fit.slices, fit.parameters, protocol_of(context.settings).confidence)
    return replace(fit, calibration=choice.map)


def _require_known(version: Registered) -> None:
    strange = set(version.lineage["parameters"]) - {field.name for field in fields(ModelParameters)}
    if strange:
        code = version.lineage["code"]
        raise CannotRebuild(
            f"version {version.version} was fitted with {', '.join(sorted(strange))}, which this code does not have; "
            f"check out revision {code['git_revision']} and rebuild it there"
        )


def _require_features(context: Context, slices: Slices) -> None:
    """A week whose features are gone would be built anew and kept: that is for a command that writes."""
    for week in context.all_weeks():
        if week <= Week.ending(slices.end) and week.end > slices.start:
            context.require(FEATURES, week, f"preflight features {week.id}")
