"""The templates: what they print is shown on one line, nothing hidden, and escaped."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from agent_context.errors import MissingExtraError
from agent_context.site.cards import draw_day
from agent_context.site.charts import draw, draw_mix
from agent_context.site.markup import clean_line, escape, escape_verbatim, render_blocks, render_inline
from agent_context.site.sitemap import permalink, safe_name
from agent_context.site.times import find_age

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, address: str, **values: Any) -> str:  # noqa: ANN401 - what the template names
    """Return the page; `base` leads from its address back to the site's root."""
    return _environment().get_template(template).render(base=find_base(address), **values)


def find_base(address: str) -> str:
    """Return what leads from an address back to the site's root."""
    return "../" * address.count("/") or "./"


@cache
def _environment() -> Environment:
    try:
        import jinja2  # noqa: PLC0415 - an optional extra
        from markupsafe import Markup  # noqa: PLC0415 - the same
    except ImportError:
        raise MissingExtraError("jinja2", "site") from None

    def finalise(value: object) -> object:
        return clean_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("agent_context", "data/site"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=finalise,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    drawn = {
        "inline": render_inline,
        "blocks": render_blocks,
        "verbatim": escape_verbatim,
        "flat": lambda html: re.sub(r"\s*\n\s*", "", str(html)),
        "yaml": lambda text: msgspec.json.encode(escape(text)).decode(),
        "json": lambda value: msgspec.json.encode(value).decode(),
        "chart": draw,
        "mix": draw_mix,
        "day": draw_day,
        "drawn": str,
    }
    environment.filters |= {name: _mark(draw_it, Markup) for name, draw_it in drawn.items()}
    environment.filters |= {
        "safe_name": safe_name,
        "permalink": permalink,
        "age": find_age,
        "query": lambda text: quote(clean_line(text), safe=""),
    }
    return environment


def _mark(draw_it: Any, markup: Any) -> Any:  # noqa: ANN401 - markupsafe is an extra
    """Return the function with its result marked as HTML: each of them escapes or sanitises what is foreign."""
    return lambda value: markup(draw_it(value))
