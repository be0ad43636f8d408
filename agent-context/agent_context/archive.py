"""The rescue: compressed copies of session files, since agents delete theirs after some weeks. Never in git."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from agent_context.changes import write_atomically
from agent_context.errors import AgentContextError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ARCHIVE = "archive"  # the folder of the copies, below the data folder
LEVEL = 6
CHUNK = 1 << 20
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


class Copy(msgspec.Struct, frozen=True):
    """What is known of one copy: whose session, where it came from, its state when copied, and whether it was read."""

    name: str
    reader: str
    path: str
    size: int
    mtime_ns: int
    read: bool = False


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning took away: names, and bytes on disk."""

    names: tuple[str, ...]
    bytes: int


class Archive:
    """The copies below one folder: `<name>.zst` with its description `<name>.json` beside it, for the user alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, reader: str, path: Path, *, read: bool) -> Copy:
        """Copy a session file unless this very state is kept already. Raise AgentContextError when the disk refuses.

        A file that has shrunk is kept beside its older, longer copy.
        """
        stat = path.stat()
        name = f"{path.name.split('.')[0]}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
        old = self.find(name)
        if old is not None and old.size > stat.st_size:
            name = f"{name}-{stat.st_size}"
            old = self.find(name)
        copy = Copy(name, reader, str(path), stat.st_size, stat.st_mtime_ns, read=read)
        if old is not None and (old.size, old.mtime_ns) == (copy.size, copy.mtime_ns):
            if read and not old.read:
                self._describe(copy)
            return copy
        self._compress(path, name)
        self._describe(copy)
        return copy

    def find(self, name: str) -> Copy | None:
        """Return one copy's description."""
        try:
            return msgspec.json.decode((self.folder / f"{name}.json").read_bytes(), type=Copy)
        except (OSError, msgspec.DecodeError):
            return None

    def copies(self) -> list[Copy]:
        """Return all copies, oldest session first."""
        found = (self.find(file.stem) for file in self.folder.glob("*.json")) if self.folder.is_dir() else ()
        return sorted((copy for copy in found if copy is not None), key=lambda copy: (copy.mtime_ns, copy.name))

    def lines(self, copy: Copy) -> Iterator[bytes]:
        """Yield a copy's bytes in pieces. Raise AgentContextError when it is damaged or gone."""
        import zstandard  # noqa: PLC0415 - only who looks into the archive pays for it

        try:
            with (self.folder / f"{copy.name}.zst").open("rb") as file:
                yield from zstandard.ZstdDecompressor().read_to_iter(file, read_size=CHUNK)
        except (OSError, zstandard.ZstdError) as error:
            raise AgentContextError(
                f"the copy {copy.name} cannot be read: {error}", hint="agent-context archive prune"
            ) from None

    def restore(self, copy: Copy, target: Path) -> None:
        """Write a copy's text to a file."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            file.writelines(self.lines(copy))
        os.utime(target, ns=(copy.mtime_ns, copy.mtime_ns))

    def size(self, copy: Copy) -> int:
        """Return the bytes that a copy takes on disk."""
        try:
            return (self.folder / f"{copy.name}.zst").stat().st_size
        except OSError:
            return 0

    def prune(self, cap: int) -> Pruned:
        """Take away the oldest copies until all fit into `cap` bytes: read ones first, unread ones only after them."""
        copies = self.copies()
        sizes = {copy.name: self.size(copy) for copy in copies}
        excess = sum(sizes.values()) - cap
        gone: list[str] = []
        freed = 0
        for copy in sorted(copies, key=lambda copy: not copy.read):
            if freed >= excess:
                break
            for suffix in (".zst", ".json"):
                (self.folder / f"{copy.name}{suffix}").unlink(missing_ok=True)
            gone.append(copy.name)
            freed += sizes[copy.name]
        return Pruned(tuple(gone), freed)

    def _describe(self, copy: Copy) -> None:
        write_atomically(self.folder / f"{copy.name}.json", msgspec.json.encode(copy), mode=PRIVATE_FILE)

    def _compress(self, path: Path, name: str) -> None:
        import zstandard  # noqa: PLC0415 - only who copies pays for it

        temporary = self.folder / f".{name}.tmp"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
            with path.open("rb") as source, os.fdopen(handle, "wb") as target:
                zstandard.ZstdCompressor(level=LEVEL).copy_stream(source, target)
            temporary.replace(self.folder / f"{name}.zst")
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise AgentContextError(
                f"{path} cannot be copied into the archive: {error.strerror or error}",
                hint="make room, or switch the archive off (archive_mb = 0 in machine.toml)",
            ) from error
