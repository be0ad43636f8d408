"""What must not be seen is taken out here, before anything of the site is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_context.changes import write_atomically
from agent_context.errors import AgentContextError
from agent_context.knowledge import Entry
from agent_context.screening import find_secrets
from agent_context.withholding import Sifted, digest_text, learning_text, sift

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agent_context.errors import FormatError
    from agent_context.settings import Settings
    from agent_context.state import State


PRIVATE_FILE = 0o600


def redact(entry: Entry) -> Entry:
    """Return the learning as anyone may read it: no quotes, no machines, no sessions, no people."""
    learning = entry.learning
    note = learning.status_note
    sources = tuple(
        msgspec.structs.replace(source, machine="", session=str(number), commit="", extractor="")
        for number, source in enumerate(learning.sources, 1)
    )
    return Entry(
        entry.project,
        entry.path,
        msgspec.structs.replace(
            learning,
            evidence=(),
            sources=sources,
            confirmed=(),
            status_note=msgspec.structs.replace(note, by="") if note else None,
        ),
    )


def is_clean_beside(entry: Entry) -> bool:
    """Tell whether what stands around a learning's text, which no screen of its text sees, holds no secret."""
    learning = entry.learning
    note = learning.status_note
    words = [word for source in learning.sources for word in (source.machine, source.session, source.extractor)]
    words += [entry.path, *((note.by, note.reason) if note else ())]
    words += [version for conflict in learning.conflicts for version in conflict.versions]
    return not any(hit.severity == "certain" for hit in find_secrets("\n".join(words)))


def say_withheld(entry: Entry, reason: str) -> str:
    """Return what to tell of a withheld learning; its file's name is not said, since it is made of the claim."""
    return f"{entry.project}/{entry.learning.id}: withheld until you have looked at it ({reason})"


def say_broken(error: FormatError) -> str:
    """Return what to tell of a file that does not read; its name only where that holds no secret itself."""
    if any(hit.severity == "certain" for hit in find_secrets(error.advice)):
        return f"a file in {error.path.rpartition('/')[0]} does not read (agent-context check names it)"
    return error.advice


def sift_once(entries: Iterable[Entry], settings: Settings, state: State | None, file: Path | None) -> Sifted:
    """Part the learnings; what an earlier build found clean (its hashes are in `file`) is not screened again.

    A build changes nothing of the state, which a sync may be writing; the file costs time alone when it is deleted.
    """
    listed = tuple(entries)
    if state is not None and file is not None and file.is_file():
        state.note_clean(file.read_text(encoding="ascii", errors="replace").split())
    sifted = sift(listed, settings, state)
    if file is not None:
        clean = sorted({digest_text(learning_text(entry.learning), settings) for entry in sifted.entries})
        try:
            write_atomically(file, "\n".join(clean).encode(), mode=PRIVATE_FILE)
        except AgentContextError:
            return sifted
    return sifted
