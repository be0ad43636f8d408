"""Foreign text to safe HTML: what a learning says is shown, never obeyed. Knows nothing of pages or files."""

from __future__ import annotations

import html
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from agent_context.errors import MissingExtraError
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

TAGS = frozenset(
    {"a", "blockquote", "br", "code", "em", "h4", "hr", "li", "ol", "p", "pre", "strong"}
    | {"table", "tbody", "td", "th", "thead", "tr", "ul"}
)
SCHEMES = frozenset({"http", "https", "mailto"})
ABSOLUTE = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
SHORT = 64
HEADING = re.compile(r"h[1-6]")


def clean_line(text: str) -> str:
    """Return the text on one line, nothing hidden; not escaped."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text
    return re.sub(r"\s+", " ", show_hidden(text))


def escape(text: str) -> str:
    """Return the text on one line, nothing hidden, fit for HTML and for its attributes in double quotes."""
    return _escape_again(text) if len(text) <= SHORT else _escape(text)


def _escape(text: str) -> str:
    return html.escape(clean_line(text)).replace("data-search-", "data-search&#45;")


_escape_again = lru_cache(maxsize=1 << 15)(_escape)  # machines, tags and days stand on thousands of cards


def escape_verbatim(text: str) -> str:
    """Return the text with its lines, nothing hidden, fit for HTML; line breaks are spelled out."""
    return html.escape(show_hidden(text)).replace("data-search-", "data-search&#45;").replace("\n", "&#10;")


def render_inline(text: str) -> str:
    """Return one paragraph of foreign Markdown as inline HTML on one line."""
    return _sanitise(_parser().renderInline(clean_line(text)))


def render_blocks(text: str) -> str:
    """Return foreign Markdown as HTML on one line; its headings become small ones without an id."""
    parser = _parser()
    tokens = parser.parse(show_hidden(text))
    for token in tokens:
        if HEADING.fullmatch(token.tag):
            token.tag = "h4"
    return _sanitise(parser.renderer.render(tokens, parser.options, {}))


def strip_marks(rendered: str) -> str:
    """Return the words of what render_inline returned, without its marks, fit for inside a link."""
    return _sanitise(rendered, tags=frozenset())


@cache
def _parser() -> MarkdownIt:
    try:
        from markdown_it import MarkdownIt  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise MissingExtraError("markdown-it-py", "site") from None
    # Entities stay as typed, so that no character comes in by the back door; nothing is fetched, so no images.
    return (
        MarkdownIt("commonmark", {"html": False})
        .enable("table")
        .disable(["entity", "image", "html_inline", "html_block"])
    )


def _sanitise(html: str, tags: frozenset[str] = TAGS) -> str:
    """Return the allowed part of the HTML on one line, in a form that no later regular expression takes for markup."""
    try:
        import nh3  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise MissingExtraError("nh3", "site") from None
    options: dict[str, Any] = {"attributes": {"a": {"href"}, "ol": {"start"}}, "url_schemes": set(SCHEMES)}
    safe = nh3.clean(
        html, tags=set(tags), attribute_filter=_keep_attribute, link_rel="noopener noreferrer nofollow", **options
    )
    # Python-Markdown must see no line of its own kind; Material's search drops what looks like its attributes.
    return show_hidden(safe).strip().replace("data-search-", "data-search&#45;").replace("\n", "&#10;")


def _keep_attribute(tag: str, attribute: str, value: str) -> str | None:
    """Return the value if it may stay: no relative links, which would point into this site."""
    if tag == "a" and attribute == "href" and not ABSOLUTE.match(value):
        return None
    return value
