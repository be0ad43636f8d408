"""Read the sessions that are due, extract candidates, and say for every session found what became of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from agent_context.transcripts import READERS
from agent_context.transcripts.session import Session, Skipped

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.config import ExtractionSettings
    from agent_context.learning import Candidate, Finding
    from agent_context.state import State

NANOSECONDS = 1_000_000_000
BEING_WRITTEN = "still being written"
ALREADY_READ = "read before"


@dataclass(frozen=True, slots=True)
class Read:
    """A session that was read (its events are let go) and what was extracted from it."""

    session: Session
    candidates: tuple[Candidate, ...]


@dataclass(slots=True)
class Extraction:
    """What became of all sessions found. `rows` is what the state is to remember once the learnings are safe."""

    found: int = 0
    reads: list[Read] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    unknown_records: Counter[str] = field(default_factory=Counter)
    broken_lines: int = 0
    rows: list[tuple[Path, int, int, bool]] = field(default_factory=list)


def extract_due(home: Path, state: State, settings: ExtractionSettings, quiet_seconds: int, now: float) -> Extraction:
    """Read every session below `home` that is neither being written nor read before. `now` is seconds since 1970."""
    result = Extraction()
    present: set[str] = set()
    for reader in READERS.values():
        for path in reader.find(home):
            result.found += 1
            present.add(str(path))
            try:
                stat = path.stat()
            except OSError as error:
                _skip(result, Skipped(path, f"unreadable: {error.strerror}", lost=True))
                continue
            if state.is_read(path, stat.st_size, stat.st_mtime_ns):
                result.skipped[ALREADY_READ] += 1
            elif abs(now - stat.st_mtime_ns / NANOSECONDS) < quiet_seconds:
                result.skipped[BEING_WRITTEN] += 1
                result.rows.append((path, stat.st_size, stat.st_mtime_ns, False))
            else:
                done = extract_file(path, settings, result)
                result.rows.append((path, stat.st_size, stat.st_mtime_ns, done))
    result.lost += [f"{path}: gone before it was read" for path in state.take_lost(present)]
    return result


def extract_file(path: Path, settings: ExtractionSettings, result: Extraction) -> bool:
    """Read and extract one session file into `result`. Returns whether the file need not be read again."""
    from agent_context.extractors import EXTRACTORS  # noqa: PLC0415 - what a sync without news does not pay

    session = next(iter(READERS.values())).read(path)
    if isinstance(session, Skipped):
        _skip(result, session)
        return not session.reason.startswith("unreadable")
    candidates = EXTRACTORS[settings.extractor](session, (), limit=settings.per_session)
    result.unknown_records.update(session.unknown)
    result.broken_lines += session.broken_lines
    session.events.clear()
    named = (msgspec.structs.replace(candidate, extractor=settings.extractor) for candidate in candidates)
    result.reads.append(Read(session, tuple(named)))
    return True


def screen_candidate(candidate: Candidate) -> list[Finding]:
    """Return what is wrong with any text of a candidate that would be written down."""
    from agent_context.screening import screen  # noqa: PLC0415 - what a sync without news does not pay

    texts = [
        candidate.claim,
        candidate.why,
        *(quote.quote for quote in candidate.evidence),
        *candidate.tags,
        *candidate.paths,
    ]
    return [finding for text in texts for finding in screen(text)]


def _skip(result: Extraction, skipped: Skipped) -> None:
    result.skipped[skipped.reason] += 1
    if skipped.lost:
        result.lost.append(f"{skipped.path}: {skipped.reason}")
