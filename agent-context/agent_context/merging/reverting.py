"""Take one change of a learning back, field by field, where more has happened since. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from agent_context.learning import Learning, Status, StatusNote

if TYPE_CHECKING:
    from collections.abc import Sequence

DECIDED = ("status", "status_note")  # one decision: they go back together or not at all
ENDED = frozenset({Status.REJECTED, Status.RETIRED, Status.SUPERSEDED})


@dataclass(frozen=True, slots=True)
class Reverted:
    """The learning without the change, and the fields that stay because they were changed since."""

    learning: Learning
    kept: tuple[str, ...] = ()


def revert_learning(before: Learning | None, after: Learning, now: Learning, note: StatusNote) -> Reverted:
    """Take back what led from `before` (None: it was born) to `after`, from the learning as it stands `now`.

    A birth is taken back by retiring: the file stays, so that the same sessions do not bring it in once more.
    """
    if before is None:
        if now.status is not after.status:
            return Reverted(now, ("status",))
        return Reverted(now if now.status in ENDED else retire(now, note))
    values: dict[str, Any] = {}
    kept: list[str] = []
    decided = all(getattr(now, field) == getattr(after, field) for field in DECIDED)
    for field in Learning.__struct_fields__:
        old, new, present = (getattr(side, field) for side in (before, after, now))
        if old == new:
            values[field] = present
        elif (decided or field not in DECIDED) and present == new:
            values[field] = old
        elif isinstance(present, tuple):
            values[field] = _without(old, new, present)
        else:
            values[field] = present
            if present != old:
                kept.append(field)
    return Reverted(msgspec.convert(values, Learning, from_attributes=True), tuple(kept))


def retire(learning: Learning, note: StatusNote) -> Learning:
    """Return the learning out of effect, with the reason."""
    return msgspec.structs.replace(learning, status=Status.RETIRED, status_note=note)


def _without(before: Sequence[Any], after: Sequence[Any], now: Sequence[Any]) -> tuple[Any, ...]:
    """Return what is there now, less what the change added, and with what it took out."""
    present = [item for item in now if item in before or item not in after]
    return (*present, *(item for item in before if item not in after and item not in present))
