"""Whether a text says already what a claim says: by words, so that a second's work covers a project's documents.

No model is asked: this is for what an agent reads anyway, where a miss costs one line. Merging is for similarity.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from agent_context.similarity import LIGHT_WORDS, WORD
from agent_context.similarity.lexicon import LIGHT_STEMS, WEAK_STEMS, concept

if TYPE_CHECKING:
    from collections.abc import Iterable

# Of the claim's words, weak ones counted a quarter: benchmarks/budget.py prints what it finds on labelled pairs.
COVERED = 0.75
WEAK_WEIGHT = 0.25
FEW = 5
CODE = re.compile(r"`([^`]+)`")
NAMELIKE = re.compile(r"\w[_/]\w|\w\.[a-z]{1,5}\b|[a-z][A-Z]")
NEGATION = re.compile(r"\b(?:not|never|no|without|cannot|avoid|instead)\b|n['\u2019]t\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Words:
    """What a text says: what its words stand for, the words as spelled, those to be met as spelled, and its sense."""

    all: frozenset[str]
    spelled: frozenset[str]
    exact: frozenset[str]
    denies: bool


@lru_cache(maxsize=8192)
def read_words(text: str) -> Words:
    """Return what a text says. Numbers, code spans and what looks like a name, a path or a file are met as spelled."""
    spelled = frozenset(WORD.findall(text.casefold()))
    named = " ".join((*CODE.findall(text), *(word for word in text.split() if NAMELIKE.search(word)))).casefold()
    exact = frozenset(WORD.findall(named)) | {word for word in spelled if word.isdigit()}
    known = (concept(word) for word in spelled if word not in LIGHT_WORDS)
    all_ = frozenset(item for item in known if item not in LIGHT_STEMS)
    return Words(all_, spelled, exact, NEGATION.search(text) is not None)


def covers(text: Words, claim: Words) -> bool:
    """Tell whether the text says what the claim does: three quarters of its words, its numbers, its code, its sense.

    A claim of few words is said only by a text that has them all, but for a weak one.
    """
    if not claim.all or text.denies != claim.denies or not claim.exact <= text.spelled:
        return False
    weight = _weigh(claim.all)
    missing = weight - _weigh(claim.all & text.all)
    return missing <= (1 - COVERED) * weight if weight >= FEW else missing <= WEAK_WEIGHT


@dataclass(slots=True)
class Said:
    """Statements to be looked up in: each with where it stands, those that share a word found by that word."""

    statements: list[tuple[str, str, Words]] = field(default_factory=list)
    holders: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, statement: str, where: str) -> None:
        """Take one more statement."""
        words = read_words(statement)
        for word in words.all:
            self.holders[word].append(len(self.statements))
        self.statements.append((statement, where, words))

    def find(self, claim: str) -> tuple[str, str] | None:
        """Return a statement that says what the claim does, and where it stands; None for none."""
        words = read_words(claim)
        shared: Counter[int] = Counter()
        for word in words.all:
            shared.update(self.holders.get(word, ()))
        for number, _ in shared.most_common():
            statement, where, said = self.statements[number]
            if covers(said, words):
                return statement, where
        return None


def collect(statements: Iterable[tuple[str, str]]) -> Said:
    """Return these (statement, where it stands) to look claims up in."""
    said = Said()
    for statement, where in statements:
        said.add(statement, where)
    return said


def _weigh(words: frozenset[str]) -> float:
    return sum(WEAK_WEIGHT if word in WEAK_STEMS else 1.0 for word in words)
