"""Read a client's configuration file and replace it: with a backup, whole, and only if nobody changed it meanwhile."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.changes import Change, write_atomically
from agent_context.clients.keys import Table, read_table, remove_key, set_key
from agent_context.errors import AgentContextError

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.clients.keys import Form, KeyPath

MOST_BYTES = 64_000_000
MOST_BACKUPS = 50


class ChangedMeanwhileError(AgentContextError):
    """Somebody wrote the file between our reading and our writing; it is left as they wrote it."""


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration file as it was read: its bytes (None: not there) and its table."""

    path: Path
    form: Form
    data: bytes | None
    table: Table

    def set(self, key: KeyPath, value: object) -> Change:
        """Return the change that sets one key. Raise AgentContextError where it cannot be set without harm."""
        return self._edit(key, value, remove=False)

    def remove(self, key: KeyPath) -> Change:
        """Return the change that removes one key. Raise AgentContextError where it cannot be removed without harm."""
        return self._edit(key, None, remove=True)

    def _edit(self, key: KeyPath, value: object, *, remove: bool) -> Change:
        text = (self.data or b"").decode()
        try:
            edited = remove_key(self.form, text, key) if remove else set_key(self.form, text, key, value)
        except ValueError as error:
            raise AgentContextError(
                f"{self.path}: {'.'.join(key)}: {error}", hint="change it there by hand; nothing was written"
            ) from None
        return Change(self.path, self.data, edited.encode())


def read_config(path: Path, form: Form) -> Config:
    """Read a configuration file, an empty table where there is none. Raise AgentContextError for what does not read."""
    data = read_bytes(path)
    try:
        return Config(path, form, data, read_table(form, (data or b"").decode()))
    except (UnicodeDecodeError, ValueError) as error:
        name = {"json": "JSON", "toml": "TOML"}[form]
        raise AgentContextError(
            f"{path} is not {name}: {error}", hint="mend that line; until then nothing is written there"
        ) from None


def read_bytes(path: Path) -> bytes | None:
    """Return a file's bytes, None where there is none. Raise AgentContextError for a large one, or what is no file."""
    try:
        if not path.exists() and not path.is_symlink():
            return None
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            raise AgentContextError(
                f"{path} is no file of less than {MOST_BYTES // 1_000_000} MB", hint="look at what it is; it was left"
            )
        return path.read_bytes()
    except OSError as error:
        raise AgentContextError(
            f"{path} cannot be read: {error.strerror or error}", hint="give yourself the right to read it"
        ) from None


def replace_file(change: Change, backups: Path) -> Path | None:
    """Carry one change out, keeping the old file in `backups`; return where, or None where there was no old file.

    A link of the user's own is followed. Raise ChangedMeanwhileError, with nothing written, where the file is no longer
    what the change was made from.
    """
    path = change.path.resolve()
    if read_bytes(path) != change.before:
        raise ChangedMeanwhileError(
            f"{change.path} was changed by somebody else just now", hint="nothing was written there; run this again"
        )
    kept = keep_backup(change.path, change.before, backups) if change.before is not None else None
    if change.after is None:
        path.unlink(missing_ok=True)
    else:
        write_atomically(path, change.after)
    return kept


def keep_backup(path: Path, data: bytes, backups: Path) -> Path:
    """Keep bytes of a file under a name made of its path and their hash, readable by the user alone."""
    place = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    kept = backups / f"{path.name.lstrip('.')}-{place}-{hashlib.sha256(data).hexdigest()[:16]}"
    write_atomically(kept, data, mode=0o600)
    for old in sorted(backups.glob(f"*-{place}-*"), key=lambda file: file.stat().st_mtime_ns)[:-MOST_BACKUPS]:
        old.unlink(missing_ok=True)
    return kept
