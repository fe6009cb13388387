"""`rebuild`: versions are made again in fresh processes and compared. Only reads."""

import sys
from dataclasses import asdict

from infra.settings import Settings
from infra.stopwatch import part
from pipelines.context import Context, open_context
from pipelines.rebuild import Rebuilt, draw_versions, rebuild_each, registered
from pipelines.scoring import NoChampion
from preflight import show


def rebuild(settings: Settings, version: int | None, number: int | None, seed: int | None, as_json: bool) -> None:
    """Make one version again, or so many at random; ends the process with 1 when any is not identical."""
    context = open_context(settings)
    chosen = [version] if number is None else _drawn(context, number, settings.seed if seed is None else seed)
    _require_history(context)
    with part("MLflow"):
        wanted = {one: registered(context, one) for one in sorted(set(chosen))}
    made: list[Rebuilt] = []
    with show.progress(len(chosen), "rebuilds") as advance:
        for one in rebuild_each(settings, [wanted[version] for version in chosen]):
            made.append(one)
            advance(f"version {one.version}: {_verdict(one)}")
    differing = [one for one in made if not one.is_identical]
    if not as_json:
        _print(made)
    show.finish(_outcome(made, differing), {"rebuilds": [_document(one) for one in made]}, as_json)
    if differing:
        sys.exit(1)


def _drawn(context: Context, number: int, seed: int) -> list[int]:
    _require_history(context)
    with part("MLflow"):
        known = [entry["version"] for entry in context.registry.versions()]
    return draw_versions(known, number, seed)


def _require_history(context: Context) -> None:
    if not context.journal.events("train"):
        raise NoChampion(f"nothing has been trained under {context.settings.home}; run: preflight replay")


def _outcome(made: list[Rebuilt], differing: list[Rebuilt]) -> str:
    versions = len({one.version for one in made})
    of_what = f"version {made[0].version}" if len(made) == 1 else f"{len(made)} rebuilds of {versions} versions"
    if not differing:
        return f"{of_what}: identical predictions and bundle"
    first = differing[0]
    return f"{of_what}: {len(differing)} of {len(made)} differ, the first is version {first.version}: {first.causes[0]}"


def _print(made: list[Rebuilt]) -> None:
    show.table(
        "Rebuilt versions",
        {
            "version": "right",
            "kind": "left",
            "rows": "right",
            "predictions": "left",
            "bundle": "left",
            "result": "left",
        },
        [
            (one.version, one.kind, f"{one.rows:,}", _change(one.predictions), _change(one.bundle), _verdict(one))
            for one in made
        ],
    )
    told = {one.version: one.causes for one in made if one.causes}
    for version, causes in told.items():
        show.tell(f"version {version} differs, the likeliest cause first:")
        for cause in causes:
            show.tell(f"  {cause}")


def _change(hashes: tuple[str, str]) -> str:
    then, now = (digest[:12] for digest in hashes)
    return then if hashes[0] == hashes[1] else f"{then}, now {now}"


def _verdict(one: Rebuilt) -> str:
    if one.is_identical:
        return "identical"
    return "same predictions, another bundle" if one.same_predictions else "differs"


def _document(one: Rebuilt) -> dict:
    return {**asdict(one), "same_predictions": one.same_predictions, "is_identical": one.is_identical}
