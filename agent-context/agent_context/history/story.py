"""A learning's whole story: what it says and why it is believed, what became of it, and the commits that made it so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.claims.confidence import find_confidence
from agent_context.claims.confirmations import count_by_machine
from agent_context.consolidation.aging import find_tops, sift_stale
from agent_context.git import Repository
from agent_context.git.history import History
from agent_context.learning import LIVING, Learning, utc
from agent_context.review.verdicts import read_learning
from agent_context.trailers import parse_trailers

if TYPE_CHECKING:
    from agent_context.claims.staleness import Doubt
    from agent_context.config import Environment
    from agent_context.git.history import Commit
    from agent_context.knowledge import Entry, KnowledgeBase

# Fields whose change is told in words; those of a list by what came and went.
TOLD = ("claim", "kind", "pinned", "review_after")
LISTS = ("tags", "paths", "supersedes", "why", "evidence")


@dataclass(frozen=True, slots=True)
class Related:
    """Another learning that this one superseded, or that superseded it; without a claim it is not here."""

    id: str
    project: str = ""
    claim: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One commit that changed the learning's file: when (UTC), on which machine, in which syncs, and what changed.

    `decisions` are the lines of its message that name the learning: with which score it was confirmed or merged.
    """

    commit: str
    at: str
    author: str
    machine: str
    syncs: tuple[str, ...]
    subject: str
    decisions: tuple[str, ...]
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """All of it; `steps` are oldest first. `seen` tells whether a checkout here could be looked into for doubts."""

    project: str
    path: str
    learning: Learning
    confidence: float
    sessions: int
    supersedes: tuple[Related, ...]
    superseded_by: tuple[Related, ...]
    doubts: tuple[Doubt, ...]
    seen: bool
    steps: tuple[Step, ...]


def tell(knowledge_base: KnowledgeBase, environment: Environment, prefix: str, now: str, *, days: int) -> Story:
    """Return the story of the learning whose id begins so. Raise AgentContextError for none or several."""
    entry = knowledge_base.find(prefix)
    learning = entry.learning
    heirs = {item.learning.id: item for item in knowledge_base.load(naming=learning.id).entries}
    doubts: tuple[Doubt, ...] = ()
    seen = False
    if learning.status in LIVING:
        aging = sift_stale([entry], find_tops(environment, knowledge_base.remotes()), now, days=days)
        doubts = aging.stale[0].doubts if aging.stale else ()
        seen = entry.project not in aging.unseen
    return Story(
        entry.project,
        entry.path,
        learning,
        round(find_confidence(learning, now), 2),
        count_by_machine(learning).total(),
        tuple(_relate(identity, knowledge_base.find_all(identity)) for identity in learning.supersedes),
        tuple(_relate(item, [other]) for item, other in heirs.items() if learning.id in other.learning.supersedes),
        doubts,
        seen,
        tuple(_find_steps(knowledge_base, entry)),
    )


def describe_changes(before: Learning | None, after: Learning | None) -> list[str]:
    """Say in words what became of a learning between two versions of its file (None: it was not there)."""
    if before is None or after is None:
        return [f"born as {after.status}"] if after is not None else ["removed"]
    changes = [
        f"{name}: {getattr(before, name)} -> {getattr(after, name)}"
        for name in TOLD
        if getattr(before, name) != getattr(after, name)
    ]
    if (before.status, before.status_note) != (after.status, after.status_note):
        note = after.status_note
        why = f" (by {note.by}, {note.at}: {note.reason})" if note else ""
        changes.append(f"status: {before.status} -> {after.status}{why}")
    for name in LISTS:
        old, new = getattr(before, name), getattr(after, name)
        changes += [f"{name}: + {item}" for item in new if item not in old]
        changes += [f"{name}: - {item}" for item in old if item not in new]
    changes += [f"said by {item.machine}/{item.session}" for item in after.sources if item not in before.sources]
    lost = [item for item in before.sources if item not in after.sources]
    changes += [f"no longer lists {item.machine}/{item.session}" for item in lost]
    if before.conflicts != after.conflicts:
        changes.append(f"open conflicts: {len(before.conflicts)} -> {len(after.conflicts)}")
    return changes


def _relate(identity: str, found: list[Entry]) -> Related:
    entry = next((item for item in found if item.learning.id == identity), None)
    return Related(identity, entry.project, entry.learning.claim) if entry else Related(identity)


def _find_steps(knowledge_base: KnowledgeBase, entry: Entry) -> list[Step]:
    """Return the commits that changed the file, oldest first; a merge only where it has what no side had."""
    repository, path = Repository(knowledge_base.root), entry.path
    tip = repository.tip()
    steps = []
    for commit in History(knowledge_base.root).walk(tip) if tip else ():
        after = repository.read_file(commit.id, path)
        before = [repository.read_file(parent, path) for parent in commit.parents] or [None]
        if after not in before:
            old, new = (_read(knowledge_base, path, data) for data in (before[0], after))
            steps.append(_make_step(commit, entry.learning.id, tuple(describe_changes(old, new))))
    return steps[::-1]


def _read(knowledge_base: KnowledgeBase, path: str, data: bytes | None) -> Learning | None:
    return read_learning(knowledge_base, path, data) if data is not None else None


def _make_step(commit: Commit, identity: str, changes: tuple[str, ...]) -> Step:
    origin = parse_trailers(commit.message)
    subject, _, body = commit.message.partition("\n")
    decisions = tuple(line for line in body.splitlines() if identity in line)
    machine = ", ".join(origin.machines)
    return Step(commit.id, utc(commit.at), commit.author, machine, origin.syncs, subject, decisions, changes)
