"""`agent-context hook`: what the plugin's hooks start where noting something is not enough."""

from __future__ import annotations

import sys
import time

import click

from agent_context.commands.face import Face, pass_face, print_json
from agent_context.config import is_child
from agent_context.hooking import HOOKS, answer
from agent_context.learning import utc
from agent_context.scheduling import write_log
from agent_context.spool import HOOKS as FOLDER
from agent_context.spool import note_nothing

MOST_BYTES = 4_000_000


@click.command(name="hook")
@click.argument("event", type=click.Choice(list(HOOKS)))
@pass_face
def command(face: Face, event: str) -> None:
    """Answer one hook of a coding agent, its JSON on stdin: what the session is to be told, or nothing.

    The plugin's hooks start it. Each decision is a line in the log of the hooks.
    """
    if is_child():
        return
    environment = face.environment
    told = answer(face.knowledge_base(None), environment, event, sys.stdin.buffer.read(MOST_BYTES))
    decision = f"told {len(told.additional_context)} characters" if told else "nothing to tell"
    write_log(environment.data_dir / FOLDER / "log", f"{utc(time.time())} {event}: {decision}")
    if told is None and event == "session-start":
        note_nothing(environment.data_dir, environment.cwd)
    if told:
        print_json({"hookSpecificOutput": told})
