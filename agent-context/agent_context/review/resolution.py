"""Resolve one path that both sides of a merge changed: learnings by field, tables by key, all else by line.

Every strategy comes to an end, and nothing is lost: what stays open is kept in the learning, or in a file beside.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent_context.errors import FormatError
from agent_context.frontmatter import parse_learning, write_learning
from agent_context.handoff import choose_newer
from agent_context.layout import MACHINES, is_handoff_path, is_learning_path
from agent_context.machines import merge_described
from agent_context.merging.hunks import MOST_LINES, cut_hunks
from agent_context.merging.merge import Resolved, merge_learnings
from agent_context.merging.sidecars import blob_id, is_sidecar, make_sidecar
from agent_context.merging.tables import merge_table_texts, write_key

if TYPE_CHECKING:
    from agent_context.learning import Learning
    from agent_context.merging.tables import Form

NEXT = "both are kept; agent-context resolve shows and settles it"


def resolve(path: str, base: bytes | None, ours: bytes | None, theirs: bytes | None) -> bytes | Resolved | None:
    """Merge a file that both sides changed; an edit beats a deletion. The sides may be exchanged."""
    if ours is None or theirs is None:
        edited = ours if theirs is None else theirs
        note = f"{path}: one side deleted it, the other edited it; the edit is kept"
        return Resolved(edited, notes=(note,)) if edited is not None else None
    first, second = max(ours, theirs), min(ours, theirs)
    if is_sidecar(path) or is_handoff_path(path):
        return first if is_sidecar(path) else choose_newer(first, second)
    if path.startswith(f"{MACHINES}/"):
        return merge_described(first, second)
    if is_learning_path(path):
        return _resolve_learning(path, base, first, second)
    if path.endswith((".toml", ".json")):
        return _resolve_table(path, base, first, second)
    return _resolve_text(path, base, first, second)


def _resolve_learning(path: str, base: bytes | None, first: bytes, second: bytes) -> bytes | Resolved:
    before, mine, other = (_read(path, side) for side in (base, first, second))
    if mine is None and other is None:
        return _resolve_text(path, base, first, second)
    if mine is None or other is None:
        stands, loser = (first, second) if other is None else (second, first)
        note = f"{path}: both sides changed it, and one version does not read; {NEXT}"
        return Resolved(stands, _keep(path, loser, second=loser, first=stands), (note,))
    merged = merge_learnings(before, mine, other)
    data = write_learning(merged).encode()
    known = {*mine.conflicts, *other.conflicts}
    fields = sorted({conflict.field for conflict in merged.conflicts if conflict not in known})
    if not fields:
        return data
    return Resolved(data, notes=(f"{path}: both sides changed its {' and its '.join(fields)}; {NEXT}",))


def _resolve_table(path: str, base: bytes | None, first: bytes, second: bytes) -> bytes | Resolved:
    form: Form = "toml" if path.endswith(".toml") else "json"
    try:
        merged = merge_table_texts(form, (base or b"").decode(), first.decode(), second.decode())
    except (ValueError, RecursionError):
        return _resolve_text(path, base, first, second)
    result = Resolved(merged.text.encode())
    for item in merged.open:
        text = write_key(form, item.key, item.other).encode()
        beside = make_sidecar(path, text, item.key)
        note = f"{path}: both sides changed {'.'.join(item.key)}; {NEXT}"
        result = replace(result, beside={**result.beside, **beside}, notes=(*result.notes, note))
    return result if result.notes else result.data


def _resolve_text(path: str, base: bytes | None, first: bytes, second: bytes) -> bytes | Resolved:
    """Merge by line; where lines stay open, the first side's stand, and the whole text with the second's is kept."""
    note = f"{path}: both sides changed the same lines; {NEXT}"
    try:
        sides = [side.decode().splitlines(keepends=True) for side in (base or b"", first, second)]
    except UnicodeDecodeError:
        sides = []
    if not sides or max(len(side) for side in sides) > MOST_LINES:
        return Resolved(first, _keep(path, second, second=second, first=first), (note,))
    hunks = cut_hunks(*sides, neighbours=True)
    if all(hunk.settled is not None for hunk in hunks):
        return "".join(line for hunk in hunks for line in hunk.settled or ()).encode()
    stands, kept = (
        "".join(line for hunk in hunks for line in (hunk.settled if hunk.settled is not None else getattr(hunk, side)))
        for side in ("ours", "theirs")
    )
    return Resolved(stands.encode(), _keep(path, kept.encode(), second=second, first=first), (note,))


def _keep(path: str, data: bytes, *, first: bytes, second: bytes) -> dict[str, bytes]:
    return make_sidecar(path, data, blob=blob_id(second), against=blob_id(first))


def _read(path: str, data: bytes | None) -> Learning | None:
    """Return the learning; None for nothing, and for what does not read."""
    try:
        return parse_learning(data.decode(), path) if data is not None else None
    except (FormatError, UnicodeDecodeError, RecursionError):
        return None
