"""Carry a plan out: each file whole or not at all, then the project's own git where it is to have them."""

from __future__ import annotations

import difflib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent_context import changes
from agent_context.errors import AgentContextError
from agent_context.git.outside import commit_alone, has_waiting, push_alone
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.changes import Change
    from agent_context.delivery.planning import Delivery, Plan

SUBJECT = "agent-context: what agents are given here"
EMPTIED = (".claude/rules/agent-context", ".claude/rules", ".claude", ".cursor/rules", ".cursor")


@dataclass(slots=True)
class Outcome:
    """What became of a plan: files written (`project: path`), what is left to know, and what went wrong."""

    written: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def carry_out(plan: Plan, *, dry_run: bool = False) -> Outcome:
    """Write what is planned, commit and push where so set. A dry run only lists it."""
    outcome = Outcome(notes=list(plan.notes))
    if not dry_run:
        for change in plan.excludes:
            with suppress(OSError):
                _apply(change, outcome)
    for delivery in plan.deliveries:
        done = True
        for change in delivery.changes:
            if dry_run or _apply(change, outcome):
                gone = " (removed)" if change.after is None else ""
                outcome.written.append(f"{delivery.project}: {change.path}{gone}")
            else:
                done = False
        if not dry_run:
            _tidy(delivery)
            if delivery.in_git and done:
                _record(delivery, outcome)
    return outcome


def show(change: Change, top: Path) -> str:
    """Return a change as a unified diff, with nothing hidden in it."""
    name = change.path.relative_to(top).as_posix() if change.path.is_relative_to(top) else str(change.path)
    before, after = (
        show_hidden((data or b"").decode("utf-8", "replace")).splitlines() for data in (change.before, change.after)
    )
    old = "/dev/null" if change.before is None else f"a/{name}"
    new = "/dev/null" if change.after is None else f"b/{name}"
    return "\n".join(difflib.unified_diff(before, after, old, new, lineterm=""))


def _apply(change: Change, outcome: Outcome) -> bool:
    try:
        changes.apply([change])
    except AgentContextError as error:
        outcome.problems.append(error.advice)
        return False
    except OSError as error:
        outcome.problems.append(f"{change.path} cannot be removed: {error.strerror or error}")
        return False
    return True


def _tidy(delivery: Delivery) -> None:
    """Take away the folders that our files alone were in."""
    if any(change.after is None for change in delivery.changes):
        for name in EMPTIED:
            with suppress(OSError):
                (delivery.top / name).rmdir()


def _record(delivery: Delivery, outcome: Outcome) -> None:
    """Commit and push as set. What does not work now is left to the person's own next commit or push, and said."""
    how = delivery.settings.commit_how
    if how != "leave" and delivery.changes:
        top = delivery.top.resolve()
        paths = [change.path.resolve().relative_to(top).as_posix() for change in delivery.changes]
        if reason := commit_alone(delivery.top, paths, f"{SUBJECT}\n"):
            outcome.notes.append(f"{delivery.top}: not committed, it goes with your next commit: {reason}")
            return
    waits = how == "push" and (delivery.changes or has_waiting(delivery.top, _is_ours))
    if waits and (reason := push_alone(delivery.top, _is_ours)):
        outcome.notes.append(f"{delivery.top}: committed, not pushed: {reason}")


def _is_ours(message: str) -> bool:
    return message.startswith(SUBJECT)
