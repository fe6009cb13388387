"""Cards of serving: an alias, a snapshot or a prediction is not what records say."""

import json

import polars as pl

from data_checks import schema as s
from pipelines.scoring import PROBABILITY
from pipelines.snapshot import snapshot_path, write_snapshot
from pipelines.state import prepare_state
from practice.cards.card import Card, Facts, Look, Rubric
from practice.cards.evidence import Sign
from practice.cards.mended import RESTORED, flight_off, serves_as_batch
from practice.cards.scratch import Scratch, as_asked, by_hand, champion_of, rows_of
from practice.drills.ground import LAST, Played

OFF = 0.15
"""What somebody adds to the probabilities of a carrier, by hand."""


def move_alias(scratch: Scratch) -> dict[str, str]:
    """Somebody points the alias to another version in a notebook; the weekly run meets it."""
    played, right = scratch.played, champion_of(scratch.played)
    trained = [event["version"] for event in played.context.journal.events("train")]
    wrong = scratch.random.choice([one for one in trained if one != right])
    by_hand(
        played,
        f"import mlflow; mlflow.MlflowClient().set_registered_model_alias('flight-lateness', 'champion', '{wrong}')",
    )
    played.run("replay")
    return {"right": str(right), "wrong": str(wrong)}


def roll_back_silently(scratch: Scratch) -> dict[str, str]:
    """Somebody on call rolls back in the night, and goes to bed."""
    played, right = scratch.played, champion_of(scratch.played)
    ticket, before = f"OPS-{scratch.random.randrange(1000, 9999)}", played.context.promoted_versions()[-2]
    played.must("rollback", "--to", before, "--reason", f"{ticket}: felt slow")
    context = played.context
    entry = f"{len(context.ledger.entries()):06d}"
    return {"right": str(right), "now": str(context.answering_version()), "ticket": ticket, "entry": entry}


def keep_old_snapshot(scratch: Scratch) -> dict[str, str]:
    """The snapshot of the week is one of a week before, under its name."""
    played = scratch.played
    back = scratch.random.choice((1, 2))
    write_snapshot(played.store, LAST, prepare_state(played.context.world(LAST.plus(-back))))
    return {"flight": flight_off(played), "snapshot": snapshot_path(LAST)}


def change_predictions(scratch: Scratch) -> dict[str, str]:
    """Somebody 'corrects' the probabilities of a carrier in the table of a week."""
    played = scratch.played
    rows = played.store.read_table("predictions", LAST.id)
    carrier = scratch.random.choice(("UA", "B6", "EV", "DL"))
    other = (pl.col(PROBABILITY) + OFF).clip(0, 1)
    theirs = pl.col(s.FLIGHT_ID).str.contains(f"-{carrier}\\d")
    changed = pl.when(theirs).then(other).otherwise(PROBABILITY).alias(PROBABILITY)
    played.store.write_table("predictions", LAST.id, rows.with_columns(changed))
    flight = flight_off(played)
    plan = rows_of(played, s.SCHEDULE, LAST).filter(pl.col(s.FLIGHT_ID) == flight).row(0, named=True)
    return {"flight": flight, "carrier": carrier, "asked": as_asked(plan)}


def answers_by_record(played: Played, facts: Facts) -> bool:
    """Whether the version that was promoted last answers, by registry and by log."""
    ended = played.run("explain", facts["right"], "--json")
    held = json.loads(ended.stdout)["aliases"] if ended.returncode == 0 else []
    return "champion" in held and str(played.context.answering_version()) == facts["right"]


CARDS = (
    Card(
        name="two-kings",
        level=1,
        symptom="PAGE 06:03, severity 2. The weekly run exited 1 after the feeds were accepted: no predictions for the "
        "week of {next}. The service answers, and a colleague says it answers 'better since yesterday'.",
        break_it=move_alias,
        cause=Rubric(
            "alias-moved",
            "the registry says {wrong}, the log of events says {right}; no promotion and no rollback is on record",
            {"rolled-back": "the command would have written it into the ledger, and nothing is there"},
        ),
        shown=(Sign(("{wrong}", "{right}", "registry|alias", "log|record|status|journal"), others=0),),
        evidence="the registry says that version {wrong} is champion, the event log says version {right}",
        mitigation=Rubric(
            "record-wins",
            "what was judged and recorded answers: `preflight rollback --to {right}` moves the alias back",
            {"restore-backup": "it works, and throws away whatever was written since"},
            {
                "record-follows": "a version that no gate has let through would be on record as if one had",
                "retrain-now": "a challenger would be judged against a version that nobody has chosen",
            },
        ),
        prevention=Rubric(
            "only-by-command",
            "who may write to the registry can put anything into production that no gate has judged",
            {"tell-the-team": "telling helps afterwards; the alias should not have been writable"},
        ),
        path=(
            Look("preflight status", "by the records version {right} is champion"),
            Look("preflight explain {wrong}", "it holds the alias champion in the registry"),
            Look("preflight replay", "refused: the registry says {wrong}, the event log says {right}"),
        ),
        mend=("preflight rollback --to {right}", "preflight replay"),
        is_mended=answers_by_record,
    ),
    Card(
        name="who-did-that",
        level=2,
        symptom="From the product owner, 10:05: 'The promotion that we announced last week is not in production. The "
        "page says that it passed. Did the gate fail and nobody told me?' Nothing is red.",
        break_it=roll_back_silently,
        cause=Rubric(
            "rolled-back",
            "entry {entry} of the ledger is a switch from {right} to {now}, with the reason {ticket}",
            {"alias-moved": "it was done by the command: registry, ledger and service agree"},
        ),
        shown=(Sign(("{ticket}",)), Sign(("{entry}", "{now}", "ledger|entry"), others=1)),
        evidence="ledger entry {entry} is a switch to version {now}: {ticket}",
        mitigation=Rubric(
            "record-wins",
            "there was no reason that holds: `preflight rollback --to {right}` lets it answer again, on record too",
            {"restore-backup": "it undoes the switch, its record and everything else since"},
            {
                "retrain-now": "what was judged better is there already; a challenger would be held to a worse one",
                "roll-back": "it goes back further still",
            },
        ),
        prevention=Rubric(
            "tell-the-team",
            "a rollback has to be easy in the night, and nobody may have to find it in the morning",
            {"only-by-command": "it was the command; what was missing is that somebody heard of it"},
        ),
        path=(
            Look("preflight status", "version {now} answers, though a later one was promoted"),
            Look("preflight explain {right}", "its gate says yes, and it holds no alias champion now"),
            Look("ls {home}/ledger", "the newest entry is {entry}"),
            Look("cat {home}/ledger/{entry}.json", "a switch, with its reason: {ticket}"),
        ),
        mend=("preflight rollback --to {right}",),
        is_mended=answers_by_record,
    ),
    Card(
        name="yesterdays-news",
        level=2,
        symptom="From the team of the app, 11:20: 'Your parity check is red since this morning, and gate agents say "
        "that the app has not heard of the storm.' Every answer says that it is fresh. Nobody changed the model.",
        break_it=keep_old_snapshot,
        cause=Rubric(
            "snapshot-stale",
            "features that were answered with are not those of batch: {snapshot} holds a week before",
            {"code-skew": "the code is one; what it looks things up in is another"},
        ),
        shown=(Sign(("{flight}",)),),
        evidence="parity is off most at {flight}, and its logged features differ from those offline",
        mitigation=Rubric(
            "drop-snapshot",
            "it is derived from accepted rows, so that it is simply made anew",
            {"restore-backup": "it works, and is much for one derived file"},
            {
                "restart-service": "a restart finds the same file and believes it again: wrong answers go on",
                "retrain-now": "the model is right; another one would be asked with the same wrong features",
            },
        ),
        prevention=Rubric(
            "ask-after-export",
            "a hundred flights asked after each export and compared with batch would have said so at once",
            {"digest-elsewhere": "hashes of derived files help, where somebody compares them"},
        ),
        path=(
            Look("preflight parity", "most flights differ from batch, {flight} most of all"),
            Look("preflight prove skew {last}", "online is not offline: features, and so not the model and not batch"),
            Look("ls -l {home}/online", "the snapshot of the week of {last} is there and was believed"),
        ),
        mend=("rm {home}/{snapshot}", "preflight parity"),
        is_mended=serves_as_batch,
    ),
    Card(
        name="helping-hand",
        level=3,
        symptom="From the team of the app, 11:20: 'Your parity check is red since this morning.' Every answer "
        "says that "
        "it is fresh, the champion is the one that was promoted, its files have the right hashes.",
        break_it=change_predictions,
        cause=Rubric(
            "predictions-changed",
            "online and offline features agree, and the model says what the service says: the record of "
            "{carrier} is off",
            {"snapshot-stale": "features that were answered with are those of offline, to the last bit"},
        ),
        shown=(Sign(("{flight}",)),),
        evidence="{flight} differs most, and features of all answers are those of offline: it is what is on record",
        mitigation=Rubric(
            "restore-backup",
            "what was predicted then stands in the backup; predicting anew would write another history",
            {"redo-stage": "made anew it may come out the same, and the log has to say so: compare the hash"},
            {
                "record-follows": "the log would say that the model had said what somebody wrote in later",
                "retrain-now": "the champion says what it always said; what is on record stays wrong",
            },
        ),
        prevention=Rubric(
            "digest-elsewhere",
            "the log noted the hash of the table when it was written; comparing it daily would have named the table",
            {"only-by-command": "less write access helps too, and does not tell what was changed"},
        ),
        path=(
            Look("preflight parity", "some flights differ from batch, {flight} most of all, all of one carrier"),
            Look("preflight prove skew {last}", "0 mismatches: the service used the features of offline"),
            Look("preflight explain flight {asked}", "refused: the model says otherwise than what is on record"),
        ),
        mend=RESTORED,
        is_mended=serves_as_batch,
    ),
)
