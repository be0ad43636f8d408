"""The card of a session: what it is about and what it has touched, with how far its transcripts were read for that.

A card is a function of what has been read, so two processes that read at once write the same; the later one stands.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from agent_context.changes import write_atomically
from agent_context.errors import AgentContextError
from agent_context.live.edits import Edit  # noqa: TC001 - msgspec reads the annotations

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE_FILE = 0o600
SESSION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
SWEEP_SECONDS = 600
KEPT_SECONDS = 3600  # what an ended session leaves is shown for an hour, then removed
VERSION = 1


class Tokens(msgspec.Struct, frozen=True):
    """What a session has used, as its model's answers say."""

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0


class Source(msgspec.Struct, frozen=True):
    """How far a transcript was read: up to `offset`, in the file `inode`. `message` was the last one, with `used`."""

    inode: int
    offset: int = 0
    message: str = ""
    used: Tokens = Tokens()


class Card(msgspec.Struct, frozen=True):
    """A session as its transcripts tell. Texts are short beginnings of what was said, secrets taken out.

    `at` is its newest record's time. `files` is path within the checkout (else in full) to when it was last edited, the
    newest ones; so are `edits`.
    """

    session: str
    version: int = VERSION
    cwd: str = ""
    top: str = ""
    project: str = ""
    branch: str = ""
    started: str = ""
    at: str = ""
    title: str = ""
    task: str = ""
    request: str = ""
    said: str = ""
    messages: int = 0
    tokens: Tokens = Tokens()
    edits: tuple[Edit, ...] = ()
    files: dict[str, str] = msgspec.field(default_factory=dict)
    sources: dict[str, Source] = msgspec.field(default_factory=dict)

    @property
    def size(self) -> int:
        """Return how many bytes of transcripts it stands on."""
        return sum(source.offset for source in self.sources.values())


def check_session(session: str) -> str:
    """Return a session's id. Raise AgentContextError for what is none: ids become file names."""
    if not SESSION_ID.fullmatch(session):
        raise AgentContextError(f"{session[:80]!r} is no session id", hint="list_sessions names the sessions")
    return session


class Shelf:
    """The folder of what is known of live sessions on this machine. All of it can be deleted at any time."""

    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir / "live"

    def path(self, kind: str, session: str) -> Path:
        """Return where a session's file of a kind is, or will be."""
        return self.root / kind / f"{check_session(session)}.json"

    def load(self, session: str) -> Card | None:
        """Return a card, None for one that is not there, does not read, or is of another version."""
        with suppress(OSError, msgspec.DecodeError):
            card = msgspec.json.decode(self.path("cards", session).read_bytes(), type=Card)
            return card if card.version == VERSION and card.session == session else None
        return None

    def save(self, card: Card) -> None:
        """Write a card, whole or not at all."""
        write_atomically(self.path("cards", card.session), msgspec.json.encode(card), mode=PRIVATE_FILE)

    def ended(self, present: set[str]) -> list[Card]:
        """Return the cards of sessions that are no longer open."""
        names = {path.stem for path in (self.root / "cards").glob("[!.]*.json")} - present
        return [card for name in sorted(names) if SESSION_ID.fullmatch(name) and (card := self.load(name))]

    def sweep(self, present: set[str]) -> None:
        """Remove what ended sessions left an hour ago, and what a killed process left half; every ten minutes."""
        now, mark = time.time(), self.root / "swept"
        with suppress(OSError):
            if now - mark.stat().st_mtime < SWEEP_SECONDS:
                return
        for path in sorted(self.root.rglob("*"), reverse=True):  # what is in a folder comes before it
            _, *rest = path.relative_to(self.root).parts
            if not rest or (rest[0].removesuffix(".json") in present and not path.name.startswith(".")):
                continue
            with suppress(OSError):
                if now - path.stat().st_mtime > KEPT_SECONDS:
                    path.rmdir() if path.is_dir() else path.unlink()
        with suppress(OSError):
            self.root.mkdir(parents=True, exist_ok=True)
            mark.touch()
