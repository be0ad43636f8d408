"""Where open sessions collide: files that two of them edited in one copy, how near, and which symbols. Values only."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from agent_context.live.edits import Edit, Span, measure_gap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent_context.live.cards import Card

NEAR_LINES = 20


class Severity(StrEnum):
    """How likely two edits of one file hurt each other."""

    SYMBOL = "same symbol"
    NEAR = "same file, near"
    FAR = "same file, far"
    ELSEWHERE = "same file, on another machine"


class Conflict(msgspec.Struct, frozen=True):
    """A file that this session and an `other` open one edited. `key` is the same as long as there is nothing new.

    `lines` are those that the other changed, as the file is now (first and last; where nobody knows them 0, 0);
    `checkout` is the other's copy of the project, `machine` where it is, empty for this one.
    """

    other: str
    project: str
    path: str
    severity: Severity
    symbols: tuple[str, ...]
    lines: tuple[int, int]
    at: str
    checkout: str
    key: str
    machine: str = ""


def find_shared(ours: Card, theirs: Card, settled: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the files that both edited in one copy: our path to theirs.

    Two checkouts of a project are one copy only where both are on one branch. `settled` is, by session, path to the
    time up to which its edits no longer count. What both have because one is a fork of the other counts for neither.
    """
    if not {edit.name for edit in ours.edits} & {edit.name for edit in theirs.edits}:
        return {}
    own, other = _counting(ours, theirs, settled), _counting(theirs, ours, settled)
    same = {path: path for path in own.keys() & other.keys()}
    if ours.branch and ours.branch == theirs.branch:
        names = {(edit.project, edit.name): path for path, edits in other.items() for edit in edits if edit.project}
        for path, edits in own.items():
            edit = edits[-1]
            found = names.get((edit.project, edit.name))
            if found and path not in same and (edit.top, edits_top(other[found])) == (ours.top, theirs.top):
                same[path] = found
    return same


def edits_top(edits: Sequence[Edit]) -> str:
    """Return the checkout that edits of one file lie in."""
    return edits[-1].top


def compare(
    ours: Card,
    theirs: Card,
    shared: Mapping[str, str],
    lines: Mapping[str, Mapping[str, Sequence[Span]]],
    settled: Mapping[str, Mapping[str, str]],
) -> list[Conflict]:
    """Return the conflicts over the files that both edited; symbols count as far as they are known.

    `lines` is, by path and by id of an edit, where what it changed is now.
    """
    own, other = _counting(ours, theirs, settled), _counting(theirs, ours, settled)
    found: list[Conflict] = []
    for path, their_path in shared.items():
        mine, others = own[path], other[their_path]
        spans = _gather(others, lines.get(their_path, {}))
        gap = measure_gap(_gather(mine, lines.get(path, {})), spans)
        symbols = tuple(sorted(_symbols(mine) & _symbols(others)))
        until = settled.get(ours.session, {}).get(path, "") + settled.get(theirs.session, {}).get(their_path, "")
        told = "\0".join((theirs.session, path, until, *(symbols or ("",))))
        found.append(
            Conflict(
                other=theirs.session,
                project=mine[-1].project,
                path=mine[-1].name,
                severity=Severity.SYMBOL if symbols else Severity.NEAR if gap <= NEAR_LINES else Severity.FAR,
                symbols=symbols,
                lines=(spans[0].start, max(span.end for span in spans)) if spans else (0, 0),
                at=others[-1].at,
                checkout=edits_top(others),
                key=hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:16],
            )
        )
    return found


def _gather(edits: Sequence[Edit], lines: Mapping[str, Sequence[Span]]) -> list[Span]:
    """Return the lines of edits, none where those of one are unknown."""
    found = [lines.get(edit.id, ()) for edit in edits]
    return sorted(span for spans in found for span in spans) if all(found) else []


def _symbols(edits: Sequence[Edit]) -> set[str]:
    return {symbol for edit in edits for symbol in edit.symbols or ()}


def _counting(card: Card, other: Card, settled: Mapping[str, Mapping[str, str]]) -> dict[str, list[Edit]]:
    """Return the edits that count against another session, by path, oldest first."""
    copied = {edit.id for edit in other.edits}
    until = settled.get(card.session, {})
    found: dict[str, list[Edit]] = {}
    for edit in sorted(card.edits, key=lambda edit: edit.at):
        if edit.id not in copied and edit.at > until.get(edit.path, ""):
            found.setdefault(edit.path, []).append(edit)
    return found
