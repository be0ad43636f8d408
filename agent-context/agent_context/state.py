"""What this machine remembers between syncs: sessions read, vectors computed. All of it can be deleted at any time."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from agent_context.errors import AgentContextError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
    path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, read INTEGER, outcome TEXT
);
CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vectors (model TEXT, digest TEXT, vector BLOB, PRIMARY KEY (model, digest));
CREATE TABLE IF NOT EXISTS pending (path TEXT PRIMARY KEY, data BLOB);
CREATE TABLE IF NOT EXISTS clean (digest TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT);
"""
VERSION = 3
ASKED = "asked "  # how the facts begin that keep what a model said of learnings
LAST_COMMIT = "commit"  # the fact that names the tip at the end of the last sync


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session file in one state (bytes, mtime in ns), whether it was read in it, and what became of it."""

    path: str
    size: int
    mtime_ns: int
    read: bool
    outcome: str


def name_of_clone(root: Path) -> str:
    """Return what the local files of the knowledge base at this place are called: 16 hex digits."""
    return hashlib.sha256(str(root).encode()).hexdigest()[:16]


def find_caches(data_dir: Path, root: Path) -> list[Path]:
    """Return the files that repeat words of the knowledge base at this place, and cost time alone when deleted."""
    name = name_of_clone(root)
    return [*data_dir.glob(f"{name}.search.db*"), *data_dir.glob(f"site-{name}.*")]


class State:
    """The local SQLite file of one knowledge base. Use it as a context manager; leaving without error commits."""

    def __init__(self, data_dir: Path, knowledge_base: Path, *, keep: bool = True) -> None:
        """Open the state, making it where there is none; with `keep` false nothing is made or changed on disk.

        Raise AgentContextError when the folder cannot be written.
        """
        self.path = data_dir / f"{name_of_clone(knowledge_base)}.sqlite"
        self._keep = keep
        try:
            if keep:
                data_dir.mkdir(parents=True, exist_ok=True)
            self._db = _open(self.path) if keep else _look_into(self.path)
        except (OSError, sqlite3.Error) as error:
            raise AgentContextError(
                f"{self.path} cannot be opened: {error}", hint="make room or give yourself the right to write there"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, sqlite3.DatabaseError):
            self._db.close()
            if self._keep:
                self.path.replace(self.path.with_suffix(".damaged"))
            raise AgentContextError(
                f"the local state {self.path} was damaged ({error}) and has been set aside",
                hint="run this again: what was read is read once more, nothing is lost",
            ) from error
        try:
            if kind is None and self._keep:
                self._db.commit()
        except sqlite3.Error as failure:
            raise AgentContextError(
                f"{self.path} cannot be written: {failure}",
                hint="make room; the learnings are safe, the next sync only reads the same sessions again",
            ) from failure
        finally:
            self._db.close()

    def save(self) -> None:
        """Write down now what was noted so far; what comes next may take long."""
        if self._keep:
            self._db.commit()

    def is_read(self, path: Path, size: int, mtime_ns: int) -> bool:
        """Tell whether the session file was read in exactly this state."""
        row = self._db.execute("SELECT size, mtime_ns, read FROM sessions WHERE path = ?", (str(path),)).fetchone()
        return bool(row == (size, mtime_ns, 1))

    def note_sessions(self, rows: Iterable[SessionRow]) -> None:
        """Remember session files."""
        self._db.executemany(
            "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?)",
            [(row.path, row.size, row.mtime_ns, int(row.read), row.outcome) for row in rows],
        )

    def outcomes_since(self, mtime_ns: int) -> dict[str, int]:
        """Return how many sessions last changed at or after a time, by what became of them."""
        query = "SELECT outcome, count(*) FROM sessions WHERE mtime_ns >= ? GROUP BY outcome"
        return dict(self._db.execute(query, (mtime_ns,)).fetchall())

    def take_lost(self, present: set[str]) -> list[str]:
        """Return the sessions that were seen but gone before they were read, and forget them."""
        unread = [row[0] for row in self._db.execute("SELECT path FROM sessions WHERE read = 0 ORDER BY path")]
        lost = [path for path in unread if path not in present]
        self._db.executemany("DELETE FROM sessions WHERE path = ?", [(path,) for path in lost])
        return lost

    def forget_sessions(self) -> None:
        """Forget what was read, so that the next sync reads all again."""
        self._db.execute("DELETE FROM sessions")
        self._db.execute("DELETE FROM records")

    def forget_outcomes(self, beginning: str) -> None:
        """Forget the sessions whose outcome begins so: they are looked at again."""
        self._db.execute("DELETE FROM sessions WHERE substr(outcome, 1, ?) = ?", (len(beginning), beginning))

    def new_records(self, uuids: Iterable[str]) -> set[str]:
        """Return those records (messages of sessions, by uuid) that were never read, in whatever file they stood."""
        query = "SELECT 1 FROM records WHERE id = ?"
        return {uuid for uuid in uuids if self._db.execute(query, (_record_id(uuid),)).fetchone() is None}

    def note_records(self, uuids: Iterable[str]) -> None:
        """Remember records as read."""
        self._db.executemany("INSERT OR IGNORE INTO records VALUES (?)", [(_record_id(uuid),) for uuid in uuids])

    def keep_pending(self, path: str, data: bytes) -> None:
        """Put away at once what was paid for and is not committed yet: a run that is killed must not pay again."""
        self._db.execute("INSERT OR REPLACE INTO pending VALUES (?, ?)", (path, data))
        if self._keep:
            self._db.commit()

    def pending(self) -> list[bytes]:
        """Return what was paid for and never committed, by path."""
        return [row[0] for row in self._db.execute("SELECT data FROM pending ORDER BY path")]

    def clear_pending(self) -> None:
        """Forget what is safe in a commit now."""
        self._db.execute("DELETE FROM pending")

    def fact(self, name: str) -> str:
        """Return a remembered value, empty when there is none."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def set_fact(self, name: str, value: str) -> None:
        """Remember a value."""
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def forget_facts(self, beginning: str) -> None:
        """Forget the values whose names begin so, and leave no trace of them in the file."""
        self._db.execute("PRAGMA secure_delete = ON")
        self._db.execute("DELETE FROM facts WHERE name LIKE ?", (f"{beginning}%",))

    def known_clean(self, digests: Iterable[str]) -> set[str]:
        """Return the digests of texts that were screened before and found clean."""
        query = "SELECT 1 FROM clean WHERE digest = ?"
        return {digest for digest in digests if self._db.execute(query, (digest,)).fetchone()}

    def note_clean(self, digests: Iterable[str]) -> None:
        """Remember texts as clean, by their digests."""
        self._db.executemany("INSERT OR IGNORE INTO clean VALUES (?)", [(digest,) for digest in digests])

    def vectors(self, model: str, texts: Iterable[str]) -> dict[str, bytes]:
        """Return the remembered vectors (float32 bytes) of these texts for a model."""
        found: dict[str, bytes] = {}
        for text in texts:
            query = "SELECT vector FROM vectors WHERE model = ? AND digest = ?"
            row = self._db.execute(query, (model, _digest(text))).fetchone()
            if row:
                found[text] = row[0]
        return found

    def keep_vectors(self, model: str, vectors: dict[str, bytes]) -> None:
        """Remember vectors by the hash of their text."""
        rows = [(model, _digest(text), vector) for text, vector in vectors.items()]
        self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)


def _look_into(path: Path) -> sqlite3.Connection:
    """Return a copy of the file in memory, or an empty state where none reads; nothing on disk changes."""
    db = sqlite3.connect(":memory:")
    try:
        if path.exists():
            source = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
            if source.execute("PRAGMA user_version").fetchone()[0] == VERSION:
                source.backup(db)
            source.close()
    except sqlite3.Error:
        db = sqlite3.connect(":memory:")
    db.executescript(SCHEMA)
    return db


def _open(path: Path) -> sqlite3.Connection:
    """Open the file; one that is damaged or of another version is set aside: it only costs time."""
    try:
        db = sqlite3.connect(path, timeout=30)
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            raise sqlite3.DatabaseError  # noqa: TRY301 - another version is met like damage
        db.executescript(SCHEMA + f"PRAGMA user_version = {VERSION};")
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        db.close()
        path.replace(path.with_suffix(".damaged"))
        db = sqlite3.connect(path, timeout=30)
        db.executescript(SCHEMA + f"PRAGMA user_version = {VERSION};")
    return db


def _record_id(uuid: str) -> int:
    """Return 63 bits of the uuid's hash: a hundred million records meet by chance once in two thousand machines."""
    return int.from_bytes(hashlib.sha256(uuid.encode()).digest()[:8], "big") >> 1


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
