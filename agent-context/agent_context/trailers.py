"""The trailers of our commits: which machine, sync and sessions a commit comes from. Written and read here alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

LINE = re.compile(r"^(Machine|Sync|Sessions|Extractor|Undoes): (\S.*?)[ \t\r]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Trailers:
    """What a commit says of its origin. Several machines and syncs where a forge made one commit of many."""

    machines: tuple[str, ...] = ()
    syncs: tuple[str, ...] = ()
    extractor: str = ""
    sessions: int = 0
    undoes: str = ""


def trailers(machine: str, *, sync: str = "", extractor: str = "", sessions: int = 0, undoes: str = "") -> str:
    """Return the last paragraph of a commit message, with its line end. `sync` is the id of the run that commits."""
    lines = {
        "Machine": machine,
        "Sync": sync,
        "Sessions": str(sessions) if sessions else "",
        "Extractor": extractor,
        "Undoes": undoes,
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items() if value)


def parse_trailers(message: str) -> Trailers:
    """Read the trailers wherever they stand: a squash puts the messages of many commits one below the other."""
    found: dict[str, list[str]] = {}
    for name, value in LINE.findall(message):
        found.setdefault(name, []).append(value)
    return Trailers(
        machines=tuple(dict.fromkeys(found.get("Machine", ()))),
        syncs=tuple(dict.fromkeys(found.get("Sync", ()))),
        extractor=", ".join(dict.fromkeys(found.get("Extractor", ()))),
        sessions=sum(int(count) for count in found.get("Sessions", ()) if count.isdecimal()),
        undoes=found.get("Undoes", [""])[-1],
    )
