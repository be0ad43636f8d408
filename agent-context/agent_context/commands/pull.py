"""`agent-context pull`: the half of sync that brings in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, pass_face, plural, print_json
from agent_context.syncing.halves import pull
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.reports import SyncReport


@click.command(name="pull")
@kb_option
@json_option
@pass_face
def command(face: Face, kb: Path | None, *, as_json: bool) -> int:
    """Bring in what the remote has, and hand it to the agents: sync without reading sessions and without pushing.

    Your edits are committed first. Exits like sync: 1 when the remote does not answer, 3 when something waits for you.
    """
    report = pull(face.knowledge_base(kb), face.environment)
    if as_json:
        print_json(report)
    else:
        print_exchange(report)
    return report.exit_code


def print_exchange(report: SyncReport) -> None:
    """Print what was exchanged with the remote, for a person."""
    for path in report.edits:
        click.echo(f"Your edit   committed as yours: {show_hidden(path)}")
    if report.brought_in:
        click.echo(f"Brought in  {plural(report.brought_in, 'commit')} from the remote")
    if report.pushed:
        click.echo(f"Pushed      {plural(report.pushed, 'commit')} to {report.pushed_to}")
    if report.unpushed:
        click.echo(f"Not pushed  {plural(report.unpushed, 'commit')} waiting here")
    if report.waiting:
        click.echo(f"Remote      {show_hidden(report.waiting)}")
    for item in report.snippets:
        click.echo(f"Snippet     written: {item}")
    for label, items in (("Needs you", report.blocked + report.problems), ("Note", report.notes)):
        for item in items:
            click.echo(f"{label}: {show_hidden(item)}")
    if not (report.brought_in or report.pushed or report.unpushed or report.waiting):
        click.echo("Nothing to exchange: here and the remote are the same.")
