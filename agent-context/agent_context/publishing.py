"""Bring each project's snippet into its checkouts on this machine, by plan and apply."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from agent_context import changes
from agent_context.git import locate_checkout
from agent_context.layout import PATTERNS
from agent_context.projects import identify
from agent_context.snippet import MARKER, Snippet, render_snippet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent_context.changes import Change
    from agent_context.config import Environment
    from agent_context.knowledge import Entry
    from agent_context.projects import Projects
    from agent_context.settings import SnippetSettings

RULES = Path(".claude") / "rules" / "agent-context.md"
EXCLUDED = b"/.claude/rules/agent-context.md"


@dataclass(slots=True)
class SnippetPlan:
    """The files to change, by project, and the places left alone with the reason."""

    changes: dict[str, list[Change]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def render(entries: Iterable[Entry], project: str, settings: SnippetSettings) -> Snippet:
    """Return the snippet of a project: its own learnings and the patterns that hold everywhere."""
    learnings = (entry.learning for entry in entries if entry.project in (project, PATTERNS))
    return render_snippet(learnings, settings.budget_tokens, unreviewed=settings.unreviewed)


def plan_snippets(
    entries: Sequence[Entry], settings: SnippetSettings, environment: Environment, projects: Projects
) -> SnippetPlan:
    """Plan the rules file of every checkout that still exists and is still the same project's."""
    plan = SnippetPlan()
    rendered: dict[str, bytes | None] = {}
    for path, project in sorted({**projects.checkouts, **environment.own.mappings}.items()):
        if project not in rendered:
            rendered[project] = render(entries, project, settings).text.encode() or None
        try:
            mapped = path in environment.own.mappings
            found = _plan_checkout(
                Path(path), project, rendered[project], environment.claude_dir, projects, mapped=mapped
            )
        except OSError as error:
            plan.notes.append(f"{path} is left alone: {error.strerror or error}")
            continue
        if isinstance(found, str):
            plan.notes.append(found)
        else:
            group = plan.changes.setdefault(project, [])
            group += [change for change in found if change not in group]
    return plan


def _plan_checkout(
    path: Path, project: str, text: bytes | None, claude_dir: Path, projects: Projects, *, mapped: bool
) -> list[Change] | str:
    """Return what is to be written into one checkout, or why it is left alone."""
    top, exclude = _target(path, project, projects, mapped=mapped)
    if top is None:
        return []
    reason = _refusal(top, claude_dir)
    if reason:
        return f"{top / RULES} is left alone: {reason}"
    desired: dict[Path, bytes | None] = {top / RULES: text}
    if exclude is not None and text is not None:
        desired[exclude] = _with_line(exclude, EXCLUDED)
    return changes.plan(desired)


def _target(path: Path, project: str, projects: Projects, *, mapped: bool) -> tuple[Path | None, Path | None]:
    """Return a checkout's top folder and its exclude file, or nothing where the path is no longer this project's."""
    if not path.is_dir():
        return None, None
    checkout = locate_checkout(path)
    if checkout is None:
        return (path if mapped else None), None
    if not mapped and identify(checkout, projects.remotes).folder != project:
        return None, None
    return checkout.top, checkout.common_dir / "info" / "exclude"


def _refusal(top: Path, claude_dir: Path) -> str:
    """Return why nothing may be written into this folder, or an empty string."""
    target = top / RULES
    if (top / ".claude").resolve() == claude_dir.resolve():
        return "it is the agent's own configuration folder"
    if not target.resolve().is_relative_to(top.resolve()):
        return "a symbolic link leads out of the checkout"
    if target.exists() and not target.read_bytes().startswith(MARKER.encode()):
        return "a file of your own has that name"
    return ""


def _with_line(path: Path, line: bytes) -> bytes:
    """Return the file's bytes with this line at their end, unless it is there."""
    data = path.read_bytes() if path.is_file() else b""
    if line in data.splitlines():
        return data
    return data + (b"" if not data or data.endswith(b"\n") else b"\n") + line + b"\n"
