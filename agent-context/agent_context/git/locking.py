"""The one lock of a clone: whoever changes it holds this."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from agent_context.errors import AgentContextError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_context.git.repository import Repository


@contextmanager
def locked(repository: Repository, seconds: int, *, dry_run: bool = False) -> Iterator[None]:
    """Hold the clone's one lock. Raise AgentContextError when another process keeps it longer than `seconds`."""
    if dry_run:
        yield
        return
    try:
        with FileLock(repository.lock_path, timeout=seconds):
            yield
    except Timeout:
        raise AgentContextError(
            f"another agent-context has been at work on {repository.root} for {seconds} s",
            hint="wait for it to end, then run this again",
        ) from None
