"""Have Claude Code write its own list of servers: `claude mcp add-json`, `claude mcp remove`."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

from agent_context.config import child_environment
from agent_context.errors import AgentContextError

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.clients.places import Places

TIMEOUT_SECONDS = 60
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
    what = f"claude mcp {' '.join(arguments[:4])}"
    try:
        done = subprocess.run(
            [program, "mcp", *arguments],
            cwd=checkout or places.folder,
            env=child_environment(without=without, **VARIABLES, **own),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AgentContextError(
            f"{what}: {error}", hint="see whether the client itself runs: claude --version"
        ) from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise AgentContextError(f"{what}: {said}", hint="what was there before is put back; see claude mcp list")
