"""A move of worktree, index and branch under way, noted on disk so that the next run can finish it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from agent_context.git.worktree import sync_file

if TYPE_CHECKING:
    from pathlib import Path

NOTE = "agent-context.moving"


@dataclass(frozen=True, slots=True)
class Move:
    """From which commit (None: none yet) to which; `known` is path to blob of a person's edits that may be replaced."""

    old: str | None
    new: str
    known: dict[str, str] = field(default_factory=dict)

    @classmethod
    def noted_in(cls, git_dir: Path) -> Self | None:
        """Return the move that was cut short in this git folder; None when none was."""
        try:
            first, *rest = (git_dir / NOTE).read_text(encoding="utf-8").splitlines() or [""]
        except FileNotFoundError:
            return None
        old, _, new = first.partition(" ")
        return cls(old or None, new, {path: blob for blob, _, path in (line.partition(" ") for line in rest)})

    def note(self, git_dir: Path) -> None:
        """Write it down, whole and for good, before anything moves."""
        lines = [f"{self.old or ''} {self.new}", *(f"{blob} {path}" for path, blob in self.known.items())]
        draft = git_dir / f"{NOTE}.draft"
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        sync_file(draft)
        draft.replace(git_dir / NOTE)
        sync_file(git_dir)

    def forget(self, git_dir: Path) -> None:
        """Remove the note: the move is done, or was given up with nothing moved."""
        (git_dir / NOTE).unlink(missing_ok=True)
