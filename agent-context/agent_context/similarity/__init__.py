"""What one claim is to another: the same, more, near, against it, or something else, with score and reasons.

The guards speak first (guards), then the alignment of the words (alignment), and the verifier last (verifier). Encoding
texts and reading the weights is for the caller.
"""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from rapidfuzz import fuzz, process

from agent_context.learning import normalise_claim
from agent_context.similarity.alignment import align, is_full, is_weak, weigh
from agent_context.similarity.guards import find_guards
from agent_context.similarity.lexicon import LIGHT as LIGHT_WORDS
from agent_context.similarity.lexicon import WORD
from agent_context.similarity.reading import read_claim
from agent_context.similarity.verifier import measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_context.similarity.alignment import Alignment
    from agent_context.similarity.guards import Guard
    from agent_context.similarity.verifier import Verifier

__all__ = ["LIGHT_WORDS", "WORD", "Context", "Likeness", "Relation", "compare", "cosine", "find_guard", "find_wordy"]
# For who looks at words and one cosine alone, without the verifier.
NEAR_WORDS = 0.93
NEAR_WORDS_WITH_MEANING = 0.70
# Share of the words, those that conflict set aside, that two claims have in common when they are about one thing.
SAME_SUBJECT = 0.6
MOST_REASONS = 5


class Relation(StrEnum):
    """What the second claim is to the first."""

    SAME = "same"
    CONTRADICTS = "contradicts"
    REFINES = "refines"
    NEAR = "near"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Context:
    """What a claim stands in: its kind and its project's folder; empty when it is not said."""

    kind: str = ""
    project: str = ""
    paths: tuple[str, ...] = ()

    def around(self, claim: str) -> str:
        """Return the claim as it is embedded; a model is calibrated with the words that stand for what is not said."""
        about = ", ".join((self.project or "project", self.kind or "learning", *self.paths))
        return f"{about}: {claim}"


@dataclass(frozen=True, slots=True)
class Likeness:
    """What one claim is to another; `score` is 0 to 1: how likely they say the same."""

    relation: Relation
    score: float
    reasons: tuple[str, ...]
    guarded: bool = False


def cosine(a: bytes, b: bytes) -> float:
    """Return the dot product of two unit vectors given as little-endian float32 bytes of one length."""
    left, right = array("f", a), array("f", b)
    if sys.byteorder == "big":
        left.byteswap()
        right.byteswap()
    return sum(x * y for x, y in zip(left, right, strict=True))


def word_similarity(a: str, b: str) -> float:
    """Return 0 to 1: rapidfuzz's ratio of the normalised claims with their words sorted."""
    return fuzz.token_sort_ratio(normalise_claim(a), normalise_claim(b)) / 100


def find_guard(a: str, b: str) -> str:
    """Return what first forbids calling two claims the same, or an empty string."""
    guards = find_guards(align(read_claim(a), read_claim(b)))
    return next((f"{guard.name}: {guard.reason}" for guard in guards), "")


def find_wordy(claim: str, others: Sequence[str], most: int) -> list[int]:
    """Return the places of the claims that share most words with this one, at most so many: who has no vectors asks."""
    normals = [normalise_claim(other) for other in others]
    found = process.extract(normalise_claim(claim), normals, scorer=fuzz.token_set_ratio, limit=most, score_cutoff=40)
    return [place for _, _, place in found]


def compare(
    first: str, second: str, verifier: Verifier, meaning: float | None = None, differs: Sequence[str] = ()
) -> Likeness:
    """Say what the second claim is to the first.

    `meaning` is the cosine on its model's own scale (0 near, 1 sure), none without an encoder; `differs` names what of
    the contexts forbids calling them the same.
    """
    one, other = read_claim(first), read_claim(second)
    alignment = align(one, other)
    guards = find_guards(alignment)
    heads = verifier.words_only if meaning is None else verifier.with_meaning
    features = measure(alignment, guards, meaning)
    same, near = heads.same.rate(features), heads.near.rate(features)
    reasons = tuple(dict.fromkeys((*differs, *(f"{guard.name}: {guard.reason}" for guard in guards))))[:MOST_REASONS]
    guarded = bool(guards or differs)
    if _is_conflict(alignment, guards):
        return Likeness(Relation.CONTRADICTS, same, _first_conflict(guards, reasons), guarded=True)
    if one.normal == other.normal and one.normal and not guarded:
        return Likeness(Relation.SAME, 1.0, ("the same words",))
    sure = is_full(alignment) and not guarded and same >= heads.same.threshold
    if sure and not find_guards(align(other, one)):
        return Likeness(Relation.SAME, same, (f"every word is answered, {_measured(alignment, meaning)}",))
    if _refines(alignment, guards) and not differs:
        return Likeness(Relation.REFINES, same, (*reasons, f"adds {_list_added(alignment)}"), guarded=guarded)
    if near >= heads.near.threshold:
        said = (*reasons, *_alone(alignment), _measured(alignment, meaning))
        return Likeness(Relation.NEAR, same, said, guarded=guarded)
    return Likeness(Relation.OTHER, same, (_measured(alignment, meaning),), guarded=guarded)


def _is_conflict(alignment: Alignment, guards: Sequence[Guard]) -> bool:
    """Tell whether the claims are about one thing, but for what they say differently of it."""
    if not any(guard.conflict for guard in guards) or any(guard.subject for guard in guards):
        return False
    explained = {word for guard in guards if guard.conflict for word in guard.explains}
    if _has_other_subject(alignment, explained):
        return False
    matched = 2 * weigh(term for term, _ in alignment.pairs)
    alone = [term for term in (*alignment.only_first, *alignment.only_second) if term.surface not in explained]
    return matched > 0 and matched / (matched + weigh(alone)) >= SAME_SUBJECT


def _has_other_subject(alignment: Alignment, explained: set[str]) -> bool:
    """Tell whether the claims begin with two things of one sort: "the web app", "the admin app"."""
    first, second = alignment.first.terms, alignment.second.terms
    if (1, 1) not in alignment.places or any(0 in pair for pair in alignment.places):
        return False
    return not {first[0].surface, second[0].surface} & explained


def _first_conflict(guards: Sequence[Guard], reasons: tuple[str, ...]) -> tuple[str, ...]:
    conflicts = [f"{guard.name}: {guard.reason}" for guard in guards if guard.conflict]
    return tuple(dict.fromkeys((*conflicts, *reasons)))[:MOST_REASONS]


def _refines(alignment: Alignment, guards: Sequence[Guard]) -> bool:
    """Tell whether the second claim keeps all that the first says, and adds to it."""
    if any(not guard.adds for guard in guards) or not alignment.pairs:
        return False
    kept = all(is_weak(term) for term in alignment.only_first)
    return kept and (bool(guards) or any(not is_weak(term) for term in alignment.only_second))


def _list_added(alignment: Alignment) -> str:
    words = list(dict.fromkeys(term.surface for term in alignment.only_second))
    return ", ".join(repr(word) for word in words[:MOST_REASONS]) or "a number or a condition"


def _alone(alignment: Alignment) -> tuple[str, ...]:
    """Return the words that only one of the two has."""
    sides = (("first", alignment.only_first), ("second", alignment.only_second))
    return tuple(
        f"only the {name} says " + ", ".join(repr(term.surface) for term in alone[:MOST_REASONS])
        for name, alone in sides
        if alone
    )


def _measured(alignment: Alignment, meaning: float | None) -> str:
    words = f"words {alignment.overlap:.2f}"
    return words if meaning is None else f"{words}, meaning {meaning:.2f}"
