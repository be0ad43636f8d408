"""How a clone stands: counts and differences, read from disk alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent_context.git import Repository
from agent_context.harvest.extraction import find_sessions
from agent_context.identity import hide_credentials
from agent_context.layout import FOLDERS
from agent_context.machines import Known, list_machines
from agent_context.quarantine import Quarantine
from agent_context.review.pending import PULL_REQUEST, list_pending
from agent_context.review.settling import find_conflicts
from agent_context.state import State
from agent_context.withholding import sift

if TYPE_CHECKING:
    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase


@dataclass(slots=True)
class Standing:
    """Learnings by status, projects, sessions, commits to exchange as of the last fetch, what waits for a person.

    `quarantined` candidates are held back on this machine; `withheld` learnings are in git and reach no agent.
    """

    knowledge_base: str
    machine: str
    branch: str
    statuses: dict[str, int] = field(default_factory=dict)
    projects: int = 0
    sessions: int = 0
    sessions_unread: int = 0
    remote: str = ""
    review: str = "direct"
    ahead: int = 0
    behind: int = 0
    uncommitted: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    quarantined: int = 0
    withheld: int = 0
    proposed: int = 0
    queued: int = 0
    pull_request: str = ""
    machines: list[Known] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def take_standing(knowledge_base: KnowledgeBase, environment: Environment) -> Standing:
    """Read how the clone stands. Changes nothing."""
    repository = Repository(knowledge_base.root)
    branch = repository.branch()
    contents = knowledge_base.load()
    standing = Standing(str(knowledge_base.root), environment.machine, branch)
    standing.review = knowledge_base.settings.review
    standing.statuses = dict(Counter(entry.learning.status.value for entry in contents.entries).most_common())
    standing.projects = len(knowledge_base.projects())
    standing.problems = [error.message for error in contents.problems]
    standing.uncommitted = sorted(repository.edited_files(FOLDERS))
    standing.conflicts = [item.name for item in find_conflicts(knowledge_base, contents)]
    standing.quarantined = len(Quarantine(environment.data_dir, knowledge_base.root).list())
    standing.machines = list_machines(knowledge_base, environment)
    with State(environment.data_dir, knowledge_base.root, keep=False) as state:
        _count_sessions(standing, environment, state)
        standing.withheld = len(sift(contents.entries, knowledge_base.settings, state).withheld)
    if knowledge_base.settings.review == PULL_REQUEST:
        outlook = list_pending(knowledge_base, environment)
        standing.proposed = sum(item.state == "proposed" for item in outlook.pending)
        standing.queued = sum(item.state == "queued" for item in outlook.pending)
        standing.pull_request = outlook.pull_request
    _compare_remote(standing, repository)
    return standing


def _compare_remote(standing: Standing, repository: Repository) -> None:
    remote, tip = repository.remote(standing.branch), repository.tip()
    if remote is None:
        return
    standing.remote = hide_credentials(repository.remote_url(remote))
    theirs = repository.remote_tip(remote, standing.branch)
    if tip is not None:
        ahead = repository.ahead_behind(tip, theirs) if theirs else (len(repository.commits_between(None, tip)), 0)
        standing.ahead, standing.behind = ahead


def _count_sessions(standing: Standing, environment: Environment, state: State) -> None:
    for _, path in find_sessions(environment.agent_homes):
        standing.sessions += 1
        try:
            stat = path.stat()
        except OSError:
            standing.sessions_unread += 1
            continue
        standing.sessions_unread += not state.is_read(path, stat.st_size, stat.st_mtime_ns)
