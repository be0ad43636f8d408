"""A learning said again: the sources it keeps, and how many sessions of each machine there were in all."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from agent_context.learning import Confirmed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent_context.learning import Learning, Source

KEPT = 10  # so many of the first sources and of the last stay whole


def confirm(learning: Learning, source: Source) -> Learning:
    """Return the learning with one source more; the same where that session of that machine is in it already.

    A session from between the first and the last ten that a counted learning lists is taken as counted: nothing says
    that it was not, and one that is read again must not count twice.
    """
    ordered = sorted(learning.sources, key=_by_time)
    if _session(source) in {_session(item) for item in ordered}:
        return learning
    counted = learning.confirmed and len(ordered) > KEPT
    if counted and _by_time(ordered[KEPT - 1]) < _by_time(source) < _by_time(ordered[-KEPT]):
        return learning
    return unite(learning, [msgspec.structs.replace(learning, sources=(source,), confirmed=())])


def unite(learning: Learning, others: Iterable[Learning]) -> Learning:
    """Return the learning with all sources of the others, each session of a machine once.

    Beyond twenty the first and the last ten by time stay, and a count per machine says how many there were.
    """
    items = (learning, *others)
    kept: dict[tuple[str, str], Source] = {}
    totals: Counter[str] = Counter()
    for item in items:
        totals += count_by_machine(item)
        own = {_session(source): source for source in reversed(item.sources)}
        totals -= Counter(machine for machine, _ in own.keys() & kept.keys())
        kept = {**own, **kept}
    sources = sorted(kept.values(), key=_by_time)
    if len(sources) > 2 * KEPT:
        sources = [*sources[:KEPT], *sources[-KEPT:]]
    if len(sources) == len(kept) and not any(item.confirmed for item in items):
        totals.clear()
    confirmed = tuple(Confirmed(machine, count) for machine, count in sorted(totals.items()))
    return msgspec.structs.replace(learning, sources=tuple(sources), confirmed=confirmed)


def take_out(learning: Learning, is_gone: Callable[[Source], bool], *, machine: str = "") -> Learning:
    """Return the learning without those sources, and without a machine's count where all of that machine goes."""
    gone = Counter(source.machine for source in learning.sources if is_gone(source))
    return msgspec.structs.replace(
        learning,
        sources=tuple(source for source in learning.sources if not is_gone(source)),
        confirmed=tuple(
            Confirmed(item.machine, item.count - gone[item.machine])
            for item in learning.confirmed
            if item.machine != machine and item.count > gone[item.machine]
        ),
    )


def count_by_machine(learning: Learning) -> Counter[str]:
    """Return how many sessions of each machine said it."""
    listed = Counter(machine for machine, _ in {_session(source) for source in learning.sources})
    return listed | Counter({item.machine: item.count for item in learning.confirmed})


def _session(source: Source) -> tuple[str, str]:
    return source.machine, source.session


def _by_time(source: Source) -> tuple[str, str, str]:
    return source.at, source.machine, source.session
