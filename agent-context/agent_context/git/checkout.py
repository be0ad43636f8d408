"""Somebody's checkout of a project, seen from any folder in it: where it is and which repository it is of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pygit2
from pygit2.enums import SortMode


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
        return Checkout(Path(repo.workdir), _common_dir(Path(repo.path)), _remote(repo))
    except (pygit2.GitError, OSError, KeyError, ValueError):
        return None


def find_root_commit(checkout: Checkout) -> str:
    """Return the oldest commit that HEAD comes from; empty without commits, or where the history is damaged."""
    try:
        repo = pygit2.Repository(str(checkout.top))
        if repo.head_is_unborn:
            return ""
        return str(next(iter(repo.walk(repo.head.target, SortMode.TOPOLOGICAL | SortMode.REVERSE))).id)
    except (pygit2.GitError, OSError, KeyError, ValueError):
        return ""


def _common_dir(git_dir: Path) -> Path:
    """Return the main git folder: a linked worktree names it in its file `commondir`."""
    pointer = git_dir / "commondir"
    return (git_dir / pointer.read_text(encoding="utf-8").strip()).resolve() if pointer.is_file() else git_dir


def _remote(repo: pygit2.Repository) -> str:
    names = list(repo.remotes.names())
    name = "origin" if "origin" in names else names[0] if len(names) == 1 else None
    return str(repo.remotes[name].url) if name else ""
