"""`demo`, `replay` and `report`: the year lived through, told while it happens, and summed up at the end."""

from contextlib import ExitStack
from pathlib import Path

from infra.memory import PeakMemory
from infra.progress import listening
from infra.settings import Settings
from infra.stopwatch import STOPWATCH, part
from monitoring.summary import PeriodRow, Year
from pipelines.context import YEAR_BYTES, Context, open_context
from pipelines.exposing import REPLAY
from preflight import show
from preflight.session import DRIFT, REGISTRY, SUITES, working


def demo(settings: Settings, as_json: bool) -> None:
    """The whole story: replay, tables, a day over HTTP, the page."""
    from preflight.serving import compare_day

    context = open_context(settings)
    with PeakMemory() as memory:
        year = _live(context, settings.last_day.isoformat())
        served = compare_day(context, None)
        page = _write_page(context)
    if not as_json:
        print_year(year)
        print_costs(memory)
    summary = year.as_dict()
    mean_auc = summary["mean_roc_auc"]
    outcome = (
        f"lived through {len(year.weeks)} weeks: mean AUC {mean_auc['live']:.4f} live, {mean_auc['frozen']:.4f} frozen "
        f"in March; {served.sentence()}; open {page}"
    )
    document = {**summary, "served": served.as_dict(), "page": str(page), **_costs(memory)}
    show.finish(outcome, document, as_json)


def replay(settings: Settings, until: str | None, as_json: bool) -> None:
    """Weeks up to `until`, or all, and the tables of those that were lived so far."""
    with PeakMemory() as memory:
        year = _live(open_context(settings), until or settings.last_day.isoformat())
    if not as_json:
        print_year(year)
        print_costs(memory)
    outcome = f"lived through {len(year.weeks)} weeks; event log {year.event_log_sha256}"
    show.finish(outcome, {**year.as_dict(), **_costs(memory)}, as_json)


def report(settings: Settings, as_json: bool) -> None:
    """The page of the year so far."""
    page = _write_page(open_context(settings))
    show.finish(f"wrote the page of the year so far; open {page}", {"page": str(page)}, as_json)


def _live(context: Context, until: str) -> Year:
    """Replay with a bar, and a line for every verdict of the gate."""
    context.weeks(until)  # a wrong period, and a wrong source, are refused before anything starts
    context.check_source()
    before = len(context.journal.weeks("validate"))
    with ExitStack() as around:
        story = around.enter_context(show.story([week.id for week in context.all_weeks()]))
        flow = around.enter_context(
            working(context.settings, "pipelines.replay_flow", REGISTRY, SUITES, DRIFT, needs_bytes=YEAR_BYTES)
        )
        verdicts = _Verdicts(context, story)
        around.enter_context(listening(verdicts.listen))
        flow.replay(until, context.settings)
        verdicts.tell()
        _keep_costs(context, before)
    from pipelines.report import year_so_far

    with part("monitoring"):
        return year_so_far(context)


def _keep_costs(context: Context, before: int) -> None:
    """Keep what the weeks of this replay took, for those who ask which share of it a part is."""
    lived = len(context.journal.weeks("validate")) - before
    if lived:
        context.store.write_json(REPLAY, {"seconds": sum(STOPWATCH.seconds().values()), "weeks": lived})


class _Verdicts:
    """Moves the bar, and tells each verdict of the gate once, as soon as the stage after it begins."""

    def __init__(self, context: Context, story: show.Story) -> None:
        self._journal, self._story = context.journal, story
        self._told = len(self._journal.events("promote"))

    def listen(self, week: str, stage: str) -> None:
        self._story.at(week, stage)
        self.tell()

    def tell(self) -> None:
        gates = self._journal.events("gate")
        passed = len(self._journal.events("promote"))
        for gate in gates[self._told : passed]:
            self._story.tell(f"{gate['decided_on']}  {verdict(gate)}")
        self._told = passed


def verdict(gate: dict) -> str:
    """What the gate said about a version, in one line."""
    return f"{'promoted' if gate['promote'] else 'refused'} version {gate['version']}: {gate['reason']}"


def print_year(year: Year) -> None:
    """The months beside their yardsticks, and every training with its cause and verdict."""
    left, right = "left", "right"
    columns = {
        "month": left, "flights": right, "late": right, "AUC\nlive": right, "AUC\nfrozen": right, "loss\nlive": right,
        "loss\nfrozen": right, "loss\nbase rate": right,
        "cost\nlive": right, "cost\nfrozen": right, "version": left, "gate\n+/-": right,
    }  # fmt: skip
    title = "The year by month: AUC, log loss, cost of a thousand flights, and challengers promoted/refused"
    show.table(title, columns, [_month(row) for row in year.months])
    causes = {event["week"]: event["reason"] for event in year.of("decide")}
    rows = [
        (gate["decided_on"], causes.get(gate["week"], "the first champion"), verdict(gate)) for gate in year.of("gate")
    ]
    show.table("Every training: why, and what the gate said", {"on": left, "because": left, "verdict": left}, rows)


def _month(row: PeriodRow) -> tuple:
    auc = ["-" if answer.roc_auc is None else f"{answer.roc_auc:.4f}" for answer in (row.live, row.frozen)]
    loss = [f"{answer.log_loss:.4f}" for answer in (row.live, row.frozen, row.base_rate)]
    cost = [f"{row.cost_per_thousand[name]:.0f}" for name in ("live", "frozen")]
    versions, gate = ", ".join(map(str, row.versions)), f"{row.promoted}/{row.refused}"
    return (row.period, row.flights, f"{row.live.late_share:.1%}", *auc, *loss, *cost, versions, gate)


def print_costs(memory: PeakMemory) -> None:
    """Where the time of this command went, and the memory it took."""
    costs = _costs(memory)
    total = sum(costs["seconds"].values())
    rows = [(name, f"{seconds:.1f}", f"{seconds / total:.0%}") for name, seconds in costs["seconds"].items()]
    show.table(
        "Where the time went",
        {"part": "left", "seconds": "right", "share": "right"},
        [*rows, ("all", f"{total:.1f}", "100%")],
    )
    show.tell(f"at most {costs['peak_memory_mb']} MB of memory, with all child processes")


def _costs(memory: PeakMemory) -> dict:
    return {"seconds": STOPWATCH.seconds(), "peak_memory_mb": memory.peak_bytes // 10**6}


def _write_page(context: Context) -> Path:
    from pipelines.report import write_report

    with context.store.exclusively():
        if context.journal.events("score"):
            with part("Great Expectations"):
                context.validator.build_docs()
        return write_report(context)
