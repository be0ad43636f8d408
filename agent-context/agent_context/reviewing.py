"""What a person decides about learnings: add, accept, reject or retire one. Each decision is a commit of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from agent_context.errors import AgentContextError
from agent_context.exchange import TRAILER
from agent_context.frontmatter import write_learning
from agent_context.git import Repository
from agent_context.learning import Candidate, Kind, Learning, Quote, Speaker, Status, StatusNote
from agent_context.reports import SyncReport
from agent_context.state import State
from agent_context.sync import Learner, locked, utc

if TYPE_CHECKING:
    from agent_context.config import Environment
    from agent_context.knowledge import Entry, KnowledgeBase
    from agent_context.projects import Place
    from agent_context.reports import Learned

BY_HAND = "by hand"


def add_learning(
    knowledge_base: KnowledgeBase, environment: Environment, candidate: Candidate, place: Place
) -> Learned:
    """Write a learning that a person states, accepted, and commit it. Raise AgentContextError if it may not be kept."""
    now = utc(time.time())
    repository = Repository(knowledge_base.root)
    report = SyncReport(environment.machine, str(knowledge_base.root), "")
    lock_seconds = knowledge_base.settings.sync.lock_seconds
    with locked(repository, lock_seconds), State(environment.data_dir, knowledge_base.root) as state:
        learner = Learner(knowledge_base, environment.machine, state, report, status=Status.ACCEPTED)
        learned = learner.take(candidate, place, now)
        if learned is None:
            dropped = report.dropped[0]
            raise AgentContextError(
                f"not added: {dropped.reason} {dropped.detail}",
                hint="say it without the secret"
                if ":" in dropped.reason
                else f"agent-context search --all shows {dropped.detail[:10]}",
            )
        message = f"add: {learned.claim[:60]}\n\n{TRAILER}{environment.machine}\n"
        repository.commit_files(learner.files, message, environment.machine)
    return learned


def state_candidate(claim: str, why: str, kind: Kind, tags: tuple[str, ...], paths: tuple[str, ...]) -> Candidate:
    """Return what a person typed as a candidate whose evidence is their own word."""
    quote = Quote(claim, Speaker.USER)
    return Candidate(BY_HAND, "", claim, kind, (quote,), why, tags, paths, extractor=BY_HAND)


def decide(
    knowledge_base: KnowledgeBase, environment: Environment, prefixes: tuple[str, ...], status: Status, reason: str
) -> list[Entry]:
    """Set the status of learnings and commit that. Returns them as they were. All or nothing is changed."""
    repository = Repository(knowledge_base.root)
    with locked(repository, knowledge_base.settings.sync.lock_seconds):
        entries = [knowledge_base.find(prefix) for prefix in prefixes]
        note = StatusNote(by=environment.machine, at=utc(time.time()), reason=reason)
        files = {entry.path: write_learning(_with_status(entry.learning, status, note)).encode() for entry in entries}
        ids = ", ".join(entry.learning.id for entry in entries)
        message = f"review: {status.value} {ids}\n\n{reason}\n\n{TRAILER}{environment.machine}\n"
        repository.commit_files(files, message, environment.machine, own_edits=True)
    return entries


def _with_status(learning: Learning, status: Status, note: StatusNote) -> Learning:
    return msgspec.structs.replace(learning, status=status, status_note=note)
