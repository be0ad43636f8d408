"""Whether an agent that starts now in a checkout would read what it should: asked by the hook at a session's start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_context.delivery.documents import read_said
from agent_context.delivery.planning import Planner, today
from agent_context.delivery.rendering import render_for, settle, weigh_entries
from agent_context.git import locate_checkout
from agent_context.layout import PATTERNS
from agent_context.local_learnings import load_local
from agent_context.projects import Projects, identify
from agent_context.state import State
from agent_context.withholding import sift

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase


def find_undelivered(knowledge_base: KnowledgeBase, environment: Environment, cwd: Path, now: str) -> str:
    """Return what an agent starting in this folder would be given and its checkout lacks, missing or stale.

    Empty where all is in place, where nothing is to be installed, and where the folder is no checkout. `now` is UTC.
    """
    checkout = locate_checkout(cwd)
    if checkout is None:
        return ""
    projects = Projects(environment.own, knowledge_base.remotes())
    folder = identify(checkout, projects.remotes).folder
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
    return render_for(settings.targets[0], weigh_entries(entries, folder, today(now)), settings, read_said(top)).text
