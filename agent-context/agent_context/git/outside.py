"""A person's own checkout, seen from outside: its sister worktrees, and commits of nothing but given files.

What the person has staged, changed or not pushed stays as it is: none of it rides along.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pygit2
from pygit2.enums import RepositoryState

from agent_context.errors import RepositoryError
from agent_context.git.checkout import GIT_ERRORS
from agent_context.git.program import last_words, push, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from agent_context.git.checkout import Checkout

TRIES = 3
BACKOFF_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a branch is pushed to: the remote's name, the branch's name there, and its last known commit."""

    remote: str
    branch: str
    commit: pygit2.Oid


def find_worktrees(checkout: Checkout) -> Iterator[Path]:
    """Yield the top folders of all worktrees of a checkout's repository that exist, this one first."""
    seen = {checkout.top.resolve()}
    yield checkout.top
    common = checkout.common_dir
    tops = [common.parent] if common.name == ".git" else []
    for pointer in sorted((common / "worktrees").glob("*/gitdir")):
        try:
            tops.append((pointer.parent / pointer.read_text(encoding="utf-8").strip()).resolve().parent)
        except (OSError, UnicodeDecodeError):
            continue
    for top in tops:
        if (top / ".git").exists() and top.resolve() not in seen:
            seen.add(top.resolve())
            yield top


def list_tracked(top: Path, paths: Sequence[str]) -> set[str]:
    """Return those of the paths that the checkout's index has."""
    try:
        index = pygit2.Repository(str(top)).index
        return {path for path in paths if path in index}
    except GIT_ERRORS:
        return set()


def commit_alone(top: Path, paths: Sequence[str], message: str) -> str:
    """Commit these paths as they are on disk, and nothing else, as the person. Returns why not, empty when done."""
    try:
        reason = _find_obstacle(pygit2.Repository(str(top)))
        if reason:
            return reason
        done = run(top, "add", "--all", "--", *paths)
        if done.returncode == 0 and run(top, "diff", "--cached", "--quiet", "--", *paths).returncode == 0:
            return ""
        if done.returncode == 0:
            done = run(top, "commit", "--quiet", "--only", "-m", message, "--", *paths)
        if done.returncode != 0:
            run(top, "reset", "--quiet", "--", *paths)
            return last_words(done.stderr or done.stdout) or "git does not say why"
    except (*GIT_ERRORS, RepositoryError) as error:
        return str(error)
    return ""


def push_alone(
    top: Path, is_ours: Callable[[str], bool], *, pause: Callable[[float], None] = time.sleep, tries: int = TRIES
) -> str:
    """Push the branch where only commits of ours wait. Returns why not, empty when nothing waits any more.

    `is_ours` is asked of each waiting commit's message. What does not get through is tried three times in all, with
    pauses of 1 and 2 seconds; where the remote has moved on, the person's next pull is waited for.
    """
    try:
        repo = pygit2.Repository(str(top))
        upstream = _find_upstream(repo)
        if upstream is None:
            return "the branch has no upstream to push to"
        waiting = list(_list_waiting(repo, upstream))
        if not waiting:
            return ""
        if not all(is_ours(commit.message) for commit in waiting):
            return "commits of your own wait there too: push them yourself"
        for attempt in range(tries):
            done = push(top, upstream.remote, upstream.branch, str(repo.head.target))
            if done.accepted or done.behind:
                break
            if attempt + 1 < tries:
                pause(BACKOFF_SECONDS * 2**attempt)
    except (*GIT_ERRORS, RepositoryError) as error:
        return str(error)
    if done.behind:
        return "the remote has moved on: it goes with your next pull and push"
    return "" if done.accepted else f"{done.reason} ({tries} tries)"


def has_waiting(top: Path, is_ours: Callable[[str], bool]) -> bool:
    """Tell whether commits, all of them ours, wait to be pushed."""
    try:
        repo = pygit2.Repository(str(top))
        upstream = _find_upstream(repo)
        waiting = list(_list_waiting(repo, upstream)) if upstream else []
    except GIT_ERRORS:
        return False
    return bool(waiting) and all(is_ours(commit.message) for commit in waiting)


def _find_obstacle(repo: pygit2.Repository) -> str:
    """Return why nothing is committed here now, or an empty string."""
    if repo.state() != RepositoryState.NONE:
        return "a merge, rebase or the like is under way"
    if repo.head_is_detached:
        return "no branch is checked out"
    branch = str(repo.lookup_reference("HEAD").target).removeprefix("refs/heads/")
    main = _find_main(repo)
    return f"the branch {branch} is checked out, not {main}" if main and branch != main else ""


def _find_main(repo: pygit2.Repository) -> str:
    """Return the remote's main branch, as far as this clone knows it."""
    name = "refs/remotes/origin/HEAD"
    target = str(repo.lookup_reference(name).target) if name in repo.references else ""
    return target.removeprefix("refs/remotes/origin/")


def _find_upstream(repo: pygit2.Repository) -> Upstream | None:
    if repo.head_is_detached or repo.head_is_unborn:
        return None
    branch = repo.branches.local[repo.head.shorthand]
    if branch.upstream is None:
        return None
    remote = branch.upstream.remote_name
    return Upstream(remote, branch.upstream.shorthand.removeprefix(f"{remote}/"), branch.upstream.peel().id)


def _list_waiting(repo: pygit2.Repository, upstream: Upstream) -> Iterator[pygit2.Commit]:
    walker = repo.walk(repo.head.target)
    walker.hide(upstream.commit)
    return iter(walker)
