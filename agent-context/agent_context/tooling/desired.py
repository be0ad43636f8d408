"""What the registry wants on this machine: each entry as pieces, one for each client that is here and can take it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent_context.config import child_environment
from agent_context.tooling.entries import Kind, is_meant
from agent_context.tooling.forms import CannotSayError, put_paths, write_server
from agent_context.tooling.planning import Piece, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from agent_context.clients.places import AgentName, Client, Places
    from agent_context.tooling.entries import Entry, Server

RULES_FILE = "agent-context-preferences.md"
# How to come by programs that registries ask for most.
WAYS = {
    "npx": "it comes with Node.js: https://nodejs.org",
    "node": "it comes with Node.js: https://nodejs.org",
    "uvx": "it comes with uv: https://docs.astral.sh/uv",
    "uv": "see https://docs.astral.sh/uv",
    "docker": "see https://docs.docker.com/get-docker",
    "gh": "see https://cli.github.com",
    "deno": "see https://deno.com",
    "bun": "see https://bun.sh",
    "bunx": "it comes with Bun: https://bun.sh",
    "python3": "see https://www.python.org/downloads",
    "cargo": "see https://rustup.rs",
    "go": "see https://go.dev/dl",
}


@dataclass(frozen=True, slots=True)
class Here:
    """What decides how entries look on this machine: its name, platform, labels, paths and checkouts, its clients."""

    machine: str
    platform: str
    places: Places
    clients: Mapping[AgentName, Client]
    labels: tuple[str, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    checkouts: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)


def list_pieces(entry: Entry, here: Here) -> list[Piece]:
    """Return an entry's pieces on this machine; none where it is not meant for it, or this machine does without it."""
    if entry.key in here.without:
        return []
    return list(BUILDERS[entry.kind](entry, here))


def find_missing(server: Server, variables: Mapping[str, str]) -> str:
    """Return which program or variable a server lacks here and how to get it; empty where nothing is missing."""
    programs = [*server.requires, *([server.command] if server.command and "$" not in server.command else [])]
    for program in dict.fromkeys(programs):
        if shutil.which(program) is None:
            way = WAYS.get(program, f"install it so that `{program}` is on PATH")
            return f"the program {program} is missing: {way}"
    missing = [name for name in server.variables() if not variables.get(name)]
    if missing:
        names = ", ".join(missing)
        return (
            f"not set here: {names}; set it where your agents are started from (export {missing[0]}=… in your profile)"
        )
    return ""


def _server_pieces(entry: Entry, here: Here) -> Iterator[Piece]:
    server = entry.server
    if server is None or not is_meant(server, here.machine, here.platform, here.labels):
        return
    missing = find_missing(server, child_environment())
    for name, client in here.clients.items():
        if server.agents and name not in server.agents:
            continue
        for place in _server_places(entry, server, client, here):
            try:
                value = write_server(name, put_paths(server, here.paths, str(here.places.folder)))
            except CannotSayError as problem:
                if name in server.agents or server.machine_paths():
                    yield _make(entry, here, name, place, blocked=str(problem))
                continue
            yield _make(entry, here, name, place, value=value, blocked=missing)


def _server_places(entry: Entry, server: Server, client: Client, here: Here) -> Iterator[Place]:
    """Yield where a client keeps the server: for the user, or for each checkout of its project."""
    if not server.project:
        yield Place(client.servers.path, client.servers.form, (*client.servers.key, entry.name))
        return
    seen: list[Place] = []
    for checkout in here.checkouts.get(server.project, ()):
        if client.name == "claude-code":
            top = _find_main(checkout)
            key = ("projects", str(top), *client.servers.key, entry.name)
            place = Place(client.servers.path, client.servers.form, key, top)
            if place not in seen:
                seen.append(place)
                yield place
        elif client.in_project is not None:
            file, table = client.in_project
            yield Place(checkout / file, client.servers.form, (*table, entry.name), checkout)


def _find_main(checkout: Path) -> Path:
    """Return the folder that Claude Code names a checkout by: of a linked worktree the main one."""
    from agent_context.git import locate_checkout  # noqa: PLC0415 - only servers of one project ask

    found = locate_checkout(checkout)
    main = found.common_dir.parent if found and found.common_dir.name == ".git" else checkout
    return main.resolve()


def _folder_pieces(entry: Entry, here: Here) -> Iterator[Piece]:
    seen: set[Path] = set()
    for name, client in here.clients.items():
        if client.skills is not None and client.skills not in seen:
            seen.add(client.skills)
            yield _make(entry, here, name, Place(client.skills / entry.name), files=True)


def _file_pieces(folder: Callable[[Client], Path | None]) -> Callable[[Entry, Here], Iterator[Piece]]:
    def list_them(entry: Entry, here: Here) -> Iterator[Piece]:
        for name, client in here.clients.items():
            target = folder(client)
            if target is not None:
                yield _make(entry, here, name, Place(target), files=True)

    return list_them


def _settings_pieces(entry: Entry, here: Here) -> Iterator[Piece]:
    client = here.clients.get("claude-code")
    if client is not None and client.settings is not None:
        for key, value in entry.settings.items():
            yield _make(entry, here, "claude-code", Place(client.settings, "json", (key,)), value=value)


def _preferences_pieces(entry: Entry, here: Here) -> Iterator[Piece]:
    client = here.clients.get("claude-code")
    if client is not None and client.rules is not None:
        (file,) = entry.files.values()
        yield replace(_make(entry, here, "claude-code", Place(client.rules), files=True), files={RULES_FILE: file})


def _make(  # noqa: PLR0913 - what a piece consists of
    entry: Entry,
    here: Here,
    agent: AgentName,
    place: Place,
    *,
    value: object = None,
    files: bool = False,
    blocked: str = "",
) -> Piece:
    held = entry.files if files else {}
    trust = entry.trusted_as(here.paths)
    return Piece(entry.key, agent, place, value, held, blocked or _find_hindrance(place), entry.digest, trust)


def _find_hindrance(place: Place) -> str:
    """Return why nothing may be written at a place: something of the user's own stands in the way."""
    if not place.key and os.path.lexists(place.path) and not place.path.is_dir():
        return f"{place.path} is no folder"
    if place.checkout is not None and place.form is not None and place.path.is_relative_to(place.checkout):
        return _find_tracked(place, place.checkout)
    return ""


def _find_tracked(place: Place, checkout: Path) -> str:
    from agent_context.git.checkout import is_committed  # noqa: PLC0415 - only servers of one project ask

    if not place.path.resolve().is_relative_to(checkout.resolve()):
        return f"{place.path} leads out of the checkout"
    if is_committed(checkout, place.path):
        return f"{place.path} is committed in that project: add the server there, for all who work on it"
    return ""


BUILDERS: dict[Kind, Callable[[Entry, Here], Iterator[Piece]]] = {
    Kind.SERVER: _server_pieces,
    Kind.SKILL: _folder_pieces,
    Kind.AGENT: _file_pieces(lambda client: client.agents),
    Kind.COMMAND: _file_pieces(lambda client: client.commands),
    Kind.SETTINGS: _settings_pieces,
    Kind.PREFERENCES: _preferences_pieces,
}
