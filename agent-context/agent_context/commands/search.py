"""`agent-context search`: learnings by words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, console, json_option, kb_option, pass_face, print_json
from agent_context.searching import search
from agent_context.visible import show_hidden
from agent_context.withholding import sift_all

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="search")
@click.argument("query")
@click.option("--project", help="Only this project's folder.")
@click.option("--limit", type=click.IntRange(1), default=10, show_default=True)
@click.option("--all", "ended", is_flag=True, help="Also rejected, retired and superseded ones.")
@kb_option
@json_option
@pass_face
def command(  # noqa: PLR0913 - one argument an option
    face: Face, query: str, project: str | None, limit: int, kb: Path | None, *, ended: bool, as_json: bool
) -> int:
    """Find learnings by words, best first."""
    sifted = sift_all(face.knowledge_base(kb), face.environment, project)
    hits = search(sifted.entries, query, limit=limit, ended=ended)
    if as_json:
        print_json(hits)
        return 0
    out = console()
    for hit in hits:
        learning = hit.entry.learning
        out.print(f"[bold]{learning.id}[/]  {hit.entry.project}  {learning.kind.value}, {learning.status.value}")
        out.print(f"  {show_hidden(learning.claim)}", markup=False)
    if not hits:
        out.print("Nothing found. Fewer or other words may help; --all also looks at rejected and retired learnings.")
    return 0
