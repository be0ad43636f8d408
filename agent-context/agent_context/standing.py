"""How a clone stands: counts and differences, read from disk alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent_context.extraction import find_sessions
from agent_context.git import Repository
from agent_context.identity import hide_credentials
from agent_context.layout import FOLDERS
from agent_context.state import State

if TYPE_CHECKING:
    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase


@dataclass(slots=True)
class Standing:
    """Learnings by status, projects, sessions, commits to exchange as of the last fetch, what waits for a person."""

    knowledge_base: str
    machine: str
    branch: str
    statuses: dict[str, int] = field(default_factory=dict)
    projects: int = 0
    sessions: int = 0
    sessions_unread: int = 0
    remote: str = ""
    ahead: int = 0
    behind: int = 0
    uncommitted: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def take_standing(knowledge_base: KnowledgeBase, environment: Environment) -> Standing:
    """Read how the clone stands. Changes nothing."""
    repository = Repository(knowledge_base.root)
    branch = repository.branch()
    contents = knowledge_base.load()
    standing = Standing(str(knowledge_base.root), environment.machine, branch)
    standing.statuses = dict(Counter(entry.learning.status.value for entry in contents.entries).most_common())
    standing.projects = len(knowledge_base.projects())
    standing.problems = [error.message for error in contents.problems]
    standing.uncommitted = sorted(repository.edited_files(FOLDERS))
    _count_sessions(standing, knowledge_base, environment)
    remote, tip = repository.remote(branch), repository.tip()
    if remote is not None:
        standing.remote = hide_credentials(repository.remote_url(remote))
        theirs = repository.remote_tip(remote, branch)
        if tip is not None:
            ahead = repository.ahead_behind(tip, theirs) if theirs else (len(repository.commits_between(None, tip)), 0)
            standing.ahead, standing.behind = ahead
    return standing


def _count_sessions(standing: Standing, knowledge_base: KnowledgeBase, environment: Environment) -> None:
    with State(environment.data_dir, knowledge_base.root, keep=False) as state:
        for _, path in find_sessions(environment.agent_homes):
            standing.sessions += 1
            try:
                stat = path.stat()
            except OSError:
                standing.sessions_unread += 1
                continue
            standing.sessions_unread += not state.is_read(path, stat.st_size, stat.st_mtime_ns)
