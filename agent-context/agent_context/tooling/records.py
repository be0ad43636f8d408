"""What this machine decided and did about tools: whom and what it trusts, what it installed, how to take that back.

It lies in the user's configuration, not in the state that may be deleted at any time: nothing else could tell it again.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec
from filelock import FileLock, Timeout

from agent_context.changes import write_atomically
from agent_context.errors import AgentContextError
from agent_context.state import name_of_clone
from agent_context.tooling.planning import Installed  # noqa: TC001 - msgspec reads the annotation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent_context.config import Environment

FOLDER = "tooling"
TRUST_FILE = "trust.json"
MOST_SHOWN = 200
LOCK_SECONDS = 60
StructT = TypeVar("StructT", bound=msgspec.Struct)


class Trusted(msgspec.Struct, frozen=True):
    """One decision of a person here: this entry, with exactly this content, at this time (UTC)."""

    entry: str
    digest: str
    at: str


class Signer(msgspec.Struct, frozen=True):
    """A key whose commits a person here trusts: an ssh public key, or the fingerprint of a PGP key."""

    key: str
    at: str


class Trust(msgspec.Struct, frozen=True):
    """Everything that a person trusts on this machine."""

    entries: tuple[Trusted, ...] = ()
    signers: tuple[Signer, ...] = ()

    def holds(self, entry: str, digest: str) -> bool:
        """Tell whether an entry is trusted with this content."""
        return any((item.entry, item.digest) == (entry, digest) for item in self.entries)

    def last(self, entry: str) -> Trusted | None:
        """Return what is trusted of an entry."""
        return next((item for item in self.entries if item.entry == entry), None)


class UndoStep(msgspec.Struct, frozen=True):
    """How one write is taken back: a key's value before (`had` false: none), or a file's bytes in a backup."""

    kind: Literal["key", "file"]
    path: str
    after: str
    agent: str = ""
    form: str = ""
    key: tuple[str, ...] = ()
    checkout: str = ""
    had: bool = False
    before: Any = None
    backup: str = ""
    mode: int = 0o644


class Record(msgspec.Struct, frozen=True):
    """What one knowledge base installed on this machine, what is held back here, and the last apply to be undone."""

    installed: tuple[Installed, ...] = ()
    held: tuple[str, ...] = ()
    undo: tuple[UndoStep, ...] = ()
    before: tuple[Installed, ...] = ()
    undone: tuple[str, ...] = ()


class Records:
    """The files of trust and of what was installed, for one knowledge base on this machine."""

    def __init__(self, environment: Environment, root: Path) -> None:
        self.folder = environment.config_dir / FOLDER
        self.trust_file = self.folder / TRUST_FILE
        self.record_file = self.folder / f"{name_of_clone(root)}.json"
        self.backups = environment.config_dir / "backups"

    def trust(self) -> Trust:
        """Return what is trusted; nothing without a file. Raise AgentContextError for one that does not read."""
        return _load(self.trust_file, Trust)

    def save_trust(self, trust: Trust) -> None:
        """Write down what is trusted."""
        write_atomically(self.trust_file, msgspec.json.format(msgspec.json.encode(trust)) + b"\n", mode=0o600)

    def record(self) -> Record:
        """Return what was installed. Raise AgentContextError for a file that does not read."""
        return _load(self.record_file, Record)

    def save(self, record: Record) -> None:
        """Write down what is installed now."""
        write_atomically(self.record_file, msgspec.json.format(msgspec.json.encode(record)) + b"\n", mode=0o600)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes of ours from writing meanwhile. Raise AgentContextError when that takes too long."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / "lock", timeout=LOCK_SECONDS):
                yield
        except Timeout:
            raise AgentContextError(
                "another agent-context is at work on this machine's tools", hint="run this again when it is done"
            ) from None

    def keep_shown(self, digest: str, text: str) -> None:
        """Keep the text of what was trusted, so that the next change of it can be shown as a difference."""
        write_atomically(self.folder / "trusted" / f"{digest}.txt", text.encode(), mode=0o600)
        kept = sorted((self.folder / "trusted").glob("*.txt"), key=lambda file: file.stat().st_mtime_ns)
        for old in kept[:-MOST_SHOWN]:
            old.unlink(missing_ok=True)

    def shown(self, digest: str) -> str:
        """Return the text that was trusted under a hash; empty where it is not kept."""
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return (self.folder / "trusted" / f"{digest}.txt").read_text(encoding="utf-8")
        return ""


def _load(file: Path, kind: type[StructT]) -> StructT:
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind) if file.is_file() else kind()
    except (OSError, msgspec.DecodeError) as error:
        raise AgentContextError(
            f"{file} cannot be read: {error}", hint="move it away; then nothing is trusted, and trust is given anew"
        ) from None
