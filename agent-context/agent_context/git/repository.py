"""One clone on disk: its branch, commits, and the worktree as a view of the branch's tip.

The order that keeps every interruption harmless: objects, then worktree files one by one, then the index, then the
branch by compare-and-swap. A branch that moved before its files would show the missing files as deletions.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pygit2
from pygit2.enums import FileMode, RepositoryOpenFlag, SortMode

from agent_context.changes import write_atomically
from agent_context.errors import NeedsPersonError, RepositoryError
from agent_context.git.trees import (
    Files,
    MergeConflict,
    Node,
    TreeMerge,
    changed_paths,
    edit_tree,
    read_blob,
    walk_files,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from agent_context.git.trees import Resolver

PLAIN = (FileMode.BLOB, FileMode.BLOB_EXECUTABLE)
MOVING = "agent-context.moving"
GIT_ERRORS = (pygit2.GitError, OSError, KeyError, ValueError)


class Repository:
    """A non-bare clone. Commits are named by their 40 hex digits."""

    def __init__(self, root: Path) -> None:
        """Open the clone whose top folder is `root`. Raise RepositoryError when it is none that can be read."""
        try:
            self._repo = pygit2.Repository(str(root), RepositoryOpenFlag.NO_SEARCH)
        except GIT_ERRORS as error:
            raise RepositoryError(
                f"{root} is not a git clone that can be read: {error}",
                hint="clone the knowledge base again, or run: git -C <folder> status",
            ) from None
        self.root = root

    @property
    def lock_path(self) -> Path:
        """Return the file that whoever changes this clone holds locked."""
        return Path(self._repo.path) / "agent-context.lock"

    def branch(self) -> str:
        """Return the branch checked out. Raise NeedsPersonError on a detached HEAD or in the middle of a merge."""
        if self._repo.head_is_detached:
            raise NeedsPersonError("no branch is checked out here", hint="check out your main branch: git switch main")
        if self._repo.state():
            raise NeedsPersonError(
                "a merge, rebase or cherry-pick is under way here",
                hint="finish it (git status says how) or abort it, then run this again",
            )
        branch = str(self._repo.lookup_reference("HEAD").target).removeprefix("refs/heads/")
        main = self._main_branch(branch)
        if main not in ("", branch):
            raise NeedsPersonError(
                f"the branch {branch} is checked out, and the remote's main branch is {main}",
                hint=f"sync works on that one: git switch {main}",
            )
        return branch

    def _main_branch(self, branch: str) -> str:
        """Return the remote's main branch as of the clone, empty when it is not known."""
        remote = self.remote(branch)
        with contextlib.suppress(KeyError):
            target = str(self._repo.lookup_reference(f"refs/remotes/{remote}/HEAD").target)
            return target.removeprefix(f"refs/remotes/{remote}/")
        return ""

    def tip(self) -> str | None:
        """Return the commit that the branch is at; None in a clone without commits."""
        return None if self._repo.head_is_unborn else str(self._repo.head.target)

    def remote(self, branch: str) -> str | None:
        """Return the name of the remote that the branch follows, else `origin`, else None."""
        names = list(self._repo.remotes.names())
        with contextlib.suppress(KeyError):
            name = self._repo.config[f"branch.{branch}.remote"]
            if name in names:
                return name
        return "origin" if "origin" in names else None

    def remote_url(self, name: str) -> str:
        """Return the remote's address as configured, before git's `insteadOf` rules."""
        return str(self._repo.config[f"remote.{name}.url"])

    def remote_urls(self, name: str) -> set[str]:
        """Return every address that a push to the remote may go to: as configured, as rewritten, for pushing alone."""
        remote = self._repo.remotes[name]
        return {url for url in (self.remote_url(name), remote.url, remote.push_url) if url}

    def set_remote(self, name: str, url: str) -> None:
        """Point the remote at another address, or add it."""
        if name in self._repo.remotes.names():
            self._repo.remotes.set_url(name, url)
        else:
            self._repo.remotes.create(name, url)

    def remote_tip(self, remote: str, branch: str) -> str | None:
        """Return the remote's commit as of the last fetch."""
        with contextlib.suppress(KeyError):
            return str(self._repo.lookup_reference(f"refs/remotes/{remote}/{branch}").target)
        return None

    def forget_remote_tip(self, remote: str, branch: str) -> None:
        """Forget what an earlier fetch saw: the remote has no such branch (any more)."""
        with contextlib.suppress(KeyError):
            self._repo.references.delete(f"refs/remotes/{remote}/{branch}")

    def has_commit(self, commit: str) -> bool:
        """Tell whether this clone knows the commit."""
        try:
            return commit in self._repo
        except ValueError:
            return False

    def ahead_behind(self, ours: str, theirs: str) -> tuple[int, int]:
        """Return how many commits each side has that the other lacks."""
        return self._repo.ahead_behind(pygit2.Oid(hex=ours), pygit2.Oid(hex=theirs))

    def commits_between(self, base: str | None, tip: str) -> list[pygit2.Commit]:
        """Return the commits of `tip` that `base` lacks, oldest first."""
        walker = self._repo.walk(pygit2.Oid(hex=tip), SortMode.TOPOLOGICAL | SortMode.REVERSE)
        if base is not None:
            walker.hide(pygit2.Oid(hex=base))
        return list(walker)

    def merge_base(self, ours: str, theirs: str) -> str | None:
        """Return the commit that both come from, if any."""
        base = self._repo.merge_base(pygit2.Oid(hex=ours), pygit2.Oid(hex=theirs))
        return str(base) if base else None

    def read_file(self, commit: str | None, path: str) -> bytes | None:
        """Return a file's bytes in a commit."""
        if commit is None:
            return None
        try:
            found = self._repo[commit].tree[path]
        except KeyError:
            return None
        return found.data if isinstance(found, pygit2.Blob) else None

    def files_below(self, commit: str | None, folders: Iterable[str]) -> dict[str, str]:
        """Return path to blob id of every file below these folders in a commit."""
        found: dict[str, str] = {}
        if commit is None:
            return found
        for folder in folders:
            with contextlib.suppress(KeyError):
                node = self._repo[commit].tree[folder]
                for path, leaf in walk_files(self._repo, (node.id, node.filemode), folder):
                    if leaf is not None and leaf[1] in PLAIN:
                        found[path] = str(leaf[0])
        return found

    def blob_id(self, data: bytes) -> str:
        """Return the id that git gives these bytes."""
        return str(pygit2.hash(data))

    def commit_files(self, files: Files, message: str, machine: str, *, own_edits: bool = False) -> str:
        """Commit these files (None: removed) on top of the branch, worktree first. Returns the commit.

        With `own_edits` the files come from the worktree's own present state, so that overwriting it loses nothing.
        """
        old = self.tip()
        with _told("the commit could not be written"):
            tree = edit_tree(self._repo, self._tree(old), files)
            commit = self._create_commit(tree, message, [old] if old else [], machine)
        self.move_to(commit, overwrite=files.keys() if own_edits else ())
        return commit

    def replay(self, commits: list[pygit2.Commit], onto: str, resolve: Resolver) -> tuple[str, list[MergeConflict]]:
        """Return `onto` with the commits' changes on top of it, one new commit each; the worktree is not touched."""
        tip = onto
        for commit in commits:
            merge = TreeMerge(self._repo, resolve)
            base = self._node(str(commit.parents[0].id)) if commit.parents else None
            with _told("the commits could not be replayed"):
                merged = merge.merge(base, self._node(str(commit.id)), self._node(tip))
                if merge.conflicts:
                    return onto, merge.conflicts
                if merged is not None and merged != self._node(tip):
                    person, message = commit.author, commit.message
                    tip = str(self._repo.create_commit(None, person, commit.committer, message, merged[0], [tip]))
        return tip, []

    def merge(self, theirs: str, resolve: Resolver, machine: str) -> tuple[str, list[MergeConflict]]:
        """Return a merge commit of the branch and `theirs`; the worktree is not touched."""
        ours = self.tip()
        if ours is None:
            return theirs, []
        base = self.merge_base(ours, theirs)
        merge = TreeMerge(self._repo, resolve)
        with _told("the merge could not be written"):
            merged = merge.merge(self._node(base), self._node(ours), self._node(theirs))
            if merge.conflicts or merged is None:
                return ours, merge.conflicts
            return self._create_commit(merged[0], "sync: merge what the remote brought", [ours, theirs], machine), []

    def move_to(self, commit: str, *, overwrite: Collection[str] = ()) -> None:
        """Bring worktree, index and branch to a commit, in this order; files that a person changed meanwhile stop it.

        Raise NeedsPersonError, with nothing moved, when an uncommitted edit is in the way (but for `overwrite`).
        """
        old = self.tip()
        changes = list(changed_paths(self._repo, self._node(old), self._node(commit)))
        self._refuse_lost_edits([change for change in changes if change[0] not in overwrite])
        journal = Path(self._repo.path) / MOVING
        write_atomically(journal, f"{old or ''} {commit}\n".encode())
        for path, _, node in changes:
            self._write_worktree(path, node)
        reference = str(self._repo.lookup_reference("HEAD").target)
        with _told("the branch could not be moved"):
            self._write_index(changes)
            if old is None:
                self._repo.references.create(reference, commit)
            else:
                self._repo.references[reference].set_target(commit, "agent-context")
            journal.unlink(missing_ok=True)

    def finish_move(self) -> None:
        """Finish a move that was cut short; until then, files that it had yet to write look like deletions."""
        journal = Path(self._repo.path) / MOVING
        if not journal.is_file():
            return
        old, _, commit = journal.read_text(encoding="utf-8").strip("\n").partition(" ")
        if (self.tip() or "") == old and self.has_commit(commit):
            self.move_to(commit)
        journal.unlink(missing_ok=True)

    def removed_between(self, old: str, new: str) -> dict[str, bytes]:
        """Return the files that `new` no longer has, with the bytes they had in `old`."""
        gone: dict[str, bytes] = {}
        for path, node, after in changed_paths(self._repo, self._node(old), self._node(new)):
            if node is not None and after is None and node[1] in PLAIN:
                gone[path] = read_blob(self._repo, node[0])
        return gone

    def edited_files(self, folders: Iterable[str]) -> dict[str, bytes | None]:
        """Return the files below these folders that differ from the tip: their bytes, None where they are gone.

        Raise NeedsPersonError where a folder cannot be read, or a sparse checkout leaves files out: what is not seen
        there must not pass for deleted.
        """
        if self._is_sparse():
            raise NeedsPersonError("this clone is a sparse checkout", hint="make it whole: git sparse-checkout disable")
        committed = self.files_below(self.tip(), folders)
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
                    if committed.get(path) not in (self.blob_id(data), self.blob_id(data.replace(b"\r\n", b"\n"))):
                        edited[path] = data
        return {**edited, **dict.fromkeys(sorted(committed.keys() - present))}

    def _is_sparse(self) -> bool:
        with contextlib.suppress(KeyError):
            return bool(self._repo.config.get_bool("core.sparseCheckout"))
        return False

    def _tree(self, commit: str | None) -> pygit2.Oid | None:
        return self._repo[commit].tree.id if commit else None

    def _node(self, commit: str | None) -> Node:
        tree = self._tree(commit)
        return (tree, FileMode.TREE) if tree else None

    def _create_commit(self, tree: pygit2.Oid, message: str, parents: list[str], machine: str) -> str:
        try:
            person = self._repo.default_signature
        except (KeyError, ValueError):
            person = pygit2.Signature(
                f"agent-context on {machine}", f"agent-context@{machine}.invalid", int(time.time()), 0
            )
        return str(self._repo.create_commit(None, person, person, message, tree, parents))

    def _refuse_lost_edits(self, changes: list[tuple[str, Node, Node]]) -> None:
        for path, old, new in changes:
            file = self.root / path
            if any(part.is_symlink() for part in (file, *file.parents) if self.root in part.parents):
                raise NeedsPersonError(
                    f"{path} lies behind a symbolic link", hint="replace the link by a folder of its own"
                )
            if not file.is_file():
                continue
            present = self.blob_id(file.read_bytes())
            unix = self.blob_id(file.read_bytes().replace(b"\r\n", b"\n"))
            wanted = {str(node[0]) for node in (old, new) if node is not None}
            if present not in wanted and unix not in wanted:
                raise NeedsPersonError(
                    f"{path} has changes that are not committed, and a newer version came in",
                    hint=f"commit it or put it aside (git stash push {path}), then run this again; nothing was changed",
                )

    def _write_worktree(self, path: str, node: Node) -> None:
        file = self.root / path
        if node is None:
            file.unlink(missing_ok=True)
            for parent in file.parents:
                if parent == self.root or not parent.is_dir() or any(parent.iterdir()):
                    break
                parent.rmdir()
        elif node[1] in PLAIN:
            mode = 0o755 if node[1] == FileMode.BLOB_EXECUTABLE else None
            write_atomically(file, read_blob(self._repo, node[0]), mode=mode)

    def _write_index(self, changes: list[tuple[str, Node, Node]]) -> None:
        """Let the index follow the worktree; what a person has staged otherwise stays staged."""
        index = self._repo.index
        index.read()
        for path, old, new in changes:
            staged = index[path].id if path in index else None
            if staged not in (old[0] if old else None, new[0] if new else None):
                continue
            if new is None:
                index.remove(path)
            else:
                index.add(pygit2.IndexEntry(path, new[0], FileMode(new[1])))
        index.write()


def is_scratch(name: str) -> bool:
    """Tell whether a file is an editor's, a file manager's or an interrupted program's leftover, by its name."""
    return name.startswith(".") or name.endswith(("~", ".tmp", ".swp", ".orig", ".rej"))


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


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """Turn what git and the disk say into an error that names the next step."""
    try:
        yield
    except GIT_ERRORS as error:
        raise RepositoryError(
            f"{what}: {error}", hint="see that the disk has room and the folder can be written, then run this again"
        ) from error


def init_repository(root: Path) -> None:
    """Make an empty repository with branch `main`, in the formats that pygit2 reads."""
    pygit2.init_repository(str(root), initial_head="main")
