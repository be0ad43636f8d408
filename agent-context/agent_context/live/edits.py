"""Edits of files as sessions made them: which lines, and where those lines are after later edits. Values only."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Hunk(msgspec.Struct, frozen=True, array_like=True):
    """Lines (from 1) that were replaced, in the file before, and those in their place, in the file after."""

    old_start: int
    old_lines: int
    new_start: int
    new_lines: int


class Edit(msgspec.Struct, frozen=True, array_like=True):
    """One edit of one file: `id` is its record's uuid, `offset` where that record begins in `source`, a transcript.

    `path` is absolute. `top` is the checkout that it lies in and `project` that checkout's, empty outside git. Without
    hunks nobody knows which lines. `symbols` is what it changed, None until somebody has asked.
    """

    id: str
    path: str
    at: str
    source: str
    offset: int
    hunks: tuple[Hunk, ...] = ()
    top: str = ""
    project: str = ""
    symbols: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """Return the path within the checkout, else all of it."""
        return self.path.removeprefix(f"{self.top}/") if self.top else self.path


class Span(msgspec.Struct, frozen=True, order=True):
    """Lines, the last one included; where lines were only removed, `end` is one before `start`."""

    start: int
    end: int


def narrow(old_start: int, new_start: int, lines: Iterable[str]) -> list[Hunk]:
    """Return what a patch's hunk changes, without the lines that it only shows around."""
    hunks: list[Hunk] = []
    old, new = old_start, new_start
    begun: tuple[int, int] | None = None
    for line in (*lines, " "):
        mark = line[:1]
        if mark in ("-", "+"):
            begun = begun or (old, new)
        elif mark != "\\" and begun is not None:
            hunks.append(Hunk(begun[0], old - begun[0], begun[1], new - begun[1]))
            begun = None
        old += mark not in ("+", "\\")
        new += mark not in ("-", "\\")
    return hunks


def locate(edits: Sequence[Edit]) -> dict[str, list[Span]]:
    """Return, by id of an edit, its lines as the file is after all these edits, which are of one file, oldest first."""
    found: dict[str, list[Span]] = {}
    for edit in edits:
        found = {name: [carry(span, edit.hunks) for span in spans] for name, spans in found.items()}
        found[edit.id] = [Span(hunk.new_start, hunk.new_start + hunk.new_lines - 1) for hunk in edit.hunks]
    return found


def carry(span: Span, hunks: Iterable[Hunk]) -> Span:
    """Return where lines are after an edit; lines that it replaced become those in their place."""
    start, end = span.start, span.end
    for hunk in hunks:
        grown = hunk.new_lines - hunk.old_lines
        old_end = hunk.old_start + hunk.old_lines - 1
        if old_end < span.start:
            start, end = start + grown, end + grown
        elif hunk.old_start <= span.end:
            start = min(start, hunk.new_start)
            end = max(end + grown, hunk.new_start + hunk.new_lines - 1)
    return Span(start, end)


def measure_gap(ours: Sequence[Span], theirs: Sequence[Span]) -> int:
    """Return how many lines lie between the nearest of both: 0 where they touch, -1 where one side is unknown."""
    if not ours or not theirs:
        return -1
    own = set(ours)
    gaps = [
        max(0, second.start - max(first.end, first.start) - 1)
        for first, second in pairwise(sorted([*ours, *theirs]))
        if (first in own) != (second in own)
    ]
    return min(gaps, default=0)
