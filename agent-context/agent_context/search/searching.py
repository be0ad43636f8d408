"""Search: what the index finds by words and by meaning as one ranked answer, or none where nothing is relevant."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from agent_context.encoders import load_encoder
from agent_context.errors import AgentContextError
from agent_context.layout import PATTERNS
from agent_context.search.filters import Filters
from agent_context.search.finding import Finder
from agent_context.search.following import TERMS, encode_missing, follow, read_entry
from agent_context.search.index import MARKS, Index
from agent_context.state import State, name_of_clone

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_context.config import Environment
    from agent_context.encoders import Encoder
    from agent_context.knowledge import Entry, KnowledgeBase
    from agent_context.search.finding import Found
    from agent_context.search.following import Followed

AT_ONCE = 256  # texts that a search encodes before it answers; sync encodes the rest
ROUNDS = 3
# What is less relevant is not shown beside something that is: of what answers a question, 94 % is above (retrieval.py).
WORTH = 0.1
WIDEST = 1_000_000
EMPTY = Filters()


@dataclass(frozen=True, slots=True)
class Hit:
    """A learning found, as its file says now.

    `score` is its place in this answer, `relevance` 0 to 1 and comparable between answers; `marks` are the words of the
    claim that the query has too: their beginnings and ends.
    """

    entry: Entry
    score: float
    relevance: float
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, best first. `abstained`: something was alike, but nothing relevant, and `hits` is empty.

    `searched` learnings passed the filters, `withheld` may not be handed out; `encoder` says what compared meanings.
    """

    hits: tuple[Hit, ...]
    abstained: bool
    searched: int
    withheld: int
    encoder: str
    notes: tuple[str, ...] = ()


class Searcher:
    """Answers queries on one knowledge base; what it loads for the first it keeps for the next. For one thread."""

    def __init__(self, environment: Environment, knowledge_base: KnowledgeBase) -> None:
        self._environment = environment
        self._knowledge_base = knowledge_base
        self._index = open_index(environment, knowledge_base)
        self._loaded: tuple[Encoder | None, str] | None = None
        self._finder: Finder | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the index."""
        self._index.close()

    def find(self, query: str, filters: Filters = EMPTY, limit: int = 10) -> Answer:
        """Return the most relevant learnings, at most so many.

        Raise AgentContextError for a project that is not here, or an index that cannot be read.
        """
        if filters.project not in ("", PATTERNS, *self._knowledge_base.projects()):
            raise AgentContextError(f"no project {filters.project} here", hint="agent-context projects list names them")
        try:
            return self._find(query, filters, limit)
        except sqlite3.OperationalError as error:
            raise AgentContextError(
                f"the search index cannot be used: {error}", hint="make room, or wait for the other agent-context"
            ) from error
        except sqlite3.DatabaseError:
            self._reopen(anew=True)
            return self._find(query, filters, limit)

    def refresh(
        self, state: State | None = None, tell: Callable[[int, int], None] = lambda _done, _count: None
    ) -> Followed:
        """Look at every file, and give every learning its vector. `tell` hears how many have theirs, of how many."""
        try:
            return self._refresh(state, tell)
        except sqlite3.OperationalError as error:
            raise AgentContextError(
                f"the search index cannot be written: {error}", hint="make room, or wait for the other agent-context"
            ) from error
        except sqlite3.DatabaseError:
            self._reopen(anew=True)
            return self._refresh(state, tell)

    def _refresh(self, state: State | None, tell: Callable[[int, int], None]) -> Followed:
        done = follow(self._index, self._environment, self._knowledge_base, state, thorough=True)
        if self._index.count_unencoded():
            encoder, _ = self._load_encoder()
            if encoder is not None:
                done.left = encode_missing(self._index, encoder, state, WIDEST, tell)
        return done

    def _find(self, query: str, filters: Filters, limit: int) -> Answer:
        if self._index.is_replaced:
            self._reopen(anew=False)
        for _ in range(ROUNDS):
            left = self._follow()
            with self._index.reading():
                answer, stale = self._answer(self._find_in(query, filters, limit), filters, limit, left)
            if not stale:
                break
            with self._index.writing():
                self._index.distrust(stale)
        return answer

    def _follow(self) -> int:
        """Bring the index up to date, as far as that is quickly done. Returns how many learnings have no vector yet."""
        if self._index.fact(TERMS):
            follow(self._index, self._environment, self._knowledge_base)
        else:
            # A new index: what sync has screened need not be screened again.
            with State(self._environment.data_dir, self._knowledge_base.root, keep=False) as state:
                follow(self._index, self._environment, self._knowledge_base, state)
        encoder, _ = self._load_encoder()
        return encode_missing(self._index, encoder, None, AT_ONCE) if encoder is not None else 0

    def _answer(self, found: Found, filters: Filters, limit: int, left: int) -> tuple[Answer, list[str]]:
        """Return the answer, and the files that do not say any more what the index holds of them."""
        hits: list[Hit] = []
        stale: list[str] = []
        best = found.ranked[:limit] if found.is_relevant else []
        wanted = [(number, score) for number, score in best if found.ratings[number].relevance >= WORTH]
        stamps = self._index.locate([number for number, _ in wanted])
        for number, score in wanted:
            entry, digest = read_entry(self._environment, self._knowledge_base, stamps[number])
            if entry is None or digest != stamps[number].digest:
                stale.append(stamps[number].path)
                continue
            relevance = found.ratings[number].relevance
            marks = find_marks(self._index.mark(number, found.words), entry.learning.claim)
            hits.append(Hit(entry, round(score, 5), round(relevance, 3), marks))
        notes = (f"{left:,} learnings are found by their words alone until the next sync",) if left else ()
        searched, withheld = self._index.count(filters), self._index.count_withheld()
        abstained = bool(found.ranked) and not found.is_relevant
        return Answer(tuple(hits), abstained, searched, withheld, self._load_encoder()[1], notes), stale

    def _load_encoder(self) -> tuple[Encoder | None, str]:
        if self._loaded is None:
            settings = self._knowledge_base.settings.consolidation
            self._loaded = load_encoder(settings.encoder, settings.model, self._environment.data_dir)
        return self._loaded

    def _find_in(self, query: str, filters: Filters, limit: int) -> Found:
        if self._finder is None:
            self._finder = Finder(self._index, self._load_encoder()[0])
        return self._finder.look(query, filters, limit)

    def _reopen(self, *, anew: bool) -> None:
        self._index.reopen(anew=anew)
        self._finder = None


def find(
    environment: Environment, knowledge_base: KnowledgeBase, query: str, filters: Filters = EMPTY, limit: int = 10
) -> Answer:
    """Answer one query. Raise AgentContextError for a project that is not here, or an index that cannot be read."""
    with Searcher(environment, knowledge_base) as searcher:
        return searcher.find(query, filters, limit)


def refresh(
    environment: Environment,
    knowledge_base: KnowledgeBase,
    state: State | None = None,
    tell: Callable[[int, int], None] = lambda _done, _count: None,
) -> Followed:
    """Bring the index up to date with every file. Raise AgentContextError when it cannot be written."""
    with Searcher(environment, knowledge_base) as searcher:
        return searcher.refresh(state, tell)


def open_index(environment: Environment, knowledge_base: KnowledgeBase) -> Index:
    """Open the knowledge base's index on this machine, or make it."""
    return Index(environment.data_dir / f"{name_of_clone(knowledge_base.root)}.search.db")


def find_marks(marked: str, claim: str) -> tuple[tuple[int, int], ...]:
    """Return where the marked words stand in the claim; nothing where the claim itself holds such marks."""
    if not marked or any(mark in claim for mark in MARKS):
        return ()
    begin, end = MARKS
    words = re.finditer(f"{begin}([^{end}]*){end}", marked)
    starts = ((word.start() - 2 * count, word.group(1)) for count, word in enumerate(words))
    return tuple((start, start + len(word)) for start, word in starts)
