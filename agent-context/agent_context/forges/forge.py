"""What a forge is to us: a place that opens one pull request, keeps its text up to date, and says what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from agent_context.errors import AgentContextError


class ForgeError(AgentContextError):
    """A forge cannot be asked in this way: no program, no login, no answer. The next way is tried."""


class RequestState(StrEnum):
    """Where a pull request stands; `not known` where nobody can be asked."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """One pull (or merge) request.

    `number` is 0 where it is not known; `merged_as` is the commit that it became, `head` the newest that it held, `by`
    who decided on it. `url` is its page; with the state `not known` the page that opens it, empty where there is none.
    """

    url: str
    number: int = 0
    state: RequestState = RequestState.OPEN
    merged_as: str = ""
    head: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: that `commit`, the tip of `branch`, goes into `target`. `body` is Markdown."""

    branch: str
    target: str
    commit: str
    title: str
    body: str


class Forge(Protocol):
    """One way to a forge."""

    def find(self, branch: str) -> PullRequest | None:
        """Return the branch's open pull request, else its newest; None for none. Raise ForgeError."""

    def push_options(self, request: Request) -> tuple[str, ...]:
        """Return what the push of the branch itself is to tell the server."""

    def publish(self, request: Request, known: PullRequest | None, said: str) -> PullRequest:
        """Open the pull request, or bring an open one (`known`) up to date, once the branch is pushed.

        `said` is what the server printed when the branch was pushed. Raise ForgeError.
        """


def choose_request(found: list[PullRequest]) -> PullRequest | None:
    """Return the open one, else the newest: a branch that is used again has had others before."""
    numbered = (item for item in found if item.number)
    ordered = sorted(numbered, key=lambda item: (item.state is RequestState.OPEN, item.number))
    return ordered[-1] if ordered else None
