"""`settings`: every setting with its meaning, limits and default, as a page or as it is now. Written from the class."""

import os
from pathlib import Path
from typing import get_args, get_origin

import annotated_types as bounds
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from infra.settings import FREE, SECRET, Settings
from infra.storage import write_atomically
from preflight import show

PREFIX = Settings.model_config["env_prefix"]
HEAD = """# Settings

Written by `preflight settings --write docs/settings.md` from `infra/settings.py`; a test holds it to it. Each one is
an environment variable, checked at the start of every command: a wrong value, or a name that is no setting, ends it
with that name. `preflight settings` shows what they are just now, and where each comes from.

**Embedded or on servers** is a matter of settings alone. Without any, models lie in SQLite under the home folder,
predictions in another, and a Prefect server lives as long as a command. `PREFLIGHT_TRACKING_URI`,
`PREFLIGHT_PREDICTIONS_URL` and Prefect's own `PREFECT_API_URL` name servers instead; `docker-compose.yml` sets all
three. A variable that ends in `_FILE` is read from that file by `python -m infra.from_files`, which starts every
container.

*Fixed* settings shape what is learned: a home folder is bound to those it began with, and refuses others. The rest may
change at any time.
"""
COLUMNS = ("variable", "default", "allowed", "meaning", "in a life")
NAMES: dict[object, str] = {
    str: "text",
    tuple: "list",
    int: "whole number",
    float: "number",
    bool: "true or false",
    SecretStr: "text, secret",
}
SYMBOLS = {bounds.Ge: ("at least", "ge"), bounds.Gt: ("above", "gt"), bounds.Le: ("at most", "le"),
           bounds.Lt: ("below", "lt"), bounds.MinLen: ("characters at least", "min_length")}  # fmt: skip


def show_settings(settings: Settings, write: Path | None, as_json: bool) -> None:
    """The settings in force, or the page about all of them."""
    if write is not None:
        write_atomically(write, settings_page().encode())
        show.finish(f"{len(Settings.model_fields)} settings in {write}", {"path": str(write)}, as_json)
        return
    rows = [(_variable(name), said(settings, name), _origin(name)) for name in Settings.model_fields]
    if not as_json:
        show.table("Settings", {"variable": "left", "now": "left", "from": "left"}, rows)
    mode = "on servers" if settings.tracking_uri or settings.predictions_url else "embedded"
    document = {"mode": mode, "settings": {variable: {"now": now, "from": origin} for variable, now, origin in rows}}
    changed = sum(origin != "default" for *_, origin in rows)
    show.finish(f"{len(rows)} settings, {changed} of them from the environment: {mode}", document, as_json)


def said(settings: Settings, name: str) -> str:
    """The value of a setting in words that give no secret away."""
    value = getattr(settings, name)
    if value is None:
        return "-"
    return "(set, not shown)" if name in SECRET and value else str(value)


def settings_page() -> str:
    """The page; equal classes give equal bytes."""
    lines = [HEAD, "| " + " | ".join(COLUMNS) + " |", "| " + " | ".join("---" for _ in COLUMNS) + " |"]
    for name, field in Settings.model_fields.items():
        default = "none" if field.default in (None, ()) else f"`{field.default}`"
        life = "free" if name in FREE else "fixed"
        lines.append(f"| `{_variable(name)}` | {default} | {allowed(field)} | {field.description} | {life} |")
    return "\n".join(lines) + "\n"


def allowed(field: FieldInfo) -> str:
    """What a setting may be, in words.

    >>> allowed(Settings.model_fields["trees"])
    'whole number, at least 1, at most 2000'
    """
    kind = next(kind for kind in (*get_args(field.annotation), field.annotation) if kind is not type(None))
    if get_origin(field.annotation) is tuple:
        kind = tuple
    words = NAMES.get(kind, str(getattr(kind, "__name__", kind)))
    limits = [
        f"{SYMBOLS[type(limit)][0]} {getattr(limit, SYMBOLS[type(limit)][1])}"
        for limit in field.metadata
        if type(limit) in SYMBOLS
    ]
    return ", ".join([words.lower(), *limits])


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def _origin(name: str) -> str:
    return "environment" if any(known.upper() == _variable(name) for known in os.environ) else "default"
