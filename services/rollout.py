"""A rollout: a second version that is scored beside the champion, or answers a share; begun, looked at, ended."""

from dataclasses import asdict, dataclass

from infra.errors import UsageError
from infra.records import require_let_in
from pipelines.clock import Week
from pipelines.context import Context
from services.current import PLAN
from services.exporting import export_version
from services.guardrails import (
    ADVANCE,
    FINISH,
    STEPS,
    STOP,
    Guardrails,
    RolloutDecision,
    StageFigures,
    decide_stage,
    find_breach,
)
from services.model import CHALLENGER, POINTER, pointed
from services.rollout_figures import stage_figures
from services.routing import CANARY, CHAMPION, SHADOW, Plan
from services.switching import FOLDER, WAIT_SECONDS, hold, settle, switch

HISTORY, STAGE = "serving/rollouts", "serving/stage.json"


@dataclass(frozen=True)
class Stage:
    """A rollout as it stands: its plan, the champion it is measured against, where its records begin in the log."""

    plan: Plan
    champion: int
    begins_at: tuple[str, int]


def begin(
    context: Context,
    mode: str,
    version: int,
    share: float,
    place: tuple[str, int],
    wait_seconds: float = WAIT_SECONDS,
) -> Stage:
    """Put a version on trial. Only a version that the gate let in may answer; any may be a shadow.

    `place` is where the prediction log stands. Raises UsageError for the champion itself, PromotionRefused.
    """
    with context.store.exclusively(FOLDER, wait_seconds):
        now = pointed(context.store, POINTER)
        if now is None:
            raise UsageError("nothing is served here yet; run: preflight serve")
        if version == now.version:
            raise UsageError(f"version {version} is the champion; choose another one to try beside it")
        if mode != SHADOW:
            require_let_in(context.registry.gate_record(version), version)
        plan = Plan(mode, version, STEPS[0] if mode == CANARY else share, salt=f"{mode}-{now.version}-{version}")
        export_version(context, version, Week.from_id(now.week), CHALLENGER)
        return _write(context, Stage(plan, now.version, place))


def read_stage(context: Context) -> Stage | None:
    """The rollout that runs, None when there is none."""
    written = context.store.read_json(STAGE)
    if written is None or context.store.read_json(PLAN) is None:
        return None
    return Stage(Plan(**written["plan"]), written["champion"], tuple(written["begins_at"]))


def look(stage: Stage, records: list[dict], rails: Guardrails | None = None) -> tuple[StageFigures, RolloutDecision]:
    """The figures of a stage so far and what they say; a shadow and an A/B go on until they are stopped."""
    rails = rails or Guardrails()
    figures = stage_figures(records, stage.champion, stage.plan.challenger)
    if stage.plan.mode == CANARY:
        return figures, decide_stage(figures, stage.plan.share, rails)
    breach = find_breach(figures, rails)
    share = 0.0 if breach else stage.plan.share
    return figures, RolloutDecision(
        STOP if breach else "wait", share, breach or f"{stage.plan.mode} goes on until it is stopped"
    )


def carry_out(context: Context, stage: Stage, decision: RolloutDecision, place: tuple[str, int]) -> None:
    """Do what was decided: the next share, all of it, or nothing more."""
    _remember(context, stage, decision)
    if decision.action == ADVANCE:
        with context.store.exclusively(FOLDER, WAIT_SECONDS):
            plan = Plan(CANARY, stage.plan.challenger, decision.share, stage.plan.salt)
            _write(context, Stage(plan, stage.champion, place))
    elif decision.action == FINISH:
        switch(context, pointed(context.store, CHALLENGER), f"canary: {decision.reason}")
    elif decision.action == STOP:
        stop(context, decision.reason)


def stop(context: Context, reason: str) -> bool:
    """End the rollout: the champion answers everybody again. Whether there was one."""
    with context.store.exclusively(FOLDER, WAIT_SECONDS):
        stage = read_stage(context)
        context.store.remove(PLAN)
        context.store.remove(CHALLENGER)
        if stage is not None and context.registry.aliases().get(CHAMPION) == stage.plan.challenger:
            now = pointed(context.store, POINTER)  # the registry called it champion already: it was a promoted one
            hold(context.store, stage.plan.challenger, now.version, reason)
            settle(context)
        return stage is not None


def _write(context: Context, stage: Stage) -> Stage:
    plan = asdict(stage.plan)
    context.store.write_json(STAGE, {"plan": plan, "champion": stage.champion, "begins_at": list(stage.begins_at)})
    context.store.write_json(PLAN, plan)
    return stage


def _remember(context: Context, stage: Stage, decision: RolloutDecision) -> None:
    if decision.action == "wait":
        return
    number = len(context.store.files(HISTORY, "*.json")) + 1
    facts = {"plan": asdict(stage.plan), "champion": stage.champion, **asdict(decision)}
    context.store.write_json(f"{HISTORY}/{number:06d}.json", facts)
