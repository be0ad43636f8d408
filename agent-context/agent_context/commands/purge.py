"""`agent-context purge`: learnings' files removed, the one command that does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, pass_face, plural, print_json
from agent_context.history.rollback import purge
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

ADVICE = (
    "The history still holds them. For a secret: agent-context purge-secret (it rewrites the history). Sessions that "
    "are read anew may bring them back; to prevent that, reject instead: agent-context review --reject"
)


@click.command(name="purge")
@click.argument("ids", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@kb_option
@json_option
@pass_face
def command(face: Face, ids: tuple[str, ...], kb: Path | None, *, as_json: bool, yes: bool) -> int:
    """Remove the files of learnings (by any unique prefix of their IDs) on every machine, as a commit of its own.

    Rarely wanted: a rejected or retired learning is out of effect, and its file keeps it from coming back.
    """
    knowledge_base = face.knowledge_base(kb)
    if not yes:
        for entry in [knowledge_base.find(prefix) for prefix in ids]:
            click.echo(f"{entry.learning.id}  {show_hidden(entry.learning.claim)}", err=True)
        click.confirm("Remove these files on every machine?", abort=True, err=True)
    entries = purge(knowledge_base, face.environment, ids)
    if as_json:
        print_json([entry.path for entry in entries])
    else:
        click.echo(f"{plural(len(entries), 'file')} removed. {ADVICE}")
    return 0
