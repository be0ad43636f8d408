"""Hand what a knowledge base says to the agents of this machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent_context.delivery.applying import carry_out
from agent_context.delivery.planning import Planner, today
from agent_context.learning import utc
from agent_context.local_learnings import load_local
from agent_context.spool import note_handed
from agent_context.withholding import sift

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_context.config import Environment
    from agent_context.knowledge import Entry, KnowledgeBase
    from agent_context.projects import Projects
    from agent_context.reports import SyncReport
    from agent_context.state import State


def hand_out(
    knowledge_base: KnowledgeBase,
    environment: Environment,
    projects: Projects,
    state: State,
    report: SyncReport,
    learned: Iterable[Entry] = (),
) -> None:
    """Bring what agents are given up to date, and name the files that do not read. `learned` is not written yet."""
    contents = knowledge_base.load()
    unread = [error.advice for error in contents.problems]
    report.problems += [advice for advice in unread if advice not in report.problems]
    report.learnings = len(contents.entries)
    report.conflicts = sum(bool(entry.learning.conflicts) for entry in contents.entries)
    settings = knowledge_base.settings
    local = load_local(environment, knowledge_base)
    sifted = sift([*contents.entries, *learned, *local], settings, state)
    report.withheld = [f"{item.entry.project}/{item.entry.learning.id} ({item.reason})" for item in sifted.withheld]
    planner = Planner(knowledge_base, environment, projects, today(utc(time.time())))
    outcome = carry_out(planner.plan(sifted.entries), dry_run=report.dry_run)
    report.snippets += outcome.written
    report.notes += outcome.notes
    report.problems += outcome.problems
    if not (report.dry_run or report.problems):
        note_handed(environment.data_dir, knowledge_base.root)
