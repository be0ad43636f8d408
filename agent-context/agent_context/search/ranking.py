"""What a query asks, how what was found is ordered, and whether it is relevant. Values only.

Measured by benchmarks/retrieval.py, which also fits the weights of a rating.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.search.splitting import split_words
from agent_context.similarity import LIGHT_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent_context.encoders.calibration import Scale

ASKING = frozenset({"why", "how", "does", "am", "i", "cannot", "about"})
MOST_WORDS = 32
MOST_PASSAGES = 48
SHORT = 300  # characters up to which a query of several sentences is one question too
# A line that begins a paragraph of its own: a bullet, a heading, a numbered point, a table's row.
BEGINNING = re.compile(r"(?:[-*+|]|#+|\d+[.)])\s")
SENTENCE = re.compile(r"(?<=[.!?:;])\s+(?=[A-Z`*\"'(\[])")
LEAST_WORDS = 3
# By how much several questions make it likelier that one is near by chance; 1 would take them for unrelated.
CHANCE = 0.7
RANK_OFFSET = 60  # Cormack, Clarke, Buettcher 2009: reciprocal rank fusion


@dataclass(frozen=True, slots=True)
class Weights:
    """How a rating is made: of the cosine on its model's scale, of the share of the query's words, and of neither."""

    meaning: float
    coverage: float
    bias: float
    least: float


WITH_MEANING = Weights(3.50, 3.44, 2.54, 0.448)
WORDS_ONLY = Weights(0.0, 8.15, -2.96, 0.338)


@dataclass(frozen=True, slots=True)
class Rating:
    """How relevant something is to a query, 0 to 1, whether that is enough to be shown at all, and by what.

    `place` is the cosine on its model's scale (0 near, 1 sure), `coverage` the share of the query's words.
    """

    relevance: float
    is_relevant: bool
    place: float
    coverage: float


def choose_words(text: str) -> tuple[str, ...]:
    """Return the words to look for, each once; those that say nothing only where there are no others."""
    words = tuple(dict.fromkeys(split_words(text)))
    telling = tuple(word for word in words if word not in LIGHT_WORDS and word not in ASKING)
    return (telling or words)[:MOST_WORDS]


def cut_passages(query: str) -> list[str]:
    """Return the questions in a query: its sentences, and all of it where it is short. Fenced code asks nothing."""
    paragraphs = [""]
    for number, block in enumerate(re.split(r"^\s*```.*$", query, flags=re.MULTILINE)):
        for line in [] if number % 2 else block.splitlines():
            words = line.strip()
            if not words or BEGINNING.match(words):
                paragraphs.append("")
            paragraphs[-1] = f"{paragraphs[-1]} {words}".strip()
        paragraphs.append("")
    sentences = [part.strip(" -*#|") for paragraph in paragraphs for part in SENTENCE.split(paragraph)]
    telling = dict.fromkeys(part for part in sentences if len(split_words(part)) >= LEAST_WORDS)
    whole = " ".join(query.split())
    if len(whole) <= SHORT:
        telling = dict.fromkeys([whole, *telling])
    return [part for part in telling if part][:MOST_PASSAGES]


def fuse(lists: Iterable[tuple[float, Sequence[int]]]) -> list[tuple[int, float]]:
    """Return what stands in any of the ranked lists, best first, by the weighted sum of its reciprocal ranks."""
    scores: defaultdict[int, float] = defaultdict(float)
    for weight, ranked in lists:
        for place, number in enumerate(ranked, 1):
            scores[number] += weight / (RANK_OFFSET + place)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def measure_coverage(counts: Mapping[str, int], total: int, holders: Mapping[str, set[int]]) -> dict[int, float]:
    """Return the share of the query's words, weighed by their rarity, that each learning holds.

    `counts` says how many of all learnings hold each word, `holders` which of those in question do. A word that none
    holds is as rare as one that a single learning holds: among few learnings its absence says little.
    """
    rare = {word: max(count, 1) for word, count in counts.items()}
    weights = {word: math.log(1 + (total - count + 0.5) / (count + 0.5)) for word, count in rare.items()}
    whole = sum(weights.values())
    covered: defaultdict[int, float] = defaultdict(float)
    for word, numbers in holders.items():
        for number in numbers:
            covered[number] += weights[word] / whole
    return covered


def rate(cosine: float | None, coverage: float, scale: Scale | None, questions: int = 1) -> Rating:
    """Return how relevant a learning is to the nearest of so many questions; without a model its words alone decide.

    What is near to one of many questions is so by chance more often.
    """
    weights, place = WORDS_ONLY, 0.0
    if cosine is not None and scale is not None:
        weights, place = WITH_MEANING, (cosine - scale.near) / (scale.sure - scale.near)
    chance = CHANCE * math.log(max(questions, 1))
    relevance = 1 / (1 + math.exp(chance - weights.meaning * place - weights.coverage * coverage - weights.bias))
    return Rating(relevance, relevance >= weights.least, place, coverage)
