"""Runs the Python programs that build parts of the site, kept away from the knowledge base's own files."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.config import child_environment

if TYPE_CHECKING:
    from pathlib import Path

OUTPUT_LINES = 15


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended: its exit code and the end of what it said."""

    code: int
    last_words: str


def run_module(module: str, arguments: list[str], folder: Path) -> Done:
    """Run `python -m module` in a folder; -P keeps files there from being imported in the place of its own modules."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", module, *arguments],
        cwd=folder,
        env=child_environment(NO_MKDOCS_2_WARNING="1", DISABLE_MKDOCS_2_WARNING="true", PYTHONUTF8="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    return Done(done.returncode, "\n".join(lines[-OUTPUT_LINES:]))
