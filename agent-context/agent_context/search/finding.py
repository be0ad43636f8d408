"""What an index answers to a query: ranked by words and by meaning, both fused, the best of it rated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.search.filters import Filters
from agent_context.search.meaning import Matrix
from agent_context.search.ranking import choose_words, cut_passages, fuse, measure_coverage, rate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent_context.encoders import Encoder
    from agent_context.search.index import Index
    from agent_context.search.ranking import Rating

# What meaning weighs beside words: of short questions the words alone find less.
MEANING = 3.0
POOL = 200  # that words and meaning each put forward
RATED = 20  # of the best, those that are looked at for relevance
EVERYTHING = Filters(ended=True)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, by the numbers of the learnings: best first with its score, and how relevant the best are."""

    ranked: list[tuple[int, float]]
    ratings: Mapping[int, Rating]
    words: tuple[str, ...]

    @property
    def is_relevant(self) -> bool:
        """Tell whether any of it is worth showing."""
        return any(rating.is_relevant for rating in self.ratings.values())


class Finder:
    """Looks into one index; the vectors that it has read it keeps."""

    def __init__(self, index: Index, encoder: Encoder | None) -> None:
        self._index = index
        self._encoder = encoder
        self._matrix = Matrix()

    def look(self, query: str, filters: Filters, rated: int = RATED) -> Found:
        """Return what passes the filters and has to do with the query; so many of the best are rated."""
        passages, words = cut_passages(query), choose_words(query)
        asked = self._encoder.encode(passages) if self._encoder is not None else []
        by_words, by_meaning = self.rank_by_words(passages, filters), self.rank_by_meaning(asked, filters)
        ranked = fuse([(1.0, by_words), (MEANING, by_meaning)])
        best = [number for number, _ in ranked[: max(rated, RATED)]]
        counts, holders = self._index.count_words(words), self._index.find_holders(words, best)
        coverage = measure_coverage(counts, self._index.count(EVERYTHING), holders)
        cosines = self._matrix.measure(asked, best)
        scale = self._encoder.scale if self._encoder is not None else None
        ratings = {
            number: rate(cosines.get(number), coverage.get(number, 0.0), scale, len(passages)) for number in best
        }
        return Found(ranked, ratings, words)

    def rank_by_words(self, passages: Sequence[str], filters: Filters) -> list[int]:
        """Return the learnings that hold the words of a passage, those first that hold them best."""
        scores: dict[int, float] = {}
        for passage in passages:
            for number, score in self._index.rank_by_words(choose_words(passage), filters, POOL):
                scores[number] = max(score, scores.get(number, 0.0))
        return sorted(scores, key=lambda number: (-scores[number], number))[:POOL]

    def rank_by_meaning(self, asked: Sequence[bytes], filters: Filters) -> list[int]:
        """Return the learnings nearest to any of the vectors, nearest first."""
        if not asked:
            return []
        self._matrix.follow(self._index)
        return self._matrix.find_near(asked, self._index.list_encoded(filters), POOL)
