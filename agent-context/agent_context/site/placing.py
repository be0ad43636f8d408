"""What people wrote is placed in the built pages, so that no generator reads, changes or is slowed by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_context.errors import AgentContextError

if TYPE_CHECKING:
    from pathlib import Path

PARTS = "parts"
MARK = "<!--ac-part-->"  # foreign text cannot hold it, since it is escaped everywhere
LONG = 1_000
UNSEARCHED = "\nsearch: {exclude: true}\n"  # what the theme's search is to read has to pass through the generator


def part(page: str) -> tuple[str, str]:
    """Return a page with a mark in the place of each long line of HTML, and those lines."""
    if UNSEARCHED not in page:
        return page, ""
    lines = page.split("\n")
    taken = [line for line in lines if len(line) > LONG and line.startswith("<")]
    kept = (MARK if len(line) > LONG and line.startswith("<") else line for line in lines)
    return "\n".join(kept), "\n".join(taken)


def place_parts(staged: Path, site: Path) -> None:
    """Put the staged parts, a line each, in the places of the marks on their pages.

    Raise AgentContextError when the generator did not keep a mark, OSError when the disk refuses.
    """
    folder = staged / PARTS
    for file in sorted(folder.rglob("index.html")):
        page = site / file.relative_to(folder)
        parts = file.read_bytes().split(b"\n")
        pieces = page.read_bytes().split(MARK.encode())
        if len(pieces) != len(parts) + 1:
            raise AgentContextError(
                f"the page {page.relative_to(site)} lost a mark where its learnings belong",
                hint="take out of mkdocs.yml what minifies or strips comments, then build again",
            )
        pairs = zip(pieces, [*parts, b""], strict=True)
        page.write_bytes(b"".join(text for pair in pairs for text in pair))
