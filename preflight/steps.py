"""The commands that run one flow for a week or month, and say what came of it."""

from datetime import date

from infra.settings import Settings
from monitoring.decision import EXPANDING, RECENT
from pipelines.clock import PeriodError, Week
from pipelines.context import open_context
from pipelines.online_week import answers_of
from preflight import show
from preflight.log import catch_up
from preflight.session import DRIFT, REGISTRY, SUITES, working
from preflight.year import verdict


def ingest(settings: Settings, period: str, as_json: bool) -> None:
    """Land a week or month."""
    context = open_context(settings)
    weeks = context.weeks(period)
    context.check_source()
    before = set(context.journal.weeks("land"))
    with working(settings, "pipelines.ingest_flow") as flow:
        events = flow.ingest(period, settings)
    rows = sum(sum(event["rows"].values()) for event in events)
    known = sum(event["week"] in before for event in events)
    outcome = f"landed {rows} rows of {_weeks(weeks)}"
    if known:
        outcome = f"{rows} rows of {_weeks(weeks)} have landed, nothing new in {known} of {len(weeks)}"
    show.finish(outcome, {"weeks": events}, as_json)


def validate(settings: Settings, period: str, as_json: bool) -> None:
    """Judge a week or month."""
    weeks = open_context(settings).weeks(period)
    with working(settings, "pipelines.validate_flow", SUITES) as flow:
        events = flow.validate(period, settings)
    feeds = [(event["week"], name, feed) for event in events for name, feed in event["feeds"].items()]
    if not as_json:
        for week, name, feed in feeds:
            for rule, count in feed["rules_broken"].items():
                show.tell(f"{week} {name}: {count} quarantined, {rule}")
            for warning in feed["warnings"]:
                show.tell(f"{week} {name}: warning, {warning}")
    accepted, landed = (sum(feed[count] for _, _, feed in feeds) for count in ("accepted", "landed"))
    outcome = f"accepted {accepted} of {landed} rows of {_weeks(weeks)}, {landed - accepted} quarantined"
    show.finish(outcome, {"weeks": events}, as_json)


def features(settings: Settings, period: str, workers: int | None, as_json: bool) -> None:
    """Build a week's or month's features."""
    weeks = open_context(settings).weeks(period)
    with working(settings, "pipelines.features_flow") as flow:
        flights = flow.features(period, settings, workers)
    outcome = f"features of {sum(flights.values())} flights of {_weeks(weeks)} are there"
    show.finish(outcome, {"flights": flights}, as_json)


def train(settings: Settings, as_of: str, window: str, as_json: bool) -> None:
    """Train and judge one challenger."""
    day = _training_day(settings, as_of)
    if window not in (EXPANDING, RECENT):
        raise PeriodError(f"--window: expected {EXPANDING} or {RECENT}, got {window!r}")
    with working(settings, "pipelines.train_flow", REGISTRY) as flow:
        gate = flow.train(day.isoformat(), window, settings)
    show.finish(verdict(gate), {"gate": gate}, as_json)


def score(settings: Settings, period: str, as_json: bool) -> None:
    """Predict a week or month."""
    weeks = open_context(settings).scored_weeks(period)
    with working(settings, "pipelines.score_flow", REGISTRY) as flow:
        events = flow.score(period, settings)
    versions = ", ".join(map(str, sorted({event["version"] for event in events})))
    flights = sum(event["flights"] for event in events)
    outcome = f"{flights} flights of {_weeks(weeks)} have their prediction, by version {versions}"
    show.finish(outcome, {"weeks": events}, as_json)


def monitor(settings: Settings, period: str, as_json: bool) -> None:
    """Measure a week or month."""
    weeks = open_context(settings).scored_weeks(period)
    catch_up(settings)
    with working(settings, "pipelines.monitor_flow", DRIFT) as flow:
        events = flow.monitor(period, settings)
    if not as_json:
        columns = dict.fromkeys(("week", "version", "AUC", "skill", "calibration gap", "drifted"), "right")
        show.table(
            "Quality and drift, as known at the end of each week", columns, [_measured(event) for event in events]
        )
    drifted = max(event["share_drifted"] for event in events)
    outcome = f"measured {_weeks(weeks)}; at most {drifted:.0%} of the features drifted{_too_late(settings, events)}"
    show.finish(outcome, {"weeks": events}, as_json)


def _too_late(settings: Settings, events: list[dict]) -> str:
    """What to do about online answers that came after their week was measured, whose event stays as it is."""
    context = open_context(settings)
    known = sum(answers_of(context, Week.from_id(event["week"])).height for event in events)
    late = known - sum(sum(event.get("online", {}).values()) for event in events)
    return f"; {late} answers came after that: run: preflight prove skew" if late else ""


def retrain(settings: Settings, period: str, as_json: bool) -> None:
    """Decide about a week or month, and act."""
    weeks = open_context(settings).scored_weeks(period)
    with working(settings, "pipelines.retrain_flow", REGISTRY) as flow:
        decisions = flow.retrain(period, settings)
    gates = {event["week"]: event for event in open_context(settings).journal.events("gate")}
    if not as_json:
        for event in decisions:
            show.tell(f"{event['week']} {event['action']}: {event['reason']}")
            if event["week"] in gates:
                show.tell(f"{event['week']} {verdict(gates[event['week']])}")
    trained = sum(event["action"] == "retrain" for event in decisions)
    show.finish(f"decided about {_weeks(weeks)}, trained {trained}", {"weeks": decisions}, as_json)


def _training_day(settings: Settings, as_of: str) -> date:
    try:
        day = date.fromisoformat(as_of)
    except ValueError as error:
        raise PeriodError(f"--as-of: expected a day such as 2013-07-01, got {as_of!r}") from error
    open_context(settings).weeks(as_of)
    return day


def _measured(event: dict) -> tuple:
    told = {"roc_auc": ".4f", "skill": ".3f", "calibration_gap": "+.3f"}
    quality = event["quality"]
    figures = (f"{quality[name]:{style}}" if name in quality else "-" for name, style in told.items())
    return (event["week"], event["version"], *figures, f"{event['share_drifted']:.0%}")


def _weeks(weeks: list) -> str:
    return f"week {weeks[0].id}" if len(weeks) == 1 else f"{len(weeks)} weeks from {weeks[0].id}"
