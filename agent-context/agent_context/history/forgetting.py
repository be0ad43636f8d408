"""Take back what came from one session, machine or extractor: retire what nothing else supports, lower the rest."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from agent_context.claims.confirmations import take_out
from agent_context.errors import AgentContextError
from agent_context.git import Repository, locked
from agent_context.handoff import parse_handoff
from agent_context.layout import HANDOFFS, PROJECTS, is_handoff_path
from agent_context.learning import LIVING, Learning, Source, Status, StatusNote, utc
from agent_context.trailers import trailers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_context.config import Environment
    from agent_context.handoff import Handoff
    from agent_context.knowledge import Entry, KnowledgeBase


@dataclass(frozen=True, slots=True)
class Origin:
    """What is to be forgotten: sources that match all that is given here. A session goes by the beginning of its id."""

    session: str = ""
    machine: str = ""
    extractor: str = ""

    def matches(self, source: Source) -> bool:
        """Tell whether a source is one of those."""
        return (
            source.session.startswith(self.session)
            and self.machine in ("", source.machine)
            and self.extractor in ("", source.extractor)
        )

    def wrote(self, handoff: Handoff) -> bool:
        """Tell whether a handoff is of that machine and session, of whose id it has the beginning."""
        session = handoff.session
        same = session.startswith(self.session) or (session and self.session.startswith(session))
        return bool(same) and self.machine in ("", handoff.device) and not self.extractor

    @property
    def words(self) -> str:
        """Return what is forgotten, as a phrase."""
        parts = {"session": self.session, "machine": self.machine, "extractor": self.extractor}
        return ", ".join(f"{name} {value}" for name, value in parts.items() if value)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The learnings retired because nothing else supports them, those that only lost sources, handoffs removed."""

    retired: tuple[Entry, ...]
    lowered: tuple[Entry, ...]
    handoffs: tuple[str, ...]


def forget(knowledge_base: KnowledgeBase, environment: Environment, origin: Origin, *, dry_run: bool) -> Forgotten:
    """Do so for the living learnings and the handoffs, in one commit.

    Raise AgentContextError where nothing says what to forget.
    """
    if not origin.words:
        raise AgentContextError("nothing says what to forget", hint="give --session, --machine or --extractor")
    now = utc(time.time())
    repository = Repository(knowledge_base.root)
    with locked(repository, knowledge_base.settings.sync.lock_seconds, dry_run=dry_run):
        touched = [entry for entry in knowledge_base.load().entries if _is_touched(entry.learning, origin)]
        changed = {entry.path: _without(entry.learning, origin, environment.machine, now) for entry in touched}
        handoffs = tuple(_find_handoffs(knowledge_base, origin))
        if (changed or handoffs) and not dry_run:
            files: dict[str, bytes | None] = dict.fromkeys(handoffs)
            files |= {path: knowledge_base.bytes_for(path, learning) for path, learning in changed.items()}
            message = f"forget: {origin.words}\n\n{trailers(environment.machine)}"
            repository.commit_files(files, message, environment.machine, own_edits=True)
    retired = tuple(entry for entry in touched if changed[entry.path].status is Status.RETIRED)
    return Forgotten(retired, tuple(entry for entry in touched if entry not in retired), handoffs)


def _find_handoffs(knowledge_base: KnowledgeBase, origin: Origin) -> Iterator[str]:
    """Yield the paths of the handoffs in git's files that came from there; one that does not open or read is left."""
    for file in sorted((knowledge_base.root / PROJECTS).glob(f"*/{HANDOFFS}/*")):
        path = file.relative_to(knowledge_base.root).as_posix()
        with suppress(OSError, AgentContextError):
            if is_handoff_path(path) and not file.is_symlink():
                text = knowledge_base.read_clear(path).decode("utf-8", "replace")
                if origin.wrote(parse_handoff(text, path)):
                    yield path


def _is_touched(learning: Learning, origin: Origin) -> bool:
    return learning.status in LIVING and learning != _lower(learning, origin)


def _lower(learning: Learning, origin: Origin) -> Learning:
    machine = origin.machine if origin == Origin(machine=origin.machine) else ""
    return take_out(learning, origin.matches, machine=machine)


def _without(learning: Learning, origin: Origin, machine: str, now: str) -> Learning:
    """Return the learning without those sources; retired, with them kept for the record, where no other is left."""
    left = _lower(learning, origin)
    if left.sources or left.confirmed:
        return left
    note = StatusNote(by=machine, at=now, reason=f"all of it came from {origin.words}")
    return msgspec.structs.replace(learning, status=Status.RETIRED, status_note=note)
