"""A clone's past, read: its commits, what each changed, how things were at a time. Changes nothing."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pygit2
from pygit2.enums import FileMode, RepositoryOpenFlag, SortMode

from agent_context.errors import RepositoryError
from agent_context.git.program import last_words, run
from agent_context.git.trees import changed_paths, read_blob

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent_context.git.trees import Node

NAME = re.compile(r"[0-9a-f]{4,40}")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: `at` is the committer's time in seconds since 1970."""

    id: str
    at: int
    author: str
    message: str
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Altered:
    """One file that a commit changed, against its first parent. None: not there."""

    path: str
    before: bytes | None
    after: bytes | None


class History:
    """The commits of one clone. They are named by their 40 hex digits."""

    def __init__(self, root: Path) -> None:
        self._repo = pygit2.Repository(str(root), RepositoryOpenFlag.NO_SEARCH)

    def walk(self, tip: str, *, without: str | None = None) -> Iterator[Commit]:
        """Yield the commits of `tip` (but for those of `without`), newest first, children before their parents."""
        walker = self._repo.walk(pygit2.Oid(hex=tip), SortMode.TOPOLOGICAL | SortMode.TIME)
        if without is not None:
            walker.hide(pygit2.Oid(hex=without))
        for found in walker:
            parents = tuple(str(parent) for parent in found.parent_ids)
            yield Commit(str(found.id), found.commit_time, found.author.name, found.message, parents)

    def alterations(self, commit: str) -> list[Altered]:
        """Return what a commit changed against its first parent (all of it where it has none)."""
        found = self._repo[commit].peel(pygit2.Commit)
        return self.alterations_between(str(found.parent_ids[0]) if found.parent_ids else None, commit)

    def alterations_between(self, old: str | None, new: str) -> list[Altered]:
        """Return the files that differ between two commits; what is no plain file is left out."""
        nodes = changed_paths(self._repo, self._node(old), self._node(new))
        return [Altered(path, self._read(before), self._read(after)) for path, before, after in nodes]

    def find_commit(self, name: str) -> str | None:
        """Return the one commit whose id begins so."""
        if not NAME.fullmatch(name):
            return None
        with suppress(KeyError, ValueError, pygit2.GitError):
            return str(self._repo[name].peel(pygit2.Commit).id)
        return None

    def commit_at(self, tip: str, seconds: float, now: float) -> str | None:
        """Return the commit that the branch was at, at a time; None before its first.

        A commit made earlier and brought in later counts from when it was brought in: it stands on later ones. Times
        after `now` come from a wrong clock and say nothing; where the very first commits are too young, nor do they.
        """
        at: str | None = None
        newest: str | None = None
        step: str | None = tip
        while step is not None:
            commit = self._repo[step].peel(pygit2.Commit)
            if seconds < commit.commit_time <= now:
                at = None
            else:
                at, newest = at or step, newest or step
            step = str(commit.parent_ids[0]) if commit.parent_ids else None
        return at or newest

    def merge_text(self, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
        """Merge a text that both sides changed, line by line; None where they changed the same lines."""
        ancestor, mine, other = (
            pygit2.IndexEntry("text", self._repo.create_blob(side), FileMode.BLOB) for side in (base, ours, theirs)
        )
        merged = self._repo.merge_file_from_index(ancestor, mine, other)
        if not merged.automergeable:
            return None
        return merged.contents.encode() if isinstance(merged.contents, str) else merged.contents

    def _node(self, commit: str | None) -> Node:
        return (self._repo[commit].peel(pygit2.Tree).id, FileMode.TREE) if commit else None

    def _read(self, node: Node) -> bytes | None:
        plain = node is not None and node[1] in (FileMode.BLOB, FileMode.BLOB_EXECUTABLE)
        return read_blob(self._repo, node[0]) if node is not None and plain else None


def ask_remote(root: Path, remote: str) -> str:
    """Ask the remote for its branches, which takes the credentials of a fetch. Returns why it does not answer."""
    done = run(root, "ls-remote", "--heads", remote)
    return "" if done.returncode == 0 else last_words(done.stderr) or "git ended without a word"


def ask_version(root: Path) -> str:
    """Return what the git program calls itself; empty where there is none."""
    try:
        return run(root, "--version").stdout.strip()
    except RepositoryError:
        return ""
