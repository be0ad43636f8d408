"""Find learnings by words: SQLite's full-text index (BM25), built in memory over every text of a learning."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.learning import LIVING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_context.knowledge import Entry

# Weights of the columns claim, why, evidence, tags, paths in BM25: the claim says it, the rest supports it.
WEIGHTS = (4.0, 2.0, 1.0, 2.0, 2.0)


@dataclass(frozen=True, slots=True)
class Hit:
    """A learning found; the higher the score the better, comparable within one search only."""

    entry: Entry
    score: float


def search(entries: Iterable[Entry], query: str, *, limit: int = 10, ended: bool = False) -> list[Hit]:
    """Return the learnings that hold any of the query's words, best first; ended ones only on request."""
    words = re.findall(r"\w+", query.casefold())
    if not words:
        return []
    kept = [entry for entry in entries if ended or entry.learning.status in LIVING]
    db = sqlite3.connect(":memory:")
    try:
        columns = "claim, why, evidence, tags, paths"
        db.execute(f"CREATE VIRTUAL TABLE learnings USING fts5 ({columns}, tokenize = 'porter unicode61')")
        db.executemany(
            "INSERT INTO learnings (rowid, claim, why, evidence, tags, paths) VALUES (?, ?, ?, ?, ?, ?)",
            [(number, *_columns(entry)) for number, entry in enumerate(kept)],
        )
        rows = db.execute(
            "SELECT rowid, bm25(learnings, ?, ?, ?, ?, ?) AS rank FROM learnings"
            " WHERE learnings MATCH ? ORDER BY rank LIMIT ?",
            (*WEIGHTS, " OR ".join(f'"{word}"' for word in words), limit),
        ).fetchall()
    finally:
        db.close()
    return [Hit(kept[number], round(-rank, 3)) for number, rank in rows]


def _columns(entry: Entry) -> tuple[str, ...]:
    learning = entry.learning
    return tuple(
        "\n".join(part) for part in ((learning.claim,), learning.why, learning.evidence, learning.tags, learning.paths)
    )
