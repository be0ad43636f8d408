"""The board: the sessions of this machine that are open, as their transcripts say now, and where they collide."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_context.changes import write_atomically
from agent_context.claims.selection import find_exclusion
from agent_context.config import load_account
from agent_context.errors import AgentContextError
from agent_context.identity import name_of
from agent_context.learning import utc
from agent_context.live.cards import PRIVATE_FILE, Card, Shelf
from agent_context.live.conflicts import compare, find_shared
from agent_context.live.edits import locate
from agent_context.live.presence import Present, Status, find_present
from agent_context.live.reading import is_current, read_on, situate
from agent_context.live.touched import name_touched

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from agent_context.config import Environment
    from agent_context.live.conflicts import Conflict
    from agent_context.live.edits import Edit, Span
    from agent_context.live.reading import Sited
    from agent_context.projects import Projects
    from agent_context.settings import SyncSettings

SHORT_ID = 8
MOST_LOCATED = 100  # edits of a file, of all sessions, that are followed through each other
MOST_NAMED = 25  # edits of a session, and of one file of it, whose symbols are asked for


@dataclass(slots=True)
class Board:
    """What is known of the sessions that were found: `present` by id with their `cards`, and how to look closer."""

    shelf: Shelf
    present: dict[str, Present]
    cards: dict[str, Card]
    is_over: Callable[[], bool]
    settled: dict[str, dict[str, str]] = field(default_factory=dict)

    def conflicts(self, session: str) -> list[Conflict]:
        """Return where a session collides with others, the gravest first."""
        ours = self.cards.get(session)
        if ours is None or session not in self.present:
            return []
        shared = {
            other: found
            for other, card in self.cards.items()
            if other != session and other in self.present and (found := find_shared(ours, card, self.settled))
        }
        if not shared:
            return []
        self._name_edits(session, {path for found in shared.values() for path in found})
        for other, found in shared.items():
            self._name_edits(other, set(found.values()))
        lines = self._locate({path for found in shared.values() for pair in found.items() for path in pair})
        conflicts = [
            conflict
            for other, found in shared.items()
            for conflict in compare(self.cards[session], self.cards[other], found, lines, self.settled)
        ]
        return sorted(conflicts, key=lambda item: (_gravity(item), item.path, item.other))

    def name_symbols(self, session: str, most: int = MOST_NAMED) -> Card:
        """Return a session's card with the symbols of its newest edits known, as far as there is time."""
        count = len(self.cards[session].edits)
        if session in self.present:
            self._name(session, range(max(0, count - most), count))
        return self.cards[session]

    def find(self, session: str) -> Card:
        """Return the card of the session that an id, or its beginning, names. Raise AgentContextError for none."""
        found = [name for name in self.cards if name.startswith(session)] if session else []
        if session in self.cards or len(found) == 1:
            return self.cards[session if session in self.cards else found[0]]
        raise AgentContextError(
            f"no session {session[:80]!r} is known here" if not found else f"{session!r} names {len(found)} sessions",
            hint="list_sessions (agent-context live) names the open ones",
        )

    def status(self, session: str) -> Status:
        """Return how a session stands."""
        return self.present[session].status if session in self.present else Status.ENDED

    def in_project(self, project: str) -> list[Card]:
        """Return the sessions of a project, named by its folder, its name or a path in a checkout; all for none."""
        return [card for card in self.cards.values() if not project or is_of_project(card, project)]

    def settle(self, session: str, paths: Iterable[str]) -> dict[str, int]:
        """Let a session's edits until now of these files count no longer; return how many each of the words named."""
        card = self.find(session)
        done: dict[str, int] = {}
        until = dict(self.settled.get(card.session, {}))
        for given in paths:
            edits = [edit for edit in card.edits if _is_meant(given, edit.path, edit.name, card.cwd)]
            done[given] = len(edits)
            until |= {edit.path: card.at or utc(time.time()) for edit in edits}
        self.settled[card.session] = until
        write_atomically(self.shelf.path("settled", card.session), msgspec.json.encode(until), mode=PRIVATE_FILE)
        return done

    def _locate(self, paths: set[str]) -> dict[str, dict[str, list[Span]]]:
        """Return where the newest edits of these files are now, as far as there is time."""
        edits: dict[str, dict[str, Edit]] = {path: {} for path in paths}
        for card in self.cards.values():
            for edit in card.edits:
                if edit.path in edits:
                    edits[edit.path].setdefault(edit.id, edit)  # a fork has copies
        return {
            path: locate(sorted(found.values(), key=lambda edit: edit.at)[-MOST_LOCATED:])
            for path, found in edits.items()
            if not self.is_over()
        }

    def _name_edits(self, session: str, paths: set[str]) -> None:
        """Have the newest edits of these files named, those of each."""
        of_each: dict[str, list[int]] = {}
        for place, edit in enumerate(self.cards[session].edits):
            if edit.path in paths:
                of_each.setdefault(edit.path, []).append(place)
        self._name(session, [place for places in of_each.values() for place in places[-MOST_NAMED:]])

    def _name(self, session: str, places: Collection[int]) -> None:
        card = name_touched(self.cards[session], self.present[session].transcript, places, self.is_over)
        if card is not self.cards[session]:
            self.cards[session] = card
            self.shelf.save(card)


def open_board(
    environment: Environment,
    selection: SyncSettings,
    remotes: Callable[[], Mapping[str, str]] = dict,
    *,
    first: str = "",
    seconds: float | None = None,
) -> Board:
    """Return the board as it is now: what has grown is read on, that of the session `first` before the others'.

    What `selection` leaves out is not read; `remotes` says how the knowledge base names projects. After `seconds` the
    rest stays as it was last seen; the next look goes on. Sessions that ended within the hour are there as they were
    last seen.
    """
    end = None if seconds is None else time.monotonic() + seconds

    def is_over() -> bool:
        return end is not None and time.monotonic() > end

    projects: list[Projects] = []

    def place(folder: Path) -> Sited:
        if not projects:  # the project files are read where a folder is new, and not at each look
            from agent_context.projects import Projects  # noqa: PLC0415 - the same

            projects.append(Projects(environment.own, remotes()))
        return situate(folder, projects[0])

    shelf = Shelf(environment.data_dir)
    home = Path(os.path.realpath(environment.claude_dir))
    found = [item for item in find_present(home, time.time()) if not _is_left_out(item, selection, place)]
    known = {item.session: shelf.load(item.session) for item in found}
    cards: dict[str, Card] = {}
    for item in sorted(found, key=lambda item: (item.session != first, known[item.session] is None)):
        old = known[item.session]
        if old is not None and (is_over() or is_current(old, item.transcript)):
            cards[item.session] = old
        elif not is_over():
            cards[item.session] = card = read_on(old, item.transcript, home, is_over, place)
            if card is not old:
                shelf.save(card)
    present = {item.session: item for item in found if item.session in cards}
    shelf.sweep({item.session for item in found})
    settled = {name: until for name in cards if (until := _load_settled(shelf, name))}
    ended = shelf.ended({item.session for item in found})
    return Board(shelf, present, cards | {card.session: card for card in ended}, is_over, settled)


def is_of_project(card: Card, project: str) -> bool:
    """Tell whether a session works in the project that is meant: its folder, its name, or a path."""
    if "/" in project and Path(project).is_absolute():
        return Path(card.cwd or "/").is_relative_to(project) or project.rstrip("/") == card.top
    names = {card.project, name_of(card.project) if card.project else "", Path(card.top or card.cwd).name}
    return project.casefold() in {name.casefold() for name in names if name}


def count_changes(cards: Iterable[Card]) -> dict[tuple[str, str], dict[str, str]]:
    """Return what sessions edited: project (else directory) and file to session and the time of its last edit."""
    changes: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for card in cards:
        for edit in card.edits:
            changes[edit.project or card.cwd, edit.name][card.session] = edit.at
    return dict(changes)


def _gravity(conflict: Conflict) -> int:
    return list(type(conflict.severity)).index(conflict.severity)


def _is_meant(given: str, path: str, name: str, cwd: str) -> bool:
    return given in (path, name) or (bool(cwd) and os.path.normpath(Path(cwd) / given) == path)


def _is_left_out(item: Present, selection: SyncSettings, place: Callable[[Path], Sited]) -> bool:
    if not (selection.include or selection.exclude or selection.exclude_paths or selection.exclude_sessions):
        return False
    project = place(Path(item.cwd)).project if item.cwd else ""
    return bool(find_exclusion(selection, project, item.cwd, item.session, str(load_account().folder)))


def _load_settled(shelf: Shelf, session: str) -> dict[str, str]:
    with suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(shelf.path("settled", session).read_bytes(), type=dict[str, str])
    return {}
