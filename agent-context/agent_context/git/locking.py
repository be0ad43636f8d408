"""The one lock of a clone: whoever changes it holds this, and begins by clearing away what a killed one left."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from agent_context.errors import AgentContextError
from agent_context.git.steps import Step, reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_context.git.repository import Repository


@contextmanager
def locked(repository: Repository, seconds: int, *, dry_run: bool = False) -> Iterator[None]:
    """Hold the clone's one lock, with what a killed process left cleared away, and keep house when that is due.

    The kernel frees it when its holder dies; no child process inherits it. Raise AgentContextError when another process
    keeps it longer than `seconds`.
    """
    if dry_run:
        yield
        return
    try:
        with FileLock(repository.lock_path, timeout=seconds):
            reach(Step.LOCKED)
            repository.recover()
            yield
            repository.keep_house()
    except Timeout:
        raise AgentContextError(
            f"another agent-context has been at work on {repository.root} for {seconds} s",
            hint="wait for it to end, then run this again",
        ) from None
