"""`rollout`: a second version on real traffic, beside the champion."""

from dataclasses import asdict

from data_checks import schema as s
from infra.settings import Settings
from infra.storage import Store
from monitoring.ab import AbRules, Comparison, compare_arms, compare_pairs
from monitoring.labels import known_labels
from pipelines.clock import Week
from pipelines.context import Context, open_context
from preflight import show
from services import rollout
from services.ab_answers import ab_answers, shadow_answers
from services.guardrails import StageFigures
from services.model import POINTER, PREVIOUS, pointed
from services.prediction_log import begins_after, log_end, read_from
from services.routing import AB

WEEKS_OF_LABELS = 26
"""Of outcomes that a rollout is judged by: longer than any should run."""


def begin(settings: Settings, mode: str, version: int, share: float) -> None:
    """Put a version on trial; workers follow within a second. Raises UsageError, PromotionRefused."""
    context = open_context(settings)
    stage = rollout.begin(context, mode, version, share, log_end(settings.home))
    answers = f"answers {stage.plan.share:.0%} of flights" if stage.plan.divides else "is scored and answers nobody"
    show.tell(f"{mode}: version {version} {answers}, beside champion {stage.champion}")


def stop(settings: Settings, reason: str) -> None:
    """End the rollout that runs."""
    was_there = rollout.stop(open_context(settings), reason)
    show.tell("stopped: the champion answers everybody" if was_there else "nothing to stop: there is no rollout")


def status(settings: Settings, as_json: bool) -> None:
    """Who answers, and how the rollout stands."""
    context = open_context(settings)
    versions = _versions(context.store)
    stage = rollout.read_stage(context)
    if stage is None:
        answering = f"version {versions['champion']} answers" if "champion" in versions else "nothing is served here"
        show.finish(f"no rollout; {answering}", {"versions": versions, "rollout": None}, as_json)
        return
    records = read_from(settings.home, stage.begins_at)[0]
    figures, decision = rollout.look(stage, records)
    compared = _by_labels(context, stage, records)
    is_partial = begins_after(settings.home, stage.begins_at)
    if not as_json:
        _print(stage, figures)
        if is_partial:
            show.tell("the log no longer holds the beginning of this rollout: these are figures of what it still holds")
        show.tell(f"by labels: {compared.winner}; {compared.reason}")
    document = {
        "versions": versions,
        "rollout": asdict(stage),
        "figures": asdict(figures),
        "decision": asdict(decision),
        "by_labels": asdict(compared),
        "is_partial": is_partial,
    }
    show.finish(
        f"{stage.plan.mode} of version {stage.plan.challenger}: {decision.action}, {decision.reason}", document, as_json
    )


def _by_labels(context: Context, stage: rollout.Stage, records: list[dict]) -> Comparison:
    """Who is better by the labels that the year knows by now: of the same flights in a shadow, of divided ones else."""
    plan, newest = stage.plan, Week.from_id(context.journal.weeks("validate")[-1])
    labels = known_labels(context.accepted(s.OUTCOMES, newest, WEEKS_OF_LABELS), context.clock_shows())
    if plan.mode == AB:
        return compare_arms(ab_answers(records, plan, stage.champion), labels, plan.share, AbRules())
    return compare_pairs(shadow_answers(records, stage.champion, plan.challenger), labels, AbRules())


def _versions(store: Store) -> dict[str, int]:
    found = {"champion": pointed(store, POINTER), "previous": pointed(store, PREVIOUS)}
    return {role: served.version for role, served in found.items() if served is not None}


def _print(stage: rollout.Stage, figures: StageFigures) -> None:
    arms = {"champion": (stage.champion, figures.champion), "challenger": (stage.plan.challenger, figures.challenger)}
    rows = [
        (role, version, arm.requests, arm.failures, _ms(arm.p50_ms), _ms(arm.p99_ms), _ms(arm.mean_probability, 4))
        for role, (version, arm) in arms.items()
    ]
    columns = {"role": "left", **dict.fromkeys(("version", "requests", "failed", "p50 ms", "p99 ms", "mean"), "right")}
    show.table(f"{stage.plan.mode}, {stage.plan.share:.0%} of flights are the challenger's", columns, rows)


def _ms(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:.{digits}f}"
