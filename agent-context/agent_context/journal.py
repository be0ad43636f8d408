"""The local journal: one line a sync, for statistics and for knowing what was spent. Never in git."""

from __future__ import annotations

import os
import statistics
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from filelock import FileLock

from agent_context.changes import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

PRIVATE_FILE = 0o600
MOST_BYTES = 8_000_000
SIZES_SHOWN = 12


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One sync (or part of one that cost money). `at` is UTC, `seconds` wall time, `steps` its parts by name.

    `learnings` is how many the knowledge base holds afterwards, `error` what ended the sync before its end.
    """

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
    sync: str = ""
    steps: dict[str, float] = msgspec.field(default_factory=dict)
    bytes_read: int = 0
    retries: int = 0
    conflicts: int = 0
    failures: int = 0
    learnings: int = 0
    error: str = ""


class Journal:
    """The file `journal.jsonl` of this machine. It never grows beyond `most_bytes`: the oldest lines go."""

    def __init__(self, data_dir: Path, most_bytes: int = MOST_BYTES) -> None:
        self.path = data_dir / "journal.jsonl"
        self._most_bytes = most_bytes

    def append(self, entry: Entry) -> None:
        """Add one line, written in one call and under a lock, so that nobody's line is mixed or trimmed away."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_suffix(".lock")):
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
            try:
                os.write(handle, msgspec.json.encode(entry) + b"\n")
                size = os.fstat(handle).st_size
            finally:
                os.close(handle)
            if size > self._most_bytes:
                self._trim()

    def entries(self, since: str = "") -> Iterator[Entry]:
        """Yield the entries at or after a time (UTC text), oldest first; a line that does not read is passed over."""
        if not self.path.is_file():
            return
        with self.path.open("rb") as file:
            for line in file:
                entry = _read_line(line)
                if entry is not None and entry.at >= since:
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

    def prune(self, before: str) -> None:
        """Drop the lines from before a time (UTC text), but for those of what was paid for."""
        if not any(entry.at < before and not entry.paid_session for entry in self.entries()):
            return
        with FileLock(self.path.with_suffix(".lock")):
            lines = [(line, _read_line(line)) for line in self.path.read_bytes().splitlines(keepends=True)]
            kept = [line for line, entry in lines if entry and (entry.at >= before or entry.paid_session)]
            write_atomically(self.path, b"".join(kept), mode=PRIVATE_FILE)

    def _trim(self) -> None:
        """Keep the newest half, and of what is older the newest quarter's worth of what was paid for."""
        lines = [line for line in self.path.read_bytes().splitlines(keepends=True) if _read_line(line) is not None]
        newest = _newest(lines, self._most_bytes // 2)
        paid = [line for line in lines[: len(lines) - len(newest)] if b'"paid_session"' in line]
        kept = [*_newest(paid, self._most_bytes // 4), *newest]
        write_atomically(self.path, b"".join(kept), mode=PRIVATE_FILE)


class Steps:
    """Takes the time of a run's steps: `with steps("fetch"): …` adds to `seconds["fetch"]`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds: dict[str, float] = {}
        self._clock = clock

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Take the time of one step; one that is done again, or that fails, counts as well."""
        started = self._clock()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + self._clock() - started, 3)


@dataclass(frozen=True, slots=True)
class Size:
    """How many learnings there were at the end of a day."""

    day: str
    learnings: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Syncs of one machine summed up. `success` and `conflicting` are shares of 1; `steps` medians, slowest first."""

    syncs: int = 0
    done: int = 0
    success: float = 0.0
    median_seconds: float = 0.0
    slowest_seconds: float = 0.0
    slowest_at: str = ""
    steps: dict[str, float] = field(default_factory=dict)
    sessions_read: int = 0
    sessions_lost: int = 0
    megabytes_read: float = 0.0
    candidates: int = 0
    learned: int = 0
    pushed: int = 0
    retries: int = 0
    blocked: int = 0
    conflicting: float = 0.0
    failures: int = 0
    cost_usd: float = 0.0
    sizes: tuple[Size, ...] = ()


def sum_up(entries: Iterable[Entry]) -> Summary:
    """Sum up journal entries, oldest first."""
    lines = list(entries)
    cost = round(sum(entry.cost_usd for entry in lines), 4)
    syncs = [entry for entry in lines if not entry.part]
    if not syncs:
        return Summary(cost_usd=cost)
    slowest = max(syncs, key=lambda entry: entry.seconds)
    done = sum(entry.exit_code == 0 for entry in syncs)
    return Summary(
        syncs=len(syncs),
        done=done,
        success=round(done / len(syncs), 3),
        median_seconds=round(statistics.median(entry.seconds for entry in syncs), 2),
        slowest_seconds=slowest.seconds,
        slowest_at=slowest.at,
        steps=_median_steps(syncs),
        sessions_read=sum(entry.read for entry in syncs),
        sessions_lost=sum(entry.lost for entry in syncs),
        megabytes_read=round(sum(entry.bytes_read for entry in syncs) / 1e6, 1),
        candidates=sum(entry.candidates for entry in syncs),
        learned=sum(entry.learned for entry in syncs),
        pushed=sum(entry.pushed for entry in syncs),
        retries=sum(entry.retries for entry in syncs),
        blocked=sum(entry.blocked for entry in syncs),
        conflicting=round(sum(bool(entry.conflicts or entry.blocked) for entry in syncs) / len(syncs), 3),
        failures=sum(entry.failures + bool(entry.error) for entry in syncs),
        cost_usd=cost,
        sizes=_sizes(syncs),
    )


def _median_steps(syncs: list[Entry]) -> dict[str, float]:
    names = dict.fromkeys(name for entry in syncs for name in entry.steps)
    medians = {
        name: round(statistics.median(entry.steps[name] for entry in syncs if name in entry.steps), 3) for name in names
    }
    return dict(sorted(medians.items(), key=lambda item: -item[1]))


def _sizes(syncs: list[Entry]) -> tuple[Size, ...]:
    """Return the size at the end of each day, at most twelve days spread evenly, the last among them."""
    by_day = {entry.at[:10]: entry.learnings for entry in syncs if entry.learnings}
    sizes = [Size(day, count) for day, count in by_day.items()]
    step = max(1, -(-len(sizes) // SIZES_SHOWN))
    return tuple(sizes[::-1][::step][::-1])


def _read_line(line: bytes) -> Entry | None:
    try:
        return msgspec.json.decode(line, type=Entry)
    except msgspec.DecodeError:
        return None


def _newest(lines: list[bytes], most_bytes: int) -> list[bytes]:
    """Return the last lines that fit."""
    total = 0
    for index in range(len(lines) - 1, -1, -1):
        total += len(lines[index])
        if total > most_bytes:
            return lines[index + 1 :]
    return lines
