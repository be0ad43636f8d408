"""Run a client's own program, as a person in a terminal would: without input, for a bounded time."""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING

from agent_context.errors import AgentContextError
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TIMEOUT_SECONDS = 120
MOST_SHOWN = 6  # words of a command that a message repeats: what comes after them may be a whole server


def run_program(
    program: str, arguments: Sequence[str], environment: Mapping[str, str], mend: str, cwd: Path | None = None
) -> None:
    """Run it to its end. Raise AgentContextError, with `mend` as the next step, where it cannot or says no."""
    name = program.replace("\\", "/").rpartition("/")[2]
    what = shlex.join([name, *arguments[: MOST_SHOWN - 1]])
    try:
        done = subprocess.run(
            [program, *arguments],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AgentContextError(f"{what}: {error}", hint=f"see whether it runs at all: {name} --version") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise AgentContextError(f"{what}: {show_hidden(said)}", hint=mend)
