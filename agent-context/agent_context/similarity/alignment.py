"""Lay two claims beside each other: which words answer each other, which stand alone, in what order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from agent_context.similarity import lexicon

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent_context.similarity.reading import Reading
    from agent_context.similarity.sentence import Term

LIGHT_WEIGHT = 0.25
LEAST_PREFIX = 5


@dataclass(frozen=True)
class Alignment:
    """Pairs of terms that answer each other (in the first claim's order), and the terms of each that none answers."""

    first: Reading
    second: Reading
    pairs: tuple[tuple[Term, Term], ...]
    places: tuple[tuple[int, int], ...]
    only_first: tuple[Term, ...]
    only_second: tuple[Term, ...]

    @cached_property
    def overlap(self) -> float:
        """Return 0 to 1: the share of the words' weight that is answered, of both claims."""
        matched = 2 * weigh(term for term, _ in self.pairs)
        return matched / ((matched + weigh(self.only_first) + weigh(self.only_second)) or 1)

    @cached_property
    def kept(self) -> float:
        """Return 0 to 1: the share of the first claim's weight that the second one answers."""
        matched = weigh(term for term, _ in self.pairs)
        return matched / ((matched + weigh(self.only_first)) or 1)


def align(first: Reading, second: Reading) -> Alignment:
    """Match the terms of two claims one to one: same concept, same letters, or one the beginning of the other."""
    free = list(range(len(second.terms)))
    places: list[tuple[int, int]] = []
    for same in (_equal, _akin):
        taken = {i for i, _ in places}
        for i, term in enumerate(first.terms):
            if i in taken:
                continue
            fits = [j for j in free if same(term, second.terms[j])]
            if fits:
                best = min(fits, key=lambda j: _distance(first.terms, i, second.terms, j))
                free.remove(best)
                places.append((i, best))
    # A word said twice is answered by one that is said once.
    places.sort()
    matched = {i for i, _ in places}
    said = Counter(term.concept for i, term in enumerate(first.terms) if i in matched)
    heard = Counter(second.terms[j].concept for _, j in places)
    return Alignment(
        first,
        second,
        tuple((first.terms[i], second.terms[j]) for i, j in places),
        tuple(places),
        tuple(term for i, term in enumerate(first.terms) if i not in matched and not heard[term.concept]),
        tuple(second.terms[j] for j in free if not said[second.terms[j].concept]),
    )


def is_weak(term: Term) -> bool:
    """Tell whether a paraphrase may gain or lose the term."""
    return not term.literal and term.concept in lexicon.WEAK_STEMS


def is_full(alignment: Alignment) -> bool:
    """Tell whether every word of weight is answered, and no weak one has become one that it cannot stand for."""
    left, right = alignment.only_first, alignment.only_second
    if not alignment.pairs or not all(is_weak(term) for term in (*left, *right)):
        return False
    return all(lexicon.are_loose(one.concept, other.concept) for one in left for other in right)


def weigh(terms: Iterable[Term]) -> float:
    """Return how much these terms say."""
    return sum(LIGHT_WEIGHT if is_weak(term) else 1.0 for term in terms)


def _distance(first: Sequence[Term], i: int, second: Sequence[Term], j: int) -> tuple[bool, bool, bool, int]:
    """Return what tells one of several equal words from another: sign, role, the word before, the place."""
    one, other = first[i], second[j]
    neighbours = i > 0 and j > 0 and first[i - 1].concept == second[j - 1].concept
    return one.sign != other.sign, one.role != other.role, not neighbours, j


def _equal(one: Term, other: Term) -> bool:
    return one.concept == other.concept or one.surface == other.surface


def _akin(one: Term, other: Term) -> bool:
    short, long = sorted((one.concept, other.concept), key=len)
    return len(short) >= LEAST_PREFIX and long.startswith(short) and not one.literal and not other.literal
