"""`agent-context status`: how this clone stands, in one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, console, json_option, kb_option, pass_face, plural, print_json
from agent_context.standing import take_standing

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="status")
@kb_option
@json_option
@pass_face
def command(face: Face, kb: Path | None, *, as_json: bool) -> int:
    """Show how this clone stands: learnings, what waits for review, for sync, for you. Reads only, asks no remote."""
    standing = take_standing(face.knowledge_base(kb), face.environment)
    if as_json:
        print_json(standing)
        return 0
    out = console()
    out.print(f"[bold]Knowledge base[/]  {standing.knowledge_base}, branch {standing.branch}", soft_wrap=True)
    out.print(f"[bold]Machine[/]         {standing.machine}")
    counts = ", ".join(f"{count:,} {status}" for status, count in standing.statuses.items()) or "none yet"
    out.print(f"[bold]Learnings[/]       {counts}, in {plural(standing.projects, 'project')}")
    out.print(f"[bold]Sessions[/]        {standing.sessions:,} found, {standing.sessions_unread:,} not read yet")
    if standing.remote:
        out.print(
            f"[bold]Remote[/]          {standing.remote}: {standing.ahead} to push, {standing.behind} to bring in"
        )
    else:
        out.print("[bold]Remote[/]          none: git remote add origin URL")
    for item in standing.uncommitted:
        out.print(f"[bold]Uncommitted[/]     {item}", markup=True)
    for item in standing.problems:
        out.print("[bold]Needs you[/]       ", end="")
        out.print(item, markup=False)
    return 0
