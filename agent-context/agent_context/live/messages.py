"""Messages between sessions: one file each in the inbox of the session it is for, read by renaming it.

A name appears and goes to another folder in one step of the file system, so that of many processes exactly one reads a
message, and one that is killed leaves it unread or read, never half.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from agent_context.changes import write_atomically
from agent_context.errors import AgentContextError
from agent_context.learning import utc
from agent_context.live.cards import PRIVATE_FILE, check_session

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from agent_context.live.cards import Shelf

MOST_CHARACTERS = 4_000
MOST_UNREAD = 100
MOST_READ = 200
UNREAD, READ = "unread", "read"
EMPTY = re.compile(r"\n\s*\n\s*")


class Message(msgspec.Struct, frozen=True):
    """What a session wrote to another, or to all of a project (`to_all`). `at` is UTC."""

    at: str
    sender: str
    project: str
    text: str
    to_all: bool = False


class Inbox:
    """The messages for one session."""

    def __init__(self, shelf: Shelf, session: str) -> None:
        self._folder = shelf.root / "inbox" / check_session(session)

    def put(self, message: Message) -> None:
        """Add a message. Raise AgentContextError for one that is empty or too long, and where too many lie unread."""
        text = message.text.strip()
        if not text or len(text) > MOST_CHARACTERS:
            raise AgentContextError(
                f"a message has 1 to {MOST_CHARACTERS:,} characters, this one {len(text):,}",
                hint="say the rest in another one, or name the file that it stands in",
            )
        if len(self._names(UNREAD)) >= MOST_UNREAD:
            raise AgentContextError(
                f"session {self._folder.name} has {MOST_UNREAD} unread messages", hint="wait until it has read some"
            )
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}.json"
        write_atomically(self._folder / UNREAD / name, msgspec.json.encode(message), mode=PRIVATE_FILE)

    def take(self, most: int = MOST_UNREAD) -> Iterator[Message]:
        """Yield what is unread, oldest first, each from then on read; no other process is given the same."""
        for name in self._names(UNREAD)[:most]:
            target = self._folder / READ / name
            with suppress(FileNotFoundError):
                target.parent.mkdir(parents=True, exist_ok=True)
                os.rename(self._folder / UNREAD / name, target)  # noqa: PTH104 - the one step that decides
                if message := _read(target):
                    yield message
        for name in self._names(READ)[:-MOST_READ]:
            (self._folder / READ / name).unlink(missing_ok=True)

    def give_back(self, names: Iterable[str]) -> None:
        """Make messages unread again, by the names that `unread` gave them."""
        for name in names:
            with suppress(FileNotFoundError):
                os.rename(self._folder / READ / name, self._folder / UNREAD / name)  # noqa: PTH104 - as in `take`

    def unread(self) -> list[str]:
        """Return the names of the messages that nobody has read, oldest first."""
        return self._names(UNREAD)

    def count_unread(self) -> int:
        """Return how many messages nobody has read."""
        return len(self._names(UNREAD))

    def list_read(self) -> list[Message]:
        """Return what has been read, oldest first; only the newest ones are kept."""
        return [message for name in self._names(READ) if (message := _read(self._folder / READ / name))]

    def _names(self, kind: str) -> list[str]:
        with suppress(OSError):
            return sorted(path.name for path in (self._folder / kind).iterdir() if not path.name.startswith("."))
        return []


def make_message(sender: str, text: str, project: str, *, to_all: bool) -> Message:
    """Return a message of now."""
    return Message(utc(time.time()), check_session(sender), project, EMPTY.sub("\n\n", text.strip()), to_all)


def _read(path: Path) -> Message | None:
    with suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(path.read_bytes(), type=Message)
    return None
