"""`agent-context log`: the history as an audit log."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, local_time, pass_face, print_json
from agent_context.history.log import Wanted, read_log
from agent_context.moments import parse_moment
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.history.log import Logged

NO_SYNC = "-" * 10


@click.command(name="log")
@click.option("--machine", default="", help="Only what this machine did.")
@click.option("--project", default="", help="Only what touched this project's folder (`patterns`: the patterns).")
@click.option("--since", default="", help="Only from this moment on: a date, yesterday, 3 days ago.")
@click.option("--limit", type=click.IntRange(0), default=30, show_default=True, help="The last so many; 0: all.")
@click.option("--verbose", "-v", is_flag=True, help="Name every file, with the learning's claim.")
@kb_option
@json_option
@pass_face
def command(  # noqa: PLR0913 - one argument an option
    face: Face, machine: str, project: str, since: str, limit: int, kb: Path | None, *, as_json: bool, verbose: bool
) -> int:
    """Show what happened to the knowledge base: when, on which machine, in which sync, what; the newest first.

    The ten digits are the sync's id, by which agent-context undo takes it back.
    """
    seconds = parse_moment(since, datetime.now().astimezone()) if since else 0.0
    wanted = Wanted(machine=machine, project=project, since=seconds, limit=limit)
    logged = read_log(face.knowledge_base(kb), wanted)
    if as_json:
        print_json(logged)
        return 0
    width = max((len(item.machine) for item in logged), default=0)
    for item in logged:
        _print(item, width, verbose=verbose)
    if not logged:
        click.echo("Nothing of that kind happened here.")
    return 0


def _print(item: Logged, width: int, *, verbose: bool) -> None:
    sync = item.syncs[0] if item.syncs else NO_SYNC
    machine = show_hidden(item.machine) or show_hidden(item.author)
    click.echo(f"{local_time(item.at)}  {machine:{width}}  {sync}  {item.summary}")
    if not verbose:
        return
    click.echo(f"    commit {item.commit[:10]}: {show_hidden(item.subject)}")
    for sync in item.syncs[1:]:
        click.echo(f"    and sync {sync}")
    for change in item.changes:
        click.echo(f"    {change.deed}: {show_hidden(change.path)}")
        if change.claim:
            click.echo(f"      {show_hidden(change.claim)}")
