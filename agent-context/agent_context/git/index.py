"""The index of one clone: it follows the branch, and what a person has staged otherwise stays staged."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pygit2
from pygit2.enums import FileMode

from agent_context.errors import RepositoryError
from agent_context.git.program import run
from agent_context.git.steps import Step, reach
from agent_context.git.worktree import sync_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent_context.git.trees import Change

OUR_MARK = b"agent-context\n"  # what an index.lock of ours holds
PATIENCE_SECONDS = 15
# What pygit2 says of an index that it cannot read, what that is, and how git makes it one that it can.
UNREADABLE = (
    ("'link'", "a split index", "update-index --no-split-index"),
    ("'sdir'", "a sparse index", "sparse-checkout disable"),
)


class Index:
    """The file `index` in a worktree's git folder."""

    def __init__(self, root: Path, repo: pygit2.Repository) -> None:
        self._root = root
        self._repo = repo
        self._file = Path(repo.path) / "index"
        self._lock = Path(repo.path) / "index.lock"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep every other git from changing it meanwhile. Raise RepositoryError when one holds it for long."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with self._lock.open("xb") as file:
                    file.write(OUR_MARK)
                break
            except FileExistsError:
                if time.monotonic() > deadline:
                    raise RepositoryError(
                        f"another git is at work here, or was killed: it holds {self._lock}",
                        hint="end it (an editor that waits for a commit message?); if none runs, remove that file",
                    ) from None
                time.sleep(0.05)
        try:
            reach(Step.INDEX_LOCKED)
            yield
        finally:
            self._lock.unlink(missing_ok=True)

    def read(self) -> pygit2.Index:
        """Return what is staged. Raise RepositoryError for a kind that pygit2 cannot read, with the way out of it."""
        try:
            # Not Index(path): one that fails to open leaves a message on stderr.
            index: pygit2.Index = self._repo.index
            index.read()
        except (pygit2.GitError, OSError) as error:
            for sign, kind, way in UNREADABLE:
                if sign in str(error):
                    raise RepositoryError(
                        f"{self._root} has {kind}, which pygit2 cannot read", hint=f"git -C {self._root} {way}"
                    ) from None
            raise RepositoryError(
                f"{self._file} cannot be read: {error}", hint=f"see what git says: git -C {self._root} status"
            ) from None
        return index

    def follow(self, changes: list[Change], scratch: Path) -> None:
        """Take up changed files unless a person has staged them otherwise. Call it in `held`; `scratch` is a folder."""
        scratch.mkdir(exist_ok=True)
        copy = scratch / "index"
        copy.unlink(missing_ok=True)
        if self._file.exists():
            shutil.copyfile(self._file, copy)
        index = pygit2.Index(str(copy))
        for path, old, new in changes:
            staged = index[path].id if path in index else None
            if staged not in (old[0] if old else None, new[0] if new else None):
                continue
            if new is not None:
                index.add(pygit2.IndexEntry(path, new[0], FileMode(new[1])))
            elif staged is not None:
                index.remove(path)
        index.write()
        sync_file(copy)
        copy.replace(self._file)

    def hide(self, paths: list[str]) -> None:
        """Mark what is not written out (links), so that `git status` does not call it deleted, as far as git can."""
        given = b"".join(path.encode() + b"\0" for path in paths)
        run(self._root, "update-index", "-z", "--assume-unchanged", "--stdin", given=given)

    def find_half_staged(self, edited: Mapping[str, set[str]], committed: Mapping[str, str]) -> list[str]:
        """Return the edited files (path to the blobs that stand for what they hold) with another version again staged.

        A person is in the middle of choosing there (git add --patch).
        """
        index = self.read()
        staged = {path: str(index[path].id) if path in index else None for path in edited}
        return [path for path, blob in staged.items() if blob != committed.get(path) and blob not in edited[path]]
