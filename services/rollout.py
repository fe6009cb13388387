"""A rollout: a second version that is scored beside the champion, or answers a share; begun, looked at, ended."""

import secrets
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
    WAIT,
    Guardrails,
    RolloutDecision,
    StageFigures,
    decide_stage,
    find_breach,
)
from services.model import CHALLENGER, POINTER, pointed
from services.rollout_figures import stage_figures
from services.routing import CANARY, CHAMPION, SHADOW, Plan
from services.switching import FOLDER, WAIT_SECONDS, hold, settle, switch_held

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
        running = read_stage(context)
        if running is not None:
            raise UsageError(
                f"a {running.plan.mode} of version {running.plan.challenger} is running; run: preflight rollout stop"
            )
        if mode != SHADOW:
            require_let_in(context.registry.gate_record(version), version)
        plan = Plan(mode, version, STEPS[0] if mode == CANARY else share, salt=secrets.token_hex(8))
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
        STOP if breach else WAIT, share, breach or f"{stage.plan.mode} goes on until it is stopped"
    )


def carry_out(context: Context, stage: Stage, decision: RolloutDecision, place: tuple[str, int]) -> bool:
    """Do what was decided about a stage: the next share, all of it, or nothing more.

    False when the rollout is another one by now: somebody stopped or changed it while it was looked at.
    """
    with context.store.exclusively(FOLDER, WAIT_SECONDS):
        if read_stage(context) != stage:
            return False
        challenger = pointed(context.store, CHALLENGER)
        if decision.action == ADVANCE:
            plan = Plan(CANARY, stage.plan.challenger, decision.share, stage.plan.salt)
            _write(context, Stage(plan, stage.champion, place))
        elif decision.action == FINISH and challenger is not None:
            switch_held(context, challenger, f"canary: {decision.reason}")
        elif decision.action == STOP:
            _end(context, stage, decision.reason)
        _remember(context, stage, decision)
    return True


def stop(context: Context, reason: str) -> bool:
    """End the rollout by hand: the champion answers everybody again. Whether there was one."""
    with context.store.exclusively(FOLDER, WAIT_SECONDS):
        stage = read_stage(context)
        if stage is not None:
            _end(context, stage, reason)
            _remember(context, stage, RolloutDecision(STOP, 0.0, reason))
        return stage is not None


def _end(context: Context, stage: Stage, reason: str) -> None:
    context.store.remove(PLAN)
    context.store.remove(CHALLENGER)
    if context.registry.aliases().get(CHAMPION) == stage.plan.challenger:
        now = pointed(context.store, POINTER)  # the registry called it champion already: it was a promoted one
        hold(context.store, stage.plan.challenger, now.version if now else stage.champion, reason)
        settle(context)


def _write(context: Context, stage: Stage) -> Stage:
    """The plan goes first and comes last: killed in between, there is no rollout, and none with another's stage."""
    plan = asdict(stage.plan)
    context.store.remove(PLAN)
    context.store.write_json(STAGE, {"plan": plan, "champion": stage.champion, "begins_at": list(stage.begins_at)})
    context.store.write_json(PLAN, plan)
    return stage


def _remember(context: Context, stage: Stage, decision: RolloutDecision) -> None:
    number = len(context.store.files(HISTORY, "*.json")) + 1
    facts = {"plan": asdict(stage.plan), "champion": stage.champion, **asdict(decision)}
    context.store.write_json(f"{HISTORY}/{number:06d}.json", facts)
