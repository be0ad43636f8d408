"""The values of a pass over sessions: files found, sessions read, what was extracted, and what became of each file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from agent_context.screening.passing import Passed  # noqa: TC001 - msgspec reads the annotation
from agent_context.state import SessionRow
from agent_context.transcripts.session import PullRequest, Session, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable

WITH_MESSAGES = "with messages"


class Found(NamedTuple):
    """A session file, by the name of the reader that found it, in the state it was in."""

    reader: str
    path: Path
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Read:
    """A session that was read (its events are let go), what was extracted from it, and its records that were new."""

    session: Session
    candidates: tuple[Passed, ...]
    records: frozenset[str]


class Paid(msgspec.Struct, frozen=True):
    """A `Read` as it is put away until its learnings are committed."""

    id: str
    path: str
    cwd: str
    started: str
    pull_requests: list[PullRequest]
    candidates: tuple[Passed, ...]
    records: tuple[str, ...]
    size: int
    mtime_ns: int

    def restore(self) -> tuple[Read, SessionRow]:
        """Return what was read, and the row that is to be remembered of its file."""
        session = Session(self.id, Path(self.path), self.cwd, self.started, pull_requests=self.pull_requests)
        row = SessionRow(self.path, self.size, self.mtime_ns, read=True, outcome=WITH_MESSAGES)
        return Read(session, self.candidates, frozenset(self.records)), row


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run with a model would send: sessions (or `what` else is asked about), and tokens counted from above."""

    sessions: int
    tokens: int
    what: str = "session"


@dataclass(slots=True)
class Extraction:
    """What became of all sessions found. `rows` is what the state is to remember once the learnings are safe."""

    found: int = 0
    reads: list[Read] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    unknown_records: Counter[str] = field(default_factory=Counter)
    broken_lines: int = 0
    interrupted: bool = False
    kept: list[tuple[str, Path]] = field(default_factory=list)
    rows: dict[str, SessionRow] = field(default_factory=dict)

    def note(self, found: Found, outcome: str, *, read: bool) -> None:
        """Remember a file's state, what became of it, and whether it need be read again."""
        self.rows[str(found.path)] = SessionRow(str(found.path), found.size, found.mtime_ns, read=read, outcome=outcome)

    def postpone(self, found: Found, reason: str) -> None:
        """Count a session that is left for a later run."""
        self.skipped[reason] += 1
        self.note(found, WITH_MESSAGES, read=False)

    def skip(self, skipped: Skipped) -> None:
        """Count a file that holds nothing to learn from."""
        self.skipped[skipped.reason] += 1
        if skipped.lost:
            self.lost.append(f"{skipped.path}: {skipped.reason}")


@dataclass(frozen=True, slots=True)
class Payment:
    """How a run with a model is paid for: `approve` is told the estimate and may raise, `note` each session paid.

    `before` holds the ids of sessions paid for in earlier runs; `count` gives the tokens that a session's prompt takes.
    """

    approve: Callable[[Estimate], None]
    note: Callable[[str], None]
    before: frozenset[str]
    count: Callable[[Session], int]
    stop: Callable[[], None]
