"""What a person decides about learnings: add, accept, reject or retire one. Each decision is a commit of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from agent_context.errors import AgentContextError
from agent_context.frontmatter import parse_learning
from agent_context.git import Repository, locked
from agent_context.harvest.learner import Learner
from agent_context.known_values import load_guard
from agent_context.layout import SEALED
from agent_context.learning import Candidate, Kind, Learning, Quote, Speaker, Status, StatusNote, utc
from agent_context.local_learnings import is_local, keep_files, load_local
from agent_context.merging.edits import find_problem
from agent_context.quarantine import Quarantine
from agent_context.reports import SyncReport
from agent_context.screening.passing import pass_candidate
from agent_context.state import State
from agent_context.trailers import trailers

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


def add_learnings(  # noqa: PLR0913 - what is added, where and how
    knowledge_base: KnowledgeBase,
    environment: Environment,
    candidates: Iterable[Candidate],
    place: Place,
    status: Status,
    verb: str = "add",
    *,
    local: bool = False,
) -> Added:
    """Write what a person (or a skill that asked one) states, and commit it in one commit. Screened like all else.

    With `local` it stays on this machine, in no commit; so does all of a project that is local.
    """
    now = utc(time.time())
    repository = Repository(knowledge_base.root)
    report = SyncReport(environment.machine, str(knowledge_base.root), "")
    lock_seconds = knowledge_base.settings.sync.lock_seconds
    with locked(repository, lock_seconds), State(environment.data_dir, knowledge_base.root) as state:
        quarantine = Quarantine(environment.data_dir, knowledge_base.root)
        learner = Learner(knowledge_base, environment.machine, quarantine, state, report, status=status)
        learner.elsewhere = lambda project: [
            entry.learning for entry in load_local(environment, knowledge_base, project)
        ]
        guard = load_guard(knowledge_base.settings, knowledge_base.root)
        for candidate in candidates:
            learner.take(pass_candidate(candidate, guard), place, now)
        if learner.files and (local or is_local(environment, knowledge_base, place.folder)):
            keep_files(environment, knowledge_base, learner.files)
        elif learner.files:
            what = report.learned[0].claim[:60] if len(report.learned) == 1 else f"{len(report.learned)} learnings"
            message = f"{verb}: {what}\n\n{trailers(environment.machine)}"
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
    speaker: Speaker = Speaker.USER,
) -> Candidate:
    """Return what somebody states as a candidate whose evidence is their own word; `origin` stands for the session."""
    return Candidate(origin, "", claim, kind, (Quote(claim, speaker),), why, tags, paths, extractor=how)


def decide(
    knowledge_base: KnowledgeBase, environment: Environment, prefixes: tuple[str, ...], status: Status, reason: str
) -> list[Entry]:
    """Set the status of learnings and commit that. Returns them as they were. All or nothing is changed."""
    repository = Repository(knowledge_base.root)
    with locked(repository, knowledge_base.settings.sync.lock_seconds):
        found = {entry.path: entry for entry in (knowledge_base.find(prefix) for prefix in prefixes)}
        entries = [entry for entry in found.values() if entry.learning.status is not status]
        for entry in entries:
            problem = find_problem(entry.path, knowledge_base.read_clear(entry.path), knowledge_base.screen)
            if problem:
                raise AgentContextError(problem, hint="mend the file first; nothing was changed")
        note = StatusNote(by=environment.machine, at=utc(time.time()), reason=reason)
        files = {
            entry.path: knowledge_base.bytes_for(entry.path, _with_status(entry.learning, status, note))
            for entry in entries
        }
        ids = ", ".join(entry.learning.id for entry in entries)
        message = f"review: {status.value} {ids}\n\n{reason}\n\n{trailers(environment.machine)}"
        if files:
            repository.commit_files(files, message, environment.machine, own_edits=True)
    return list(found.values())


def revise(knowledge_base: KnowledgeBase, environment: Environment, entry: Entry, text: str) -> Status:
    """Commit what a person has made of a learning in an editor; unless they set a status themselves, it is accepted.

    Raise AgentContextError, with nothing changed, for a text that does not read, has another id or must not be kept.
    """
    problem = find_problem(entry.path.removesuffix(SEALED), text.encode(), knowledge_base.screen)
    if problem:
        raise AgentContextError(problem, hint="nothing was changed")
    learning = parse_learning(text, entry.path)
    if learning.id != entry.learning.id:
        raise AgentContextError(f"the id is {entry.learning.id}, and stays so", hint="nothing was changed")
    if learning.status is Status.UNREVIEWED:
        note = StatusNote(by=environment.machine, at=utc(time.time()), reason="edited in review")
        learning = _with_status(learning, Status.ACCEPTED, note)
    repository = Repository(knowledge_base.root)
    with locked(repository, knowledge_base.settings.sync.lock_seconds):
        if knowledge_base.find(f"{entry.project}/{entry.learning.id}") != entry:
            raise AgentContextError(f"{entry.path} was changed meanwhile", hint="look at it anew: agent-context review")
        message = f"review: edited {learning.id}\n\n{trailers(environment.machine)}"
        files = {entry.path: knowledge_base.bytes_for(entry.path, learning)}
        repository.commit_files(files, message, environment.machine, own_edits=True)
    return learning.status


def _with_status(learning: Learning, status: Status, note: StatusNote) -> Learning:
    return msgspec.structs.replace(learning, status=status, status_note=note)
