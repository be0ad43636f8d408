"""One clone on disk: its branch, its commits, and how worktree, index and branch move from one commit to another.

The order that keeps every interruption harmless: objects, then worktree files one by one, then the index, then the
branch by compare-and-swap. A branch that moved before its files would show the missing files as deletions.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pygit2
from pygit2.enums import FileMode, SortMode

from agent_context.errors import AgentContextError, RepositoryError
from agent_context.git import maintenance, recovery
from agent_context.git.checkout import common_dir
from agent_context.git.conditions import GIT_ERRORS, find_branch, open_clone, refuse_other_branch
from agent_context.git.index import Index
from agent_context.git.moving import Move
from agent_context.git.objects import NewObjects, is_signed, sign_commit
from agent_context.git.steps import Step, reach
from agent_context.git.trees import (
    EMPTY_TREE,
    PLAIN,
    Files,
    Node,
    TreeMerge,
    changed_paths,
    edit_tree,
    read_blob,
    walk_files,
)
from agent_context.git.worktree import Edits, Worktree, blob_ids

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from agent_context.git.trees import Change, Resolver

UNWRITTEN: dict[int, str] = {FileMode.LINK: "a symbolic link", FileMode.COMMIT: "a submodule"}


class Repository:
    """A non-bare clone. Commits are named by their 40 hex digits."""

    def __init__(self, root: Path) -> None:
        """Open the clone whose top folder is `root`. Raise RepositoryError when it is none that can be read."""
        self._repo = open_clone(root)
        self.root = root
        self._new = NewObjects(self._repo)
        self._worktree = Worktree(root, self._repo)
        self._index = Index(root, self._repo)
        self._signs: bool | None = None

    @property
    def git_dir(self) -> Path:
        """Return the git folder of this worktree."""
        return Path(self._repo.path)

    @property
    def common_dir(self) -> Path:
        """Return the git folder that this worktree shares with its sisters; mostly the same."""
        return common_dir(self.git_dir)

    @property
    def lock_path(self) -> Path:
        """Return the file that whoever changes this clone holds locked."""
        return self.common_dir / "agent-context.lock"

    @property
    def is_shallow(self) -> bool:
        """Tell whether the clone's history is cut off somewhere."""
        return self._repo.is_shallow

    def branch(self) -> str:
        """Return the branch checked out.

        Raise NeedsPersonError where it is not the one to work on, or not now: a detached HEAD, another branch than the
        remote's main one, a merge or rebase under way, a sparse checkout.
        """
        branch = find_branch(self._repo)
        self._index.read()
        refuse_other_branch(self._repo, branch, self.remote(branch))
        return branch

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

    def fetched_tip(self) -> str | None:
        """Return the commit that the last fetch brought, also where it was not let into `refs/remotes`."""
        with contextlib.suppress(OSError):
            commit = (self.git_dir / "FETCH_HEAD").read_text(encoding="utf-8").partition("\t")[0]
            return commit if self.has_commit(commit) else None
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
        return read_blob(self._repo, found.id) if found.filemode in PLAIN else None

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

    def commit_files(
        self, files: Files, message: str, machine: str, *, own_edits: bool = False, executable: Collection[str] = ()
    ) -> str:
        """Commit these files (None: removed) on top of the branch, worktree first. Returns the commit.

        With `own_edits` the files come from the worktree's own present state, so that overwriting it loses nothing.
        Of new files those in `executable` may be run.
        """
        old = self.tip()
        with told("the commit could not be written"):
            tree = edit_tree(self._repo, self._tree(old), files, executable)
            commit = self._create_commit(tree, message, [old] if old else [], machine)
        self.move_to(commit, overwrite=files.keys() if own_edits else ())
        return commit

    def replay(self, commits: list[pygit2.Commit], onto: str, resolve: Resolver) -> tuple[str, list[str]]:
        """Return `onto` with the commits' changes on top of it, one new commit each, and what the merges have to say.

        The worktree is not touched.
        """
        tip, notes = onto, []
        for commit in commits:
            merge = TreeMerge(self._repo, resolve)
            base = self._node(str(commit.parents[0].id)) if commit.parents else None
            with told("the commits could not be replayed"):
                merged = merge.merge_trees(base, self._node(str(commit.id)), self._node(tip))
                notes += merge.notes
                if merged is not None and merged != self._node(tip):
                    tip = self._make_commit(merged[0], commit.message, [tip], commit.author, commit.committer)
        with told("the commits could not be written"):
            self._new.save()
        return tip, notes

    def merge(self, theirs: str, resolve: Resolver, machine: str) -> tuple[str, list[str]]:
        """Return a merge commit of the branch and `theirs`, and what the merge has to say; no file is touched."""
        ours = self.tip()
        if ours is None:
            return theirs, []
        merge = TreeMerge(self._repo, resolve)
        with told("the merge could not be written"):
            merged = merge.merge_trees(self._node(self.merge_base(ours, theirs)), self._node(ours), self._node(theirs))
            tree = merged[0] if merged else EMPTY_TREE
            message = "sync: merge what the remote brought"
            return self._create_commit(tree, message, [ours, theirs], machine), merge.notes

    def move_to(self, commit: str, *, overwrite: Collection[str] = ()) -> None:
        """Bring worktree, index and branch to a commit, in this order; files that a person changed meanwhile stop it.

        Raise NeedsPersonError, with nothing moved, when an uncommitted edit is in the way (but for `overwrite`).
        """
        present = [path for path in overwrite if (self.root / path).is_file()]
        known = {path: self.blob_id((self.root / path).read_bytes()) for path in present}
        self._carry_out(Move(self.tip(), commit, known))

    def finish_move(self) -> None:
        """Finish a move that was cut short; until then, files that it had yet to write look like deletions."""
        move = Move.noted_in(self.git_dir)
        if move is None or self._repo.head_is_detached or self._repo.state():
            return
        if self.tip() == move.old and self.has_commit(move.new):
            self._carry_out(move)
        else:
            move.forget(self.git_dir)

    def recover(self) -> None:
        """Clear away what a killed process left here, and finish what it began. Call it with the clone's lock held."""
        recovery.recover(self.git_dir, self.common_dir)
        self.finish_move()

    def keep_house(self) -> None:
        """Let git pack what lies about, where that is due. Call it with the clone's lock held."""
        if maintenance.is_due(self.common_dir):
            maintenance.maintain(self.root)

    def _carry_out(self, move: Move) -> None:
        branch = self._repo.references.get(f"refs/heads/{self.branch()}")
        changes = list(changed_paths(self._repo, self._node(move.old), self._node(move.new)))
        with self._index.held():
            self._worktree.refuse_lost_edits(changes, move.known)
            move.note(self.git_dir)
            reach(Step.NOTED)
            self._write_files(changes, move)
            reach(Step.WORKTREE_WRITTEN)
            with told("the branch could not be moved"):
                self._write_index(changes)
                reach(Step.INDEX_WRITTEN)
                self._move_branch(branch, move)
                reach(Step.BRANCH_MOVED)
            move.forget(self.git_dir)
            reach(Step.MOVED)
        links = [path for path, _, node in changes if node is not None and node[1] == FileMode.LINK]
        if links:
            self._index.hide(links)

    def _write_files(self, changes: list[Change], move: Move) -> None:
        """Write the new files; where one cannot be, those written go back to what they were and the move is off."""
        written: list[Change] = []
        try:
            self._worktree.write_files(changes, move.known, written)
        except (AgentContextError, OSError):
            self._worktree.take_back(written, move.known)
            move.forget(self.git_dir)
            raise

    def _move_branch(self, branch: pygit2.Reference | None, move: Move) -> None:
        """Compare and swap: the branch moves only from where it was when the move began."""
        if branch is None:
            self._repo.references.create(str(self._repo.lookup_reference("HEAD").target), move.new)
        elif str(branch.target) == move.old:
            branch.set_target(move.new, "agent-context")
        else:
            raise ValueError(f"it is at {branch.target} now")

    def _write_index(self, changes: list[Change]) -> None:
        self._index.follow(changes, self._worktree.scratch)

    def removed_between(self, old: str, new: str) -> dict[str, bytes]:
        """Return the files that `new` no longer has, with the bytes they had in `old`."""
        gone: dict[str, bytes] = {}
        for path, node, after in changed_paths(self._repo, self._node(old), self._node(new)):
            if node is not None and after is None and node[1] in PLAIN:
                gone[path] = read_blob(self._repo, node[0])
        return gone

    def unwritten_between(self, old: str | None, new: str) -> dict[str, str]:
        """Return what `new` brought that is never written out here, path to what it is: links and submodules."""
        changes = changed_paths(self._repo, self._node(old), self._node(new))
        return {path: UNWRITTEN[node[1]] for path, _, node in changes if node is not None and node[1] in UNWRITTEN}

    def edited_files(self, folders: Iterable[str]) -> dict[str, bytes | None]:
        """Return the files below these folders that differ from the tip: their bytes, None where they are gone.

        One of which a person has staged yet another version is left out (`half_staged_files` names it). Raise
        NeedsPersonError where a folder cannot be read, or a sparse checkout leaves files out: what is not seen there
        must not pass for deleted.
        """
        return self.find_edits(folders).files

    def half_staged_files(self, folders: Iterable[str]) -> list[str]:
        """Return the edited files below these folders of which a person has staged yet another version."""
        return self.find_edits(folders).half_staged

    def find_edits(self, folders: Iterable[str]) -> Edits:
        """Return both in one look at the worktree, as `edited_files` and `half_staged_files` say."""
        self.branch()
        committed = self.files_below(self.tip(), folders)
        edited = self._worktree.edited_files(committed, folders)
        blobs = {path: blob_ids(data) if data is not None else set() for path, data in edited.items()}
        half = self._index.find_half_staged(blobs, committed) if edited else []
        return Edits({path: data for path, data in edited.items() if path not in half}, half)

    def made_executable(self, folder: str) -> dict[str, bytes]:
        """Return the files below a folder that may be run and may not as committed: their committed bytes."""
        tip = self.tip()
        tree = self._repo[tip].tree if tip else None
        node = tree[folder] if tree is not None and folder in tree else None
        return self._worktree.made_executable(walk_files(self._repo, (node.id, node.filemode), folder)) if node else {}

    def _tree(self, commit: str | None) -> pygit2.Oid | None:
        return self._repo[commit].tree.id if commit else None

    def _node(self, commit: str | None) -> Node:
        tree = self._tree(commit)
        return (tree, FileMode.TREE) if tree else None

    def _create_commit(self, tree: pygit2.Oid, message: str, parents: list[str], machine: str) -> str:
        """Make a commit by the user (by this machine, where git knows no user) and write it to the disk."""
        try:
            person = self._repo.default_signature
        except (KeyError, ValueError):
            person = pygit2.Signature(
                f"agent-context on {machine}", f"agent-context@{machine}.invalid", int(time.time()), 0
            )
        commit = self._make_commit(tree, message, parents, person, person)
        self._new.save()
        return commit

    def _make_commit(
        self,
        tree: pygit2.Oid,
        message: str,
        parents: list[str],
        author: pygit2.Signature,
        committer: pygit2.Signature,
    ) -> str:
        """Make a commit, signed where the user signs; on the disk it is after `save`."""
        if self._signs is None:
            self._signs = is_signed(self.root)
        if self._signs:
            self._new.save()
        made = self._repo.create_commit(None, author, committer, message, tree, parents)
        if not self._signs:
            return str(made)
        unsigned = self._repo[made].peel(pygit2.Commit)
        self._new.drop()
        return sign_commit(self.root, unsigned)


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
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
