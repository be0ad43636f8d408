"""Three versions of a sequence (lines, paragraphs) laid beside each other: where they agree, who changed what."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Items = tuple[str, ...]
MOST_LINES = 10_000  # to find what is the same in longer texts takes seconds at worst, and grows with the square


@dataclass(frozen=True, slots=True)
class Hunk:
    """One stretch of the base and what each side has in its place."""

    base: Items
    ours: Items
    theirs: Items

    @property
    def settled(self) -> Items | None:
        """Return what stands there where at most one side changed it, or both did alike; None where it is open."""
        if self.ours in (self.theirs, self.base):
            return self.theirs
        return self.ours if self.theirs == self.base else None


@dataclass(frozen=True, slots=True, order=True)
class _Edit:
    """One side's change: base[start:end] became `items`."""

    start: int
    end: int
    is_theirs: bool
    items: Items


def cut_hunks(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str], *, neighbours: bool) -> list[Hunk]:
    """Cut the three versions into hunks, in order; joined, each side's parts give that side.

    With `neighbours` edits that touch are one hunk, as git has it for lines; without, only edits of the same items and
    insertions at the same place are.
    """
    edits = sorted([*_edits(base, ours, is_theirs=False), *_edits(base, theirs, is_theirs=True)])
    hunks: list[Hunk] = []
    done = 0
    while edits:
        group = [edits.pop(0)]
        start, end = group[0].start, group[0].end
        while edits and (edits[0].start < end or (edits[0].start == end and (neighbours or edits[0].end == start))):
            group.append(edits.pop(0))
            end = max(end, group[-1].end)
        same = tuple(base[done:start])
        hunks += [Hunk(same, same, same)] if same else []
        mine, other = (
            _apply(base, start, end, [edit for edit in group if edit.is_theirs is it]) for it in (False, True)
        )
        hunks.append(Hunk(tuple(base[start:end]), mine, other))
        done = end
    rest = tuple(base[done:])
    return [*hunks, Hunk(rest, rest, rest)] if rest else hunks


def unite(one: Sequence[str], two: Sequence[str]) -> list[str]:
    """Return all of both in order: what they share once, where they differ the first's, then the second's."""
    united: list[str] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, one, two).get_opcodes():
        united += [*one[i1:i2], *(two[j1:j2] if tag != "equal" else ())]
    return united


def _edits(base: Sequence[str], side: Sequence[str], *, is_theirs: bool) -> list[_Edit]:
    codes = SequenceMatcher(None, base, side).get_opcodes()
    return [_Edit(i1, i2, is_theirs, tuple(side[j1:j2])) for tag, i1, i2, j1, j2 in codes if tag != "equal"]


def _apply(base: Sequence[str], start: int, end: int, edits: list[_Edit]) -> Items:
    """Return base[start:end] as the side with these edits has it."""
    items: list[str] = []
    for edit in edits:
        items += [*base[start : edit.start], *edit.items]
        start = edit.end
    return (*items, *base[start:end])
