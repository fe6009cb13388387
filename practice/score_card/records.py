"""What the records of a lived year show, for probes whose proof takes minutes: read, never written, in numbers."""

from pathlib import Path

import numpy as np
import polars as pl

from infra.records import require_signed
from monitoring.summary import Year
from pipelines.context import Context
from pipelines.feature_catalog import FEATURES
from pipelines.report import year_so_far
from practice.score_card.probe import NotShown
from services.prediction_log import read_log

WORTH = Path(__file__).resolve().parents[2] / "docs" / "feature-worth.md"
STAGES = ("land", "validate", "score", "monitor", "decide")


def every_group_was_weighed(context: Context) -> str:
    """Each group of features has an interval of what is lost without it, and none is harmful."""
    rows = _worth()
    _need(
        set(rows) == {one.group for one in FEATURES},
        f"{WORTH.name} weighs {sorted(rows)}, the catalog has other groups",
    )
    harmful = [name for name, row in rows.items() if row[-1] == "harmful"]
    _need(not harmful, f"{', '.join(harmful)} is harmful and still there")
    kept = sum(row[-1] == "keep" for row in rows.values())
    return f"{len(rows)} groups of {len(FEATURES)} features weighed: {kept} keep, {len(rows) - kept} no evidence"


def every_group_has_its_cost(context: Context) -> str:
    """Each group of features has milliseconds and megabytes beside what it gives."""
    rows = _worth()
    costs = {name: (float(row[3]), float(row[4])) for name, row in rows.items()}
    _need(set(rows) == {one.group for one in FEATURES}, f"{WORTH.name} has not every group of the catalog")
    milliseconds, megabytes = (sum(cost[place] for cost in costs.values()) for place in (0, 1))
    return f"{milliseconds:.2f} ms a thousand flights and {megabytes:.0f} MB a year, by group"


def no_tail_number_in_log_or_model(context: Context) -> str:
    """What the service logged names aircraft by a keyed hash, and no feature is an identity."""
    tails = set(context.store.read_table("reference", "planes")["tail_number"].to_list())
    lines = list(read_log(context.settings.home))
    _need(
        not any(tail in str(line) for line in lines[:2000] for tail in _spelled(line) & tails),
        "a tail number is in the log",
    )
    _need("tail_number" not in {one.name for one in FEATURES}, "the tail number is a feature")
    return (
        f"{len(lines)} logged answers and {len(FEATURES)} features name no tail number; `preflight forget` erases one"
    )


def offline_and_online_move_together(context: Context) -> str:
    """Over the weeks, log loss and what the decisions really cost rank alike."""
    weeks = _year(context).weeks
    frame = pl.DataFrame(
        {"loss": [row.live.log_loss for row in weeks], "cost": [row.cost_per_thousand["live"] for row in weeks]}
    )
    rank = frame.select(pl.corr("loss", "cost", method="spearman")).item()
    _need(rank > 0.5, f"log loss and decision cost rank alike only to {rank:.2f}")
    return f"log loss and decision cost of {len(weeks)} weeks: rank correlation {rank:.2f}"


def parameters_were_searched(context: Context) -> str:
    """Each search is on record with its trials; the champion has what the newest one chose, and some gained surely."""
    searches = context.journal.events("tune")
    _need(searches, "no search is on record")
    found = [event["tuning"] for event in searches]
    tuned = [one for one in found if one["is_tuned"]]
    _need(tuned, f"none of {len(found)} searches gained anything over the default beyond noise")
    lineage = context.registry.lineage(context.registry.aliases()["champion"])
    before = [one["tuning"] for one in searches if one["week"] <= lineage["slices"]["end"][:10]]
    _need(before and lineage["parameters"] == before[-1]["parameters"], "the champion's parameters are of no search")
    gains = ", ".join(f"{one['gain']['mean']:+.4f} at least {one['gain']['lower']:+.4f}" for one in tuned)
    kept = f"; {len(found) - len(tuned)} kept the default, as nothing beat it" if len(tuned) < len(found) else ""
    return f"{len(found)} searches of {len(found[-1]['trials'])} trials; gain over the default: {gains}{kept}"


def age_costs_so_much(context: Context) -> str:
    """The champion of March beside the live one, month by month."""
    months = _year(context).months
    gaps = [row.frozen.log_loss - row.live.log_loss for row in months]
    _need(len(months) >= 3, "fewer than three months were lived")
    worst = months[int(np.argmax(gaps))].period
    return f"frozen in March costs {np.mean(gaps):+.4f} of log loss a month, {max(gaps):+.4f} in {worst}"


def simpler_was_tried(context: Context) -> str:
    """Base rate, rate table and logistic regression lose by more than noise in every search."""
    found = context.journal.events("tune")
    _need(found, "no search is on record")
    newest = {one["name"]: one["loses"] for one in found[-1]["contenders"]}
    simple = {name: newest[name] for name in ("base_rate", "rate_table", "logistic") if name in newest}
    _need(len(simple) == 3 and all(one["lower"] > 0 for one in simple.values()), "a simpler model was within noise")
    return "; ".join(f"{name} loses {one['mean']:+.4f}, at least {one['lower']:+.4f}" for name, one in simple.items())


def slices_were_judged(context: Context) -> str:
    """The gate's newest record asks about slices."""
    return _checks(context, "slice")


def destinations_fare_alike(context: Context) -> str:
    """The gate's newest record compares small and large destinations."""
    return _checks(context, "destinations")


def every_stage_of_every_week(context: Context) -> str:
    """The whole pipeline ran, each week through each of its stages."""
    weeks = context.journal.weeks("score")
    missing = [(stage, week) for stage in STAGES for week in weeks if context.journal.read(week, stage) is None]
    _need(weeks and not missing, f"weeks lack stages: {missing[:3]}")
    digest = _year(context).event_log_sha256[:12]
    return f"{len(weeks)} scored weeks, each with {', '.join(STAGES)} on record; event log {digest}"


def champion_passed_the_gate(context: Context) -> str:
    """The version that serves has a record, held by its hash, of a gate that said yes."""
    version = context.registry.aliases()["champion"]
    record = require_signed(context.registry.gate_record(version), f"the gate record of version {version}")
    _need(record["promote"], f"version {version} serves and was not promoted")
    judged = context.registry.gate_record(record.get("judged_version", version))
    return (
        f"version {version} serves by {len(record['checks'])} checks of the refit and {len(judged['checks'])} of the "
        f"candidate, version {judged['version']}, each on record"
    )


def age_is_decided_on(context: Context) -> str:
    """Weeks in which the age of the champion led to a training."""
    decided = [one for one in context.journal.events("decide") if one["action"] == "retrain"]
    _need(decided, "no training was ever decided")
    return f"{len(decided)} trainings were decided, the last as: {decided[-1]['reason'][:120]}"


def _checks(context: Context, word: str) -> str:
    gates = context.journal.events("gate")
    _need(gates, "the gate was never asked")
    asked = [check for check in gates[-1]["checks"] if word in f"{check['name']} {check['sentence']}"]
    _need(asked, f"the gate asks nothing about {word}")
    return "; ".join(f"{check['name']}: {'yes' if check['passed'] else 'no'}" for check in asked)


def _worth() -> dict[str, list[str]]:
    """The rows of the table of groups, by group."""
    table = WORTH.read_text().split("| group |")[1].split("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {row[0]: row[1:] for row in rows}


def _spelled(line: dict) -> set[str]:
    """The words in a logged line that could be a tail number."""
    return {word.strip("\"',:{}[]") for word in str(line).split() if word.strip("\"',:{}[]").startswith("N")}


def _year(context: Context) -> Year:
    return year_so_far(context)


def _need(holds: object, sentence: str) -> None:
    if not holds:
        raise NotShown(sentence)
