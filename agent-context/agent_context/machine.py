"""This machine's own settings, written; config reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_context.changes import write_atomically
from agent_context.settings_file import bring_to

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.settings import MachineSettings

HEAD = "# This machine's own settings; written by agent-context, yours to edit.\n"


def read_own(path: Path) -> str:
    """Return the text of the machine's settings, or how a new file begins."""
    return path.read_bytes().decode() if path.is_file() else HEAD


def save_machine_settings(path: Path, own: MachineSettings) -> None:
    """Write the machine's settings if they differ from what is there; what a person wrote beside them stays."""
    text = bring_to(read_own(path), own)
    if not path.exists() or path.read_bytes() != text.encode():
        write_atomically(path, text.encode())
