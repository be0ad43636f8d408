"""Find learnings by words and by meaning, across projects, through a local index that follows the files."""

from __future__ import annotations

from agent_context.search.filters import Filters
from agent_context.search.searching import Answer, Hit, Searcher, find, refresh

__all__ = ["Answer", "Filters", "Hit", "Searcher", "find", "refresh"]
