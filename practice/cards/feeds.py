"""Cards of the feeds: what a sender sent is not what was agreed. Most of them stop the week, each by another rule."""

from collections.abc import Callable
from functools import partial

import polars as pl

from data_checks import schema as s
from data_checks.contract import BLOCK
from data_checks.faults import MILES, all_faults
from practice.cards.card import Card, Facts, Look, Rubric
from practice.cards.evidence import Sign
from practice.cards.scratch import Scratch, rows_of
from practice.drills.feeds import replace_in_source, week_of_source
from practice.drills.ground import NEXT, Played

ARRIVED = pl.col(s.EVENT) == s.ARRIVED
HELD_SHARE = 0.6
"""Of the arrivals, whose report comes late."""
MOST_RULES = 4
"""Of those that were broken, which a path names."""
QUOTED_RULES = 8
"""Of those that were broken, which an answer may quote with what was found: what blocks the batch first."""


def stop_the_week(scratch: Scratch, choices: tuple[tuple[s.Feed, str, str], ...]) -> dict[str, str]:
    """Spoil a feed of the next week in one of these ways, and let the weekly run meet it."""
    feed, name, where = scratch.random.choice(choices)
    fault = next(one for one in all_faults() if (one.feed, one.name, one.where) == (feed, name, where))
    played = scratch.played
    replace_in_source(played, feed, fault.spoil(week_of_source(played, feed), scratch.random.randrange(2**16)))
    played.run("replay")
    stopped = next(one for one in played.ask("deliveries")["deliveries"] if one["fate"]["blocked"])
    record = played.store.read_json(f"validation/{feed.name}/{NEXT.id}.json") or {"rules": []}
    broken = [rule for rule in record["rules"] if not rule["passed"]]
    return {"feed": feed.name, "batch": stopped["batch"], "rules": most_broken(broken), **what_was_found(broken)}


def most_broken(broken: list[dict]) -> str:
    """Those of broken rules, as a record of the validation has them, that most rows broke: their names."""
    ordered = sorted(broken, key=lambda rule: -(rule["failed"] or 0))
    return "; ".join(rule["rule"] for rule in ordered[:MOST_RULES])


def what_was_found(broken: list[dict]) -> dict[str, str]:
    """Facts `rule_1` and `found_1`, and so on: what a broken rule is about, and what was found.

    That is what a measure came to, or how many rows broke the rule. There are `QUOTED_RULES` of each, the last one
    again and again where fewer rules were broken.

    >>> one = {"rule": "origins_seen exactly 3 airports", "severity": "block", "observed": "2", "failed": 1, "value": 2}
    >>> what_was_found([one])["rule_1"], what_was_found([one])["found_8"]
    ('origins_seen', '2')
    """
    by_weight = sorted(broken, key=lambda rule: rule["severity"] != BLOCK)
    found = [(rule["rule"].split()[0], _found(rule)) for rule in by_weight if rule["observed"] != "nothing"]
    padded = found[:QUOTED_RULES] + found[-1:] * (QUOTED_RULES - len(found))
    return {
        name: word
        for number, (rule, value) in enumerate(padded, 1)
        for name, word in ((f"rule_{number}", rule), (f"found_{number}", value))
    }


def _found(rule: dict) -> str:
    return str(rule["failed"]) if rule["value"] is None else rule["observed"]


def hold_labels_back(scratch: Scratch) -> dict[str, str]:
    """Most arrivals of the next week are reported after its end; the week is lived without them."""
    played, feed = scratch.played, s.OUTCOMES
    rows = week_of_source(played, feed)
    held = rows.filter(ARRIVED).sample(fraction=HELD_SHARE, seed=scratch.random.randrange(2**16))
    replace_in_source(played, feed, rows.join(held, on=feed.key, how="anti", maintain_order="left"))
    played.must("replay")
    scratch.export("outcomes-rest", held)
    event = played.context.journal.read(NEXT.id, "monitor") or {}
    share = f"{event['coverage']['share']:.0%}"
    return {"share": share, "share_fraction": f"{event['coverage']['share']:.2f}", "held": str(held.height)}


def has_lived(played: Played, facts: Facts) -> bool:
    """Whether the next week has its predictions, of as many flights as its plan has."""
    return played.store.has_table("predictions", NEXT.id)


def has_labels(played: Played, facts: Facts) -> bool:
    """Whether the arrivals that were held back are accepted."""
    return rows_of(played, s.OUTCOMES, NEXT).filter(ARRIVED).height >= int(facts["held"])


STATUS = Look("preflight status", "newest week: that of {last}; the week of {next} was to be lived and is not")
WHO = Look("preflight deliveries", "all batches accepted but one: {batch}, blocked, with the rules that it broke")
RULE = Look("preflight quarantine list", "the blocked week, its batch and how much of it is wrong, in one line")
RECORD = "cat {home}/validation/{feed}/{next}.json"
"""Every rule of the contract on that batch, with how many rows broke it."""
QUOTED = tuple(Sign((f"{{rule_{number}}}", f"{{found_{number}}}")) for number in range(1, QUOTED_RULES + 1))
"""Who quotes a broken rule with what was found has looked as well as who quotes the batch."""
CORRECTED = ("preflight deliver {feed} {sender}/{feed}.parquet --corrects {batch}", "preflight replay")
CORRECT = Rubric(
    "correct-batch",
    "nothing was built from {batch}, so that a corrected one takes its place and the week goes on; nothing is undone",
    harmful={
        "skip-week": "the flights of the week would go without a prediction, and features would have a gap",
        "loosen-rule": "the wrong rows would be accepted, and models learn from them",
        "edit-landed-rows": "what landed would no longer be what was sent, and nobody could say what was",
    },
)
AGREE = Rubric(
    "agree-with-sender",
    "the rule caught it at the door; what keeps it from coming is agreed with who sends",
    {"watch-completeness": "counting rows helps, and would not have seen this"},
)


def _stops(
    name: str,
    level: int,
    symptom: str,
    choices: tuple[tuple[s.Feed, str, str], ...],
    cause: Rubric,
    see: str,
    prevention: Rubric = AGREE,
) -> Card:
    """A card whose feed is kept out at the door."""
    return Card(
        name=name,
        level=level,
        symptom=symptom,
        break_it=_breaks(choices),
        cause=cause,
        shown=(Sign(("{batch}",)), *QUOTED),
        evidence="{batch} is blocked: " + see,
        mitigation=CORRECT,
        prevention=prevention,
        path=(STATUS, WHO, RULE, Look(RECORD, "broken most of all: {rules}. " + see)),
        mend=CORRECTED,
        is_mended=has_lived,
    )


def _breaks(choices: tuple[tuple[s.Feed, str, str], ...]) -> Callable[[Scratch], dict[str, str]]:
    return partial(stop_the_week, choices=choices)


CARDS = (
    _stops(
        "knots-and-miles",
        1,
        "PAGE 06:04, severity 2. The weekly run exited 1. The week of {next} has no predictions, dispatch asks where "
        "they are. Nobody deployed anything. Range checks in the sender's own dashboard are green.",
        tuple((feed, "miles to kilometres", ", ".join(columns)) for feed, columns in MILES),
        Rubric(
            "unit-changed",
            "each value is possible, and what values say beside each other and beside earlier weeks is not: a "
            "factor of 1.6",
            {"season-changed": "a season moves a column slowly, and not all of it by one factor"},
        ),
        "values are possible one by one and moved together, as by a factor",
    ),
    _stops(
        "silent-tower",
        1,
        "PAGE 05:51, severity 2. The weekly run exited 1, the week of {next} has no predictions. The sender says: "
        "'all our rows are valid, we checked every one of them'.",
        tuple((s.WEATHER, "airport missing", origin) for origin in s.ORIGINS),
        Rubric(
            "part-missing",
            "every row that came is valid; one airport sent none, which only a count by airport and hour shows",
            {"column-renamed": "a column that is gone would be missing in every row"},
        ),
        "one airport sent nothing for days",
        Rubric(
            "watch-completeness",
            "absence has no row to be checked: somebody has to count, at best before sending",
            {"agree-with-sender": "an agreement needs a count to be held to"},
        ),
    ),
    _stops(
        "five-hours",
        2,
        "PAGE 06:02, severity 1. The weekly run exited 1, the week of {next} has no predictions. The sender moved to "
        "a new scheduler at the weekend and says: 'durations, distances, counts: all as before, to the minute'.",
        ((s.SCHEDULE, "+5 hours", "every moment"), (s.SCHEDULE, "-5 hours", "every moment")),
        Rubric(
            "time-zone-shift",
            "differences survive a shift; the day in a flight's name and the silent hours of the night do not",
            {"rows-misjoined": "a wrong join breaks each row in its own way, this moves all by the same hours"},
        ),
        "all moments are hours off what names of flights and hours of the day say",
    ),
    _stops(
        "right-rows-wrong-flights",
        3,
        "PAGE 06:20, severity 2. The weekly run exited 1, the week of {next} has no predictions. The sender sends a "
        "report of every column: counts, means, shares of missing values, histograms, all equal to what they have.",
        ((s.OUTCOMES, "shuffled", s.FLIGHT_ID),),
        Rubric(
            "rows-misjoined",
            "each column alone is perfect; an arrival is known at its planned arrival plus its delay, and here "
            "it is not",
            {"time-zone-shift": "a shift moves all rows by the same hours, here each is off by its own"},
        ),
        "what an outcome says does not fit the plan of the flight that it names",
    ),
    Card(
        name="half-the-truth",
        level=2,
        symptom="From the head of operations, Monday 09:15: 'The weekly mail shows an alarm, and your system "
        "decided to "
        "do nothing at all. Is it asleep? I want a retraining today.' All runs exited 0, nothing is blocked.",
        break_it=hold_labels_back,
        cause=Rubric(
            "labels-late",
            "only {share} of the labels of the week of {next} are known: quality is provisional, nobody may act on it",
            {"part-missing": "nothing that was due is missing for good: arrivals are reported late"},
        ),
        shown=(Sign(("{share}|{share_fraction}", "label|coverage|outcome")),),
        evidence="labels of {share} of the flights are known, so that the decision is to wait",
        mitigation=Rubric(
            "deliver-rest",
            "labels that are missing are not missing at random; they are delivered as soon as the sender has them",
            {"wait": "waiting is right for the training, and somebody has to ask for the labels"},
            {
                "retrain-now": "flights whose outcome is known early are not like the others, and a model learns it",
                "skip-week": "its labels would never be learned from, though they are only late",
            },
        ),
        prevention=Rubric(
            "promise-for-labels",
            "labels have a promised delay, coverage is watched, and no decision is taken below it",
            {"watch-completeness": "counting rows is how it is noticed; what is promised says from when on it is late"},
        ),
        path=(
            Look("preflight status", "the last decision: wait, as labels of so few flights are known"),
            Look("preflight alarms", "the week of {next} alarmed: coverage"),
            Look("preflight log week {next}", "labels known: {share}, provisional"),
            Look("preflight deliveries", "outcomes of the week of {next} landed, with fewer rows than weeks before"),
        ),
        mend=("preflight deliver outcomes {sender}/outcomes-rest.parquet",),
        is_mended=has_labels,
    ),
)
