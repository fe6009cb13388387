"""How pages are made of the templates in `monitoring/templates/`: text is escaped, a forgotten value is an error."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def page_environment() -> Environment:
    """The templates, to which a page adds its filters."""
    return Environment(
        loader=PackageLoader("monitoring"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
