"""Merge two versions of one learning (or project file) field by field, given where they come from. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from agent_context.learning import Learning, Status, normalise_claim

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged learning, and the fields that both sides changed in ways no rule can settle (ours kept there)."""

    learning: Learning
    conflicts: tuple[str, ...] = ()


def merge_learnings(base: Learning | None, ours: Learning, theirs: Learning) -> Merged:
    """Merge two versions of a learning. A field that one side alone changed takes that side's value."""
    values: dict[str, Any] = {}
    conflicts: list[str] = []
    for field in Learning.__struct_fields__:
        before = getattr(base, field) if base is not None else None
        mine, other = getattr(ours, field), getattr(theirs, field)
        if mine == other or (base is not None and other == before):
            values[field] = mine
        elif base is not None and mine == before:
            values[field] = other
        elif field in STRATEGIES:
            values[field] = STRATEGIES[field](before, mine, other)
        elif field in ("status", "status_note"):
            values[field] = getattr(_decided(ours, theirs), field)
        else:
            values[field] = mine
            if not (field == "claim" and normalise_claim(mine) == normalise_claim(other)):
                conflicts.append(field)
    return Merged(msgspec.convert(values, Learning, from_attributes=True), tuple(conflicts))


def merge_tables(base: dict[str, Any] | None, ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any] | str:
    """Merge two flat tables by key; lists are united. Returns the key that both changed, as text, when none wins."""
    merged: dict[str, Any] = {}
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        before, mine, other = (base or {}).get(key), ours.get(key), theirs.get(key)
        if other in (mine, before):
            chosen = mine
        elif mine == before:
            chosen = other
        elif isinstance(mine, list) and isinstance(other, list):
            chosen = list(_united(before or [], mine, other))
        else:
            return key
        if chosen is not None:
            merged[key] = chosen
    return merged


def _united(_base: Sequence[T] | None, ours: Sequence[T], theirs: Sequence[T]) -> tuple[T, ...]:
    """Return all of ours, then what theirs adds; nothing that either side lists is lost."""
    return (*ours, *(item for item in theirs if item not in ours))


def _kept(base: Sequence[T] | None, ours: Sequence[T], theirs: Sequence[T]) -> tuple[T, ...]:
    """Return the union, without what one side took out of the base."""
    gone = {item for item in base or () if item not in ours or item not in theirs}
    return tuple(item for item in _united(base, ours, theirs) if item not in gone)


def _earliest(_base: str | None, ours: str, theirs: str) -> str:
    return min(ours, theirs)


def _either(_base: bool | None, ours: bool, theirs: bool) -> bool:  # noqa: FBT001 - a merge strategy's three sides
    return ours or theirs


STRATEGIES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "sources": _united,
    "supersedes": _united,
    "evidence": _kept,
    "tags": _kept,
    "paths": _kept,
    "created": _earliest,
    "pinned": _either,
}


def _decided(ours: Learning, theirs: Learning) -> Learning:
    """Return the side whose status stands: a review beats none, the newer review the older."""
    reviewed = [side for side in (ours, theirs) if side.status is not Status.UNREVIEWED]
    if len(reviewed) == 1:
        return reviewed[0]
    return max((ours, theirs), key=lambda side: (side.status_note.at if side.status_note else "", side.status))
