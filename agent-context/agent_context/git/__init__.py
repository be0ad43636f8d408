"""The one package that touches git: objects and merges by pygit2, clone, fetch and push by the `git` program."""

from agent_context.git.checkout import Checkout, Snapshot, find_commit_at, find_root_commit, locate_checkout
from agent_context.git.locking import locked
from agent_context.git.program import Fetched, Pushed, clone, fetch, push
from agent_context.git.repository import Repository, init_repository
from agent_context.git.trees import Files, MergeConflict

__all__ = [
    "Checkout",
    "Fetched",
    "Files",
    "MergeConflict",
    "Pushed",
    "Repository",
    "Snapshot",
    "clone",
    "fetch",
    "find_commit_at",
    "find_root_commit",
    "init_repository",
    "locate_checkout",
    "locked",
    "push",
]
