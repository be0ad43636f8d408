"""Collect from a knowledge base what its site shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_context.layout import PATTERNS
from agent_context.site import Shelf, SiteInput

if TYPE_CHECKING:
    from agent_context.knowledge import Entry, KnowledgeBase

DOCS = "agent-context/docs"
TITLE = "Agent context"


def collect_site(knowledge_base: KnowledgeBase, now: str) -> SiteInput:
    """Return all learnings by project, the files that do not read, and the program's guide where it is at hand.

    `now` is UTC, `YYYY-MM-DDTHH:MM:SSZ`; ages on the site are counted from it.
    """
    contents = knowledge_base.load()
    folders = [*knowledge_base.projects(), PATTERNS]
    by_folder: dict[str, list[Entry]] = {folder: [] for folder in folders}
    for entry in contents.entries:
        by_folder[entry.project].append(entry)
    names = {folder: knowledge_base.project(folder).name for folder in folders if folder != PATTERNS}
    guide = knowledge_base.root / DOCS
    return SiteInput(
        title=TITLE,
        shelves=tuple(Shelf(folder, names.get(folder, "Patterns"), tuple(by_folder[folder])) for folder in folders),
        problems=tuple(error.advice for error in contents.problems),
        evidence=knowledge_base.settings.site.evidence,
        guide=guide if guide.is_dir() else None,
        generated=now,
    )
