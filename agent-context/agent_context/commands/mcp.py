"""`agent-context mcp`: the server that agents ask while they work."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, kb_option
from agent_context.config import find_session_id, keep_to_one_thread
from agent_context.server.desk import Desk
from agent_context.server.serving import serve

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase


@click.command(name="mcp")
@kb_option
def command(kb: Path | None) -> None:
    """Serve the knowledge base to one coding agent over stdin and stdout (MCP), until stdin closes.

    Clients start it themselves, once a session: agent-context install sets that up.
    """

    def open_all() -> tuple[KnowledgeBase, Environment]:
        face = Face()
        return face.knowledge_base(kb), face.environment

    # What reads stdin cannot be interrupted; to be killed at any moment loses nothing that was committed.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    keep_to_one_thread()
    serve(Desk(open_all, find_session_id()))
