"""Look up what learnings name in their projects' checkouts, and say which of them may no longer hold."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from agent_context.claims.staleness import Doubt, Sort, find_doubts, find_references
from agent_context.git import Snapshot, find_commit_at, locate_checkout
from agent_context.layout import PATTERNS
from agent_context.learning import LIVING
from agent_context.projects import identify

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent_context.claims.staleness import Reference
    from agent_context.config import Environment
    from agent_context.knowledge import Entry, KnowledgeBase

TARGET_FILES = ("Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", "package.json")


@dataclass(frozen=True, slots=True)
class Stale:
    """A learning that may no longer hold, and why."""

    entry: Entry
    doubts: tuple[Doubt, ...]


@dataclass(slots=True)
class Aging:
    """What was found, and the projects that could not be looked into: they have no checkout on this machine."""

    stale: list[Stale] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)


def find_stale(
    knowledge_base: KnowledgeBase, environment: Environment, project: str | None, now: str, *, days: int
) -> Aging:
    """Return the living learnings with doubts, most first. `days` without a confirmation are one (0: never)."""
    tops = find_tops(environment, knowledge_base.remotes())
    return sift_stale(knowledge_base.load_named(project).entries, tops, now, days=days)


def sift_stale(read: Iterable[Entry], tops: Mapping[str, Path], now: str, *, days: int) -> Aging:
    """Return those of these learnings that are living and in doubt, as find_stale does; `tops` are their checkouts."""
    aging = Aging()
    by_project: dict[str, list[Entry]] = {}
    for entry in read:
        if entry.learning.status in LIVING:
            by_project.setdefault(entry.project, []).append(entry)
    for folder, entries in by_project.items():
        if folder not in tops and folder != PATTERNS:
            aging.unseen.append(folder)
        gone = find_gone(entries, tops[folder]) if folder in tops else {}
        for entry in entries:
            doubts = find_doubts(entry.learning, gone.get(entry.path, []), now, days=days)
            if doubts:
                aging.stale.append(Stale(entry, tuple(doubts)))
    aging.stale.sort(key=lambda stale: (-len(stale.doubts), stale.entry.path))
    return aging


def find_tops(environment: Environment, remotes: Mapping[str, str]) -> dict[str, Path]:
    """Return for each project one checkout of it on this machine."""
    tops: dict[str, Path] = {}
    for path, folder in sorted({**environment.own.checkouts, **environment.own.mappings}.items()):
        checkout = locate_checkout(Path(path)) if Path(path).is_dir() else None
        if checkout is not None and (path in environment.own.mappings or identify(checkout, remotes).folder == folder):
            tops.setdefault(folder, checkout.top)
    return tops


def find_gone(entries: Iterable[Entry], top: Path) -> dict[str, list[Reference]]:
    """Return, by the learning's path, what it names that was there when it was born and is not in HEAD."""
    named = {entry.path: (entry.learning.created, find_references(entry.learning)) for entry in entries}
    head = Snapshot(top, "HEAD")
    here = _find_there(head, [reference for _, references in named.values() for reference in references])
    gone: dict[str, list[Reference]] = {}
    births: dict[str, Snapshot] = {}
    for path, (created, references) in named.items():
        missing = [reference for reference in references if reference not in here]
        if missing:
            commit = find_commit_at(top, created)
            births.setdefault(commit, Snapshot(top, commit) if commit else head)
            there = _find_there(births[commit], missing)
            gone[path] = [reference for reference in missing if reference in there]
    return gone


def _find_there(snapshot: Snapshot, references: list[Reference]) -> set[Reference]:
    """Return the references that the snapshot holds."""
    targets = "\n".join(snapshot.read(name) for name in TARGET_FILES)
    there = {item for item in references if item.sort is Sort.TARGET and _is_target(item.text, targets)}
    there |= {item for item in references if item.sort is Sort.PATH and _is_path(item.text, snapshot.files)}
    words = [item for item in references if item.sort not in (Sort.TARGET, Sort.PATH)]
    found = snapshot.find_words({item.text for item in words})
    return there | {item for item in words if item.text in found}


def _is_target(name: str, text: str) -> bool:
    return re.search(rf'(?m)^(?:{re.escape(name)}\b[^:=\n]*:|\s*"{re.escape(name)}"\s*:)', text) is not None


def _is_path(path: str, files: Mapping[str, object]) -> bool:
    """Tell whether a path, folder or glob names a file; one without a folder may lie in any."""
    plain = path.rstrip("/")
    if any(sign in plain for sign in "*?["):
        return any(fnmatchcase(file, plain) for file in files)
    return plain in files or any(
        file.startswith(f"{plain}/") or file.endswith(f"/{plain}") or f"/{plain}/" in file for file in files
    )
