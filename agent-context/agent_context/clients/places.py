"""Where each agent client keeps its servers, skills, agents, commands, settings and rules on a machine."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from agent_context.config import find_programs_folder, load_account

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent_context.clients.keys import Form, KeyPath
    from agent_context.config import Environment

AgentName = Literal["claude-code", "codex", "cursor", "vscode", "claude-desktop"]
AGENTS: tuple[AgentName, ...] = get_args(AgentName)
VERSION = re.compile(r"\d+(?:\.\d+)+(?:[-.+][\w.]+)?")
MOST_PARENTS = 5


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one user: their home, where desktop programs keep their settings, Claude Code's, Codex's."""

    folder: Path
    config: Path
    claude: Path
    codex: Path

    @property
    def claude_file(self) -> Path:
        """Return where Claude Code keeps servers: beside its folder, or within one that CLAUDE_CONFIG_DIR chose."""
        own = self.folder / ".claude"
        return (self.folder if self.claude == own else self.claude) / ".claude.json"


@dataclass(frozen=True, slots=True)
class Key:
    """One place in a configuration file: a table, below which each server has its own key."""

    path: Path
    form: Form
    key: KeyPath


@dataclass(frozen=True, slots=True)
class Client:
    """One agent client. Folders that it does not have are None; `in_project` is a file below a checkout.

    It is here where its `folder` exists or one of its `programs` is on PATH.
    """

    name: AgentName
    title: str
    folder: Path
    programs: tuple[str, ...]
    servers: Key
    in_project: tuple[str, KeyPath] | None = None
    skills: Path | None = None
    agents: Path | None = None
    commands: Path | None = None
    rules: Path | None = None
    settings: Path | None = None

    def is_here(self) -> bool:
        """Tell whether the client is installed for this user."""
        return self.folder.is_dir() or any(map(shutil.which, self.programs))


def load_places(environment: Environment) -> Places:
    """Return the folders of the user who runs this."""
    homes = environment.agent_homes
    return Places(load_account().folder, find_programs_folder(), homes["claude_code"], homes["codex"])


def describe_clients(places: Places) -> Mapping[AgentName, Client]:
    """Return every client that is known, here or not.

    Codex, Cursor and VS Code are given skills in the folder that they share. Claude Code's places were seen in 2.1.329;
    the others' are as published of them, and none of these clients was run.
    """
    home, config = places.folder, places.config
    shared, desktop, code = home / ".agents" / "skills", config / "Claude", config / "Code" / "User"
    return {
        "claude-code": Client(
            "claude-code",
            "Claude Code",
            places.claude,
            ("claude",),
            Key(places.claude_file, "json", ("mcpServers",)),
            skills=places.claude / "skills",
            agents=places.claude / "agents",
            commands=places.claude / "commands",
            rules=places.claude / "rules",
            settings=places.claude / "settings.json",
        ),
        "codex": Client(
            "codex",
            "Codex",
            places.codex,
            ("codex",),
            Key(places.codex / "config.toml", "toml", ("mcp_servers",)),
            in_project=(".codex/config.toml", ("mcp_servers",)),
            skills=shared,
            commands=places.codex / "prompts",
        ),
        "cursor": Client(
            "cursor",
            "Cursor",
            home / ".cursor",
            ("cursor", "cursor-agent"),
            Key(home / ".cursor" / "mcp.json", "json", ("mcpServers",)),
            in_project=(".cursor/mcp.json", ("mcpServers",)),
            skills=shared,
            agents=home / ".cursor" / "agents",
            commands=home / ".cursor" / "commands",
        ),
        "vscode": Client(
            "vscode",
            "VS Code",
            code,
            ("code",),
            Key(code / "mcp.json", "json", ("servers",)),
            in_project=(".vscode/mcp.json", ("servers",)),
            skills=shared,
        ),
        "claude-desktop": Client(
            "claude-desktop",
            "Claude Desktop",
            desktop,
            (),
            Key(desktop / "claude_desktop_config.json", "json", ("mcpServers",)),
        ),
    }


def find_clients(places: Places) -> dict[AgentName, Client]:
    """Return the clients that are installed for this user."""
    return {name: client for name, client in describe_clients(places).items() if client.is_here()}


def find_version(client: Client) -> str:
    """Return a client's version as its files tell it, without running it; empty where they do not."""
    for program in client.programs:
        found = shutil.which(program)
        if found:
            return _read_version(Path(found).resolve())
    return ""


def _read_version(program: Path) -> str:
    """Return what the nearest package.json above a program says, or the folder or file that is named as a version."""
    for folder in list(program.parents)[:MOST_PARENTS]:
        for file in (folder / "package.json", folder / "resources" / "app" / "package.json"):
            try:
                version = json.loads(file.read_text(encoding="utf-8")).get("version")
            except (OSError, ValueError, AttributeError, RecursionError):
                continue
            if isinstance(version, str) and VERSION.fullmatch(version):
                return version
    return next((part for part in reversed(program.parts) if VERSION.fullmatch(part)), "")
