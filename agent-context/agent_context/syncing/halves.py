"""The halves of a sync, by themselves: bring in what the remote has, or push what it lacks. No session is read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent_context.git import Repository
from agent_context.git.locking import locked
from agent_context.projects import Projects
from agent_context.reports import SyncReport
from agent_context.state import State
from agent_context.syncing.exchange import open_exchange
from agent_context.syncing.handing import hand_out
from agent_context.syncing.handwork import commit_edits
from agent_context.syncing.indexing import bring_up_to_date
from agent_context.syncing.sync import bring_in, open_proposals

if TYPE_CHECKING:
    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase


def pull(knowledge_base: KnowledgeBase, environment: Environment) -> SyncReport:
    """Commit what a person edited, bring in what the remote has, and hand it to the agents."""
    return _exchange(knowledge_base, environment, pushing=False)


def push(knowledge_base: KnowledgeBase, environment: Environment) -> SyncReport:
    """Commit what a person edited, and push what the remote lacks, on top of what it has meanwhile."""
    return _exchange(knowledge_base, environment, pushing=True)


def _exchange(knowledge_base: KnowledgeBase, environment: Environment, *, pushing: bool) -> SyncReport:
    started = time.monotonic()
    settings = knowledge_base.settings
    report = SyncReport(environment.machine, str(knowledge_base.root), "")
    repository = Repository(knowledge_base.root)
    exchange = open_exchange(knowledge_base, repository, environment.machine, report)
    with locked(repository, settings.sync.lock_seconds):
        commit_edits(repository, environment.machine, report, knowledge_base)
        proposals = open_proposals(knowledge_base, repository, exchange, report) if pushing else None
        bring_in(exchange, proposals, report)
        if proposals is not None and exchange.has_seen():
            proposals.send()
        elif pushing:
            exchange.push()
        else:
            report.unpushed = exchange.count_unpushed()
    with State(environment.data_dir, knowledge_base.root) as state:
        hand_out(knowledge_base, environment, Projects(environment.own, knowledge_base.remotes()), state, report)
        bring_up_to_date(knowledge_base, environment, state, report)
    report.seconds = round(time.monotonic() - started, 2)
    return report
