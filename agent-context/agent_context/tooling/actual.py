"""What is there now: the value of a key, the files of a skill, as hashes that a plan compares."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent_context.clients.files import Config, read_bytes, read_config
from agent_context.clients.keys import get_key
from agent_context.errors import AgentContextError
from agent_context.tooling.entries import File
from agent_context.tooling.forms import normalise
from agent_context.tooling.planning import digest_files, digest_value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agent_context.clients.places import AgentName
    from agent_context.tooling.planning import Place


@dataclass(slots=True)
class Actual:
    """Reads each configuration file once, until it is told to forget them."""

    _configs: dict[Path, Config] = field(default_factory=dict)

    def config(self, place: Place) -> Config:
        """Return the configuration file of a place. Raise AgentContextError where it does not read."""
        if place.form is None:
            raise AssertionError("BUG: a folder has no configuration file")
        if place.path not in self._configs:
            self._configs[place.path] = read_config(place.path, place.form)
        return self._configs[place.path]

    def forget(self, path: Path) -> None:
        """Read a file anew when it is next asked for."""
        self._configs.pop(path, None)

    def value(self, place: Place) -> Any:  # noqa: ANN401 - a JSON value
        """Return the value of a place's key. Raise KeyError where there is none."""
        return get_key(self.config(place).table, place.key)

    def digest(self, place: Place, agent: AgentName, paths: Iterable[str]) -> str | None:
        """Return the hash of what is at a place, of these files where it is a folder; None where there is nothing."""
        if place.key:
            try:
                return digest_value(normalise(agent, self.value(place)))
            except KeyError:
                return None
        found = read_files(place.path, paths)
        return digest_files(found) if found else None


def read_files(folder: Path, paths: Iterable[str]) -> dict[str, File]:
    """Return those of the files that are there. A link in the place of one is something of the user's own."""
    found = {}
    for path in paths:
        file = folder / path
        if leads_out(folder, file):
            found[path] = File(b"a link that leads elsewhere\0")
            continue
        data = read_bytes(file)
        if data is not None:
            found[path] = File(data, bool(file.stat().st_mode & stat.S_IXUSR))
    return found


def leads_out(folder: Path, file: Path) -> bool:
    """Tell whether the file, or a folder of the skill above it, is a link: we write through none of these."""
    if folder.is_symlink():
        return True
    inner = folder
    for part in file.relative_to(folder).parts:
        inner = inner / part
        if inner.is_symlink():
            return True
    return False


def refuse_link(folder: Path, file: Path) -> None:
    """Raise AgentContextError where a file lies behind a link."""
    if leads_out(folder, file):
        raise AgentContextError(
            f"{file} lies behind a symbolic link of yours", hint="move the link away, or keep yours: tooling adopt"
        )
