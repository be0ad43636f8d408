"""The worktree of one clone, as a view of a commit: what a person edited in it, and how its files follow a move.

Each file is written whole: a temporary one in the git folder, fsync, rename. Neither git nor libgit2 does this: killed
during a checkout, both were measured to leave truncated files, which a later commit would take for edits.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pygit2
from pygit2.enums import FileMode

from agent_context.changes import write_atomically
from agent_context.errors import AgentContextError, NeedsPersonError
from agent_context.git.steps import Step, reach
from agent_context.git.trees import PLAIN, read_blob

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from agent_context.git.trees import Change, Node

SCRATCH = "agent-context.tmp"
MANY = 64  # from so many files on, one sync of all disks costs less than one of each file


@dataclass(frozen=True, slots=True)
class Edits:
    """What a person has changed and not committed: bytes by path (None: gone), and what is staged otherwise besides."""

    files: dict[str, bytes | None]
    half_staged: list[str]


class Worktree:
    """The files below `root`. Temporary ones lie in `scratch`, where `git status` does not see them."""

    def __init__(self, root: Path, repo: pygit2.Repository) -> None:
        self.root = root
        self.scratch = Path(repo.path) / SCRATCH
        self._repo = repo

    def refuse_lost_edits(self, changes: Iterable[Change], known: Mapping[str, str]) -> None:
        """Raise NeedsPersonError where a file is neither what it was, nor what it is to be, nor the blob in `known`."""
        for path, old, new in changes:
            file = self.root / path
            if any(part.is_symlink() for part in file.parents if self.root in part.parents) or (
                file.is_symlink() and not self._is_link_of(file, old)
            ):
                raise NeedsPersonError(
                    f"{path} lies behind a symbolic link", hint="replace the link by a folder of its own"
                )
            if file.is_symlink() or not file.is_file():
                continue
            wanted = {str(node[0]) for node in (old, new) if node is not None} | {known.get(path)}
            if wanted.isdisjoint(blob_ids(file.read_bytes())):
                raise NeedsPersonError(
                    f"{path} has changes that are not committed, and a newer version came in",
                    hint=f"commit it or put it aside (git stash push {path}), then run this again; nothing was changed",
                )

    def write_files(self, changes: list[Change], known: Mapping[str, str], written: list[Change]) -> None:
        """Bring files to their new versions one by one; `written` grows by each that was not there already."""
        for change in changes:
            if self._write(change, known, sync=len(changes) <= MANY):
                written.append(change)
                reach(Step.FILE_WRITTEN)
        _sync_folders([(self.root / path).parent for path, _, _ in written])

    def take_back(self, written: list[Change], known: Mapping[str, str]) -> None:
        """Bring files back to what they were; what a person wrote into them before us is in the commit, and stays."""
        for path, old, new in written:
            if path not in known:
                self._write((path, new, old), known, sync=False)

    def edited_files(self, committed: Mapping[str, str], folders: Iterable[str]) -> dict[str, bytes | None]:
        """Return the files below these folders that differ from `committed` (path to blob): their bytes, None if gone.

        Raise NeedsPersonError where a folder cannot be read: what is not seen there must not pass for deleted.
        """
        edited: dict[str, bytes | None] = {}
        present: set[str] = set()
        for folder in folders:
            for file in _walk(self.root / folder):
                path = file.relative_to(self.root).as_posix()
                if (
                    file.is_symlink()
                    or not file.is_file()
                    or not _is_encodable(path)
                    or self._repo.path_is_ignored(path)
                ):
                    continue
                present.add(path)
                if path not in committed and is_scratch(file.name):
                    continue
                with contextlib.suppress(OSError):
                    data = file.read_bytes()
                    if committed.get(path) not in blob_ids(data):
                        edited[path] = data
        return {**edited, **dict.fromkeys(sorted(committed.keys() - present))}

    def made_executable(self, nodes: Iterable[tuple[str, Node]]) -> dict[str, bytes]:
        """Return those of the files that may be run and may not as committed, where the disk can tell."""
        config = self._repo.config
        if os.name == "nt" or not ("core.filemode" in config and config.get_bool("core.filemode")):
            return {}
        found = {path: node for path, node in nodes if node is not None and node[1] == FileMode.BLOB}
        runs = {path for path in found if (file := self.root / path).is_file() and os.access(file, os.X_OK)}
        return {path: read_blob(self._repo, found[path][0]) for path in runs if not (self.root / path).is_symlink()}

    def _is_link_of(self, file: Path, node: Node) -> bool:
        """Tell whether a link on disk is the one that git wrote there."""
        target = os.fsencode(file.readlink())
        return node is not None and node[1] == FileMode.LINK and read_blob(self._repo, node[0]) == target

    def _write(self, change: Change, known: Mapping[str, str], *, sync: bool) -> bool:
        """Bring one file from one version to another; False where it is there already."""
        path, _, new = change
        file = self.root / path
        if new is None or new[1] not in PLAIN:
            self.refuse_lost_edits([change], known)
            return self._remove(file, folder=new is not None and new[1] == FileMode.COMMIT)
        data, executable = read_blob(self._repo, new[0]), new[1] == FileMode.BLOB_EXECUTABLE
        if _is_written(file, data, executable=executable):
            return False
        mode = 0o755 if executable else _plain_mode(file)
        temporary = self._prepare(data, mode, sync=sync)
        reach(Step.FILE_PREPARED)
        try:
            if file.is_dir() and not file.is_symlink():
                raise NeedsPersonError(
                    f"{path} comes in as a file, and a folder is there", hint="move what is in that folder elsewhere"
                )
            file.parent.mkdir(parents=True, exist_ok=True)
            self.refuse_lost_edits([change], known)  # again: a person may have saved it this very moment
            temporary.replace(file)
        except OSError:
            write_atomically(file, data, mode=mode)  # the git folder may lie on another disk; else this tells
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def _prepare(self, data: bytes, mode: int, *, sync: bool) -> Path:
        try:
            self.scratch.mkdir(exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.scratch)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.chmod(name, mode)  # noqa: PTH101 - a name, not a Path
                if sync:
                    os.fsync(handle)
        except OSError as error:
            raise AgentContextError(
                f"{self.scratch} cannot be written: {error.strerror or error}",
                hint="make room or give yourself the right to write there, then run this again; nothing was lost",
            ) from error
        return Path(name)

    def _remove(self, file: Path, *, folder: bool) -> bool:
        """Remove a file and the folders it leaves empty; with `folder` leave one, as git does for a submodule."""
        gone = file.is_symlink() or file.is_file()
        if gone:
            file.unlink()
        if folder:
            file.mkdir(parents=True, exist_ok=True)
            return gone
        for place in (file, *file.parents):
            if place == self.root or not place.is_dir() or any(place.iterdir()):
                if place != file:
                    break
                continue
            place.rmdir()
        return gone


def blob_ids(data: bytes) -> set[str]:
    """Return the ids that git gives these bytes, as they are and with the line ends of Unix."""
    return {str(pygit2.hash(data)), str(pygit2.hash(data.replace(b"\r\n", b"\n")))}


def is_scratch(name: str) -> bool:
    """Tell whether a file is an editor's, a file manager's or an interrupted program's leftover, by its name."""
    return name.startswith(".") or name.endswith(("~", ".tmp", ".swp", ".orig", ".rej"))


def sync_file(path: Path) -> None:
    """Wait until a file or folder is on the disk for good, where the system can tell."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sync_folders(folders: Collection[Path]) -> None:
    """Let the names of new files be on the disk before the branch counts on them: a file not there reads as deleted."""
    if len(folders) > MANY and hasattr(os, "sync"):
        os.sync()
        return
    for folder in set(folders):
        sync_file(folder)


def _is_written(file: Path, data: bytes, *, executable: bool) -> bool:
    try:
        same = not file.is_symlink() and file.read_bytes() == data
        return same and (os.name == "nt" or bool(file.stat().st_mode & 0o100) == executable)
    except OSError:
        return False


def _plain_mode(file: Path) -> int:
    """Return the mode that a replaced file keeps, and what a new one gets under the usual umask."""
    try:
        return file.stat().st_mode & 0o666
    except OSError:
        return 0o644


def _walk(top: Path) -> Iterator[Path]:
    """Yield every file below a folder, sorted. Raise NeedsPersonError where a folder cannot be read."""

    def refuse(error: OSError) -> None:
        raise NeedsPersonError(
            f"{error.filename} cannot be read: {error.strerror}", hint="give yourself the right to read it"
        ) from error

    for folder, inner, names in os.walk(top, onerror=refuse) if top.is_dir() else ():
        inner.sort()
        yield from (Path(folder) / name for name in sorted(names))


def _is_encodable(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
