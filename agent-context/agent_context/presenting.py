"""Collect from a knowledge base what its site shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_context.errors import AgentContextError
from agent_context.layout import PATTERNS
from agent_context.site import Shelf, SiteInput

if TYPE_CHECKING:
    from agent_context.knowledge import Entry, KnowledgeBase

DOCS = "agent-context/docs"
TITLE = "Agent context"


def collect_site(knowledge_base: KnowledgeBase, now: str) -> SiteInput:
    """Return all learnings by project but for encrypted ones, the files that do not read, and the program's guide where it is at hand.

    `now` is UTC, `YYYY-MM-DDTHH:MM:SSZ`; ages on the site are counted from it.
    """
    contents = knowledge_base.load()
    folders = [*knowledge_base.projects(), PATTERNS]
    by_folder: dict[str, list[Entry]] = {folder: [] for folder in folders}
    for entry in contents.entries:
        if entry.is_sealed:
            continue
        by_folder[entry.project].append(entry)
    names: dict[str, str] = {PATTERNS: "Patterns"}
    problems = [error.advice for error in contents.problems]
    for folder in knowledge_base.projects():
        try:
            names[folder] = knowledge_base.project(folder).name
        except AgentContextError as error:
            problems.append(error.advice)
    guide = knowledge_base.root / DOCS
    return SiteInput(
        title=TITLE,
        shelves=tuple(Shelf(folder, names.get(folder, folder), tuple(by_folder[folder])) for folder in folders),
        problems=tuple(problems),
        evidence=knowledge_base.settings.site.evidence,
        guide=guide if guide.is_dir() else None,
        generated=now,
    )
