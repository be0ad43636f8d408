"""How every machine stands to the registry, as each said at its last sync: entries by machines. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from agent_context.tooling.entries import SHORT, Entry, is_meant
from agent_context.tooling.planning import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_context.machines import Described


class Standing(StrEnum):
    """How one entry stands on one machine."""

    PRESENT = "present"
    DIFFERS = "differs"
    MISSING = "missing"
    UNTRUSTED = "untrusted"
    DRIFTED = "drifted"
    BLOCKED = "blocked"
    HELD = "held"
    NOT_MEANT = "-"


STANDINGS = {
    State.PRESENT: Standing.PRESENT,
    State.ADD: Standing.MISSING,
    State.CHANGE: Standing.DIFFERS,
    State.REMOVE: Standing.DIFFERS,
    State.DRIFTED: Standing.DRIFTED,
    State.BLOCKED: Standing.BLOCKED,
    State.UNTRUSTED: Standing.UNTRUSTED,
    State.HELD: Standing.HELD,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One entry on one machine: how it stands, and the version that the machine saw last (10 hex digits, or empty)."""

    machine: str
    standing: Standing
    version: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One entry on every machine. `version` is the registry's now; empty for what it no longer has."""

    entry: str
    version: str
    description: str
    cells: tuple[Cell, ...]


def compare_machines(entries: Iterable[Entry], machines: Iterable[Described]) -> list[Row]:
    """Return a row for each entry, and for each that a machine still has though the registry does not, by key."""
    everyone = sorted(machines, key=lambda machine: machine.name)
    known = {entry.key: entry for entry in entries}
    keys = known.keys() | {key for machine in everyone for key in machine.tools}
    return [_compare(key, known.get(key), everyone) for key in sorted(keys)]


def _compare(key: str, entry: Entry | None, machines: list[Described]) -> Row:
    version = entry.digest[:SHORT] if entry else ""
    cells = tuple(_judge(key, entry, version, machine) for machine in machines)
    return Row(key, version, entry.description if entry else "", cells)


def _judge(key: str, entry: Entry | None, version: str, machine: Described) -> Cell:
    said = machine.tools.get(key, "").split()
    if not said:
        meant = entry is not None and key not in machine.without
        if meant and entry is not None and entry.server is not None:
            meant = is_meant(entry.server, machine.name, platform_of(machine), machine.labels)
        return Cell(machine.name, Standing.MISSING if meant else Standing.NOT_MEANT)
    state, seen = said[0], said[1] if len(said) > 1 else ""
    standing = STANDINGS[State(state)] if state in list(State) else Standing.DIFFERS
    if standing is Standing.PRESENT and seen != version:
        standing = Standing.DIFFERS
    return Cell(machine.name, standing, seen)


def platform_of(machine: Described) -> str:
    """Return `linux`, `macos` or `windows`, of what a machine says (`Linux x86_64`)."""
    first = machine.platform.split(" ")[0].lower()
    return {"darwin": "macos"}.get(first, first)
