"""Look at what a project's agents are given, and at what the next sync would write, from a command."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from agent_context.delivery.documents import read_said
from agent_context.delivery.handoffs import tell_handoff
from agent_context.delivery.planning import Planner, today
from agent_context.delivery.rendering import render_for, settle, weigh_entries
from agent_context.git import locate_checkout
from agent_context.learning import utc
from agent_context.projects import Projects, identify
from agent_context.withholding import sift_all

if TYPE_CHECKING:
    from agent_context.config import Environment
    from agent_context.delivery.planning import Plan
    from agent_context.git import Checkout
    from agent_context.knowledge import KnowledgeBase
    from agent_context.settings import TargetName
    from agent_context.snippet import Snippet


def show_snippet(
    knowledge_base: KnowledgeBase, environment: Environment, project: str, target: TargetName | None = None
) -> Snippet:
    """Return what an agent working in the project is given, as a target has it (default: the project's first)."""
    settings = settle(knowledge_base.settings, knowledge_base.project(project))
    top = find_top(knowledge_base, environment, project)
    now = today(utc(time.time()))
    weighed = weigh_entries(sift_all(knowledge_base, environment).entries, project, now)
    notes = tell_handoff(knowledge_base, environment, project, now)
    chosen = target or (settings.targets[0] if settings.targets else "rules")
    return render_for(chosen, weighed, settings, read_said(top) if top else None, notes)


def plan_project(
    knowledge_base: KnowledgeBase, environment: Environment, project: str | None, *, remove: bool = False
) -> Plan:
    """Return what the next sync would write for a project (None: all), or what taking everything out would."""
    projects = Projects(environment.own, knowledge_base.remotes())
    unknown = _find_unknown(environment, projects, project)
    if unknown is not None and project is not None and remove:
        projects.checkouts[str(unknown.top)] = project
    planner = Planner(knowledge_base, environment, projects, today(utc(time.time())), remove=remove, only=project)
    plan = planner.plan(() if remove else sift_all(knowledge_base, environment).entries)
    if unknown is not None and not remove:
        what = "is not known yet: a session there, or agent-context projects map, makes it known"
        plan.notes.append(f"{unknown.top} {what}")
    return plan


def _find_unknown(environment: Environment, projects: Projects, project: str | None) -> Checkout | None:
    """Return the checkout of the project around us where no session was in it or in a sister worktree, that we know."""
    here = locate_checkout(environment.cwd)
    if here is None or identify(here, projects.remotes).folder != project:
        return None
    known = (locate_checkout(Path(path)) for path in (*projects.checkouts, *environment.own.mappings))
    commons = {checkout.common_dir for checkout in known if checkout is not None}
    return here if here.common_dir not in commons else None


def find_top(knowledge_base: KnowledgeBase, environment: Environment, project: str) -> Path | None:
    """Return a checkout of the project on this machine: the one around, else the first known that exists."""
    projects = Projects(environment.own, knowledge_base.remotes())
    known = {**projects.checkouts, **environment.own.mappings}
    for path in (environment.cwd, *(Path(path) for path, folder in known.items() if folder == project)):
        checkout = locate_checkout(path) if path.is_dir() else None
        if checkout is not None and identify(checkout, projects.remotes).folder == project:
            return checkout.top
    return None
