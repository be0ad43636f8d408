"""The local journal: one line a sync, for statistics and for knowing what was spent. Never in git."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRIVATE_FILE = 0o600


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One sync (or part of one that cost money). `at` is UTC, `seconds` wall time."""

    at: str
    knowledge_base: str
    seconds: float = 0.0
    exit_code: int = 0
    found: int = 0
    read: int = 0
    lost: int = 0
    candidates: int = 0
    learned: int = 0
    dropped: int = 0
    brought_in: int = 0
    pushed: int = 0
    blocked: int = 0
    waiting: str = ""
    cost_usd: float = 0.0
    part: bool = False  # a line of its own for money spent or a session paid for, within a sync that has its line too
    paid_session: str = ""


class Journal:
    """The file `journal.jsonl` of this machine."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "journal.jsonl"

    def append(self, entry: Entry) -> None:
        """Add one line. A line is written in one call, so that two syncs at once do not mix theirs."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
        try:
            os.write(handle, msgspec.json.encode(entry) + b"\n")
        finally:
            os.close(handle)

    def entries(self, since: str = "") -> Iterator[Entry]:
        """Yield the entries at or after a time (UTC text), oldest first; a line that does not read is passed over."""
        if not self.path.is_file():
            return
        with self.path.open("rb") as file:
            for line in file:
                try:
                    entry = msgspec.json.decode(line, type=Entry)
                except msgspec.DecodeError:
                    continue
                if entry.at >= since:
                    yield entry

    def paid_sessions(self, knowledge_base: str) -> set[str]:
        """Return the ids of the sessions whose extraction was paid for, for this knowledge base."""
        return {
            entry.paid_session
            for entry in self.entries()
            if entry.paid_session and entry.knowledge_base == knowledge_base
        }

    def spent_usd(self, since: str) -> float:
        """Return what was spent at or after a time."""
        return sum(entry.cost_usd for entry in self.entries(since))
