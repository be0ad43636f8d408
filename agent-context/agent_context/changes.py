"""Plan and apply: what is written outside the knowledge base is first a list of changes, then one atomic step each."""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.errors import AgentContextError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Change:
    """One file to be written: its bytes before (None: it is not there) and after (None: it goes away)."""

    path: Path
    before: bytes | None
    after: bytes | None


def plan(desired: dict[Path, bytes | None]) -> list[Change]:
    """Return the changes that lead from what is on disk to what is desired; none where they already agree."""
    changes = []
    for path, after in desired.items():
        before = path.read_bytes() if path.is_file() else None
        if before != after:
            changes.append(Change(path, before, after))
    return changes


def apply(changes: list[Change]) -> None:
    """Carry the changes out, each file whole or not at all. Raise AgentContextError when the disk refuses."""
    for change in changes:
        if change.after is None:
            change.path.unlink(missing_ok=True)
        else:
            write_atomically(change.path, change.after)


def write_atomically(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Write a file by a temporary one beside it and a rename; the old file stays whole until then.

    Raise AgentContextError, with the old file untouched, when the folder or the disk refuses.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, mode if mode is not None else _mode_of(path))  # noqa: PTH101 - a name, not a Path
        os.replace(temporary, path)  # noqa: PTH105 - a name, not a Path
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108 - a name, not a Path
        raise AgentContextError(
            f"{path} cannot be written: {error.strerror or error}",
            hint="make room or give yourself the right to write there, then run the command again; nothing was lost",
        ) from error


def _mode_of(path: Path) -> int:
    """Return the mode a replaced file keeps, and what a new one gets under the usual umask."""
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        return 0o644
