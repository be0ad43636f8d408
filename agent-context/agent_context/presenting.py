"""Collect from a knowledge base what its site shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_context.errors import AgentContextError
from agent_context.layout import PATTERNS
from agent_context.site import Shelf, SiteInput
from agent_context.withholding import sift

if TYPE_CHECKING:
    from agent_context.knowledge import Entry, KnowledgeBase
    from agent_context.state import State

DOCS = "agent-context/docs"
TITLE = "Agent context"


def collect_site(knowledge_base: KnowledgeBase, now: str, state: State | None = None) -> SiteInput:
    """Return all learnings by project but for encrypted and withheld ones, what was left out, and the guide if at hand.

    `now` is UTC, `YYYY-MM-DDTHH:MM:SSZ`; ages on the site are counted from it.
    """
    contents = knowledge_base.load()
    folders = [*knowledge_base.projects(), PATTERNS]
    by_folder: dict[str, list[Entry]] = {folder: [] for folder in folders}
    sifted = sift((entry for entry in contents.entries if not entry.is_sealed), knowledge_base.settings, state)
    for entry in sifted.entries:
        by_folder[entry.project].append(entry)
    names: dict[str, str] = {PATTERNS: "Patterns"}
    problems = [error.advice for error in contents.problems]
    problems += [f"{item.entry.path}: withheld until you have looked at it ({item.reason})" for item in sifted.withheld]
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
