"""In what condition a clone is: whether pygit2 can read it, and whether its branch is one to work on now."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pygit2
from pygit2.enums import RepositoryOpenFlag, RepositoryState

from agent_context.errors import NeedsPersonError, RepositoryError

if TYPE_CHECKING:
    from pathlib import Path

GIT_ERRORS = (pygit2.GitError, OSError, KeyError, ValueError)
# What pygit2 says of a repository that it cannot open, what that is, and the way out of it.
UNREADABLE = (
    ("refstorage", "keeps its refs as a reftable", "git -C {root} refs migrate --ref-format=files"),
    (
        "object format",
        "names its objects by sha256",
        "nothing converts it in place: make a new one (agent-context init DIR), copy projects/ and patterns/ there",
    ),
    ("not owned by", "belongs to another user of this system", "git config --global --add safe.directory {root}"),
)
UNDER_WAY = {
    RepositoryState.MERGE: ("a merge", "git merge --abort"),
    RepositoryState.REVERT: ("a revert", "git revert --abort"),
    RepositoryState.REVERT_SEQUENCE: ("a revert", "git revert --abort"),
    RepositoryState.CHERRYPICK: ("a cherry-pick", "git cherry-pick --abort"),
    RepositoryState.CHERRYPICK_SEQUENCE: ("a cherry-pick", "git cherry-pick --abort"),
    RepositoryState.BISECT: ("a bisect", "git bisect reset"),
    RepositoryState.APPLY_MAILBOX: ("git am", "git am --abort"),
    RepositoryState.APPLY_MAILBOX_OR_REBASE: ("git am or a rebase", "git rebase --abort"),
    RepositoryState.REBASE: ("a rebase", "git rebase --abort"),
    RepositoryState.REBASE_INTERACTIVE: ("a rebase", "git rebase --abort"),
    RepositoryState.REBASE_MERGE: ("a rebase", "git rebase --abort"),
}


def open_clone(root: Path) -> pygit2.Repository:
    """Open the clone whose top folder is `root`. Raise RepositoryError when it is none that can be read."""
    pygit2.settings.enable_fsync_gitdir(True)  # noqa: FBT003 - read when refs are first used, so before all else
    try:
        repo = pygit2.Repository(str(root), RepositoryOpenFlag.NO_SEARCH)
    except GIT_ERRORS as error:
        for sign, what, way in UNREADABLE:
            if sign in str(error):
                message = f"{root} {what}, which pygit2 cannot read"
                raise RepositoryError(message, hint=way.format(root=root)) from None
        raise RepositoryError(
            f"{root} is not a git clone that can be read: {error}",
            hint="clone the knowledge base again, or run: git -C <folder> status",
        ) from None
    if repo.is_bare:
        raise RepositoryError(f"{root} is a bare repository", hint="clone it, and work in the clone")
    return repo


def find_branch(repo: pygit2.Repository) -> str:
    """Return the branch checked out. Raise NeedsPersonError where nothing may move now."""
    state = repo.state()
    if state:
        what, abort = UNDER_WAY[RepositoryState(state)]
        raise NeedsPersonError(
            f"{what} is under way here",
            hint=f"finish it (git status says how) or give it up ({abort}), then run this again",
        )
    if repo.head_is_detached:
        raise NeedsPersonError("no branch is checked out here", hint="check out your main branch: git switch main")
    with contextlib.suppress(KeyError):
        if repo.config.get_bool("core.sparseCheckout"):
            raise NeedsPersonError("this clone is a sparse checkout", hint="make it whole: git sparse-checkout disable")
    return str(repo.lookup_reference("HEAD").target).removeprefix("refs/heads/")


def refuse_other_branch(repo: pygit2.Repository, branch: str, remote: str | None) -> None:
    """Raise NeedsPersonError where the branch is not the remote's main one, as far as the clone knows that."""
    with contextlib.suppress(KeyError):
        target = str(repo.lookup_reference(f"refs/remotes/{remote}/HEAD").target)
        main = target.removeprefix(f"refs/remotes/{remote}/")
        if main != branch:
            raise NeedsPersonError(
                f"the branch {branch} is checked out, and the remote's main branch is {main}",
                hint=f"sync works on that one: git switch {main}",
            )
