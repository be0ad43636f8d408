"""`agent-context watch`: sync some minutes after each session, in the foreground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, kb_option, pass_face
from agent_context.syncing.watching import attempt, keep_watch

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase


@click.command(name="watch")
@click.option(
    "--delay",
    type=click.FloatRange(min=0),
    default=120.0,
    help="Seconds to wait after a session has gone quiet (sync.quiet_seconds). Default: 120.",
)
@kb_option
@pass_face
def command(face: Face, kb: Path | None, delay: float) -> int:
    """Sync now, and some minutes after each session that ends, until it is told to stop (Ctrl-C, SIGTERM).

    Prints one line a sync. A sync that fails is tried again: after a minute, then two, four, at the most an hour.
    """
    knowledge_base = face.knowledge_base(kb)
    root = knowledge_base.root

    def open_all() -> tuple[KnowledgeBase, Environment]:
        fresh = Face()
        return fresh.knowledge_base(root), fresh.environment

    seconds = knowledge_base.settings.sync.quiet_seconds + delay
    click.echo(f"Watching the sessions of this machine for {root}; a sync follows {seconds:g} s after one.", err=True)
    try:
        keep_watch(face.environment.agent_homes, seconds, lambda: attempt(open_all), click.echo)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
    return 0
