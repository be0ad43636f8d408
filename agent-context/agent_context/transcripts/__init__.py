"""The family of transcript readers: each finds the session files of one coding agent and reads them leniently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from agent_context.transcripts import claude_code, codex, unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent_context.transcripts.session import Session, Skipped


class Reader(Protocol):
    """What a module of this family offers."""

    def find(self, home: Path) -> Iterator[Path]:
        """Yield the session files below the agent's own folder, sorted."""

    def read(self, path: Path) -> Session | Skipped:
        """Read one file as a stream. Never raises for what is in the file."""


READERS: dict[str, Reader] = {
    "claude_code": claude_code,
    "codex": codex,
    "gemini": unsupported.GEMINI,
    "opencode": unsupported.OPENCODE,
}
