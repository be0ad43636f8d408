"""Somebody's checkout of a project, seen from any folder in it: where it is and which repository it is of."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pygit2
from pygit2.enums import FileMode, SortMode

from agent_context.errors import RepositoryError
from agent_context.git.program import run
from agent_context.git.trees import walk_files

if TYPE_CHECKING:
    from collections.abc import Collection

GIT_ERRORS = (pygit2.GitError, RepositoryError, OSError, KeyError, ValueError)


@dataclass(frozen=True, slots=True)
class Checkout:
    """A working tree (`top`), the git folder it shares with its sister worktrees, and what identifies the repository.

    `remote` is the address of `origin`, else of the only remote, else empty.
    """

    top: Path
    common_dir: Path
    remote: str


def locate_checkout(path: Path) -> Checkout | None:
    """Return the checkout that a folder lies in, through the common git folder; None outside git."""
    try:
        found = pygit2.discover_repository(str(path))
        if not found:
            return None
        repo = pygit2.Repository(found)
        if repo.workdir is None:
            return None
        return Checkout(Path(repo.workdir), common_dir(Path(repo.path)), _remote(repo))
    except GIT_ERRORS:
        return None


def find_root_commit(checkout: Checkout) -> str:
    """Return the oldest commit that HEAD comes from; empty without commits, or where the history is damaged."""
    try:
        repo = pygit2.Repository(str(checkout.top))
        if repo.head_is_unborn:
            return ""
        return str(next(iter(repo.walk(repo.head.target, SortMode.TOPOLOGICAL | SortMode.REVERSE))).id)
    except GIT_ERRORS:
        return ""


def common_dir(git_dir: Path) -> Path:
    """Return the main git folder: a linked worktree names it in its file `commondir`."""
    pointer = git_dir / "commondir"
    return (git_dir / pointer.read_text(encoding="utf-8").strip()).resolve() if pointer.is_file() else git_dir


def _remote(repo: pygit2.Repository) -> str:
    names = list(repo.remotes.names())
    name = "origin" if "origin" in names else names[0] if len(names) == 1 else None
    return str(repo.remotes[name].url) if name else ""


class Snapshot:
    """A checkout's repository as a commit has it: which files there are, and what stands in them."""

    def __init__(self, top: Path, commit: str) -> None:
        """Open it. An unknown commit is a snapshot without files."""
        self._top = top
        self._commit = commit
        self.files: dict[str, pygit2.Oid] = {}
        with contextlib.suppress(*GIT_ERRORS):
            self._repo = pygit2.Repository(str(top))
            tree = self._repo.revparse_single(commit).peel(pygit2.Tree)
            self.files = {path: node[0] for path, node in walk_files(self._repo, (tree.id, FileMode.TREE)) if node}

    def read(self, path: str) -> str:
        """Return a file's text; empty where there is none."""
        blob = self._repo.get(self.files[path]) if path in self.files else None
        return blob.data.decode("utf-8", "replace") if isinstance(blob, pygit2.Blob) else ""

    def find_words(self, words: Collection[str]) -> set[str]:
        """Return those of the words that stand, whole, in some text file."""
        if not words or not self.files:
            return set()
        patterns = [option for word in sorted(words) for option in ("-e", word)]
        done = run(self._top, "grep", "-I", "-h", "-o", "-w", "-F", *patterns, self._commit, "--")
        return set(done.stdout.splitlines()) & set(words)


def find_commit_at(top: Path, moment: str) -> str:
    """Return the newest commit of HEAD that is not younger than a time (UTC); empty where there is none."""
    return run(top, "rev-list", "-1", f"--before={moment}", "HEAD").stdout.strip()


def is_committed(top: Path, path: Path) -> bool:
    """Tell whether a checkout's index has this file: it is the project's own then."""
    return run(top, "ls-files", "--error-unmatch", "--", str(path)).returncode == 0


def find_default_branch(top: Path, *, guess: bool = True) -> str:
    """Return the remote's main branch as the checkout knows it, else (`guess`) the one checked out, else nothing."""
    with contextlib.suppress(*GIT_ERRORS):
        repo = pygit2.Repository(str(top))
        if "refs/remotes/origin/HEAD" in repo.references:
            return str(repo.references["refs/remotes/origin/HEAD"].target).removeprefix("refs/remotes/origin/")
        return str(repo.lookup_reference("HEAD").target).removeprefix("refs/heads/") if guess else ""
    return ""
