"""Have Claude Code write its own list of servers: `claude mcp add-json`, `claude mcp remove`."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from agent_context.clients.running import run_program
from agent_context.config import child_environment

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.clients.places import Places

VARIABLES = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}
# Set for what runs within a session: the client must not take us for its child.
SESSION_VARIABLES = ("CLAUDECODE", "CLAUDE_CODE_CHILD_SESSION", "CLAUDE_CODE_SESSION_ID", "CLAUDE_CODE_ENTRYPOINT")


def find_program() -> str | None:
    """Return where Claude Code is, None where it is not installed."""
    return shutil.which("claude")


def add_server(program: str, places: Places, name: str, value: object, checkout: Path | None = None) -> None:
    """Add a server for the user, or for one checkout of theirs. Raise AgentContextError where the client refuses."""
    scope = "local" if checkout else "user"
    _run(program, places, ("add-json", "--scope", scope, name, json.dumps(value)), checkout)


def remove_server(program: str, places: Places, name: str, checkout: Path | None = None) -> None:
    """Remove a server. Raise AgentContextError where the client refuses."""
    _run(program, places, ("remove", "--scope", "local" if checkout else "user", name), checkout)


def _run(program: str, places: Places, arguments: tuple[str, ...], checkout: Path | None) -> None:
    own = {} if places.claude == places.folder / ".claude" else {"CLAUDE_CONFIG_DIR": str(places.claude)}
    without = SESSION_VARIABLES if own else (*SESSION_VARIABLES, "CLAUDE_CONFIG_DIR")
    environment = child_environment(without=without, **VARIABLES, **own)
    mend = "what was there before is put back; see claude mcp list"
    run_program(program, ("mcp", *arguments), environment, mend, checkout or places.folder)
