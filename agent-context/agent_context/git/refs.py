"""Refs beside the branch: private ones of this clone, and the branches that machines propose on.

What is pushed here may replace what was there, but only what this clone has seen there: each push names the commit that
it expects to find, and the remote compares and swaps. The branch itself is repository's, and is never forced.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pygit2
from pygit2.enums import FileMode, SortMode

from agent_context.errors import RepositoryError
from agent_context.git.program import last_words, run
from agent_context.git.trees import changed_paths, edit_tree, read_blob

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.git.repository import Repository
    from agent_context.git.trees import Files, Node

GIT_ERRORS = (pygit2.GitError, OSError, KeyError, ValueError)
NO_OPTIONS = "does not support push options"


@dataclass(frozen=True, slots=True)
class Sent:
    """How a push ended: `accepted`; `moved` when the remote's ref is not where it was expected; else why not.

    `said` is what the server printed.
    """

    accepted: bool
    moved: bool = False
    reason: str = ""
    said: str = ""


class Refs:
    """The refs of one clone but for its branch. Commits are named by their 40 hex digits, refs in full."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._repo: pygit2.Repository = repository._repo  # noqa: SLF001 - the same package

    def tip(self, ref: str) -> str | None:
        """Return the commit that a ref names; None where there is no such ref."""
        with suppress(KeyError, pygit2.InvalidSpecError):
            return str(self._repo.lookup_reference(ref).resolve().target)
        return None

    def tips(self, prefix: str) -> dict[str, str]:
        """Return ref to commit of every ref that begins so."""
        names = [name for name in self._repo.references if name.startswith(prefix)]
        return {name: tip for name in sorted(names) if (tip := self.tip(name)) is not None}

    def move(self, ref: str, new: str, old: str | None) -> None:
        """Let a ref name another commit. Raise RepositoryError, with nothing moved, when it is not at `old` now."""
        try:
            if self.tip(ref) != old:
                raise ValueError(f"it is not at {old or 'nothing'}")
            if old is None:
                self._repo.references.create(ref, new)
            else:
                self._repo.references[ref].set_target(new, "agent-context")
        except GIT_ERRORS as error:
            raise RepositoryError(
                f"{ref} could not be moved: {error}", hint="another git is at work on this clone; run this again"
            ) from error

    def forget(self, ref: str) -> None:
        """Delete a ref of this clone's own, if it is there."""
        with suppress(KeyError):
            self._repo.references.delete(ref)

    def commit(self, files: Files, message: str, machine: str, onto: str) -> str:
        """Return a new commit on top of `onto` that changes these files (None: removed). No ref and no file moves."""
        try:
            tree = edit_tree(self._repo, self._repo[onto].peel(pygit2.Tree).id, files)
            return self._repository._create_commit(tree, message, [onto], machine)  # noqa: SLF001 - the same package
        except GIT_ERRORS as error:
            raise _explain(error) from error

    def keep(self, files: Files, message: str, parents: list[str]) -> str:
        """Return a new commit that holds these files alone. It is for this clone, and bears no signature."""
        try:
            person = pygit2.Signature("agent-context", "agent-context@localhost", 0, 0)
            tree = edit_tree(self._repo, None, files)
            commit = str(self._repo.create_commit(None, person, person, message, tree, parents))
            self._repository._new.save()  # noqa: SLF001 - the same package
        except GIT_ERRORS as error:
            raise _explain(error) from error
        return commit

    def tree(self, commit: str) -> str:
        """Return the id of a commit's tree."""
        return str(self._repo[commit].peel(pygit2.Tree).id)

    def changed(self, old: str | None, new: str) -> dict[str, bytes | None]:
        """Return the files that differ, with their bytes in `new` (None: not there). Links and submodules are left out.

        Raise RepositoryError for a tree with a name that no honest commit has.
        """
        found: dict[str, bytes | None] = {}
        for path, _, node in changed_paths(self._repo, self._node(old), self._node(new)):
            if node is None:
                found[path] = None
            elif node[1] in (FileMode.BLOB, FileMode.BLOB_EXECUTABLE):
                found[path] = read_blob(self._repo, node[0])
        return found

    def comes_from(self, commit: str, ancestor: str) -> bool:
        """Tell whether a commit is the other or has it in its history; one that is not here is in nobody's."""
        if not commit or not ancestor:
            return False
        if commit == ancestor:
            return True
        with suppress(*GIT_ERRORS):
            return self._repo.descendant_of(pygit2.Oid(hex=commit), pygit2.Oid(hex=ancestor))
        return False

    def messages(self, base: str | None, tip: str) -> list[str]:
        """Return the messages of the commits that `tip` has and `base` lacks."""
        return [commit.message for commit in self._repository.commits_between(base, tip)]

    def last_author(self, path: str, base: str | None, tip: str) -> pygit2.Signature:
        """Return who last changed a path on the way from `base` to `tip`, else who wrote `tip`."""
        walker = self._repo.walk(pygit2.Oid(hex=tip), SortMode.TOPOLOGICAL)
        if base is not None:
            walker.hide(pygit2.Oid(hex=base))
        for commit in walker:
            if len(commit.parents) == 1 and _leaf(commit, path) != _leaf(commit.parents[0], path):
                return commit.author
        return self._repo[tip].peel(pygit2.Commit).author

    def _node(self, commit: str | None) -> Node:
        return (self._repo[commit].peel(pygit2.Tree).id, FileMode.TREE) if commit else None


def _explain(error: Exception) -> RepositoryError:
    return RepositoryError(
        f"the commit could not be written: {error}", hint="see that the disk has room, then run this again"
    )


def fetch_refs(root: Path, remote: str, pattern: str, target: str) -> str:
    """Mirror the remote's refs of a pattern into `target`, what is gone there too. Returns why not, or nothing."""
    how = ("--no-tags", "--no-filter", "--no-recurse-submodules", "--no-write-fetch-head", "--prune")
    done = run(root, "fetch", *how, remote, f"+{pattern}:{target}")
    return "" if done.returncode == 0 else last_words(done.stderr)


def push_ref(
    root: Path, remote: str, ref: str, commit: str, *, expected: str | None, options: tuple[str, ...] = ()
) -> Sent:
    """Push exactly this commit (empty: delete) to a ref of the remote that must be at `expected` (None: not there).

    Push options are left out for a server that takes none.
    """
    lease = f"--force-with-lease={ref}:{expected or ''}"
    sent = _push(root, remote, f"{commit}:{ref}", (lease,), options)
    if options and NO_OPTIONS in sent.said:
        return _push(root, remote, f"{commit}:{ref}", (lease,), ())
    return sent


def push_for_review(root: Path, remote: str, commit: str, ref: str, options: tuple[str, ...]) -> Sent:
    """Push a commit to a ref that stands for a review (`refs/for/main`), which the server turns into a pull request."""
    return _push(root, remote, f"{commit}:{ref}", (), options)


def _push(root: Path, remote: str, refspec: str, flags: tuple[str, ...], options: tuple[str, ...]) -> Sent:
    given = [part for option in options for part in ("-o", option)]
    done = run(root, "push", "--porcelain", "--recurse-submodules=no", *flags, *given, remote, refspec)
    text = done.stdout + done.stderr
    if done.returncode == 0:
        return Sent(accepted=True, said=done.stderr)
    moved = any(word in text for word in ("stale info", "cannot lock ref", "failed to update ref", "fetch first"))
    return Sent(accepted=False, moved=moved, reason=last_words(text), said=done.stderr)


def _leaf(commit: pygit2.Commit, path: str) -> pygit2.Oid | None:
    with suppress(KeyError):
        return commit.tree[path].id
    return None
