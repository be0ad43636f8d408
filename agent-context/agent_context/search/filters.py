"""Which learnings a search looks at: conditions on what the index holds of each one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from agent_context.layout import SEALED
from agent_context.learning import LIVING, Status

if TYPE_CHECKING:
    from collections.abc import Callable

LIVES = f"status IN {tuple(sorted(status.value for status in LIVING))}"
ACCEPTED = f"status = '{Status.ACCEPTED.value}'"
UNSEALED = f"path NOT LIKE '%{SEALED}'"
CONDITIONS = {
    "project": "project = ?",
    "kind": "kind = ?",
    "tag": "EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)",
    "path": "covers(paths, ?)",
    "since": "at >= ?",
    "machine": "EXISTS (SELECT 1 FROM json_each(machines) WHERE value = ?)",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What a learning must be to be found; empty: anything. Rejected, retired and superseded ones with `ended` alone.

    `path`: it names this path of its project, a folder above it, what is below it or a glob on it; `since`: last said
    then (UTC, as in a source) or later; `machine`: said there; `reviewed`: accepted; `unsealed`: not encrypted in git.
    """

    project: str = ""
    kind: str = ""
    tag: str = ""
    path: str = ""
    since: str = ""
    machine: str = ""
    ended: bool = False
    reviewed: bool = False
    unsealed: bool = False

    def condition(self) -> tuple[str, tuple[str, ...]]:
        """Return an SQL condition on the table `learnings`, and its values."""
        given = {name: value for name in CONDITIONS if (value := str(getattr(self, name)))}
        switched = ((not self.ended, LIVES), (self.reviewed, ACCEPTED), (self.unsealed, UNSEALED))
        always = ["withheld = 0", *(condition for is_on, condition in switched if is_on)]
        return " AND ".join((*always, *(CONDITIONS[name] for name in given))), tuple(given.values())


def covers(paths: str, asked: str) -> bool:
    """Tell whether one of a learning's paths (a JSON list) is about the path that is asked for."""
    asked = asked.strip("/").removeprefix("./")
    return any(_is_about(path.strip("/"), asked) for path in json.loads(paths))


def _is_about(path: str, asked: str) -> bool:
    return fnmatchcase(asked, path) or asked.startswith(f"{path}/") or path.startswith(f"{asked}/")


FUNCTIONS: dict[str, Callable[[str, str], bool]] = {"covers": covers}
