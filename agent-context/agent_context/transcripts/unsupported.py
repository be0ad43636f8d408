"""Agents whose session files are recognised and counted, and not read: a person learns that they are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.transcripts.session import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class UnsupportedReader:
    """A reader that finds files by these patterns below the agent's home, and skips each with its reason."""

    agent: str
    patterns: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Return why its files are skipped."""
        return f"{self.agent} is not read yet"

    def find(self, home: Path) -> Iterator[Path]:
        """Yield the agent's session files, sorted by path."""
        yield from sorted({path for pattern in self.patterns for path in home.glob(pattern)})

    def read(self, path: Path) -> Skipped:
        """Return the reason; the file is not opened."""
        return Skipped(path, self.reason)


GEMINI = UnsupportedReader("Gemini CLI", ("tmp/*/chats/session-*.json", "tmp/*/chats/session-*.jsonl"))
OPENCODE = UnsupportedReader("opencode", ("opencode*.db", "storage/session/**/*.json"))
