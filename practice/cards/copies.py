"""Cards of copies: rows that land twice, in one file or in two. They stop no week, and lie in quarantine."""

from data_checks import schema as s
from data_checks.faults import all_faults
from pipelines.clock import Week
from practice.cards.card import Card, Facts, Look, Rubric
from practice.cards.evidence import Sign
from practice.cards.scratch import Scratch
from practice.drills.feeds import replace_in_source, week_of_source
from practice.drills.ground import LAST, NEXT, Played


def deliver_again(scratch: Scratch) -> dict[str, str]:
    """The outcomes of the newest week come once more, without a row or two."""
    played, feed = scratch.played, s.OUTCOMES
    rows = week_of_source(played, feed, LAST)
    resent = scratch.export("outcomes-resent", rows.head(rows.height - scratch.random.randint(1, 9)))
    return _copies(feed, LAST, played.ask("deliver", feed.name, resent)["fate"])


def copy_rows(scratch: Scratch) -> dict[str, str]:
    """A fifth of the rows of a feed stand twice in the file of the next week; the week is lived with the first ones."""
    played, feed = scratch.played, scratch.random.choice(tuple(s.FEEDS.values()))
    fault = next(one for one in all_faults() if (one.feed, one.name) == (feed, "20 % duplicates"))
    replace_in_source(played, feed, fault.spoil(week_of_source(played, feed), scratch.random.randrange(2**16)))
    played.must("replay")
    landed = next(
        one for one in played.ask("deliveries")["deliveries"] if one["feed"] == feed.name and NEXT.id in one["weeks"]
    )
    return _copies(feed, NEXT, landed["fate"])


def _copies(feed: s.Feed, week: Week, fate: dict) -> dict[str, str]:
    """The facts of a batch of which rows were kept out because they had landed: the rule, and how many."""
    (rule, count), *_ = sorted(fate["quarantined"].items(), key=lambda item: -item[1])
    return {"batch": fate["batch"], "rule": rule, "rows": str(count), "feed": feed.name, "week": week.id}


def nothing_open(played: Played, facts: Facts) -> bool:
    """Whether no quarantined row of the feed and week that copies came for waits for a decision."""
    found = played.ask("quarantine", "list", "--feed", facts["feed"], "--week", facts["week"], "--status", "open")
    return found["counts"] == []


COPIES = (Sign(("{batch}",)), Sign(("{rows}", "{rule}")))
HARM = {
    "edit-landed-rows": "landed rows are right, and no rule would know of what is changed by hand",
    "loosen-rule": "the copies would be accepted, and each flight counted twice",
}
DISCARD = 'preflight quarantine discard --feed {feed} --week {week} --reason "copies of accepted rows"'

CARDS = (
    Card(
        name="twice-is-once-too-often",
        level=1,
        symptom="From a colleague, 08:30: 'Quarantine went from next to nothing to some thousand rows this morning. I "
        "have stopped the training, as half of our labels seem to be garbage. Please look, and tell me what I may "
        "start again.'",
        break_it=deliver_again,
        cause=Rubric(
            "delivered-again",
            "{batch} is the batch of the week of {last} without a few rows: another name, the same keys",
            {"duplicates-inside": "the copies are not within one batch: the first one was accepted long ago"},
        ),
        shown=COPIES,
        evidence="{batch} brought {rows} rows that had landed already: {rule}",
        mitigation=Rubric(
            "discard-copies",
            "the accepted rows are the first ones and untouched; the copies are given up, with a reason on record",
            {"wait": "nothing is harmed by waiting, but open rows hide the next real trouble"},
            HARM,
        ),
        prevention=Rubric(
            "same-name-same-rows",
            "the same rows land once however often they come; a near-copy can only be told by who resends",
            {"agree-with-sender": "yes, and the thing to agree on is how resent files are named"},
        ),
        path=(
            Look("preflight quarantine list", "all open rows are of one feed and week, and broke one rule: {rule}"),
            Look("preflight deliveries", "{batch} landed last, for a week whose first batch was accepted whole"),
            Look("preflight status", "the week of {last} was lived before: its labels were accepted then"),
        ),
        mend=(DISCARD,),
        is_mended=nothing_open,
    ),
    Card(
        name="echo",
        level=2,
        symptom="From a colleague, Monday 08:40: 'Since the weekend there are far more rows in quarantine than ever. "
        'The sender looked it up: one file for the week of {next}, sent once, a fifth larger than usual, "a busy '
        "week\", they say. What do I tell them, and what becomes of these rows?' All runs exited 0.",
        break_it=copy_rows,
        cause=Rubric(
            "duplicates-inside",
            "{rows} rows of {batch} are copies of other rows of {batch}",
            {"delivered-again": "no batch before has these rows: the copies are inside of this one"},
        ),
        shown=COPIES,
        evidence="{rows} rows of {batch} are kept out: {rule}, though nothing landed for that week before it",
        mitigation=Rubric(
            "discard-copies",
            "the first of each is accepted and the week was lived with it; the copies are given up, with a reason on "
            "record",
            {"wait": "nothing is harmed by waiting, but open rows hide the next real trouble"},
            HARM,
        ),
        prevention=Rubric(
            "agree-with-sender",
            "that a row comes once in a file is agreed with who sends, who counts it before sending",
            {"same-name-same-rows": "receiving is idempotent already: it is why nothing was harmed"},
        ),
        path=(
            Look("preflight quarantine list", "{rows} open rows of {feed} and the week of {week}, by one rule: {rule}"),
            Look("preflight deliveries", "{batch} is the only batch of {feed} for that week: it repeats itself"),
            Look("preflight status", "the week of {next} was lived: what it needs was accepted"),
        ),
        mend=(DISCARD,),
        is_mended=nothing_open,
    ),
)
