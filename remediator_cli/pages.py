"""How a page is written, as HTML or Markdown."""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from remediator.plain import readable


def render(template: str, filters: Mapping[str, Callable[..., Any]], **values: object) -> str:
    """The page that a template of this package makes. What came from outside is escaped in HTML, and acts nowhere."""
    environment = Environment(
        loader=PackageLoader("remediator_cli", "."),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: readable(value) if isinstance(value, str) else value,
    )
    environment.filters |= filters
    return environment.get_template(template).render(**values)
