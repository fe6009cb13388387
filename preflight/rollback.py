"""`rollback`: the version before, now. Apart from rollouts, so that it does not wait for what they import."""

from infra.settings import Settings
from pipelines.context import open_context
from preflight import show
from services.switching import roll_back


def rollback(settings: Settings, reason: str, to: int | None) -> None:
    """Let the version before answer again. Raises NothingToGoBackTo."""
    show.tell(roll_back(open_context(settings), reason, to).sentence())
