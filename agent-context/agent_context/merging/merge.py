"""Merge two versions of one learning field by field, given where they come from. Values only; it always succeeds.

Which side is called ours makes no difference: exchanging the two gives the same learning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from agent_context.learning import Confirmed, Conflict, Learning, Status, normalise_claim
from agent_context.merging.hunks import Hunk, cut_hunks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PARAGRAPH = "\n\n"


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of a file that both sides changed: its bytes, the files to keep with it by path, what to tell."""

    data: bytes
    beside: dict[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sides:
    """Three versions of one learning. Without a base both sides made it anew."""

    base: Learning | None
    ours: Learning
    theirs: Learning

    def values(self, name: str) -> tuple[Any, Any, Any]:
        """Return a field's three values; without a base an empty one stands for it."""
        base = getattr(self.base, name) if self.base is not None else type(getattr(self.ours, name))()
        return base, getattr(self.ours, name), getattr(self.theirs, name)


def merge_learnings(base: Learning | None, ours: Learning, theirs: Learning) -> Learning:
    """Merge two versions of a learning. What no rule settles is kept in its `conflicts`, with every version."""
    if ours in (theirs, base):
        return theirs
    if theirs == base:
        return ours
    sides = Sides(base, ours, theirs)
    merged = {name: _merge_field(name, sides) for name in Learning.__struct_fields__}
    return msgspec.convert(merged, Learning, from_attributes=True)


def text_of(learning: Learning, name: str) -> str:
    """Return a field that may hold a conflict as text, as `Conflict.versions` has it."""
    value = getattr(learning, name)
    return PARAGRAPH.join(value) if isinstance(value, tuple) else str(value)


def holds(paragraphs: Sequence[str], version: str) -> bool:
    """Tell whether every paragraph of a version stands among these."""
    return set(version.split(PARAGRAPH)) <= set(paragraphs)


def _merge_field(name: str, sides: Sides) -> Any:  # noqa: ANN401 - the field's own type
    mine, other = getattr(sides.ours, name), getattr(sides.theirs, name)
    if name not in WHOLE:
        if mine == other:
            return mine
        if sides.base is not None and getattr(sides.base, name) in (mine, other):
            return other if mine == getattr(sides.base, name) else mine
    return STRATEGIES[name](name, sides)


def _unite(name: str, sides: Sides) -> tuple[Any, ...]:
    """Return all that either side lists: the base's in its order, then what was added, sorted."""
    base, ours, theirs = sides.values(name)
    old = [item for item in base if item in ours or item in theirs]
    return (*old, *sorted({*ours, *theirs}.difference(old), key=_by_time))


def _keep(name: str, sides: Sides) -> tuple[Any, ...]:
    """Return the union without what one side took out of the base."""
    base, ours, theirs = sides.values(name)
    return tuple(item for item in _unite(name, sides) if item not in base or (item in ours and item in theirs))


def _greatest(_name: str, sides: Sides) -> tuple[Confirmed, ...]:
    """Return each machine's greatest count: it alone raises its own."""
    counts: dict[str, int] = {}
    for item in (*sides.ours.confirmed, *sides.theirs.confirmed):
        counts[item.machine] = max(item.count, counts.get(item.machine, 0))
    return tuple(Confirmed(machine, count) for machine, count in sorted(counts.items()))


def _earliest(name: str, sides: Sides) -> str:
    """Return the earlier time; one that is set comes before none."""
    return str(min(value for value in sides.values(name)[1:] if value))


def _either(_name: str, _sides: Sides) -> bool:
    return True


def _born(name: str, sides: Sides) -> str:
    """Return the base's value, which nobody may change."""
    base, ours, theirs = sides.values(name)
    return str(base or min(ours, theirs))


def _decided(name: str, sides: Sides) -> Any:  # noqa: ANN401 - the field's own type
    """Return the field of the side that decided: of the one that changed status or note, else by `_decision`."""
    changed = [side for side in (sides.ours, sides.theirs) if _changed_status(side, sides.base)]
    return getattr(max(changed or [sides.ours], key=_decision), name)


def _changed_status(side: Learning, base: Learning | None) -> bool:
    return base is None or (side.status, side.status_note) != (base.status, base.status_note)


def _decision(side: Learning) -> tuple[bool, str, str, str, str]:
    """Order statuses: a review (or taking one back) beats none, then the newer; the rest makes the order total."""
    note = side.status_note
    at, by, reason = (note.at, note.by, note.reason) if note else ("", "", "")
    return side.status is not Status.UNREVIEWED or note is not None, at, side.status.value, by, reason


def _versions(name: str, sides: Sides) -> list[str]:
    """Return the texts of a field that stay: those that both sides have or one added; all, where that leaves none.

    A side's texts are the one that stands and those of its open conflict.
    """
    base, ours, theirs = (_texts(side, name) for side in (sides.base, sides.ours, sides.theirs))
    return sorted((ours & theirs) | (ours - base) | (theirs - base) or ours | theirs)


def _texts(side: Learning | None, name: str) -> set[str]:
    if side is None:
        return set()
    kept = {text for conflict in side.conflicts if conflict.field == name for text in conflict.versions}
    return {text_of(side, name), *kept}


def _stand(name: str, sides: Sides) -> str:
    """Return which version stands: the one side's that changed it, else that of the side that decided, else the last.

    A claim that somebody reviewed so never gives way to one that nobody has read.
    """
    base, mine, other = (text_of(side, name) if side else "" for side in (sides.base, sides.ours, sides.theirs))
    versions = _versions(name, sides)
    ranked = sorted((sides.ours, sides.theirs), key=_decision, reverse=True)
    decided = text_of(ranked[0], name) if _decision(ranked[0]) != _decision(ranked[1]) else ""
    wanted = mine if other in (mine, base) else other if mine == base else decided
    return wanted if wanted in versions else versions[-1]


def _merge_paragraphs(name: str, sides: Sides) -> tuple[str, ...]:
    """Return the paragraphs of both sides: a change wins over none and over a deletion; else both stand."""
    united = [text for hunk in _hunks(name, sides) for text in _paragraphs(hunk)]
    return tuple(dict.fromkeys(united))


def _hunks(name: str, sides: Sides) -> list[Hunk]:
    return cut_hunks(*sides.values(name), neighbours=False)


def _paragraphs(hunk: Hunk) -> tuple[str, ...]:
    settled = hunk.settled
    return settled if settled is not None else (*min(hunk.ours, hunk.theirs), *max(hunk.ours, hunk.theirs))


def _is_open(hunk: Hunk) -> bool:
    """Tell whether both sides wrote another text in the place of one; what they only add or delete is no conflict."""
    ours, theirs = set(hunk.ours), set(hunk.theirs)
    return hunk.settled is None and bool(hunk.base) and not (ours <= theirs or theirs <= ours)


def _collect(_name: str, sides: Sides) -> tuple[Conflict, ...]:
    """Return what stays open: of each side's conflicts and of this merge."""
    found = [Conflict(name, tuple(texts)) for name in ("claim", "kind") if len(texts := _open_texts(name, sides)) > 1]
    return tuple(sorted([*found, *_open_paragraphs(sides)], key=lambda conflict: (conflict.field, conflict.versions)))


def _open_texts(name: str, sides: Sides) -> list[str]:
    """Return the versions between which a person must choose.

    Wordings that differ in marks alone are one; of two kinds the side that decided the status decided that too.
    """
    texts = _versions(name, sides)
    if name == "claim":
        return texts if len({normalise_claim(text) for text in texts}) > 1 else []
    is_new = len(_texts(sides.ours, name)) == len(_texts(sides.theirs, name)) == 1
    return [] if is_new and _decision(sides.ours) != _decision(sides.theirs) else texts


def _open_paragraphs(sides: Sides) -> set[Conflict]:
    hunks = _hunks("why", sides)
    old, mine, other = (_about_why(side) for side in (sides.base, sides.ours, sides.theirs))
    new = {_pair(hunk) for hunk in hunks if _is_open(hunk)}
    replaced = {PARAGRAPH.join(hunk.base): PARAGRAPH.join(hunk.settled) for hunk in hunks if hunk.base and hunk.settled}
    why = _merge_paragraphs("why", sides)
    found = set()
    for versions in new | (mine & other) | (mine - old) | (other - old):
        still = {replaced.get(version, version) for version in versions}
        still = {version for version in still if holds(why, version)}
        if len(still) > 1:
            found.add(Conflict("why", tuple(sorted(still))))
    return found


def _pair(hunk: Hunk) -> tuple[str, ...]:
    return tuple(sorted((PARAGRAPH.join(hunk.ours), PARAGRAPH.join(hunk.theirs))))


def _about_why(side: Learning | None) -> set[tuple[str, ...]]:
    return {conflict.versions for conflict in side.conflicts if conflict.field == "why"} if side else set()


def _by_time(item: object) -> tuple[str, bytes]:
    return getattr(item, "at", ""), msgspec.json.encode(item)


STRATEGIES: dict[str, Callable[[str, Sides], Any]] = {
    "id": _born,
    "kind": _stand,
    "status": _decided,
    "status_note": _decided,
    "created": _earliest,
    "claim": _stand,
    "tags": _keep,
    "paths": _keep,
    "sources": _unite,
    "confirmed": _greatest,
    "supersedes": _unite,
    "pinned": _either,
    "review_after": _earliest,
    "why": _merge_paragraphs,
    "evidence": _keep,
    "conflicts": _collect,
}
# Fields that hang on each other: a change of one side alone is not enough to settle them one by one.
WHOLE = frozenset({"kind", "status", "status_note", "claim", "conflicts"})
