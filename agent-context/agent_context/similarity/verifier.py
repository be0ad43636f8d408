"""A small linear model over what can be measured of a pair of claims: how likely they say the same.

It never overrules a guard; it can only refuse what the guards let through. Its weights ship as data and are made by
benchmarks/train_verifier.py from the training pairs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
from rapidfuzz import fuzz

from agent_context.similarity.alignment import weigh

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_context.similarity.alignment import Alignment
    from agent_context.similarity.guards import Guard

FEATURES = (
    "one", "meaning", "words", "overlap", "kept", "only in the first", "only in the second", "conflicts", "guards",
    "length",
)  # fmt: skip
MOST_ALONE = 4.0


class Head(msgspec.Struct, frozen=True):
    """One question's weights, a feature each, and the likelihood from which the answer counts as yes."""

    weights: tuple[float, ...]
    threshold: float

    def rate(self, features: Sequence[float]) -> float:
        """Return 0 to 1."""
        total = sum(weight * feature for weight, feature in zip(self.weights, features, strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


class Heads(msgspec.Struct, frozen=True):
    """`same`: do they say the same; `near`: does a person want to see the one beside the other."""

    same: Head
    near: Head


class Verifier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The weights, with an encoder's help and without, and the hash (sha256) of the pairs they were made from."""

    trained_on: str
    with_meaning: Heads
    words_only: Heads


def measure(alignment: Alignment, guards: Sequence[Guard], meaning: float | None) -> tuple[float, ...]:
    """Return one number a feature, each about -2 to 2; `meaning` is 0 at a model's near and 1 at its sure cosine."""
    first, second = alignment.first, alignment.second
    shorter, longer = sorted((len(first.terms), len(second.terms)))
    return (
        1.0,
        meaning or 0.0,
        fuzz.token_sort_ratio(first.normal, second.normal) / 100,
        alignment.overlap,
        alignment.kept,
        min(weigh(alignment.only_first), MOST_ALONE) / MOST_ALONE,
        min(weigh(alignment.only_second), MOST_ALONE) / MOST_ALONE,
        float(any(guard.conflict for guard in guards)),
        float(any(not guard.conflict for guard in guards)),
        shorter / (longer or 1),
    )
