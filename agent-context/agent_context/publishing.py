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
    from agent_context.config import Environment, SnippetSettings
    from agent_context.knowledge import Entry

RULES = Path(".claude") / "rules" / "agent-context.md"
EXCLUDED = "/.claude/rules/agent-context.md"


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
    entries: Sequence[Entry], settings: SnippetSettings, environment: Environment, checkouts: dict[str, str]
) -> SnippetPlan:
    """Plan the rules file of every checkout (path to project folder) that still exists and is still that project's."""
    plan = SnippetPlan()
    rendered: dict[str, bytes | None] = {}
    for path, project in sorted({**checkouts, **environment.own.mappings}.items()):
        top, exclude = _target(Path(path), project, mapped=path in environment.own.mappings)
        if top is None:
            continue
        if project not in rendered:
            rendered[project] = render(entries, project, settings).text.encode() or None
        reason = _refusal(top, environment.claude_dir)
        if reason:
            plan.notes.append(f"{top / RULES} is left alone: {reason}")
            continue
        desired: dict[Path, bytes | None] = {top / RULES: rendered[project]}
        if exclude is not None and rendered[project] is not None:
            desired[exclude] = _with_line(exclude, EXCLUDED)
        group = plan.changes.setdefault(project, [])
        group += [change for change in changes.plan(desired) if change not in group]
    return plan


def _target(path: Path, project: str, *, mapped: bool) -> tuple[Path | None, Path | None]:
    """Return a checkout's top folder and its exclude file, or nothing where the path is no longer this project's."""
    if not path.is_dir():
        return None, None
    checkout = locate_checkout(path)
    if checkout is None:
        return (path if mapped else None), None
    if not mapped and identify(checkout).folder != project:
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


def _with_line(path: Path, line: str) -> bytes:
    """Return the file's text with this line at its end, unless it has it."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if line in text.splitlines():
        return text.encode()
    return f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n".encode()
