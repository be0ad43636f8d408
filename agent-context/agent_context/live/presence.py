"""Which sessions are open on this machine: what the client says in its registry, and whether its processes still run.

Claude Code (seen with 2.1.329) keeps one file a process, `sessions/<pid>.json`, and removes it when it ends; its key
files beside them are not read. Older clients keep none: there a transcript that still grows is an open session.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_context.live.cards import SESSION_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

REGISTRY = "sessions"
QUIET_SECONDS = 300  # an open session that was last busy longer ago is idle
SILENT_SECONDS = 1800  # without a registry, a transcript that has not grown for so long is of an ended session
FOREIGN_SECONDS = 43_200  # of a process that cannot be asked, an entry so old counts for nothing
START_FIELD = 19  # of /proc/PID/stat behind the name: starttime, in clock ticks
NAMESPACE = re.compile(r"pid:\[\d+\]$")


class Status(StrEnum):
    """How a session stands. `LIVE` and `IDLE` ones are open."""

    LIVE = "live"
    IDLE = "idle"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Present:
    """An open session, its transcript, and the directory that its client was started in (empty where nobody says)."""

    session: str
    transcript: Path
    status: Status
    cwd: str = ""


class _Entry(msgspec.Struct, rename="camel"):
    pid: int
    session_id: str
    cwd: str = ""
    proc_start: str = ""
    pid_domain: str = ""
    status: str = ""
    updated_at: float = 0
    status_updated_at: float = 0


def find_present(claude_dir: Path, now: float) -> list[Present]:
    """Return the open sessions, by id. What does not read in the registry is passed over."""
    registry = claude_dir / REGISTRY
    found = _registered(claude_dir, registry, now) if registry.is_dir() else _growing(claude_dir, now)
    return sorted({item.session: item for item in found}.values(), key=lambda item: item.session)


def _registered(claude_dir: Path, registry: Path, now: float) -> Iterator[Present]:
    decode = msgspec.json.Decoder(_Entry).decode
    for path in registry.glob("*.json"):
        with suppress(OSError, msgspec.DecodeError):
            entry = decode(path.read_bytes())
            if not SESSION_ID.fullmatch(entry.session_id) or not _runs(entry, now):
                continue
            transcript = find_transcript(claude_dir, entry.session_id, entry.cwd)
            if transcript is not None:
                busy = entry.status == "busy" or now - entry.status_updated_at / 1000 < QUIET_SECONDS
                yield Present(entry.session_id, transcript, Status.LIVE if busy else Status.IDLE, entry.cwd)


def _growing(claude_dir: Path, now: float) -> Iterator[Present]:
    for path in (claude_dir / "projects").glob("*/*.jsonl"):
        with suppress(OSError):
            age = now - path.stat().st_mtime
            if age < SILENT_SECONDS and SESSION_ID.fullmatch(path.stem) and not path.stem.startswith("agent-"):
                yield Present(path.stem, path, Status.LIVE if age < QUIET_SECONDS else Status.IDLE)


def find_transcript(claude_dir: Path, session: str, cwd: str) -> Path | None:
    """Return a session's file: in the folder named after its directory as the client does it, else in any."""
    projects = claude_dir / "projects"
    likely = projects / re.sub(r"[^a-zA-Z0-9]", "-", cwd) / f"{session}.jsonl"
    if cwd and likely.is_file():
        return likely
    return next(iter(projects.glob(f"*/{session}.jsonl")), None)


def _runs(entry: _Entry, now: float) -> bool:
    """Tell whether an entry's process is still the one that wrote it: a number is given to another process some day."""
    namespace = NAMESPACE.search(entry.pid_domain)
    with suppress(OSError):
        if os.name != "posix" or (namespace and namespace[0] != os.readlink("/proc/self/ns/pid")):  # noqa: PTH115
            return now - entry.updated_at / 1000 < FOREIGN_SECONDS
    try:
        os.kill(entry.pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    with suppress(OSError, IndexError):
        fields = (
            Path(f"/proc/{entry.pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
        return not entry.proc_start or fields[START_FIELD] == entry.proc_start
    return True
