"""A group of commands one of which is about a model version and need not be named."""

from typing import Any

from typer.core import TyperGroup

VERSION_COMMAND = "version"


class VersionGroup(TyperGroup):
    """A group whose `version` command need not be named: `explain`, `explain 8` and `explain --json` mean it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # typer brings a click of its own
        """As every group's, the name put in where none is."""
        first = args[0] if args else ""
        names_none = not args or first.isdigit() or (first.startswith("-") and first not in ctx.help_option_names)
        return super().parse_args(ctx, [VERSION_COMMAND, *args] if names_none else args)
