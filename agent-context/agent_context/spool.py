"""What the plugin's hooks and syncs say to each other, in a folder of small files that plugin/hooks/hook.sh reads too.

`spool`: which sessions have something new, a line each. It only says what to read first: a line that is lost costs
nothing, since every sync looks at all sessions. `handed`: from which knowledge base agents were given what it says, as
of this file's time; `nothing`: folders in which a session has nothing to be told since then.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_context.changes import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator

HOOKS = "hooks"
SPOOL = "spool"
READING = "spool.reading"
HANDED = "handed"
NOTHING = "nothing"
RULES = ".claude/rules/agent-context.md"
MOST_BYTES = 128_000
ENDED = "session-end"


def take_spool(data_dir: Path, *, keep: bool = False) -> dict[str, float]:
    """Return the noted session files by name: when each ended (seconds since 1970), 0 where it had not.

    What was taken stays until `clear_spool`, so that a sync that is interrupted loses nothing; with `keep` nothing is
    moved.
    """
    folder = data_dir / HOOKS
    named = {name: at for file in (READING, SPOOL) for name, at in _read_lines(folder / file)}
    if not keep:
        with suppress(OSError):
            (folder / SPOOL).replace(folder / READING)
    return named


def clear_spool(data_dir: Path) -> None:
    """Forget what was taken."""
    (data_dir / HOOKS / READING).unlink(missing_ok=True)


def note_handed(data_dir: Path, root: Path) -> None:
    """Say that every checkout has what this knowledge base gives it; only where hooks are installed."""
    folder = data_dir / HOOKS
    if folder.is_dir():
        (folder / NOTHING).unlink(missing_ok=True)
        write_atomically(folder / HANDED, f"{root}\n".encode())


def note_nothing(data_dir: Path, place: Path) -> None:
    """Say that a session in this folder, which has no rules of ours, has nothing to be told until the next sync."""
    file = data_dir / HOOKS / NOTHING
    room = not file.exists() or file.stat().st_size < MOST_BYTES
    if room and "\n" not in str(place) and not (place / RULES).exists():
        with file.open("a", encoding="utf-8") as lines:
            lines.write(f"{place}\n")


def _read_lines(file: Path) -> Iterator[tuple[str, float]]:
    """Yield what each whole line says; one that does not read says nothing. Paths stand as in the hook's JSON."""
    try:
        with file.open("rb") as lines:
            data = lines.read(MOST_BYTES)
    except OSError:
        return
    for line in data.splitlines():
        at, _, rest = line.partition(b"\t")
        event, _, path = rest.partition(b"\t")
        with suppress(ValueError, msgspec.DecodeError):
            ended = datetime.fromisoformat(at.decode()).timestamp() if event.decode() == ENDED else 0.0
            yield Path(msgspec.json.decode(b'"%b"' % path, type=str)).name, ended
