"""What a learning is worth to an agent in one project: confidence x recency x relevance, each 0 to 1. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.claims.confidence import find_confidence
from agent_context.claims.staleness import find_newest
from agent_context.layout import PATTERNS

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent_context.learning import Learning

OWN = 1.0
# A pattern comes from elsewhere: half at first, the more the more of its tags the project knows.
FOREIGN = 0.5
KINDRED = 0.4
# Both wait for a person: a review that is due, a merge that left two versions.
DOUBTED = 0.5


@dataclass(frozen=True, slots=True)
class Weighed:
    """A learning with its project (or `patterns`) and the three factors of its score."""

    learning: Learning
    project: str
    confidence: float
    recency: float
    relevance: float

    @property
    def score(self) -> float:
        """Return the product of the three."""
        return self.confidence * self.recency * self.relevance


@dataclass(frozen=True, slots=True)
class About:
    """What is known of the project that the agent works in: the ids of its learnings, and words that tell of it."""

    ids: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()


def weigh(learning: Learning, project: str, about: About, now: str) -> Weighed:
    """Return the learning with its factors. `now` is UTC, `YYYY-MM-DDTHH:MM:SSZ`.

    Recency is what time has left of the confidence: half of it fades in a year without being said again or reviewed.
    """
    sure = find_confidence(learning, find_newest(learning))
    recency = find_confidence(learning, now) / sure if sure else 0.0
    return Weighed(learning, project, sure, recency, _find_relevance(learning, project, about, now))


def order(weighed: Collection[Weighed]) -> list[Weighed]:
    """Return the learnings, pinned first, then by score, the best first; equals in one order everywhere."""
    return sorted(weighed, key=lambda item: (not item.learning.pinned, -round(item.score, 6), item.learning.id))


def _find_relevance(learning: Learning, project: str, about: About, now: str) -> float:
    relevance = OWN
    if project == PATTERNS and not about.ids.intersection(learning.supersedes):
        known = sum(tag.casefold() in about.words for tag in learning.tags)
        relevance = FOREIGN + KINDRED * known / max(len(learning.tags), 1)
    due = bool(learning.review_after) and learning.review_after <= now[: len(learning.review_after)]
    return relevance * (DOUBTED if due or learning.conflicts else 1.0)
