"""Cards of settings, journal, ledger, keys and backups: what a life remembers of itself."""

from pathlib import Path

from data_checks import schema as s
from infra.records import content_sha256
from practice.cards.card import Card, Facts, Look, Rubric
from practice.cards.evidence import Sign
from practice.cards.mended import RESTORED, has_gone_on
from practice.cards.scratch import Scratch, rows_of, write_environment
from practice.drills.ground import LAST, Played

OTHER = {"trees": 12, "tune_trials": 3, "calibration_days": 6, "fold_days": 6, "gate_least_gain": 0.002}
"""Settings that shape a life, each with another value than the ground was begun with."""
MIDDLE = (LAST.plus(-2), LAST.plus(-1))
"""Weeks in the middle of what was lived."""


def change_setting(scratch: Scratch) -> dict[str, str]:
    """A deployment brings another value of one setting."""
    name = scratch.random.choice(sorted(OTHER))
    life = dict(scratch.played.settings_of_life)
    changed = Played(scratch.played.home, life | {name: OTHER[name]})
    write_environment(scratch.folder / "env.sh", changed)
    changed.run("replay")
    variable = f"PREFLIGHT_{name.upper()}"
    return {"variable": variable, "value": str(OTHER[name]), "right": str(life[name])}


def overwrite_database(scratch: Scratch) -> dict[str, str]:
    """A repair of the disk writes its own words over the head of the registry."""
    word = f"lost+found-{scratch.random.randrange(16**6):06x}"
    with (scratch.played.home / "mlflow" / "mlflow.db").open("r+b") as file:
        file.write(f"{word}\n".encode())
    return {"word": word}


def lose_event(scratch: Scratch) -> dict[str, str]:
    """An event in the middle of the journal is gone; the weekly run meets the gap."""
    week = scratch.random.choice(MIDDLE)
    digest = digest_until_last(scratch.played)
    (scratch.played.home / "journal" / f"{week.id}-1-validate.json").unlink()
    scratch.played.run("replay")
    return {"week": week.id, "digest": digest}


def restore_too_much(scratch: Scratch) -> dict[str, str]:
    """An aircraft is erased, then a backup from before is restored."""
    played = scratch.played
    aircraft = scratch.aircraft()
    played.must("forget", aircraft["tail"], "--yes")
    played.must("restore", scratch.backup, "--replace")
    last = len(played.context.ledger.entries())
    return {**aircraft, "entry": f"{last:06d}", "number": str(last)}


def replace_key(scratch: Scratch) -> dict[str, str]:
    """An aircraft was erased; then somebody makes a new key; the weekly run meets it."""
    played = scratch.played
    played.must("forget", scratch.aircraft()["tail"], "--yes")
    scratch.back_up()
    (played.home / played.settings.pseudonym_key).write_bytes(scratch.random.randbytes(32))
    played.run("replay")
    return {"key": played.context.forgotten.pseudonyms.key_name}


def registry_answers(played: Played, facts: Facts) -> bool:
    """Whether the registry can be read."""
    return played.run("explain").returncode == 0


def same_history(played: Played, facts: Facts) -> bool:
    """Whether the log is again what it was before the event was lost, and life goes on."""
    return digest_until_last(played) == facts["digest"] and has_gone_on(played, facts)


def digest_until_last(played: Played) -> str:
    """A hash of all that is on record up to the newest week of the ground."""
    return content_sha256({"events": [one for one in played.context.journal.events() if one["week"] <= LAST.id]})


def is_erased(played: Played, facts: Facts) -> bool:
    """Whether the aircraft is forgotten, and in no plan."""
    known = facts["tail"] in rows_of(played, s.SCHEDULE, LAST)[s.TAIL_NUMBER].to_list()
    return played.context.forgotten.holds(facts["tail"]) and not known


def set_right(played: Played, facts: Facts) -> bool:
    """Whether the file of variables has the value back, so that the week can be lived."""
    said = Path(facts["env"]).read_text()
    return f"{facts['variable']}={facts['value']}\n" not in said and has_gone_on(played, facts)


CARDS = (
    Card(
        name="since-the-deployment",
        level=1,
        symptom="PAGE 16:45, severity 2. Since the deployment of this afternoon every command that writes exits 1; "
        "those that read go on. The diff of the code is empty, they say.",
        break_it=change_setting,
        cause=Rubric(
            "setting-changed",
            "{variable} is {value} now, and this life was begun with {right}",
            {"package-upgraded": "the refusal names a variable of ours, and no tool"},
        ),
        shown=(Sign(("{variable}", "{value}")),),
        evidence="{variable} is {value}, the home holds a life with {right}",
        mitigation=Rubric(
            "set-back",
            "the file of variables gets {right} back; a life with other settings would be another life",
            harmful={
                "fresh-home": "another value needs another life, and all that was learned in this one would be left",
                "record-follows": "records would name a setting that no model and no table here was made with",
            },
        ),
        prevention=Rubric(
            "review-settings",
            "settings are code: under version control, reviewed, and compared with the life before a deployment",
            {"people-approve-weeks": "people approve what they are shown, and nobody showed the variables"},
        ),
        path=(
            Look("preflight status", "it reads: the week of {next} is not lived"),
            Look("preflight replay", "refused: the home holds a life with {variable} {right}, now {value}"),
            Look("cat {env}", "{variable}={value}"),
        ),
        mend=("sed -i s/{variable}=.*/{variable}={right}/ {env}",),
        is_mended=set_right,
    ),
    Card(
        name="after-the-repair",
        level=2,
        symptom="PAGE 04:05, severity 1. The disk was full of errors and was repaired. Since then runs, "
        "explanations and "
        "the service fail, each in its own words; predictions and features can be read.",
        break_it=overwrite_database,
        cause=Rubric(
            "database-damaged",
            "the file of the registry does not begin as a database does: it begins with {word}",
            {"artefact-damaged": "models are whole; what knows of them cannot be read"},
        ),
        shown=(Sign(("{word}",)), Sign(("mlflow.db cannot be read", "not a database"))),
        evidence="the registry's file is not a database: it begins with {word}",
        mitigation=Rubric(
            "restore-backup",
            "runs, versions and aliases come back as one; tables and log of the same moment with them",
            harmful={
                "fresh-home": "it would start, and know nothing of the year",
                "retrain-now": "there is no registry to hold a version, and nothing to judge it against",
            },
        ),
        prevention=Rubric(
            "second-copy",
            "a disk fails some day; copies elsewhere, and restoring them tried, are what helps",
            {"digest-elsewhere": "it says that something changed, and brings nothing back"},
        ),
        path=(
            Look("preflight status", "the journal is whole: it is files, and no database"),
            Look("preflight explain", "refused: a database was damaged"),
            Look("head -n 1 {home}/mlflow/mlflow.db", "{word}, where `SQLite format 3` should stand"),
        ),
        mend=RESTORED,
        is_mended=registry_answers,
    ),
    Card(
        name="a-hole-in-time",
        level=3,
        symptom="PAGE 06:06, severity 2. The weekly run exited 1, and it complains about a week that was lived "
        "long ago. "
        "Its predictions are there, its features are there, its report is there.",
        break_it=lose_event,
        cause=Rubric(
            "event-lost",
            "of the week of {week} all stages are on record but the acceptance of its rows: the file is gone",
            {"part-missing": "no rows are missing: what is gone is the record that they were accepted"},
        ),
        shown=(Sign(("{week}", "validate|accept|not there"), known=("{next}", "{last}")),),
        evidence="the rows of the week of {week} count as not accepted: its validate event is gone from the journal",
        mitigation=Rubric(
            "redo-stage",
            "accepting is a rule of landed rows: done again it gives the same event, and the hash of the log shows it",
            {"restore-backup": "it works, and gives up whatever was recorded since"},
            {
                "skip-week": "features would have a gap where rows are there and whole",
                "fresh-home": "the weeks that were lived would be gone, because of one file",
            },
        ),
        prevention=Rubric(
            "digest-elsewhere",
            "the hash of the log, noted each day elsewhere, would have told the night in which it was lost",
            {"second-copy": "a copy brings it back, and does not tell that it is gone"},
        ),
        path=(
            Look("preflight replay", "refused: rows of 1 week are not there yet, the first is {week}"),
            Look("preflight status", "weeks landed and weeks scored are as many as they should be"),
            Look("ls {home}/journal", "{week} has every stage but validate"),
        ),
        mend=("preflight validate {week}", "preflight replay"),
        is_mended=same_history,
    ),
    Card(
        name="the-dead-return",
        level=3,
        symptom="From the data protection officer, 09:00: 'We confirmed in writing that {tail} was erased from "
        "your system, "
        "and an export of this morning names it. Explain.' In the night there was trouble with a disk; operations say "
        "that everything is up again, and every run is green.",
        break_it=restore_too_much,
        cause=Rubric(
            "old-backup-restored",
            "the ledger ends with entry {entry}, and none is an erasure: it was written, and is gone with all "
            "that came "
            "after the backup",
            {"event-lost": "not one entry is gone: list of erasures, tables and ledger are all of before"},
        ),
        shown=(Sign(("{entry}|{number}", "ledger", "erasure|erase|forget|privacy"), others=0),),
        evidence="the ledger ends with entry {entry}, none of them an erasure: everything here is from before it",
        mitigation=Rubric(
            "erase-again",
            "`preflight forget {tail}` does to the restored tables what it did to those before",
            harmful={
                "edit-landed-rows": "it is in tables, features, snapshots and logs too: the promise stays broken",
                "restore-backup": "it is what undid the erasure, and would do so again",
            },
        ),
        prevention=Rubric(
            "erasures-outlive-backups",
            "a backup knows nothing of what was erased after it: the list is kept apart and carried out after "
            "each restore",
            {"second-copy": "more copies are more places that have to forget"},
        ),
        path=(
            Look("preflight explain flight {flight}", "the aircraft of one of its flights: {tail}"),
            Look("ls {home}/ledger", "the newest entry is {entry}"),
            Look("grep -l erase -r {home}/ledger", "nothing: no entry is an erasure"),
            Look("ls {home}", "no folder privacy: nobody was ever erased here, as far as this home knows"),
        ),
        mend=("preflight forget {tail} --yes",),
        is_mended=is_erased,
    ),
    Card(
        name="a-new-broom",
        level=3,
        symptom="PAGE 06:01, severity 2. The weekly run exited 1 before a row landed. Security rotated 'all "
        "secrets that "
        "are older than a year' at the weekend and sees no connection.",
        break_it=replace_key,
        cause=Rubric(
            "key-replaced",
            "the list of erasures was made with another key than {key}: erased aircraft would not be known again",
            {"setting-changed": "every setting is as before; what is in the file is not"},
        ),
        shown=(Sign(("{key}",)),),
        evidence="the key there is now is {key}, the erased tail numbers were noted with another",
        mitigation=Rubric(
            "restore-backup",
            "the key comes back with the list that was made with it",
            harmful={
                "erase-again": "under a new key each erasure has to be asked for by name: nobody has the names",
                "fresh-home": "it begins with no erasures: whoever was promised one is back",
            },
        ),
        prevention=Rubric(
            "keys-in-a-vault",
            "a key with data behind it is not rotated like a password: it has a procedure and a copy of its own",
            {"second-copy": "the copy helped; it should not have been needed"},
        ),
        path=(
            Look("preflight replay", "refused: the list was made with another key than {key}"),
            Look("cat {home}/privacy/forgotten.json", "the name of the key that the list was made with"),
            Look("ls -l {home}/secrets", "the file of the key is newer than the list"),
        ),
        mend=(*RESTORED, "preflight replay"),
        is_mended=has_gone_on,
    ),
)
