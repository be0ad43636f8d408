"""Which learnings of one project seem to contradict each other: near ones that differ where it matters."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from agent_context.consolidation.deciding import decide_pair
from agent_context.learning import Verdict
from agent_context.site.holdings import Opposed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent_context.knowledge import Entry
    from agent_context.site.holdings import Near

LIKELY = 80  # of 100: what is less near speaks of something else
MOST_OTHERS = 2  # who contradicts more says one of a series, such as a port for each service, and contradicts nobody
MOST_PAIRS = 300  # the nearest; a knowledge base with more of them needs another remedy than a page


def find_opposed(entries: Sequence[Entry], related: Mapping[str, tuple[Near, ...]]) -> tuple[Opposed, ...]:
    """Return the pairs that contradict each other by their words, the nearest first. `related` goes by path."""
    places = {entry.path: entry for entry in entries}
    near = {
        (min(path, item.path), max(path, item.path)): item.score
        for path, items in related.items()
        for item in items
        if item.score >= LIKELY and places[path].project == places[item.path].project
    }
    found = []
    for one, other in sorted(near, key=lambda pair: (-near[pair], pair))[:MOST_PAIRS]:
        first, second = places[one], places[other]
        decision = decide_pair(first.learning, second.learning, None, first.project)
        if decision.verdict is Verdict.CONTRADICTS:
            found.append(Opposed(one, other, decision.reason))
    count = Counter(path for pair in found for path in (pair.one, pair.other))
    return tuple(pair for pair in found if max(count[pair.one], count[pair.other]) <= MOST_OTHERS)
