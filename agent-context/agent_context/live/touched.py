"""Which symbols an edit touched, told by the file as it was before and after it: both stand in the transcript."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_context.errors import MissingExtraError
from agent_context.live.reading import read_result
from agent_context.symbols import find_language, name_symbols

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from agent_context.live.cards import Card
    from agent_context.live.edits import Edit
    from agent_context.live.reading import Result

MOST_SYMBOLS = 40  # of one edit; a file written anew would have them all


def name_touched(card: Card, transcript: Path, places: Collection[int], is_over: Callable[[], bool]) -> Card:
    """Return the card with the symbols of these of its edits known, newest first until `is_over` says stop.

    Without tree-sitter, and in languages that it has no grammar for, an edit has none: it counts by its lines.
    """
    edits = list(card.edits)
    changed = False
    for place in sorted(places, reverse=True):
        edit = edits[place]
        if edit.symbols is None and not is_over():
            edits[place] = msgspec.structs.replace(edit, symbols=_name(edit, _find_source(transcript, edit.source)))
            changed = True
    return msgspec.structs.replace(card, edits=tuple(edits)) if changed else card


def _find_source(transcript: Path, name: str) -> Path:
    if name == transcript.name:
        return transcript
    return next((transcript.parent / transcript.stem / "subagents").glob(f"**/{name}"), transcript)


def _name(edit: Edit, source: Path) -> tuple[str, ...]:
    language = find_language(edit.path)
    result = read_result(source, edit.offset) if language and edit.hunks else None
    if result is None:
        return ()
    before, after = _contents(edit, result)
    old = [(hunk.old_start, hunk.old_start + hunk.old_lines - 1) for hunk in edit.hunks]
    new = [(hunk.new_start, hunk.new_start + hunk.new_lines - 1) for hunk in edit.hunks]
    with suppress(MissingExtraError):
        found = {*name_symbols(before.encode(), language, old), *name_symbols(after.encode(), language, new)}
        return tuple(sorted(found))[:MOST_SYMBOLS]
    return ()


def _contents(edit: Edit, result: Result) -> tuple[str, str]:
    """Return the file before and after; where the client did not keep it, as it is now."""
    before = result.original_file if result.original_file is not None else result.original_file_contents
    if before is None and result.content is not None:
        return "", result.content
    if before is None:
        with suppress(OSError, UnicodeDecodeError):
            now = Path(edit.path).read_text(encoding="utf-8")
            return "", now
        return "", ""
    lines, after, position = before.splitlines(), list[str](), 0
    for patch in result.structured_patch or ():
        after += lines[position : patch.old_start - 1]
        after += [line[1:] for line in patch.lines if line[:1] in ("+", " ")]
        position = max(position, patch.old_start - 1) + sum(line[:1] in ("-", " ") for line in patch.lines)
    return before, "\n".join([*after, *lines[position:]])
