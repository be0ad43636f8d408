"""Tell from the sessions themselves which learnings reached which session, how often, and whether they were of use."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from agent_context.archive import ARCHIVE, Archive
from agent_context.claims.staleness import CODE, LEAST
from agent_context.delivery.documents import read_said
from agent_context.delivery.rendering import render
from agent_context.delivery.showing import find_top
from agent_context.errors import AgentContextError
from agent_context.harvest.extraction import find_sessions
from agent_context.layout import PATTERNS
from agent_context.learning import LIVING
from agent_context.local_learnings import load_local
from agent_context.projects import Projects
from agent_context.snippet import Place
from agent_context.snippet.arriving import Recogniser
from agent_context.transcripts.instructions import Acted, Given, Started, read_instructions
from agent_context.transcripts.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase
    from agent_context.learning import Learning
    from agent_context.snippet import Snippet

ENOUGH = 5  # sessions after which a learning that none of them named is said to be unused
DAY = 86_400


@dataclass(slots=True)
class Arrived:
    """One session: whether its transcript records instructions at all, and the learnings that reached it."""

    session: str
    cwd: str
    at: str
    tells: bool = False
    ids: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Reach:
    """One learning: how many sessions it reached, when last, how many of them then named what it names.

    `used` is None where it names nothing that could be found again. `why`: what to know of one that reached none or is
    of no use; empty where all is well.
    """

    id: str
    project: str
    claim: str
    sessions: int
    last: str
    used: int | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class ProjectArrival:
    """One project: its sessions, those that tell of instructions, those that were given learnings, each learning."""

    project: str
    sessions: int
    telling: int
    reached: tuple[Arrived, ...]
    learnings: tuple[Reach, ...]


def find_arrivals(
    knowledge_base: KnowledgeBase, environment: Environment, project: str | None, now: str, *, days: int
) -> list[ProjectArrival]:
    """Read the sessions on this machine, archived copies included, and tell what reached them, project by project.

    `days`: what reached no session for so long is said to be long unused. `now` is UTC.
    """
    entries = knowledge_base.load_named(project if project != PATTERNS else None).entries
    patterns = () if project is None else knowledge_base.load(PATTERNS).entries
    local = load_local(environment, knowledge_base, project)
    known = [entry for entry in (*entries, *patterns, *local) if entry.learning.status in LIVING]
    projects = Projects(environment.own, knowledge_base.remotes())
    found: dict[str, list[Arrived]] = {}
    for arrived in _read_all(environment, [entry.learning for entry in known]):
        place = projects.place(Session(id=arrived.session, path=environment.cwd, cwd=arrived.cwd)).folder
        found.setdefault(place, []).append(arrived)
    named = [project] if project is not None else sorted({entry.project for entry in known} - {PATTERNS})
    summed = []
    for folder in named:
        top = find_top(knowledge_base, environment, folder)
        about = knowledge_base.project(folder)
        snippet = render(known, folder, knowledge_base.settings, now, about, read_said(top) if top else None)
        summed.append(_sum_up(folder, found.get(folder, []), snippet, (now, days)))
    return summed


def read_arrival(
    name: str, lines: Iterable[bytes], recogniser: Recogniser, signs: Mapping[str, tuple[bytes, ...]]
) -> Arrived | None:
    """Return what one session was given and used; None where nothing in it says where it was.

    `signs`: by learning, what shows in a record that it was of use.
    """
    arrived = None
    for item in read_instructions(lines):
        if isinstance(item, Started):
            arrived = Arrived(name, item.cwd, item.at)
        elif arrived is not None and isinstance(item, Given):
            arrived.tells = arrived.tells or bool(item.path)
            if recognised := recogniser.read(item.text):
                arrived.ids |= recognised.ids
                arrived.unknown += recognised.unknown
        elif arrived is not None and isinstance(item, Acted):
            unused = arrived.ids - arrived.used
            arrived.used |= {item_id for item_id in unused if any(sign in item.line for sign in signs[item_id])}
    return arrived


def _read_all(environment: Environment, known: Sequence[Learning]) -> Iterable[Arrived]:
    """Return every session that says where it was; what its subagents were given counts as its own."""
    recogniser = Recogniser.of(known)
    signs = {learning.id: _find_signs(learning) for learning in known}
    found: dict[str, Arrived] = {}
    for name, lines in _list_sessions(environment):
        arrived = read_arrival(name, lines, recogniser, signs)
        if arrived is not None and arrived.cwd:
            whole = found.setdefault(name, arrived)
            whole.tells = whole.tells or arrived.tells
            whole.ids |= arrived.ids
            whole.used |= arrived.used
    return found.values()


def _list_sessions(environment: Environment) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield every session's name and lines: the files that are there, then copies of those that are gone."""
    present = set()
    for _, path in find_sessions(environment.agent_homes):
        present.add(str(path))
        if path.is_file():
            nested = "subagents" in path.parts
            yield path.parts[path.parts.index("subagents") - 1] if nested else path.stem, _read_lines(path)
    archive = Archive(environment.data_dir / ARCHIVE)
    for copy in archive.copies():
        if copy.path not in present:
            try:
                yield copy.name.rpartition("-")[0], b"".join(archive.lines(copy)).splitlines()
            except AgentContextError:
                continue


def _read_lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError:
        return


def _find_signs(learning: Learning) -> tuple[bytes, ...]:
    """Return what would show in a session that the learning was of use: its code spans, as bytes of a record."""
    names = (name for name in CODE.findall(learning.claim) if len(name) >= LEAST)
    return tuple(json.dumps(name, ensure_ascii=False)[1:-1].encode() for name in names)


def _sum_up(folder: str, sessions: Sequence[Arrived], snippet: Snippet, when: tuple[str, int]) -> ProjectArrival:
    """Count for each learning of a project (and each pattern that arrived there) where it went; `when`: now, days."""
    reached = tuple(sorted((item for item in sessions if item.ids), key=lambda item: (item.at, item.session)))
    learnings = []
    for judged in snippet.judged:
        learning = judged.learning
        to = [item for item in reached if learning.id in item.ids]
        if judged.project == PATTERNS and not to:
            continue
        last = max((item.at for item in to), default="")
        used = sum(learning.id in item.used for item in to) if _find_signs(learning) else None
        given = "it is given, but no session tells of it" if judged.place is Place.ALWAYS else judged.reason
        why = _find_fault(len(to), last, used, when) if to else f"never: {given}"
        learnings.append(Reach(learning.id, judged.project, learning.claim, len(to), last, used, why))
    telling = sum(item.tells for item in sessions)
    return ProjectArrival(folder, len(sessions), telling, reached, tuple(learnings))


def _find_fault(sessions: int, last: str, used: int | None, when: tuple[str, int]) -> str:
    """Return why a learning that arrives may not be worth its room, or an empty string."""
    now, days = when
    age = int((datetime.fromisoformat(now) - datetime.fromisoformat(last)).total_seconds() / DAY) if last else 0
    if age > days:
        return f"long unused: it reached no session for {age} days"
    return f"unused: none of {sessions} sessions took up what it names" if used == 0 and sessions >= ENOUGH else ""
