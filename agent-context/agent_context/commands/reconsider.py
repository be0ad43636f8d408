"""`agent-context reconsider`: take a rejection back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, pass_face, print_json
from agent_context.review.pending import PULL_REQUEST, reconsider
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="reconsider")
@click.argument("ids", nargs=-1, required=True)
@click.option("--reason", default="reconsidered", help="Why; kept with the decision.")
@kb_option
@json_option
@pass_face
def command(face: Face, ids: tuple[str, ...], reason: str, kb: Path | None, *, as_json: bool) -> int:
    """Take back the rejection of the learnings with these IDs (any unique prefix; `agent-context rejected` lists them).

    They are unreviewed again; where learnings are reviewed by pull requests, the next sync proposes them anew.
    """
    knowledge_base = face.knowledge_base(kb)
    found = reconsider(knowledge_base, face.environment, ids, reason)
    if as_json:
        print_json(found)
        return 0
    state = "waits to be proposed" if knowledge_base.settings.review == PULL_REQUEST else "unreviewed"
    for item in found:
        click.echo(f"{state}: {item.learning.id}  {show_hidden(item.learning.claim)}")
    return 0
