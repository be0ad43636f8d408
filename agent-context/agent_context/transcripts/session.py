"""What a transcript reader hands on: a session as a list of events, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


MOST_EVENTS = 40_000  # some 80 MB; the longest session of six people has 5,000


class EventKind(StrEnum):
    """Who or what an event comes from. Only `USER` was typed by a person."""

    USER = "user"
    ASSISTANT = "assistant"
    TOOL_CALL = "tool call"
    TOOL_RESULT = "tool result"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `at` is UTC `YYYY-MM-DDTHH:MM:SSZ` or empty; `failed` is for tool results.

    `call` joins a tool's call and its result where the client says which belong together.
    """

    kind: EventKind
    text: str
    uuid: str
    at: str
    failed: bool = False
    call: str = ""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request that the session opened: the forge's host and the repository's path on it."""

    host: str
    repository: str


@dataclass(slots=True)
class Session:
    """One session file, read. `unknown` counts record types that were passed over, by name."""

    id: str
    path: Path
    cwd: str = ""
    started: str = ""
    events: list[Event] = field(default_factory=list)
    pull_requests: list[PullRequest] = field(default_factory=list)
    broken_lines: int = 0
    salvaged_lines: int = 0
    unknown: dict[str, int] = field(default_factory=dict)
    left_out: int = 0

    def add(self, event: Event) -> None:
        """Take one more event. In a session beyond measure what tools said is only counted; words are always kept."""
        if len(self.events) >= MOST_EVENTS and event.kind in (EventKind.TOOL_CALL, EventKind.TOOL_RESULT):
            self.left_out += 1
        else:
            self.events.append(event)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A session file that holds nothing to learn from, and why."""

    path: Path
    reason: str
    lost: bool = False
