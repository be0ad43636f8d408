"""Cards are placed in the built pages, so that no generator reads, changes or is slowed by what people wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_context.errors import AgentContextError

if TYPE_CHECKING:
    from pathlib import Path

CARDS = "cards"
MARK = "<!--ac-cards-->"  # in book.md.j2; foreign text cannot hold it, since it is escaped everywhere


def place_cards(staged: Path, site: Path) -> None:
    """Put the staged cards in the place of the mark on each page that waits for them.

    Raise AgentContextError when the generator did not keep the mark, OSError when the disk refuses.
    """
    folder = staged / CARDS
    for cards in sorted(folder.rglob("index.html")):
        page = site / cards.relative_to(folder)
        head, mark, rest = page.read_bytes().partition(MARK.encode())
        if not mark:
            raise AgentContextError(
                f"the page {page.relative_to(site)} lost the mark where its learnings belong",
                hint="take out of mkdocs.yml what minifies or strips comments, then build again",
            )
        page.write_bytes(head + cards.read_bytes() + rest)
