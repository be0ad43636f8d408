"""Search: a few thousand learnings go into the theme's own index, more are indexed by Pagefind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent_context.errors import AgentContextError, MissingExtraError
from agent_context.site.markup import escape
from agent_context.site.programs import run_module

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.site.cards import Wordings
    from agent_context.site.sitemap import Layout

FINDABLE = "search.json"
MOST_FOR_MATERIAL = 2_000  # learnings, above which an index that is loaded whole on each page is too large
MOST_TEXT = 300


class Found(msgspec.Struct, frozen=True):
    """A section of the theme's index; title and text are HTML."""

    location: str
    title: str
    text: str


def list_findable(layout: Layout, wordings: Wordings) -> bytes:
    """Return what the theme's search is to find, as JSON; nothing where there is too much for it."""
    few = layout.spots if len(layout.spots) <= MOST_FOR_MATERIAL else ()
    rows = [
        Found(spot.address, wordings.find(spot.learning).gist, escape(" ".join(spot.learning.why)[:MOST_TEXT]))
        for spot in few
    ]
    return msgspec.json.encode(rows)


def index_site(staged: Path, site: Path) -> None:
    """Make the learnings on a built site findable. Raise AgentContextError when Pagefind fails."""
    rows = msgspec.json.decode((staged / FINDABLE).read_bytes(), type=list[Found])
    index = site / "search" / "search_index.json"
    if index.is_file():
        content: dict[str, Any] = msgspec.json.decode(index.read_bytes())
        content["docs"] += msgspec.to_builtins(rows)
        index.write_bytes(msgspec.json.encode(content))
    else:
        _run_pagefind(site)


def _run_pagefind(site: Path) -> None:
    done = run_module("pagefind", ["--site", str(site), "--output-subdir", "pagefind", "--quiet"], site)
    if done.code or not (site / "pagefind" / "pagefind.js").is_file():
        if "No module named" in done.last_words:
            raise MissingExtraError("pagefind", "site")
        raise AgentContextError(
            f"Pagefind could not index the site:\n{done.last_words}",
            hint="make room if the disk is full, then build again; the old site was left as it was",
        )
