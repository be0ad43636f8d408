"""What a person decides about candidates in quarantine: let one through for good, or drop it for good."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import msgspec

from agent_context.config import KB_FILE
from agent_context.errors import AgentContextError
from agent_context.git import Repository, locked
from agent_context.knowledge import KnowledgeBase
from agent_context.learning import Status, one_paragraph
from agent_context.projects import Place
from agent_context.review.reviewing import add_learnings
from agent_context.screening.allowing import append_allowances, cut_found
from agent_context.settings import Settings
from agent_context.trailers import trailers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_context.config import Environment
    from agent_context.learning import Candidate
    from agent_context.quarantine import Held, Quarantine
    from agent_context.reports import Learned
    from agent_context.screening.guarding import Guard

LOOKED = "a person looked at it and released it from quarantine"


def release(
    knowledge_base: KnowledgeBase,
    environment: Environment,
    quarantine: Quarantine,
    held: Held,
    guard: Guard,
    reason: str = "",
) -> Learned:
    """Make a held candidate an accepted learning, and allow by hash what was found in it, so that no gate stops it.

    Raise AgentContextError, with the candidate still held, when it is known already or may not be allowed.
    """
    found = list(find_stopping(held.candidate, guard))
    if found:
        _allow(knowledge_base, environment, found, reason or LOOKED)
    opened = KnowledgeBase(knowledge_base.root, knowledge_base.sealer)
    place = Place(held.project, held.remote, "quarantine")
    added = add_learnings(opened, environment, [held.candidate], place, Status.ACCEPTED, verb="release")
    if not added.learned:
        dropped = added.dropped[0]
        raise AgentContextError(
            f"{held.id} was not added: {dropped.reason} {dropped.detail}",
            hint=f"it still waits; agent-context quarantine drop {held.id} lets it go",
        )
    quarantine.remove(held)
    return added.learned[0]


def find_stopping(candidate: Candidate, guard: Guard) -> Iterator[str]:
    """Yield what in a candidate's texts, or in those of its learning, would stop it; personal words are replaced."""
    texts = (candidate.claim, candidate.why, *(quote.quote for quote in candidate.evidence))
    for text in dict.fromkeys((*texts, *map(one_paragraph, texts), *candidate.tags, *candidate.paths)):
        yield from (cut_found(text, finding) for finding in guard.find(text) if finding.kind != "personal")


def _allow(knowledge_base: KnowledgeBase, environment: Environment, found: list[str], reason: str) -> None:
    """Add allowances to the knowledge base's settings in a commit of their own; the rest of the file stays as it is."""
    repository = Repository(knowledge_base.root)
    path = knowledge_base.root / KB_FILE
    with locked(repository, knowledge_base.settings.sync.lock_seconds):
        before = path.read_text(encoding="utf-8")
        after = append_allowances(before, found, reason)
        try:
            msgspec.convert(tomllib.loads(after), Settings)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise AgentContextError(
                f"{path} cannot take an [[allow]] entry at its end: {error}",
                hint="write your allowances as [[allow]] tables, not as one list, then release it again",
            ) from None
        if after != before:
            message = f"allow: {reason}\n\n{trailers(environment.machine)}"
            repository.commit_files({KB_FILE: after.encode()}, message, environment.machine, own_edits=True)
