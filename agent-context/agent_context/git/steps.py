"""The steps of a change to a clone, by name: between any two of them a crash must lose nothing.

Each is a Python audit event. Nothing listens to it but a test or a benchmark that kills its own process there.
"""

from __future__ import annotations

import sys
from enum import StrEnum

EVENT = "agent_context.git.step"


class Step(StrEnum):
    """What has just been done."""

    LOCKED = "the clone is locked"
    RECOVERED = "leftovers are removed"
    PACKED = "the objects are on disk"
    INDEX_LOCKED = "the index is locked"
    NOTED = "the move is noted"
    FILE_PREPARED = "a file's new version lies ready"
    FILE_WRITTEN = "a file is written"
    WORKTREE_WRITTEN = "all files are written"
    INDEX_WRITTEN = "the index is written"
    BRANCH_MOVED = "the branch has moved"
    MOVED = "the note of the move is gone"
    FETCHED = "the remote is fetched"
    COMBINED = "the remote's commits and ours are combined"
    PUSHED = "the remote has accepted"


def reach(step: Step) -> None:
    """Say that a step is done."""
    sys.audit(EVENT, step.value)
