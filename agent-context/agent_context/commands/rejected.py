"""`agent-context rejected`: what was turned down, why and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, console, json_option, kb_option, pass_face, plural, print_json
from agent_context.review.pending import list_rejected
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="rejected")
@click.option("--project", help="Show only this project's folder.")
@kb_option
@json_option
@pass_face
def command(face: Face, project: str | None, kb: Path | None, *, as_json: bool) -> int:
    """List the learnings that were turned down: no machine proposes them again, in these or nearly these words.

    `agent-context reconsider ID` takes a rejection back. What stands on another machine's branch is on its way here.
    """
    rejections = list_rejected(face.knowledge_base(kb), face.environment)
    rejections = [item for item in rejections if project in (None, item.project)]
    if as_json:
        print_json(rejections)
        return 0
    out = console()
    for item in rejections:
        out.print(f"[bold]{item.learning.id}[/]  {item.project}  {item.at[:10]}  ", end="")
        out.print(f"{show_hidden(item.by)}: {show_hidden(item.reason)}", markup=False)
        out.print(f"  {show_hidden(item.learning.claim)}", markup=False)
        if item.where != "here":
            out.print(f"  on {item.where}, not on main yet", markup=False)
    out.print(f"{plural(len(rejections), 'learning')} rejected")
    return 0
