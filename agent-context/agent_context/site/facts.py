"""What is known of a learning beside its own text: how sure it is, what speaks against it, what it belongs with."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from agent_context.claims.confidence import find_confidence
from agent_context.claims.confirmations import count_by_machine
from agent_context.layout import PATTERNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent_context.learning import Learning, Speaker
    from agent_context.site.holdings import SiteInput
    from agent_context.site.sitemap import Layout, Spot

Flag = Literal["pinned", "stale", "contradicted", "pattern", "conflict"]
Level = Literal["high", "medium", "low"]
FLAGS: tuple[Flag, ...] = ("pinned", "stale", "contradicted", "pattern", "conflict")
LEVELS: tuple[Level, ...] = ("high", "medium", "low")
HIGH, MEDIUM = 75, 45
NAMED = re.compile(r"\b[0-9a-f]{10}\b")
MOST_RELATED = 3
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Facts:
    """`sure` is 0 to 100; `said` counts sessions by machine, `heard` sources by speaker; `doubts` are words."""

    flags: tuple[Flag, ...]
    sure: int
    level: Level
    doubts: tuple[str, ...]
    said: Counter[str]
    heard: Counter[Speaker]
    related: tuple[tuple[Spot, int], ...] = ()
    named_by: tuple[Spot, ...] = ()


def find_facts(site: SiteInput, layout: Layout) -> dict[str, Facts]:
    """Return the facts of every learning, by its path."""
    places = {spot.entry.path: spot for spot in layout.spots}
    named = _find_naming(layout)
    opposed = {path for pair in site.opposed for path in (pair.one, pair.other)}
    promoted = {old for spot in layout.patterns.spots for old in spot.learning.supersedes}
    found: dict[str, Facts] = {}
    for path, spot in places.items():
        learning = spot.learning
        near = site.related.get(path, ())
        sure = _measure(learning, site.generated)
        doubts = site.doubts.get(path, ())
        found[path] = Facts(
            flags=_flag(spot, promoted, doubts=bool(doubts), opposed=path in opposed),
            sure=sure,
            level="high" if sure >= HIGH else "medium" if sure >= MEDIUM else "low",
            doubts=doubts,
            said=Counter(machine for machine in count_by_machine(learning).elements() if machine),
            heard=Counter(source.speaker for source in learning.sources),
            related=tuple((places[item.path], item.score) for item in near if item.path in places)[:MOST_RELATED],
            named_by=tuple(named.get(learning.id, ())[:MOST_NAMED]),
        )
    return found


def _flag(spot: Spot, promoted: set[str], *, doubts: bool, opposed: bool) -> tuple[Flag, ...]:
    learning = spot.learning
    holds: Mapping[Flag, bool] = {
        "pinned": learning.pinned,
        "stale": doubts,
        "contradicted": opposed,
        "pattern": spot.shelf.folder == PATTERNS or learning.id in promoted,
        "conflict": bool(learning.conflicts),
    }
    return tuple(flag for flag in FLAGS if holds[flag])


def _measure(learning: Learning, now: str) -> int:
    """Return how sure the learning is, in percent; 0 where one of its times does not read."""
    try:
        return round(100 * find_confidence(learning, now))
    except (TypeError, ValueError):
        return 0


def _find_naming(layout: Layout) -> dict[str, list[Spot]]:
    """Return which learnings name another's id, in their words or as folded into them."""
    known = {spot.learning.id for spot in layout.spots}
    found: dict[str, list[Spot]] = {}
    for spot in layout.spots:
        learning = spot.learning
        names = {*learning.supersedes, *NAMED.findall("\n".join((learning.claim, *learning.why)))}
        for name in sorted((names & known) - {learning.id}):
            found.setdefault(name, []).append(spot)
    return found
