"""Plan what is written into every checkout and worktree on this machine, so that its agents are given what is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_context import changes
from agent_context.delivery.documents import read_said
from agent_context.delivery.handoffs import tell_handoff
from agent_context.delivery.rendering import render_for, settle, weigh_entries
from agent_context.delivery.targets import (
    BLOCK_FILES,
    EXCLUDED,
    Layout,
    begin_new,
    find_excluded,
    find_own_files,
    lay_out,
)
from agent_context.errors import AgentContextError
from agent_context.git import locate_checkout
from agent_context.git.outside import find_worktrees, list_tracked
from agent_context.local_learnings import LOCAL
from agent_context.projects import identify
from agent_context.snippet.blocks import BEGIN_MADE, is_ours, put_block, put_line, take_block, take_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from agent_context.changes import Change
    from agent_context.config import Environment
    from agent_context.git import Checkout
    from agent_context.knowledge import Entry, KnowledgeBase
    from agent_context.projects import Projects
    from agent_context.settings import SnippetSettings
    from agent_context.snippet import Weighed

BLOCKED_FOLDER = ".git"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is to change in one checkout, and how the project's git is to have it (`in_git` false: not at all)."""

    project: str
    top: Path
    changes: tuple[Change, ...]
    settings: SnippetSettings
    in_git: bool


@dataclass(slots=True)
class Plan:
    """What is to be done: first what git is told to pass over, then each checkout; places left alone, with reasons."""

    excludes: list[Change] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Given:
    """A project whose agents are to be given something: how, and what it is made of."""

    project: str
    settings: SnippetSettings
    entries: Sequence[Entry]
    now: str
    notes: tuple[str, ...] = ()

    @cached_property
    def all(self) -> list[Weighed]:
        """Return all that may be in a file that stays on this machine."""
        return weigh_entries(self.entries, self.project, self.now)

    @cached_property
    def public(self) -> list[Weighed]:
        """Return what may be in a file that a git has: nothing that is local to this machine, nothing encrypted."""
        entries = (entry for entry in self.entries if not (entry.is_sealed or entry.path.startswith(f"{LOCAL}/")))
        return weigh_entries(entries, self.project, self.now)


@dataclass(slots=True)
class Planner:
    """Plans for a machine. `remove` takes out all that is ours; `only` names the one project that is meant."""

    knowledge_base: KnowledgeBase
    environment: Environment
    projects: Projects
    now: str
    remove: bool = False
    only: str | None = None
    _excluded: dict[Path, set[bytes]] = field(default_factory=dict, init=False)

    def plan(self, entries: Sequence[Entry]) -> Plan:
        """Plan every checkout that still exists and is still the same project's."""
        plan = Plan()
        given: dict[str, Given | None] = {}
        done: set[Path] = set()
        for path, project in sorted({**self.projects.checkouts, **self.environment.own.mappings}.items()):
            if self.only not in (None, project):
                continue
            try:
                if project not in given:
                    given[project] = self._settle(project, entries)
                found = given[project]
                for top, checkout in self._find_tops(Path(path), project) if found else ():
                    if found and top.resolve() not in done:
                        done.add(top.resolve())
                        self._plan_checkout(found, top, checkout, plan)
            except OSError as error:
                plan.notes.append(f"{path} is left alone: {error.strerror or error}")
            except AgentContextError as error:
                plan.notes.append(f"{project} is left alone: {error.advice}")
        for exclude, lines in self._excluded.items():
            try:
                plan.excludes += changes.plan({exclude: _edit_exclude(exclude, lines)})
            except OSError as error:
                plan.notes.append(f"{exclude} is left alone: {error.strerror or error}")
        return plan

    def _settle(self, project: str, entries: Sequence[Entry]) -> Given | None:
        """Return what a project is given; None where nothing is installed for it."""
        settings = settle(self.knowledge_base.settings, self.knowledge_base.project(project))
        if self.remove:
            return Given(project, msgspec.structs.replace(settings, targets=()), (), self.now)
        if not settings.install:
            return None
        notes = tell_handoff(self.knowledge_base, self.environment, project, self.now)
        return Given(project, settings, entries, self.now, notes)

    def _find_tops(self, path: Path, project: str) -> Iterator[tuple[Path, Checkout | None]]:
        """Yield the top folders that a known path stands for; none where it is no longer this project's."""
        if not path.is_dir():
            return
        mapped = str(path) in self.environment.own.mappings
        checkout = locate_checkout(path)
        if checkout is None:
            if mapped:
                yield path, None
        elif mapped or identify(checkout, self.projects.remotes).folder == project:
            for top in find_worktrees(checkout):
                yield top, checkout

    def _plan_checkout(self, given: Given, top: Path, checkout: Checkout | None, plan: Plan) -> None:
        layout = Layout()
        if (top / ".claude").resolve() == self.environment.claude_dir.resolve():
            plan.notes.append(f"{top} is left alone: it holds the agent's own configuration folder")
            return
        said = read_said(top) if given.settings.targets and given.all else None
        seen = given.settings.commit or bool(list_tracked(top, find_own_files(top)))
        for target in given.settings.targets:
            shared = seen or target in ("claude-md", "agents-md")
            snippet = render_for(target, given.public if shared else given.all, given.settings, said, given.notes)
            lay_out(target, snippet, top, layout)
        desired, made = _desire(top, layout, plan.notes)
        if checkout is not None:
            lines = self._excluded.setdefault((checkout.common_dir / "info" / "exclude").resolve(), set())
            lines.update(() if given.settings.commit else find_excluded(layout, made))
        found = tuple(changes.plan(desired))
        if found or given.settings.commit:
            in_git = given.settings.commit and checkout is not None and top != self.knowledge_base.root
            plan.deliveries.append(Delivery(given.project, top, found, given.settings, in_git))


def today(now: str) -> str:
    """Return the beginning of a time's day (UTC): a score that fades by the hour would rewrite files by the hour."""
    return f"{now[:10]}T00:00:00Z"


def _desire(top: Path, layout: Layout, notes: list[str]) -> tuple[dict[Path, bytes | None], set[str]]:
    """Return the bytes that each file is to have, and which files exist only for our block."""
    desired: dict[Path, bytes | None] = {}
    made: set[str] = set()
    for name in dict.fromkeys((*find_own_files(top), *layout.files)):
        reason = _refuse(top, name, whole=True)
        if reason:
            layout.files.pop(name, None)
            notes.append(f"{top / name} is left alone: {reason}")
        else:
            desired[top / name] = layout.files.get(name)
    for name in dict.fromkeys((*BLOCK_FILES, *layout.blocks)):
        target = (top / name).resolve()
        if target in desired or (not target.is_file() and name not in layout.blocks):
            continue
        reason = _refuse(top, name, whole=False)
        if not reason:
            try:
                data = target.read_bytes() if target.is_file() else None
                desired[target] = _edit(data, _join(layout, top, target), begin_new(name, top))
            except ValueError as error:
                reason = str(error)
        if reason and name in layout.blocks:
            notes.append(f"{top / name} is left alone: {reason}")
        elif BEGIN_MADE.encode() in (desired.get(target) or b""):
            made.add(name)
    return desired, made


def _join(layout: Layout, top: Path, target: Path) -> str:
    """Return the texts for the block of one file, which several names may lead to."""
    texts = (text for name, items in layout.blocks.items() if (top / name).resolve() == target for text in items)
    return "\n\n".join(dict.fromkeys(text.strip() for text in texts if text.strip()))


def _edit(data: bytes | None, text: str, head: str) -> bytes | None:
    if text:
        return put_block(data, text, head)
    return None if data is None else take_block(data)


def _refuse(top: Path, name: str, *, whole: bool) -> str:
    """Return why a file of this name may not be written, or an empty string."""
    target = (top / name).resolve()
    if not target.is_relative_to(top.resolve()) or BLOCKED_FOLDER in target.relative_to(top.resolve()).parts:
        return "a symbolic link leads out of the checkout"
    if target.is_dir():
        return "a folder has that name"
    if whole and target.exists() and not is_ours(target.read_bytes()):
        return "a file of your own has that name"
    return ""


def _edit_exclude(path: Path, lines: Collection[bytes]) -> bytes | None:
    """Return the exclude file with these lines of ours and no others; None where nothing is left of it."""
    before = path.read_bytes() if path.is_file() else None
    data = before or b""
    for line in EXCLUDED.values():
        data = put_line(data, line) if line in lines else take_line(data, line)
    return data if data or before == b"" else None
