"""The one package that touches git: objects and merges by pygit2, clone, fetch and push by the `git` program."""

from agent_context.git.checkout import Checkout, Snapshot, find_commit_at, find_root_commit, locate_checkout
from agent_context.git.locking import locked
from agent_context.git.program import TIMEOUT_SECONDS, Fetched, Pushed, clone, fetch, push
from agent_context.git.recovery import Leftover, find_leftovers, find_locks
from agent_context.git.repository import Repository, init_repository
from agent_context.git.steps import Step, reach
from agent_context.git.trees import Files, MergeConflict
from agent_context.git.troubles import Trouble, advise, diagnose, find_lock

__all__ = [
    "TIMEOUT_SECONDS",
    "Checkout",
    "Fetched",
    "Files",
    "Leftover",
    "MergeConflict",
    "Pushed",
    "Repository",
    "Snapshot",
    "Step",
    "Trouble",
    "advise",
    "clone",
    "diagnose",
    "fetch",
    "find_commit_at",
    "find_leftovers",
    "find_lock",
    "find_locks",
    "find_root_commit",
    "init_repository",
    "locate_checkout",
    "locked",
    "push",
    "reach",
]
