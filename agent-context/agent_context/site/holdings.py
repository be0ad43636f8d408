"""All that the site is made from, collected by others: values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent_context.journal import Entry as Synced
    from agent_context.knowledge import Entry
    from agent_context.machines import Known
    from agent_context.settings import Allowance


@dataclass(frozen=True, slots=True)
class GivenLine:
    """One learning that agents are given, or not, and why."""

    learning: str
    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Given:
    """What an agent in one project is given today: the text, its tokens of how many, and why each line is in."""

    text: str
    tokens: int
    budget: int
    lines: tuple[GivenLine, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """One part of a handoff: a heading and foreign Markdown."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """A handoff as a machine left it: when (UTC), on which branch, its parts; `withheld` says why they are not here."""

    machine: str
    at: str
    branch: str
    passages: tuple[Passage, ...]
    withheld: str = ""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The learnings of one project, or the patterns: its folder, its name for people, what it holds."""

    folder: str
    name: str
    entries: tuple[Entry, ...]
    given: Given | None = None
    handoffs: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Tool:
    """A server or a skill: who has which state of it (machine to state), its own text (foreign Markdown), its files."""

    name: str
    about: str
    states: Mapping[str, str]
    text: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Web:
    """Where the knowledge base's files can be edited and their history seen: addresses that end where a path begins."""

    edit: str
    history: str


@dataclass(frozen=True, slots=True)
class Health:
    """How many learnings are here and not on the site, by why."""

    withheld: int = 0
    quarantined: int = 0
    kept_back: int = 0


@dataclass(frozen=True, slots=True)
class Near:
    """A learning (by its path) near to another, and how near: 0 to 100."""

    path: str
    score: int


@dataclass(frozen=True, slots=True)
class Opposed:
    """Two learnings, by their paths, that seem to contradict each other, and in what."""

    one: str
    other: str
    reason: str


@dataclass(frozen=True, slots=True)
class SiteInput:
    """All that the site shows. `generated` is UTC; `guide` a folder of our own Markdown; `problems` did not read.

    `doubts` and `related` go by a learning's path; `allow` is what a person lets through the screen. `outcomes` counts
    this machine's sessions by what became of them.
    """

    title: str
    shelves: tuple[Shelf, ...]
    problems: tuple[str, ...]
    evidence: bool
    guide: Path | None
    generated: str
    public: bool = False
    url: str = ""
    web: Web | None = None
    health: Health = Health()
    allow: tuple[Allowance, ...] = ()
    machines: tuple[Known, ...] = ()
    syncs: tuple[Synced, ...] = ()
    outcomes: Mapping[str, int] = field(default_factory=dict)
    doubts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    related: Mapping[str, tuple[Near, ...]] = field(default_factory=dict)
    opposed: tuple[Opposed, ...] = ()
    servers: tuple[Tool, ...] = ()
    skills: tuple[Tool, ...] = ()
