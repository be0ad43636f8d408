"""Which learnings belong together: pairs that share words, where there are no vectors, and clusters out of links."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import product
from typing import TYPE_CHECKING

from agent_context.similarity import LIGHT_WORDS, WORD

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SHARED = 0.5  # of the words of the shorter text
COMMON = 200  # a word of more texts than this tells none from another


def find_word_pairs(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Return the pairs of texts, by number, that share half of the words (five letters of each) of the shorter."""
    words = [{word[:5] for word in WORD.findall(text.casefold()) if word not in LIGHT_WORDS} for text in texts]
    holders: defaultdict[str, list[int]] = defaultdict(list)
    found = []
    for number, own in enumerate(words):
        shared: Counter[int] = Counter()
        for word in own:
            if len(holders[word]) <= COMMON:
                shared.update(holders[word])
            holders[word].append(number)
        found += [(item, number) for item, count in shared.items() if count >= SHARED * min(len(own), len(words[item]))]
    return sorted(found)


def link_completely(links: Iterable[tuple[int, int, float]]) -> list[tuple[int, ...]]:
    """Return the clusters in which every two are linked, built from the best link (highest score) down.

    A chain of likenesses so never joins two ends that are not alike.
    """
    ordered = sorted(links, key=lambda link: (-link[2], link[:2]))
    linked = {frozenset(link[:2]) for link in ordered}
    clusters: dict[int, tuple[int, ...]] = {}
    for one, other, _ in ordered:
        left, right = clusters.get(one, (one,)), clusters.get(other, (other,))
        if left is not right and all(frozenset(pair) in linked for pair in product(left, right)):
            joined = tuple(sorted((*left, *right)))
            clusters.update(dict.fromkeys(joined, joined))
    return sorted(set(clusters.values()))
