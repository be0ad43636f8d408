"""This machine's own settings, written; config reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import tomli_w

from agent_context.changes import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.config import MachineSettings


def save_machine_settings(path: Path, own: MachineSettings) -> None:
    """Write the machine's settings if they differ from what is there."""
    fields = {key: value for key, value in msgspec.to_builtins(own).items() if value}
    text = "# This machine's own settings; written by agent-context, yours to edit.\n" + tomli_w.dumps(fields)
    data = text.encode()
    if not path.exists() or path.read_bytes() != data:
        write_atomically(path, data)
