"""The local index of one knowledge base: words in SQLite's full-text index, vectors in blocks beside them.

It holds nothing that the files do not say, and can be deleted at any time: it costs only time to make it anew.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from agent_context.claims.confirmations import count_by_machine
from agent_context.errors import AgentContextError
from agent_context.search.filters import FUNCTIONS
from agent_context.search.splitting import find_parts
from agent_context.similarity import Context

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from agent_context.knowledge import Entry
    from agent_context.search.filters import Filters

VERSION = 2
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS folders (path TEXT PRIMARY KEY, mtime_ns INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS learnings (
    id INTEGER PRIMARY KEY, path TEXT UNIQUE, folder TEXT, size INTEGER, mtime_ns INTEGER, digest TEXT, project TEXT,
    kind TEXT, status TEXT, at TEXT, tags TEXT, paths TEXT, machines TEXT, withheld INTEGER, encoded INTEGER
);
CREATE INDEX IF NOT EXISTS by_folder ON learnings (folder);
CREATE INDEX IF NOT EXISTS by_want ON learnings (id) WHERE encoded = 0 AND withheld = 0;
CREATE VIRTUAL TABLE IF NOT EXISTS texts
    USING fts5 (claim, why, evidence, about, parts, tokenize = 'porter unicode61');
CREATE TABLE IF NOT EXISTS blocks (number INTEGER PRIMARY KEY, changed INTEGER, vectors BLOB);
PRAGMA user_version = {VERSION};
"""
# Weights of claim, why, evidence, about (project, kind, tags, paths) and the parts of all their words: the claim says
# it, the rest supports it.
WEIGHTS = (4.0, 2.0, 1.0, 2.0, 1.0)
PRIVATE = 0o600
PATIENCE = 30.0  # seconds for which another process at work on the index is waited for
BLOCK = 256  # vectors in one blob, each kept as float16
COMMON = 5_000  # holders of a word after which they are no longer counted
MARKS = ("\x02", "\x03")  # what stands around a word found, in what SQLite hands back


@dataclass(frozen=True, slots=True)
class Stamp:
    """A learning's file in one state, by its path in the knowledge base; `mtime_ns` 0: too recent to be trusted."""

    path: str
    folder: str
    size: int
    mtime_ns: int
    digest: str = ""


class Index:
    """One SQLite file, or an index in memory without a path; safe with several processes at work on it."""

    def __init__(self, path: Path | None) -> None:
        """Open the index; where there is none, or none that reads, make it. Raise AgentContextError for no right to."""
        self._path = path
        self._db = self._open()
        self._inode = self._find_inode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @property
    def is_replaced(self) -> bool:
        """Tell whether another process made the file anew, or took it away."""
        return self._find_inode() != self._inode

    def reopen(self, *, anew: bool) -> None:
        """Open the file again; `anew`: what is there is damaged, and goes away."""
        self._db.close()
        if anew and self._path is not None:
            with suppress(OSError):
                self._path.unlink()
        self._db = self._open()
        self._inode = self._find_inode()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See one state of the index in all that is asked inside."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.rollback()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write all that is done inside, or nothing of it."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.commit()
        finally:
            self._db.rollback()

    # What is remembered of the files

    def fact(self, name: str) -> str:
        """Return a remembered value, empty when there is none."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def set_fact(self, name: str, value: str) -> None:
        """Remember a value."""
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def folders(self) -> dict[str, int]:
        """Return the folders looked at, each with its time of change (ns) then."""
        return dict(self._db.execute("SELECT path, mtime_ns FROM folders").fetchall())

    def note_folders(self, folders: Iterable[tuple[str, int]]) -> None:
        """Remember folders in the state in which they were looked at."""
        self._db.executemany("INSERT OR REPLACE INTO folders VALUES (?, ?)", folders)

    def forget_folders(self, folders: Iterable[str]) -> None:
        """Forget folders that are gone, with the learnings in them."""
        for folder in folders:
            self._db.execute("DELETE FROM folders WHERE path = ?", (folder,))
            self.remove([row[0] for row in self._db.execute("SELECT path FROM learnings WHERE folder = ?", (folder,))])

    def distrust(self, paths: Iterable[str] | None = None) -> None:
        """See that these files, or all, are read again when they are looked at next."""
        if paths is None:
            self._db.execute("UPDATE learnings SET mtime_ns = 0, digest = ''")
            self._db.execute("UPDATE folders SET mtime_ns = 0")
            return
        for path in paths:
            self._db.execute("UPDATE learnings SET mtime_ns = 0 WHERE path = ?", (path,))
            self._db.execute(
                "UPDATE folders SET mtime_ns = 0 WHERE path = (SELECT folder FROM learnings WHERE path = ?)", (path,)
            )

    def stamps(self, folder: str) -> dict[str, Stamp]:
        """Return the learnings that were found in a folder, by path."""
        query = "SELECT path, folder, size, mtime_ns, digest FROM learnings WHERE folder = ?"
        rows = self._db.execute(query, (folder,))
        return {row[0]: Stamp(*row) for row in rows}

    def find_digest(self, path: str) -> str:
        """Return the hash of the bytes that were taken in of a file, empty when none were."""
        row = self._db.execute("SELECT digest FROM learnings WHERE path = ?", (path,)).fetchone()
        return str(row[0]) if row else ""

    def touch(self, stamps: Iterable[Stamp]) -> None:
        """Remember that files were touched, and say what they said."""
        self._db.executemany(
            "UPDATE learnings SET size = ?, mtime_ns = ? WHERE path = ?",
            [(stamp.size, stamp.mtime_ns, stamp.path) for stamp in stamps],
        )

    def put(self, stamp: Stamp, entry: Entry, *, withheld: bool) -> None:
        """Take a learning in, in place of what its file said before. Of one that is withheld no word is kept."""
        row = self._db.execute("SELECT id FROM learnings WHERE path = ?", (stamp.path,)).fetchone()
        number = row[0] if row else None
        if number is not None:
            self._db.execute("DELETE FROM texts WHERE rowid = ?", (number,))
        learning = entry.learning
        at = max((source.at for source in learning.sources), default=learning.created)
        listed = (json.dumps(value) for value in (learning.tags, learning.paths, sorted(count_by_machine(learning))))
        cursor = self._db.execute(
            "INSERT OR REPLACE INTO learnings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(number, stamp.path, stamp.folder, stamp.size, stamp.mtime_ns, stamp.digest),
                *(entry.project, learning.kind.value, learning.status.value, at, *listed, int(withheld), 0),
            ),
        )
        if not withheld:
            about = (entry.project, learning.kind.value, *learning.tags, *learning.paths)
            texts = ["\n".join(part) for part in ((learning.claim,), learning.why, learning.evidence, about)]
            self._db.execute(
                "INSERT INTO texts (rowid, claim, why, evidence, about, parts) VALUES (?, ?, ?, ?, ?, ?)",
                (cursor.lastrowid, *texts, find_parts("\n".join(texts))),
            )

    def remove(self, paths: Iterable[str]) -> None:
        """Let go of learnings."""
        for path in paths:
            self._db.execute("DELETE FROM texts WHERE rowid = (SELECT id FROM learnings WHERE path = ?)", (path,))
            self._db.execute("DELETE FROM learnings WHERE path = ?", (path,))

    # What a search asks

    def count_withheld(self) -> int:
        """Return how many learnings are withheld."""
        return int(self._db.execute("SELECT count(*) FROM learnings WHERE withheld = 1").fetchone()[0])

    def count(self, filters: Filters) -> int:
        """Return how many learnings pass the filters."""
        condition, values = filters.condition()
        query = f"SELECT count(*) FROM learnings WHERE {condition}"  # noqa: S608 - the condition is ours, values are bound
        return int(self._db.execute(query, values).fetchone()[0])

    def list_encoded(self, filters: Filters) -> list[int]:
        """Return the numbers of the learnings that pass the filters and have a vector."""
        condition, values = filters.condition()
        query = f"SELECT id FROM learnings WHERE {condition} AND encoded = 1"  # noqa: S608 - the same
        return [row[0] for row in self._db.execute(query, values)]

    def rank_by_words(self, words: Sequence[str], filters: Filters, most: int) -> list[tuple[int, float]]:
        """Return the numbers of the learnings that hold any of the words, best first by BM25, each with its score."""
        if not words:
            return []
        condition, values = filters.condition()
        query = (
            "SELECT texts.rowid, -bm25(texts, ?, ?, ?, ?, ?) AS score FROM texts"  # noqa: S608 - the same
            f" JOIN learnings ON learnings.id = texts.rowid WHERE texts MATCH ? AND {condition}"
            " ORDER BY score DESC, texts.rowid LIMIT ?"
        )
        return self._db.execute(query, (*WEIGHTS, _match(words), *values, most)).fetchall()

    def count_words(self, words: Sequence[str]) -> dict[str, int]:
        """Return how many learnings hold each word, counted up to a bound: what is so common weighs little."""
        query = "SELECT count(*) FROM (SELECT 1 FROM texts WHERE texts MATCH ? LIMIT ?)"
        return {word: self._db.execute(query, (_match([word]), COMMON)).fetchone()[0] for word in words}

    def find_holders(self, words: Sequence[str], numbers: Sequence[int]) -> dict[str, set[int]]:
        """Return which of these learnings hold each word."""
        query = "SELECT rowid FROM texts WHERE texts MATCH ? AND rowid IN (SELECT value FROM json_each(?))"
        listed = json.dumps(numbers)
        return {word: {row[0] for row in self._db.execute(query, (_match([word]), listed))} for word in words}

    def locate(self, numbers: Sequence[int]) -> dict[int, Stamp]:
        """Return where these learnings lie."""
        query = "SELECT id, path, folder, size, mtime_ns, digest FROM learnings WHERE id = ?"
        rows = (self._db.execute(query, (number,)).fetchone() for number in numbers)
        return {row[0]: Stamp(*row[1:]) for row in rows if row}

    def mark(self, number: int, words: Sequence[str]) -> str:
        """Return a claim with MARKS around the words in it; empty when it holds none of them."""
        if not words:
            return ""
        row = self._db.execute(
            "SELECT highlight(texts, 0, ?, ?) FROM texts WHERE texts MATCH ? AND rowid = ?",
            (*MARKS, f"claim : ({_match(words)})", number),
        ).fetchone()
        return str(row[0]) if row else ""

    # Vectors

    def use_model(self, model: str) -> None:
        """See that all vectors are of this model: those of another go away."""
        if self.fact("model") != model:
            self._db.execute("DELETE FROM blocks")
            self._db.execute("UPDATE learnings SET encoded = 0")
            self.set_fact("model", model)

    def list_unencoded(self, most: int) -> list[tuple[int, str]]:
        """Return learnings that have no vector yet, each by its number and the text to encode."""
        rows = self._db.execute(
            "SELECT learnings.id, claim, kind, project, paths FROM learnings JOIN texts ON texts.rowid = learnings.id"
            " WHERE encoded = 0 AND withheld = 0 ORDER BY learnings.id LIMIT ?",
            (most,),
        )
        return [
            (number, Context(kind, project, tuple(json.loads(paths))).around(claim))
            for number, claim, kind, project, paths in rows
        ]

    def count_unencoded(self) -> int:
        """Return how many learnings have no vector yet."""
        query = "SELECT count(*) FROM learnings WHERE encoded = 0 AND withheld = 0"
        return int(self._db.execute(query).fetchone()[0])

    def keep_vectors(self, vectors: Sequence[tuple[int, bytes]]) -> None:
        """Keep vectors (float16 bytes of one length) by the numbers of their learnings."""
        changed = int(self.fact("changes") or 0) + 1
        self.set_fact("changes", str(changed))
        for number, vector in vectors:
            block, place = divmod(number, BLOCK)
            self._db.execute(
                "INSERT INTO blocks VALUES (?, ?, zeroblob(?)) ON CONFLICT DO UPDATE SET changed = excluded.changed",
                (block, changed, BLOCK * len(vector)),
            )
            with self._db.blobopen("blocks", "vectors", block) as blob:
                blob.seek(place * len(vector))
                blob.write(vector)
            self._db.execute("UPDATE learnings SET encoded = 1 WHERE id = ?", (number,))

    def count_rows(self) -> int:
        """Return how many rows a matrix of all blocks has."""
        row = self._db.execute("SELECT max(number) FROM blocks").fetchone()
        return 0 if row[0] is None else BLOCK * (row[0] + 1)

    def read_blocks(self, since: int) -> list[tuple[int, int, bytes]]:
        """Return number, change and bytes of the blocks of vectors that were changed after a change."""
        query = "SELECT number, changed, vectors FROM blocks WHERE changed > ? ORDER BY number"
        return self._db.execute(query, (since,)).fetchall()

    def _open(self) -> sqlite3.Connection:
        try:
            db = self._connect()
            try:
                _prepare(db)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                db.close()
                if self._path is not None:
                    self._path.unlink()
                db = self._connect()
                _prepare(db)
        except (OSError, sqlite3.Error) as error:
            raise AgentContextError(
                f"{self._path} cannot be opened: {error}", hint="make room or give yourself the right to write there"
            ) from error
        return db

    def _connect(self) -> sqlite3.Connection:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, PRIVATE))
        return sqlite3.connect(self._path or ":memory:", timeout=PATIENCE, isolation_level=None)

    def _find_inode(self) -> int:
        try:
            return self._path.stat().st_ino if self._path is not None else 0
        except OSError:
            return -1


def _prepare(db: sqlite3.Connection) -> None:
    """Make the tables. Raise DatabaseError for a file that is damaged or of another version of this program."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, VERSION):
        raise sqlite3.DatabaseError
    # What is lost in a power cut is made anew; what is deleted leaves no trace in the file.
    db.executescript("PRAGMA synchronous = OFF; PRAGMA secure_delete = ON;")
    if not version:
        db.executescript(SCHEMA)
    for name, function in FUNCTIONS.items():
        db.create_function(name, 2, function, deterministic=True)


def _match(words: Sequence[str]) -> str:
    return " OR ".join(f'"{word}"' for word in words)
