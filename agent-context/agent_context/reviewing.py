"""What a person decides about learnings: add, accept, reject or retire one. Each decision is a commit of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from agent_context.edits import find_problem
from agent_context.errors import AgentContextError
from agent_context.exchange import TRAILER
from agent_context.git import Repository, locked
from agent_context.learner import Learner
from agent_context.learning import Candidate, Kind, Learning, Quote, Speaker, Status, StatusNote, utc
from agent_context.reports import SyncReport
from agent_context.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_context.config import Environment
    from agent_context.knowledge import Entry, KnowledgeBase
    from agent_context.projects import Place
    from agent_context.reports import Dropped, Learned

BY_HAND = "by hand"


@dataclass(frozen=True, slots=True)
class Added:
    """What became of candidates that were put in by hand."""

    learned: tuple[Learned, ...]
    dropped: tuple[Dropped, ...]


def add_learnings(
    knowledge_base: KnowledgeBase,
    environment: Environment,
    candidates: Iterable[Candidate],
    place: Place,
    status: Status,
    verb: str = "add",
) -> Added:
    """Write what a person (or a skill that asked one) states, and commit it in one commit. Screened like all else."""
    now = utc(time.time())
    repository = Repository(knowledge_base.root)
    report = SyncReport(environment.machine, str(knowledge_base.root), "")
    lock_seconds = knowledge_base.settings.sync.lock_seconds
    with locked(repository, lock_seconds), State(environment.data_dir, knowledge_base.root) as state:
        learner = Learner(knowledge_base, environment.machine, state, report, status=status)
        for candidate in candidates:
            learner.take(candidate, place, now)
        if learner.files:
            what = report.learned[0].claim[:60] if len(report.learned) == 1 else f"{len(report.learned)} learnings"
            message = f"{verb}: {what}\n\n{TRAILER}{environment.machine}\n"
            repository.commit_files(learner.files, message, environment.machine)
    return Added(tuple(report.learned), tuple(report.dropped))


def state_candidate(  # noqa: PLR0913 - a candidate's own fields
    claim: str,
    why: str,
    kind: Kind,
    tags: tuple[str, ...],
    paths: tuple[str, ...],
    *,
    origin: str = BY_HAND,
    how: str = BY_HAND,
) -> Candidate:
    """Return what a person states as a candidate whose evidence is their own word; `origin` stands for the session."""
    return Candidate(origin, "", claim, kind, (Quote(claim, Speaker.USER),), why, tags, paths, extractor=how)


def decide(
    knowledge_base: KnowledgeBase, environment: Environment, prefixes: tuple[str, ...], status: Status, reason: str
) -> list[Entry]:
    """Set the status of learnings and commit that. Returns them as they were. All or nothing is changed."""
    repository = Repository(knowledge_base.root)
    with locked(repository, knowledge_base.settings.sync.lock_seconds):
        found = {entry.path: entry for entry in (knowledge_base.find(prefix) for prefix in prefixes)}
        entries = [entry for entry in found.values() if entry.learning.status is not status]
        for entry in entries:
            problem = find_problem(entry.path, knowledge_base.read_clear(entry.path))
            if problem:
                raise AgentContextError(problem, hint="mend the file first; nothing was changed")
        note = StatusNote(by=environment.machine, at=utc(time.time()), reason=reason)
        files = {
            entry.path: knowledge_base.bytes_for(entry.path, _with_status(entry.learning, status, note))
            for entry in entries
        }
        ids = ", ".join(entry.learning.id for entry in entries)
        message = f"review: {status.value} {ids}\n\n{reason}\n\n{TRAILER}{environment.machine}\n"
        if files:
            repository.commit_files(files, message, environment.machine, own_edits=True)
    return list(found.values())


def _with_status(learning: Learning, status: Status, note: StatusNote) -> Learning:
    return msgspec.structs.replace(learning, status=status, status_note=note)
