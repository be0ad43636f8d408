"""Coverage: what became of every session file on this machine, and how long the unread ones will still be there."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent_context.harvest.extracted import WITH_MESSAGES
from agent_context.harvest.extraction import DAY, NANOSECONDS, find_sessions, find_silence
from agent_context.reports import Unread
from agent_context.transcripts import READERS
from agent_context.transcripts.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from agent_context.state import SessionRow, State

RETENTION_DAYS = 30  # Claude Code's own default of cleanupPeriodDays


@dataclass(slots=True)
class Coverage:
    """The count of session files by what became of them; `silent` says that nothing was captured for too long."""

    found: int = 0
    read: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    unread: list[Unread] = field(default_factory=list)
    silent: str = ""


def take_coverage(homes: Mapping[str, Path], state: State, now: float) -> Coverage:
    """Look at every session file; read those that are unread, to say why. `now` is seconds since 1970."""
    coverage = Coverage()
    retention = read_retention(homes["claude_code"])
    for name, path in find_sessions(homes):
        coverage.found += 1
        try:
            stat = path.stat()
        except OSError as error:
            coverage.unread.append(Unread(str(path), f"unreadable: {error.strerror}", 0))
            continue
        age = (now - stat.st_mtime_ns / NANOSECONDS) / DAY
        session = READERS[name].read(path)
        outcome = WITH_MESSAGES if isinstance(session, Session) else session.reason
        coverage.outcomes[outcome] += 1
        days_left = int((retention if name == "claude_code" else RETENTION_DAYS) - age)
        is_read = state.is_read(path, stat.st_size, stat.st_mtime_ns)
        coverage.read += is_read
        if not is_read:
            reason = "not read yet" if isinstance(session, Session) else session.reason
            coverage.unread.append(Unread(str(path), reason, days_left))
    coverage.unread.sort(key=lambda item: (item.days_left, item.path))
    coverage.silent = find_silence(state, now)
    return coverage


def list_unread(rows: Iterable[SessionRow], claude_dir: Path, now: float) -> list[Unread]:
    """Return the sessions that a run left unread, with the days until they are deleted, most pressing first."""
    retention = read_retention(claude_dir)
    waiting = (row for row in rows if not row.read)
    found = (
        Unread(row.path, row.outcome, int(retention - (now - row.mtime_ns / NANOSECONDS) / DAY)) for row in waiting
    )
    return sorted(found, key=lambda item: (item.days_left, item.path))


def read_retention(claude_dir: Path) -> int:
    """Return after how many days Claude Code deletes sessions, by its own settings, else by its default."""
    try:
        days = json.loads((claude_dir / "settings.json").read_text(encoding="utf-8")).get("cleanupPeriodDays")
    except (OSError, ValueError, AttributeError):
        return RETENTION_DAYS
    return days if isinstance(days, int) and days > 0 else RETENTION_DAYS
