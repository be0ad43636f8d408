"""What waits to be proposed and what was turned down: listed, and decided on by the person at this machine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from agent_context.errors import AgentContextError
from agent_context.git import Repository, locked
from agent_context.learning import Learning, Status, StatusNote, utc
from agent_context.reports import SyncReport
from agent_context.review.proposals import Proposals
from agent_context.review.reviewing import decide
from agent_context.review.verdicts import read_learning, reject_waiting
from agent_context.trailers import trailers
from agent_context.waiting import REF, branch_of, load_waiting

if TYPE_CHECKING:
    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase

PULL_REQUEST = "pull-request"


@dataclass(frozen=True, slots=True)
class Pending:
    """A learning that waits: in this machine's pull request, behind it, or in another machine's."""

    project: str
    path: str
    learning: Learning
    state: Literal["proposed", "queued", "elsewhere"]
    machine: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """What waits, as of the last sync, and the page of this machine's pull request, if it is known."""

    pending: tuple[Pending, ...]
    pull_request: str
    branch: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """A learning that was turned down: why, by whom, when; `where` is `here`, or the branch that says so."""

    project: str
    path: str
    learning: Learning
    reason: str
    by: str
    at: str
    where: str


HasLearning = TypeVar("HasLearning", Pending, Rejection)


def list_pending(knowledge_base: KnowledgeBase, environment: Environment) -> Outlook:
    """Return what waits here and what other machines propose, as of the last sync. Asks no remote."""
    proposals = _open(knowledge_base, environment)
    ledger = proposals.waiting.ledger
    out = ledger.proposed.files if ledger.proposed else ()
    pending = []
    for item in proposals.known():
        state: Literal["proposed", "queued", "elsewhere"] = "proposed" if item.path in out else "queued"
        if item.machine != environment.machine:
            state = "elsewhere"
        if item.learning.status is not Status.REJECTED:
            pending.append(Pending(item.project, item.path, item.learning, state, item.machine))
    return Outlook(tuple(pending), ledger.url, branch_of(environment.machine))


def list_rejected(knowledge_base: KnowledgeBase, environment: Environment) -> list[Rejection]:
    """Return every learning that was turned down, here or on a machine's branch as of the last sync, newest last."""
    entries = {
        entry.path: (entry.project, entry.learning, "here")
        for entry in knowledge_base.load().entries
        if entry.learning.status is Status.REJECTED
    }
    proposals = _open(knowledge_base, environment)
    for item in proposals.known():
        if item.learning.status is Status.REJECTED:
            entries.setdefault(item.path, (item.project, item.learning, branch_of(item.machine)))
    nobody = StatusNote(by="", at="", reason="")
    found = []
    for path, (project, learning, where) in entries.items():
        if path in proposals.waiting.ledger.again:
            continue
        note = learning.status_note or nobody
        found.append(Rejection(project, path, learning, note.reason, note.by, note.at, where))
    return sorted(found, key=lambda item: (item.at, item.path))


def reconsider(
    knowledge_base: KnowledgeBase, environment: Environment, prefixes: tuple[str, ...], reason: str
) -> list[Rejection]:
    """Take rejections back. In direct mode the learnings are unreviewed again, else they wait to be proposed anew.

    Until they arrive on main, a rejection that is there (or here) stays as it is.
    """
    rejected = list_rejected(knowledge_base, environment)
    found = [_find(rejected, prefix, "rejected learning") for prefix in prefixes]
    if knowledge_base.settings.review != PULL_REQUEST:
        here = tuple(f"{item.project}/{item.learning.id}" for item in found)
        decide(knowledge_base, environment, here, Status.UNREVIEWED, reason)
        return found
    repository = Repository(knowledge_base.root)
    with locked(repository, knowledge_base.settings.sync.lock_seconds):
        waiting = load_waiting(repository)
        note = StatusNote(by=environment.machine, at=utc(time.time()), reason=reason)
        for item in found:
            anew = msgspec.structs.replace(item.learning, status=Status.ACCEPTED, status_note=note)
            waiting.files[item.path] = knowledge_base.bytes_for(item.path, anew)
        again = (*waiting.ledger.again, *(item.path for item in found))
        waiting.note(again=tuple(dict.fromkeys(again)))
        waiting.save()
    return found


def turn_down(
    knowledge_base: KnowledgeBase, environment: Environment, prefixes: tuple[str, ...], reason: str
) -> list[Pending]:
    """Reject learnings that wait on this machine; the next sync takes them out of the pull request."""
    own = [item for item in list_pending(knowledge_base, environment).pending if item.state != "elsewhere"]
    found = [_find(own, prefix, "learning that waits on this machine") for prefix in prefixes]
    repository = Repository(knowledge_base.root)
    with locked(repository, knowledge_base.settings.sync.lock_seconds):
        waiting = load_waiting(repository)
        note = StatusNote(by=environment.machine, at=utc(time.time()), reason=reason)
        files = {item.path: reject_waiting(knowledge_base, waiting, item.path, note) for item in found}
        ids = ", ".join(item.learning.id for item in found)
        message = f"review: rejected {ids}\n\n{reason}\n\n{trailers(environment.machine)}"
        repository.commit_files(files, message, environment.machine)
        waiting.save()
    return found


def insist(knowledge_base: KnowledgeBase) -> None:
    """Propose all that waits once more, although its branch was deleted on the remote."""
    repository = Repository(knowledge_base.root)
    with locked(repository, knowledge_base.settings.sync.lock_seconds):
        waiting = load_waiting(repository)
        waiting.note(insist=True)
        waiting.save()


def release_waiting(knowledge_base: KnowledgeBase, repository: Repository) -> dict[str, bytes | None]:
    """Return what still waits as files of unreviewed learnings: the knowledge base is reviewed directly now.

    `forget_waiting` is called when these are committed.
    """
    waiting = load_waiting(repository)
    return {path: _as_unreviewed(knowledge_base, path, data) for path, data in waiting.files.items()}


def forget_waiting(repository: Repository) -> None:
    """Let nothing wait any more."""
    load_waiting(repository).refs.forget(REF)


def _as_unreviewed(knowledge_base: KnowledgeBase, path: str, data: bytes) -> bytes:
    learning = read_learning(knowledge_base, path, data)
    if learning is None or learning.status is not Status.ACCEPTED:
        return data
    return knowledge_base.bytes_for(path, msgspec.structs.replace(learning, status=Status.UNREVIEWED))


def _open(knowledge_base: KnowledgeBase, environment: Environment) -> Proposals:
    repository = Repository(knowledge_base.root)
    branch = repository.branch()
    report = SyncReport(environment.machine, str(knowledge_base.root), "")
    return Proposals(knowledge_base, repository, branch, repository.remote(branch), environment.machine, report)


def _find(items: list[HasLearning], prefix: str, what: str) -> HasLearning:
    folder, _, start = prefix.rpartition("/")
    found = [item for item in items if item.learning.id.startswith(start) and folder in ("", item.project)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise AgentContextError(f"no {what} has an id that begins with {prefix}", hint="list them without an id")
    names = ", ".join(f"{item.project}/{item.learning.id}" for item in found[:5])
    raise AgentContextError(f"{prefix} is the beginning of {len(found)} ids: {names}", hint="give more of it")
