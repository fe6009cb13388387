"""What the records of a lived year show, for probes whose proof takes minutes: read, never written, in numbers."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from infra.records import require_signed
from infra.revision import trailer_of
from infra.segments import segments, whole_lines
from monitoring.summary import PeriodRow, Year
from pipelines.context import Context
from pipelines.feature_catalog import FEATURES
from pipelines.report import year_so_far
from practice.score_card.probe import need
from services.prediction_log import FOLDER as LOG

WORTH = Path(__file__).resolve().parents[2] / "docs" / "feature-worth.md"
STAGES = ("land", "validate", "score", "monitor", "decide")
TAIL_NUMBER = re.compile(rb"(?<![0-9A-Za-z])N[0-9][0-9A-Z]{1,4}(?![0-9A-Za-z])", re.IGNORECASE)
"""A registration of the United States as a word of its own, whatever stands around it."""
NUMBERS_OF_A_MODEL = re.compile(rb"[0-9A-Za-z+/=]{100,}")
"""Features on a logged line, in base 64: its letters say nothing."""
MOST_OF_NO_EVIDENCE = 0.1
"""Of all milliseconds, and of all megabytes, what groups without evidence of a gain may take together."""
REVIEWED_BY = "Reviewed-by"
ROUNDS, WEEKS_TOGETHER = 2000, 4
"""Drawn again for an interval of weeks; a champion serves for some weeks, so that neighbours are alike."""


def every_group_was_weighed(context: Context, page: Path = WORTH) -> str:
    """The page weighs the groups of the present catalog, each with an interval, and none is harmful."""
    rows = _worth(page)
    harmful = [name for name, row in rows.items() if row[-1] == "harmful"]
    need(not harmful, f"{', '.join(harmful)} is harmful and still there")
    others = groups_without_evidence(page)
    kept, named = len(rows) - len(others), ", ".join(others) or "none"
    return f"over nine months {kept} of {len(rows)} groups keep, without evidence: {named}"


def groups_without_evidence(page: Path = WORTH) -> list[str]:
    """The groups of the page that are not kept for a gain, in its order."""
    return [name for name, row in _worth(page).items() if row[-1] != "keep"]


def every_group_has_its_cost(context: Context, page: Path = WORTH) -> str:
    """Each group of features has milliseconds and megabytes, and what gives nothing sure takes little of both."""
    rows = _worth(page)
    shares = []
    for place, unit in ((3, "ms a thousand flights"), (4, "MB a year")):
        costs = {name: float(row[place]) for name, row in rows.items()}
        idle = sum(cost for name, cost in costs.items() if rows[name][-1] != "keep") / sum(costs.values())
        need(idle <= MOST_OF_NO_EVIDENCE, f"groups without evidence of a gain take {idle:.0%} of the {unit}")
        shares.append(f"{idle:.1%} of {sum(costs.values()):.3g} {unit}")
    return f"on {page.name}, timed by another run, those without evidence take {' and '.join(shares)}"


def no_tail_number_in_log_or_model(context: Context) -> str:
    """What the service logged names aircraft by a keyed hash, and no feature is an identity."""
    lines = [line for segment in segments(context.settings.home / LOG) for line in whole_lines(segment)]
    need(lines, "nothing was logged, so nothing is known of it; run: preflight serve, preflight ask, then again")
    named = sum(TAIL_NUMBER.search(NUMBERS_OF_A_MODEL.sub(b" ", line)) is not None for line in lines)
    need(not named, f"{named} of {len(lines)} logged lines name a tail number")
    need("tail_number" not in {one.name for one in FEATURES}, "the tail number is a feature")
    return f"all {len(lines)} logged lines and {len(FEATURES)} features name no tail number"


def specifications_are_on_record(context: Context) -> str:
    """Every promoted version names its data, feature definitions, code, settings and verdict, and who reviewed it."""
    promoted = [one["version"] for one in context.registry.versions() if one.get("gate") == "promoted"]
    need(promoted, "no version was promoted")
    reviewers = []
    for version in promoted:
        lineage = context.registry.lineage(version)
        code = lineage.get("code") or {}
        facts = {
            "the hash of its data": (lineage.get("data") or {}).get("training"),
            "the hash of its feature definitions": lineage.get("features_sha256"),
            "the git revision of its code": code.get("git_revision"),
            "the hash of its code": code.get("sources_sha256"),
            "its settings": lineage.get("parameters"),
        }
        missing = [name for name, fact in facts.items() if not fact]
        need(not missing, f"version {version} does not name {', '.join(missing)}")
        need(code["is_dirty"] is False, f"version {version} was made by code that is in no revision")
        record = require_signed(context.registry.gate_record(version), f"the gate record of version {version}")
        need(record["promote"] and record["reason"], f"the verdict of version {version} is no yes with its reason")
        reviewers.append(trailer_of(code["git_revision"], REVIEWED_BY, "pipelines"))
    told = (
        f"{len(promoted)} promoted versions, each with the hashes of its data, feature definitions and code, its clean "
        "git revision, settings and signed verdict"
    )
    lacking = reviewers.count(None)
    need(
        not lacking,
        f"{told}; but of {lacking} no record names a second person who reviewed its code, and one works here: a "
        f"'{REVIEWED_BY}' line in the commit, written by a rule of the repository, would earn the point",
    )
    return f"{told}, reviewed by {', '.join(sorted(set(filter(None, reviewers))))}"


def offline_and_online_move_together(context: Context) -> str:
    """In weeks in which the live champion has a lower log loss than the frozen one, its decisions cost less."""
    weeks = [row for row in _year(context).weeks if row.live != row.frozen]
    need(len(weeks) >= 3 * WEEKS_TOGETHER, f"in {len(weeks)} weeks only did the live champion differ from the frozen")
    loss, cost = differences_of(weeks)
    rank, lower, upper = rank_correlation(loss, cost, context.settings.seed)
    need(lower > 0, f"differences of log loss and of cost rank alike by {rank:.2f} [{lower:.2f}, {upper:.2f}]")
    return (
        f"frozen champion less the live one, week by week, so that the season cancels: log loss and decision cost rank "
        f"alike by {rank:.2f} [{lower:.2f}, {upper:.2f}], 95 % of {len(weeks)} weeks drawn again by fours; the cost is "
        "that of our cost table, not of passengers"
    )


def differences_of(weeks: list[PeriodRow]) -> tuple[np.ndarray, np.ndarray]:
    """What the frozen champion had more than the live one, by week: log loss and cost of a thousand flights."""
    loss = [row.frozen.log_loss - row.live.log_loss for row in weeks]
    cost = [row.cost_per_thousand["frozen"] - row.cost_per_thousand["live"] for row in weeks]
    return np.array(loss), np.array(cost)


def rank_correlation(one: np.ndarray, other: np.ndarray, seed: int) -> tuple[float, float, float]:
    """Spearman's correlation of two series of weeks (n_weeks,), and its 95 % interval by a moving-block bootstrap."""
    dice, weeks = np.random.default_rng(seed), len(one)
    starts = dice.integers(0, weeks - WEEKS_TOGETHER + 1, size=(ROUNDS, -(-weeks // WEEKS_TOGETHER)))
    drawn = (starts[:, :, None] + np.arange(WEEKS_TOGETHER)).reshape(ROUNDS, -1)[:, :weeks]
    rounds = [spearmanr(one[rows], other[rows]).statistic for rows in drawn]
    lower, upper = np.quantile(rounds, [0.025, 0.975])
    return float(spearmanr(one, other).statistic), float(lower), float(upper)


def parameters_were_searched(context: Context) -> str:
    """Each search is on record with its trials; the champion has what the newest one chose, and some gained surely."""
    searches = context.journal.events("tune")
    need(searches, "no search is on record")
    found = [event["tuning"] for event in searches]
    tuned = [one for one in found if one["is_tuned"]]
    need(tuned, f"none of {len(found)} searches gained anything over the default beyond noise")
    lineage = context.registry.lineage(context.registry.aliases()["champion"])
    before = [one["tuning"] for one in searches if one["week"] <= lineage["slices"]["end"][:10]]
    need(before and lineage["parameters"] == before[-1]["parameters"], "the champion's parameters are of no search")
    gains = ", ".join(f"{one['gain']['mean']:+.4f} at least {one['gain']['lower']:+.4f}" for one in tuned)
    kept = f"; {len(found) - len(tuned)} kept the default, as nothing beat it" if len(tuned) < len(found) else ""
    return f"{len(found)} searches of {len(found[-1]['trials'])} trials; gain over the default: {gains}{kept}"


def age_costs_so_much(context: Context) -> str:
    """The champion of March beside the live one, month by month."""
    months = _year(context).months
    gaps = [row.frozen.log_loss - row.live.log_loss for row in months]
    need(len(months) >= 3, "fewer than three months were lived")
    worst = months[int(np.argmax(gaps))].period
    return f"frozen in March costs {np.mean(gaps):+.4f} of log loss a month, {max(gaps):+.4f} in {worst}"


def simpler_was_tried(context: Context) -> str:
    """Base rate, rate table and logistic regression lose by more than noise in every search."""
    found = context.journal.events("tune")
    need(found, "no search is on record")
    newest = {one["name"]: one["loses"] for one in found[-1]["contenders"]}
    simple = {name: newest[name] for name in ("base_rate", "rate_table", "logistic") if name in newest}
    need(len(simple) == 3 and all(one["lower"] > 0 for one in simple.values()), "a simpler model was within noise")
    return "; ".join(f"{name} loses {one['mean']:+.4f}, at least {one['lower']:+.4f}" for name, one in simple.items())


def slices_were_judged(context: Context) -> str:
    """The gate's newest record asks about slices, and each answer is yes."""
    return _checks(context, "slice")


def destinations_fare_alike(context: Context) -> str:
    """The gate's newest record compares small and large destinations, and each answer is yes."""
    return _checks(context, "destinations")


def every_stage_of_every_week(context: Context) -> str:
    """The whole pipeline ran, each week through each of its stages."""
    weeks = context.journal.weeks("score")
    missing = [(stage, week) for stage in STAGES for week in weeks if context.journal.read(week, stage) is None]
    need(weeks and not missing, f"weeks lack stages: {missing[:3]}")
    digest = _year(context).event_log_sha256[:12]
    return f"{len(weeks)} scored weeks, each with {', '.join(STAGES)} on record; event log {digest}"


def champion_passed_the_gate(context: Context) -> str:
    """The version that serves has a record, held by its hash, of a gate that said yes."""
    version = context.registry.aliases()["champion"]
    record = require_signed(context.registry.gate_record(version), f"the gate record of version {version}")
    need(record["promote"], f"version {version} serves and was not promoted")
    judged = context.registry.gate_record(record.get("judged_version", version))
    return (
        f"version {version} serves by {len(record['checks'])} checks of the refit and {len(judged['checks'])} of the "
        f"candidate, version {judged['version']}, each on record"
    )


def age_is_decided_on(context: Context) -> str:
    """Weeks in which the age of the champion led to a training."""
    decided = [one for one in context.journal.events("decide") if one["action"] == "retrain"]
    need(decided, "no training was ever decided")
    return f"{len(decided)} trainings were decided, the last as: {decided[-1]['reason'][:120]}"


def _checks(context: Context, word: str) -> str:
    gates = context.journal.events("gate")
    need(gates, "the gate was never asked")
    asked = [check for check in gates[-1]["checks"] if word in f"{check['name']} {check['sentence']}"]
    need(asked, f"the gate asks nothing about {word}")
    week = gates[-1]["week"]
    refused = [f"{check['name']}: {check['sentence']}" for check in asked if not check["passed"]]
    need(not refused, f"week {week}: {'; '.join(refused)}")
    return f"week {week}, {', '.join(check['name'] for check in asked)}: yes"


def _worth(page: Path) -> dict[str, list[str]]:
    """The rows of the table of groups, by group. Raises NotShown when they are not of the present catalog."""
    text = page.read_text()
    need("| group |" in text, f"{page.name} has no table of groups")
    table = text.split("| group |")[1].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    rows = {row[0]: row[1:] for row in cells}
    told, ours = {name: int(row[0]) for name, row in rows.items()}, Counter(one.group for one in FEATURES)
    need(
        told == ours,
        f"{page.name} weighs {_counted(told)}, the catalog has {_counted(ours)}; "
        "run: preflight features --worth --write docs/feature-worth.md",
    )
    return rows


def _counted(groups: Mapping[str, int]) -> str:
    return ", ".join(f"{count} of {name}" for name, count in sorted(groups.items()))


def _year(context: Context) -> Year:
    return year_so_far(context)
