"""What is to be where, what is there, and the step between the two: a plan is a list of steps. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from agent_context.clients.places import AgentName  # noqa: TC001 - msgspec reads the annotation
from agent_context.tooling.entries import digest_of
from agent_context.tooling.forms import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from agent_context.clients.keys import Form, KeyPath
    from agent_context.tooling.entries import File


class State(StrEnum):
    """How a piece stands on this machine."""

    PRESENT = "present"
    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    DRIFTED = "drifted"
    BLOCKED = "blocked"
    UNTRUSTED = "untrusted"
    HELD = "held"


TO_DO = (State.ADD, State.CHANGE, State.REMOVE)
# A machine tells one state for each entry, though an entry may have pieces in several clients: the one that says most.
TELLING = (
    State.DRIFTED,
    State.BLOCKED,
    State.UNTRUSTED,
    State.HELD,
    State.ADD,
    State.CHANGE,
    State.REMOVE,
    State.PRESENT,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece lies: a key of a configuration file, or (without a key) files below a folder.

    `checkout` is set where Claude Code keeps it for one checkout alone.
    """

    path: Path
    form: Form | None = None
    key: KeyPath = ()
    checkout: Path | None = None

    @property
    def name(self) -> str:
        """Return one text for it, the same every time."""
        return f"{self.path}#{'.'.join(self.key)}" if self.key else str(self.path)


@dataclass(frozen=True, slots=True)
class Piece:
    """One entry as it is to be in one client: the value of a key, or files. `blocked` says why it cannot be."""

    entry: str
    agent: AgentName
    place: Place
    value: Any = None
    files: Mapping[str, File] = field(default_factory=dict)
    blocked: str = ""
    version: str = ""
    trust: str = ""

    @property
    def digest(self) -> str:
        """Return the hash of what it writes."""
        return digest_value(normalise(self.agent, self.value)) if self.place.key else digest_files(self.files)


class Installed(msgspec.Struct, frozen=True):
    """What we wrote on this machine: of which entry, for which agent, where, and the hash of it as we left it."""

    entry: str
    agent: AgentName
    path: str
    digest: str
    version: str
    form: str = ""
    key: tuple[str, ...] = ()
    checkout: str = ""
    files: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of its place, as `Place.name` gives it."""
        return f"{self.path}#{'.'.join(self.key)}" if self.key else self.path


@dataclass(frozen=True, slots=True)
class Step:
    """One piece and what is to become of it. `actual` is the hash of what is there, None for nothing."""

    entry: str
    agent: AgentName
    place: Place
    state: State
    reason: str = ""
    piece: Piece | None = None
    installed: Installed | None = None
    actual: str | None = None


def decide(piece: Piece, installed: Installed | None, actual: str | None, *, trusted: bool, held: bool = False) -> Step:
    """Return the step for a piece that the registry wants here."""
    state, reason = _judge(piece, installed, actual)
    if state in TO_DO:
        if not trusted:
            more = f"; besides, {piece.blocked}" if piece.blocked else ""
            state, reason = State.UNTRUSTED, f"agent-context tooling trust {piece.entry}{more}"
        elif piece.blocked:
            state, reason = State.BLOCKED, piece.blocked
        elif held:
            state, reason = State.HELD, f"undone here; agent-context tooling apply {piece.entry} puts it back"
    return Step(piece.entry, piece.agent, piece.place, state, reason, piece, installed, actual)


def decide_gone(installed: Installed, place: Place, actual: str | None, *, held: bool = False) -> Step:
    """Return the step for something of ours that the registry no longer wants here, or that is no longer trusted."""
    drifted = actual is not None and actual != installed.digest
    state = State.DRIFTED if drifted else State.HELD if held else State.REMOVE
    reason = "no longer wanted here" + (", but changed by hand: yours to remove" if drifted else "")
    return Step(installed.entry, installed.agent, place, state, reason, None, installed, actual)


def sum_up(steps: Iterable[Step], versions: Mapping[str, str]) -> dict[str, str]:
    """Return one line for each entry, `state version`, for the machine's own file: other machines show it."""
    states: dict[str, State] = {}
    for step in steps:
        known = states.get(step.entry)
        states[step.entry] = step.state if known is None else min(known, step.state, key=TELLING.index)
    return {entry: f"{state.value} {versions.get(entry, '')[:10]}".strip() for entry, state in sorted(states.items())}


def digest_value(value: Any) -> str:  # noqa: ANN401 - a JSON value
    """Return the hash of a key's value."""
    return digest_of(["value", value])


def digest_files(files: Mapping[str, File]) -> str:
    """Return the hash of files, by path, bytes and whether they may be run."""
    return digest_of([[path, file.data.hex(), file.executable] for path, file in sorted(files.items())])


def _judge(piece: Piece, installed: Installed | None, actual: str | None) -> tuple[State, str]:
    """Return how a piece stands, whoever trusts it: three hashes compared."""
    if actual == piece.digest:
        return State.PRESENT, ""
    if actual is None:
        if installed is None:
            return State.ADD, ""
        if installed.digest == piece.digest:
            return State.DRIFTED, "taken out by hand"
        return State.CHANGE, ""
    if installed is not None and actual == installed.digest:
        return State.CHANGE, ""
    return State.DRIFTED, "changed by hand" if installed else "yours, of the same name"
