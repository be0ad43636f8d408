"""`agent-context arrived`: which learnings reached which sessions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, local_time, pass_face, plural, print_json
from agent_context.delivery.arrival import find_arrivals
from agent_context.learning import utc
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.delivery.arrival import ProjectArrival, Reach


@click.command(name="arrived")
@click.argument("project", required=False)
@click.option("--days", default=90, show_default=True, help="What reached no session for so long is long unused.")
@click.option("--sessions", is_flag=True, help="List the sessions too, with the learnings that reached each.")
@kb_option
@json_option
@pass_face
def command(face: Face, project: str | None, days: int, kb: Path | None, *, sessions: bool, as_json: bool) -> int:
    """Tell from the sessions on this machine which learnings reached them, and name those that never did.

    Claude Code records the instructions that it loads since late 2026; older sessions say nothing of them. PROJECT is a
    folder; default: all.
    """
    found = find_arrivals(face.knowledge_base(kb), face.environment, project, utc(time.time()), days=days)
    if as_json:
        print_json(found)
        return 0
    for item in found:
        _print(item, sessions=sessions)
    if not found:
        click.echo("No project has a learning yet", err=True)
    return 0


def _print(found: ProjectArrival, *, sessions: bool) -> None:
    click.echo(f"{found.project}: {plural(found.sessions, 'session')} here, ", nl=False)
    click.echo(f"learnings reached {len(found.reached):,} ({found.telling:,} of them say which files they loaded)")
    for item in found.reached if sessions else ():
        unknown = f", {plural(item.unknown, 'line')} of learnings reworded since" if item.unknown else ""
        when = local_time(item.at) if item.at else "no date"
        click.echo(f"  {when}  {show_hidden(item.session)}: {' '.join(sorted(item.ids))}{unknown}")
    for learning in sorted(found.learnings, key=lambda item: (bool(item.why), -item.sessions)):
        click.echo(f"  {learning.id}  {_tell(learning)}: {show_hidden(learning.claim)}")


def _tell(learning: Reach) -> str:
    if not learning.sessions:
        return show_hidden(learning.why)
    used = f", named in {learning.used:,}" if learning.used else ""
    fault = f"; {learning.why}" if learning.why else ""
    return f"reached {plural(learning.sessions, 'session')}, last {learning.last[:10]}{used}{fault}"
