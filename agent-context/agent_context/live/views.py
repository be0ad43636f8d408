"""The board as others show it: one value a session, of this machine and of those that share theirs."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import msgspec

from agent_context.live.board import MOST_NAMED
from agent_context.live.cards import Tokens
from agent_context.live.conflicts import Conflict, Severity
from agent_context.live.messages import Inbox
from agent_context.live.presence import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_context.live.board import Board
    from agent_context.live.cards import Card
    from agent_context.live.sharing import SharedCard


BRIEF = 8  # edits: of many sessions only what they do now is looked into


class View(msgspec.Struct, frozen=True):
    """A session: `files` and `symbols` with the last touched first, `machine` empty for this one."""

    session: str
    status: str
    project: str
    branch: str
    worktree: str
    title: str
    task: str
    request: str
    files: tuple[str, ...]
    symbols: tuple[str, ...]
    tokens: Tokens
    messages: int
    unread: int
    started: str
    at: str
    conflicts: tuple[Conflict, ...] = ()
    machine: str = ""


def view_everywhere(board: Board, shared: Sequence[SharedCard]) -> list[View]:
    """Return the sessions of this machine and what others told of theirs, with where those and these collide."""
    here, there = view_all(board), [view_shared(card) for card in shared]
    found: dict[tuple[str, str], list[Conflict]] = {}
    for ours, theirs in product(here, there):
        for path in _meet(board, ours, theirs):
            found.setdefault(("", ours.session), []).append(_compare(theirs, path))
            found.setdefault((theirs.machine, theirs.session), []).append(_compare(ours, path))
    return [
        msgspec.structs.replace(item, conflicts=(*item.conflicts, *found.get((item.machine, item.session), ())))
        for item in (*here, *there)
    ]


def _meet(board: Board, ours: View, theirs: View) -> list[str]:
    """Return the files that an open session here and one of another machine edited on one branch of one project."""
    if Status.ENDED in (ours.status, theirs.status) or not ours.branch or ours.branch != theirs.branch:
        return []
    until, files = board.settled.get(ours.session, {}), set(theirs.files)
    edits = (edit for edit in board.cards[ours.session].edits if edit.at > until.get(edit.path, ""))
    return sorted({edit.name for edit in edits if edit.project and edit.project == theirs.project} & files)


def _compare(other: View, path: str) -> Conflict:
    """Return a conflict with a session of another machine: of the file alone, which is all that is told of it."""
    place = (other.project, path, Severity.ELSEWHERE, (), (0, 0), other.at, other.worktree, "")
    return Conflict(other.session, *place, machine=other.machine)


def view_all(board: Board) -> list[View]:
    """Return the sessions of this machine, those at work first."""
    order = list(Status)
    cards = sorted(board.cards.values(), key=lambda card: (order.index(board.status(card.session)), card.session))
    return [view(board, card.session, BRIEF) for card in cards]


def view(board: Board, session: str, named: int = MOST_NAMED) -> View:
    """Return one session as it stands, with the symbols of at least its newest edits."""
    card = board.name_symbols(session, named)
    return View(
        session=session,
        status=board.status(session),
        project=card.project,
        branch=card.branch,
        worktree=card.top or card.cwd,
        title=card.title,
        task=card.task,
        request=card.request,
        files=tuple(sorted(card.files, key=card.files.__getitem__, reverse=True)),
        symbols=_symbols(card),
        tokens=card.tokens,
        messages=card.messages,
        unread=Inbox(board.shelf, session).count_unread(),
        started=card.started,
        at=card.at,
        conflicts=tuple(board.conflicts(session)),
    )


def view_shared(shared: SharedCard) -> View:
    """Return what another machine told of a session."""
    return View(
        session=shared.session,
        status=shared.status,
        project=shared.project,
        branch=shared.branch,
        worktree="",
        title="",
        task=shared.task,
        request="",
        files=shared.files,
        symbols=(),
        tokens=Tokens(),
        messages=0,
        unread=0,
        started="",
        at=shared.at,
        machine=shared.machine,
    )


def _symbols(card: Card) -> tuple[str, ...]:
    return tuple(dict.fromkeys(symbol for edit in reversed(card.edits) for symbol in edit.symbols or ()))
