"""`agent-context undo`: one sync taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, pass_face, plural, print_json
from agent_context.history.rollback import undo
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.history.rollback import Rollback


@click.command(name="undo")
@click.argument("sync", default="")
@click.option("--dry-run", is_flag=True, help="Show what would be taken back, change nothing.")
@kb_option
@json_option
@pass_face
def command(face: Face, sync: str, kb: Path | None, *, as_json: bool, dry_run: bool) -> int:
    """Take one sync back: SYNC is its id or commit (agent-context log); without it, this machine's last in effect.

    What it learned is retired and stays in its file, so that the same sessions do not bring it back; what it edited
    becomes what it was; what was changed since stays. It is one new commit, which the next sync carries to every
    machine, and which can be undone by its own id.
    """
    rollback = undo(face.knowledge_base(kb), face.environment, sync, dry_run=dry_run)
    if as_json:
        print_json(rollback)
    else:
        print_rollback(rollback, f"Sync {rollback.subject}")
    return 0


def print_rollback(rollback: Rollback, subject: str) -> None:
    """Print what was taken back, for a person."""
    would = "would be " if rollback.dry_run else ""
    counts = f"{plural(len(rollback.retired), 'learning')} {would}retired, "
    counts += f"{plural(len(rollback.reverted), 'file')} {would}as before"
    click.echo(f"{subject}: {counts}")
    for what, paths in (("retired", rollback.retired), ("as before", rollback.reverted), ("stays", rollback.kept)):
        for path in paths:
            click.echo(f"  {what}: {show_hidden(path)}")
    if rollback.commit:
        click.echo(
            f"The next sync carries it to every machine. To take this back in turn: agent-context undo {rollback.sync}"
        )
    elif not rollback.dry_run:
        click.echo("Nothing was to do: no commit was made")
