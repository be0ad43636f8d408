"""Fold learnings that say the same into one: which text is kept, and what becomes of the others. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_context.claims.confirmations import unite
from agent_context.learning import Learning, Status, StatusNote

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence


def order_by_clarity(learnings: Iterable[Learning], fuller: Collection[str] = ()) -> list[Learning]:
    """Return them clearest first.

    Reviewed comes first, then what says more than another (`fuller`: their ids), then what has reasons and quotes, then
    the shorter claim, then the older.
    """
    return sorted(learnings, key=lambda learning: _clarity(learning, fuller))


def fold(kept: Learning, folded: Sequence[Learning]) -> Learning:
    """Return the kept learning with all sources, quotes, tags and paths of the others, which it supersedes."""
    united = unite(kept, folded)
    every = (kept, *folded)
    return msgspec.structs.replace(
        united,
        tags=_join(item.tags for item in every),
        paths=_join(item.paths for item in every),
        evidence=_join(item.evidence for item in every),
        pinned=any(item.pinned for item in every),
        supersedes=_join((kept.supersedes, tuple(item.id for item in folded))),
    )


def supersede(learning: Learning, by: str, machine: str, now: str) -> Learning:
    """Return the learning as folded into another, whose id is `by`; it keeps its text."""
    note = StatusNote(by=machine, at=now, reason=f"folded into {by}")
    left = tuple(item for item in learning.supersedes if item != by)
    return msgspec.structs.replace(learning, status=Status.SUPERSEDED, status_note=note, supersedes=left)


def find_loops(supersedes: Mapping[str, Collection[str]]) -> list[tuple[str, ...]]:
    """Return the groups of ids that supersede each other in a circle, each sorted."""
    left = {identity: set(others) for identity, others in supersedes.items()}
    while True:
        named = set().union(*left.values())
        kept = {identity: others & left.keys() for identity, others in left.items()}
        kept = {identity: others for identity, others in kept.items() if others and identity in named}
        if kept == left:
            break
        left = kept
    groups: list[set[str]] = []
    for identity, others in left.items():
        met = [group for group in groups if group & {identity, *others}]
        groups = [group for group in groups if group not in met] + [{identity, *others}.union(*met)]
    return sorted(tuple(sorted(group)) for group in groups)


def _clarity(learning: Learning, fuller: Collection[str]) -> tuple[bool, bool, int, int, str, str]:
    unreviewed, backing = learning.status is not Status.ACCEPTED, bool(learning.why) + bool(learning.evidence)
    is_less = learning.id not in fuller
    return unreviewed, is_less, -backing, len(learning.claim), learning.created, learning.id


def _join(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))
