"""`agent-context diff`: here against the remote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, pass_face, plural, print_json
from agent_context.history.difference import compare
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.history.difference import Differing


@click.command(name="diff")
@click.option("--offline", is_flag=True, help="Do not ask the remote: as of the last fetch.")
@kb_option
@json_option
@pass_face
def command(face: Face, kb: Path | None, *, as_json: bool, offline: bool) -> int:
    """Show what a sync would exchange: learnings new, changed or gone here and in the remote. Changes nothing.

    Where both sides changed the same field, the conflict to expect is marked; a sync settles all else by itself.
    """
    difference = compare(face.knowledge_base(kb), offline=offline)
    if as_json:
        print_json(difference)
        return 0
    if difference.note:
        click.echo(difference.note[0].upper() + difference.note[1:])
    _print("Here", "push", difference.ahead, difference.here)
    _print("In the remote", "bring in", difference.behind, difference.there)
    return 0


def _print(side: str, verb: str, commits: int, items: tuple[Differing, ...]) -> None:
    click.echo(f"{side}: {plural(commits, 'commit')} to {verb}, {plural(len(items), 'file')} changed")
    for item in items:
        fields = f" ({', '.join(item.fields)})" if item.fields else ""
        where = f"{item.project}  " if item.claim and item.project else ""
        click.echo(f"  {item.what:7}  {where}{show_hidden(item.claim or item.path)}{fields}")
        if item.conflict:
            click.echo(f"           conflict to expect: {', '.join(item.conflict)}")
