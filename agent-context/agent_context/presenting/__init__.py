"""Collect from a knowledge base, and from the machine that builds it, what its site shows."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from agent_context.claims.staleness import find_doubts
from agent_context.delivery.rendering import render
from agent_context.errors import AgentContextError
from agent_context.layout import PATTERNS, Project
from agent_context.learning import LIVING, Status
from agent_context.presenting.machine import find_gone_here, look_around
from agent_context.presenting.opposing import find_opposed
from agent_context.presenting.relating import relate
from agent_context.presenting.removing import is_clean_beside, redact, say_broken, say_withheld, sift_once
from agent_context.presenting.tools import read_handoffs, read_tools
from agent_context.site.holdings import Given, GivenLine, Health, Shelf, SiteInput
from agent_context.snippet import Place
from agent_context.state import name_of_clone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from agent_context.config import Environment
    from agent_context.knowledge import Contents, Entry, KnowledgeBase
    from agent_context.site.holdings import Note
    from agent_context.snippet import Judged
    from agent_context.state import State

DOCS = "agent-context/docs"
TITLE = "Agent context"
UNSAID_DAYS = 365
MOST_LINES = 60


@dataclass(frozen=True, slots=True)
class _Held:
    """What may be shown, by folder, what may not be by why, and what to tell of it."""

    by_folder: dict[str, list[Entry]]
    about: dict[str, Project]
    health: Health
    problems: tuple[str, ...]


def collect_site(
    knowledge_base: KnowledgeBase, now: str, state: State | None = None, environment: Environment | None = None
) -> SiteInput:
    """Return all that the site shows: no learning that is encrypted, local, in quarantine or withheld is in it.

    `now` is UTC, `YYYY-MM-DDTHH:MM:SSZ`; ages on the site are counted from it. With `environment`, what this machine
    alone knows is shown too: its syncs, its sessions, what is gone from its checkouts.
    """
    settings = knowledge_base.settings.site
    public = settings.visibility == "public"
    cleared = environment.data_dir / f"site-{name_of_clone(knowledge_base.root)}.clean" if environment else None
    held = _hold(knowledge_base, knowledge_base.load(), state, cleared)
    handoffs = {} if public else read_handoffs(knowledge_base)
    shown = [entry for entries in held.by_folder.values() for entry in entries]
    around = look_around(knowledge_base, environment, state, now, held.health)
    servers, skills, troubles = read_tools(knowledge_base, public=public)
    related = relate(shown, knowledge_base.settings.consolidation.encoder, state)
    return SiteInput(
        title=TITLE,
        shelves=tuple(_shelve(knowledge_base, held, handoffs, now)),
        problems=(*held.problems, *troubles),
        evidence=settings.evidence and not public,
        guide=_find_guide(knowledge_base.root),
        generated=now,
        public=public,
        url=settings.url,
        web=None if public else around.web,
        health=around.health,
        allow=knowledge_base.settings.allow,
        machines=() if public else around.machines,
        syncs=() if public else around.syncs,
        outcomes={} if public else around.outcomes,
        doubts=_find_doubts(knowledge_base, environment, held.by_folder, now),
        related=related,
        opposed=find_opposed(shown, related),
        servers=servers,
        skills=skills,
    )


def _find_guide(root: Path) -> Path | None:
    """Return the program's documentation: the knowledge base's own, else what came with the program."""
    package = resources.files("agent_context")
    with resources.as_file(package) as folder:
        places = (root / DOCS, folder / "data" / "guide", folder.parent / "docs")
        return next((place for place in places if (place / "index.md").is_file()), None)


def _hold(knowledge_base: KnowledgeBase, contents: Contents, state: State | None, cleared: Path | None) -> _Held:
    public = knowledge_base.settings.site.visibility == "public"
    problems = [say_broken(error) for error in contents.problems]
    about = {PATTERNS: Project("Patterns")}
    for folder in knowledge_base.projects():
        about[folder] = Project(folder)
        try:
            about[folder] = knowledge_base.project(folder)
        except AgentContextError as error:
            problems.append(error.advice.replace(f"{knowledge_base.root}/", ""))
    hidden = {folder for folder, project in about.items() if project.local or project.encrypted}
    open_ = [entry for entry in contents.entries if not entry.is_sealed and entry.project not in hidden]
    quarantined = [entry for entry in open_ if entry.learning.status is Status.QUARANTINED]
    rest = (entry for entry in open_ if entry.learning.status is not Status.QUARANTINED)
    sifted = sift_once(rest, knowledge_base.settings, state, cleared)
    unclean = [entry for entry in sifted.entries if not is_clean_beside(entry)]
    bad = {entry.path for entry in unclean}
    problems += [say_withheld(item.entry, item.reason) for item in sifted.withheld]
    problems += [say_withheld(entry, "its sources or notes hold a secret") for entry in unclean]
    by_folder: dict[str, list[Entry]] = {folder: [] for folder in about if folder not in hidden}
    for entry in (entry for entry in sifted.entries if entry.path not in bad):
        by_folder[entry.project].append(redact(entry) if public else entry)
    kept_back = len(contents.entries) - len(open_) + len(contents.sealed)
    health = Health(len(sifted.withheld) + len(unclean), len(quarantined), kept_back)
    told = (f"{len(problems)} in all; agent-context check names them",) if public and problems else tuple(problems)
    return _Held(by_folder, about, health, told)


def _shelve(
    knowledge_base: KnowledgeBase, held: _Held, handoffs: Mapping[str, tuple[Note, ...]], now: str
) -> Iterable[Shelf]:
    patterns = held.by_folder[PATTERNS]
    for folder, entries in held.by_folder.items():
        about = held.about[folder]
        given = None if folder == PATTERNS else _give(knowledge_base, folder, [*entries, *patterns], about, now)
        yield Shelf(folder, about.name, tuple(entries), given, handoffs.get(folder, ()))


def _give(knowledge_base: KnowledgeBase, folder: str, entries: list[Entry], about: Project, now: str) -> Given:
    """Return what agents are given in one project today."""
    snippet = render(entries, folder, knowledge_base.settings, now, about)
    lines = [
        GivenLine(judged.learning.id, judged.place.value, _say_why(judged))
        for judged in sorted(snippet.judged, key=lambda judged: judged.place is Place.OUT)[:MOST_LINES]
    ]
    return Given(snippet.text, snippet.tokens, snippet.budget, tuple(lines))


def _say_why(judged: Judged) -> str:
    factors = {"sure": judged.confidence, "recent": judged.recency, "relevant": judged.relevance}
    return f"{judged.reason} ({', '.join(f'{name} {value:.0%}' for name, value in factors.items())})"


def _find_doubts(
    knowledge_base: KnowledgeBase, environment: Environment | None, by_folder: dict[str, list[Entry]], now: str
) -> dict[str, tuple[str, ...]]:
    """Return why living learnings may no longer hold, by path."""
    gone = find_gone_here(knowledge_base, environment, by_folder) if environment else {}
    found: dict[str, tuple[str, ...]] = {}
    for entry in (entry for entries in by_folder.values() for entry in entries):
        if entry.learning.status in LIVING:
            doubts = find_doubts(entry.learning, gone.get(entry.path, []), now, days=UNSAID_DAYS)
            if doubts:
                found[entry.path] = tuple(f"{doubt.rule}: {doubt.detail}" for doubt in doubts)
    return found
