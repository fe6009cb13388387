"""`forget`: a tail number is erased from everything under the home folder, and comes in no more."""

import re

import typer

from data_checks import schema as s
from infra.errors import UsageError
from infra.online_predictions import open_predictions
from infra.settings import Settings
from pipelines.context import WEEK_BYTES, Context, open_context
from pipelines.erasing import ERASED_FEATURES
from pipelines.erasure import begin, carry_out, finish
from pipelines.erasure_plan import Plan, plan_erasure
from preflight import show
from services.forgetting import forget_in_log
from services.loading import LOADING, erase_aircraft, rename_requests
from services.rollout import read_stage

LOADING_SECONDS = 60


def forget(settings: Settings, tail: str, is_sure: bool, as_json: bool) -> None:
    """Say what will be erased, ask, erase it everywhere, and look whether it is gone."""
    tail = _tail_number(tail)
    context = open_context(settings)
    with context.store.exclusively():
        context.store.require_room(WEEK_BYTES)
        _require_no_rollout(context)
        _ask(plan_erasure(context, tail), tail, is_sure, as_json)
        plan = begin(context, tail)
        answered = _forget_answers(context, tail)
        if plan is None:
            show.finish(f"{tail} was erased before, nothing of it came back", {"entry": None}, as_json)
            return
        carry_out(context, plan, tail)
        entry = finish(context, plan, tail)
    versions = ", ".join(entry["versions"]) or "none"
    outcome = (
        f"erased {tail} from {entry['flights']} flights and {entry['tables']} tables; models that learned from them: "
        f"{versions}; the next training learns without"
    )
    show.finish(outcome, {"entry": entry, "answers": answered}, as_json)


def _require_no_rollout(context: Context) -> None:
    """What a rollout has counted so far lies in the log, which is about to be written anew."""
    stage = read_stage(context)
    if stage is not None:
        raise UsageError(f"a {stage.plan.mode} is running; run: preflight rollout stop, then the same command again")


def _tail_number(text: str) -> str:
    pattern, tail = s.SCHEDULE.column(s.TAIL_NUMBER).pattern, text.strip().upper()
    if not re.fullmatch(pattern, tail):
        raise UsageError(f"expected a tail number such as N14228 ({pattern}), got {text!r}")
    return tail


def _ask(plan: Plan, tail: str, is_sure: bool, as_json: bool) -> None:
    """Nothing brings it back: say what goes. Ends the command when the answer is no."""
    if not as_json:
        versions = ", ".join(map(str, plan.versions)) or "none"
        rows = [("flights", plan.flights), ("tables", len(plan.tables)), ("models that learned from them", versions)]
        show.table(f"What will be erased of {tail}, for good", {"what": "left", "how many": "right"}, rows)
    if not is_sure:
        typer.confirm(f"Erase {tail}?", abort=True, err=True)


def _forget_answers(context: Context, tail: str) -> int:
    """Erase it from what the service has answered; returns the number of records that named it."""
    home, tail_key = context.settings.home, context.forgotten.key_of(tail)
    engine, names = open_predictions(home, context.settings.predictions_url), context.forgotten.pseudonyms

    def clean(request_id: str) -> str:
        return f"erased-{names.digest(request_id.encode())}" if tail in request_id.upper() else request_id

    with context.store.exclusively(LOADING, LOADING_SECONDS):  # or what is being loaded would bring it back
        logged = forget_in_log(home, tail_key, clean)
        rename_requests(engine, tail, clean)
        return logged + erase_aircraft(engine, tail_key, ERASED_FEATURES)
