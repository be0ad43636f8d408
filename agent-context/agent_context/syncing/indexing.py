"""Bring the search index up to date at the end of a sync: what is found must be what the files say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_context.errors import AgentContextError
from agent_context.search import refresh

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase
    from agent_context.reports import SyncReport
    from agent_context.state import State


def bring_up_to_date(
    knowledge_base: KnowledgeBase,
    environment: Environment,
    state: State,
    report: SyncReport,
    tell: Callable[[int, int], None] = lambda _done, _count: None,
) -> None:
    """Take in what changed. An index that cannot be written costs a search its speed, and no sync its success."""
    if report.dry_run:
        return
    try:
        refresh(environment, knowledge_base, state, tell)
    except AgentContextError as error:
        report.notes.append(error.advice)
