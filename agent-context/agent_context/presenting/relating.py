"""Which learnings belong beside each other: the nearest by vectors that are there already, else by rare words."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

from agent_context.encoders.vectors import Shelf
from agent_context.layout import PATTERNS
from agent_context.learning import LIVING
from agent_context.similarity import Context
from agent_context.site.holdings import Near

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_context.knowledge import Entry
    from agent_context.state import State

# The encoder's name in the settings to its model's name in the state. Nothing is encoded for the site's sake.
MODELS = {"minilm": "all-MiniLM-L6-v2-int8"}
MOST = 3
NEWEST = 1_000  # of one project are compared with: all with all would grow with the square
NEAR_COSINE = 0.55
NEAR_WORDS = 0.3
RARE_WORDS = 8
COMMON = 40  # a word that so many of a project share says nothing
WORD = re.compile(r"[^\W_]{3,}")


def relate(entries: Sequence[Entry], encoder: str, state: State | None) -> dict[str, tuple[Near, ...]]:
    """Return each living learning's nearest of its own project and the patterns, by path, the nearest first."""
    groups: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.learning.created, entry.path), reverse=True):
        if entry.learning.status in LIVING:
            groups.setdefault(entry.project, []).append(entry)
    patterns = groups.get(PATTERNS, [])
    found: dict[str, tuple[Near, ...]] = {}
    for folder, own in groups.items():
        others = own if folder == PATTERNS else [*patterns[:NEWEST], *own]
        vectors = _load(others, MODELS.get(encoder, ""), state)
        found |= _by_meaning(own, others, vectors)
        found |= _by_words([entry for entry in own if entry.path not in vectors], others)
    return {path: near for path, near in found.items() if near}


def _load(entries: Sequence[Entry], model: str, state: State | None) -> dict[str, bytes]:
    """Return the vectors that an earlier sync has made, by path."""
    if state is None or not model:
        return {}
    texts = {
        entry.path: Context(entry.learning.kind.value, entry.project, entry.learning.paths).around(entry.learning.claim)
        for entry in entries
    }
    kept = state.vectors(model, texts.values())
    length = Counter(map(len, kept.values())).most_common(1)
    return {path: kept[text] for path, text in texts.items() if text in kept and len(kept[text]) == length[0][0]}


def _by_meaning(
    own: Sequence[Entry], others: Sequence[Entry], vectors: dict[str, bytes]
) -> dict[str, tuple[Near, ...]]:
    known = [entry.path for entry in others if entry.path in vectors][:NEWEST]
    shelf = Shelf()
    shelf.add([vectors[path] for path in known])
    found: dict[str, tuple[Near, ...]] = {}
    for entry in own:
        if entry.path in vectors:
            nearest = shelf.find_nearest(vectors[entry.path], MOST + 1)
            near = [Near(known[place], round(100 * cosine)) for place, cosine in nearest if cosine >= NEAR_COSINE]
            found[entry.path] = tuple(item for item in near if item.path != entry.path)[:MOST]
    return found


def _by_words(own: Sequence[Entry], others: Sequence[Entry]) -> dict[str, tuple[Near, ...]]:
    """Return which share the rarest words: their weight's share of the learning's own rare words."""
    if not own:
        return {}
    words = {entry.path: _list_words(entry) for entry in others}
    count = Counter(word for found in words.values() for word in found)
    places: dict[str, list[str]] = {}
    for path, found in words.items():
        for word in found:
            if count[word] <= COMMON:
                places.setdefault(word, []).append(path)
    return {entry.path: _find_sharing(entry.path, words[entry.path], places, len(words)) for entry in own}


def _find_sharing(path: str, words: set[str], places: dict[str, list[str]], total: int) -> tuple[Near, ...]:
    weights = {word: math.log(1 + total / len(places[word])) for word in words if word in places}
    rarest = sorted(weights, key=lambda word: (-weights[word], word))[:RARE_WORDS]
    whole = sum(weights[word] for word in rarest)
    shared: dict[str, float] = {}
    for word in rarest:
        for other in places[word]:
            if other != path:
                shared[other] = shared.get(other, 0.0) + weights[word]
    best = sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:MOST]
    return tuple(Near(other, round(100 * weight / whole)) for other, weight in best if weight / whole >= NEAR_WORDS)


def _list_words(entry: Entry) -> set[str]:
    learning = entry.learning
    return {word.casefold() for word in WORD.findall(" ".join((learning.claim, *learning.tags, *learning.paths)))}
