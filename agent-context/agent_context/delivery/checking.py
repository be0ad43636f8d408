"""Whether an agent that starts now in a checkout would read what it should: asked by the hook at a session's start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_context.delivery.documents import read_said
from agent_context.delivery.handoffs import tell_handoff
from agent_context.delivery.planning import Planner, today
from agent_context.delivery.rendering import render_for, settle, weigh_entries
from agent_context.delivery.targets import BLOCK_FILES, find_own_files
from agent_context.git import locate_checkout
from agent_context.layout import PATTERNS
from agent_context.local_learnings import load_local
from agent_context.projects import Projects, identify
from agent_context.snippet import strip_comments
from agent_context.snippet.framing import say
from agent_context.state import State
from agent_context.withholding import sift

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase
    from agent_context.settings import SnippetSettings
    from agent_context.snippet import Said, Weighed


def find_undelivered(knowledge_base: KnowledgeBase, environment: Environment, cwd: Path, now: str) -> str:
    """Return what an agent starting in this folder would be given and its checkout lacks, missing or stale.

    What its files have already is not said again; and there are no comments, since no client would take them out.
    Empty where all is in place, where nothing is to be installed, and where the folder is no checkout of a project that
    is known. `now` is UTC.
    """
    checkout = locate_checkout(cwd)
    if checkout is None:
        return ""
    projects = Projects(environment.own, knowledge_base.remotes())
    folder = identify(checkout, projects.remotes).folder
    if folder not in knowledge_base.projects():
        return ""
    settings = settle(knowledge_base.settings, knowledge_base.project(folder))
    if not settings.install or not settings.targets:
        return ""
    read = [entry for part in (folder, PATTERNS) for entry in knowledge_base.load(part).entries]
    with State(environment.data_dir, knowledge_base.root, keep=False) as state:
        local = load_local(environment, knowledge_base, folder)
        entries = sift([*read, *local], knowledge_base.settings, state).entries
    projects.checkouts = {str(checkout.top): folder}
    plan = Planner(knowledge_base, environment, projects, today(now), only=folder).plan(entries)
    top = checkout.top.resolve()
    stale = any(item.top.resolve() == top and any(change.after for change in item.changes) for item in plan.deliveries)
    if not stale:
        return ""
    files = (top / name for name in (*find_own_files(top), *BLOCK_FILES) if (top / name).is_file())
    there = {line for file in files for line in file.read_text(encoding="utf-8", errors="replace").splitlines()}
    notes = [note for note in tell_handoff(knowledge_base, environment, folder, now) if note not in there]
    return _say_lacking(weigh_entries(entries, folder, today(now)), settings, read_said(top), notes, there)


def _say_lacking(
    weighed: Sequence[Weighed], settings: SnippetSettings, said: Said, notes: Sequence[str], read: set[str]
) -> str:
    """Return what an agent is given, without comments and without the learnings whose lines it `read` in its files."""
    given = render_for(settings.targets[0], weighed, settings, said, tuple(notes)).included
    lacking = [
        item
        for item in weighed
        if item.learning.id in given
        and read.isdisjoint(say(item.learning, commented=False, marked=marked) for marked in (False, True))
    ]
    if not lacking and not notes:
        return ""
    return strip_comments(render_for(settings.targets[0], lacking, settings, said, tuple(notes)).text)
