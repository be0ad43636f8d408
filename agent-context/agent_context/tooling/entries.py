"""What the registry holds, as values: servers, skills, files that instruct, settings; and what their hash covers."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from agent_context.clients.places import AgentName  # noqa: TC001 - msgspec reads the annotation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(:-[^}]*)?\}")
MACHINE_PATH = re.compile(r"\$\{machine\.paths\.([A-Za-z0-9_-]+)\}")
OTHER_MACHINE_VALUE = re.compile(r"\$\{machine\.(?!paths\.[A-Za-z0-9_-]+\})[^}]*\}")
SELECTOR = re.compile(r"[A-Za-z0-9._-]+|platform:(?:linux|macos|windows)|label:[A-Za-z0-9._-]+")
SHORT = 10
HIDING = re.compile(r"\\|\"{3}|'{3}")


class Kind(StrEnum):
    """What an entry is, named as its folder in `tooling/` is."""

    SERVER = "mcp"
    SKILL = "skills"
    AGENT = "agents"
    COMMAND = "commands"
    SETTINGS = "settings"
    PREFERENCES = "preferences"


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`tooling/mcp/<name>.toml`. Raise ValueError for what is neither a program nor an address, or both.

    `agents` empty: all that can; `scope`: `user` or `project FOLDER`; `machines` empty: all, else any of names,
    `platform:linux`, `label:work`; `requires`: programs that must be on PATH.
    """

    description: str = ""
    command: str = ""
    args: tuple[str, ...] = ()
    env: dict[str, str] = msgspec.field(default_factory=dict)
    url: str = ""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    transport: Literal["", "stdio", "http", "sse"] = ""
    agents: tuple[AgentName, ...] = ()
    scope: str = "user"
    machines: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no client could run, and what is written in a way that means nothing."""
        if bool(self.command) == bool(self.url):
            raise ValueError("give `command` (a program) or `url` (an address), one of the two")
        if self.url and (self.args or self.env or self.transport == "stdio"):
            raise ValueError("`args`, `env` and the transport stdio belong to a `command`")
        if self.command and (self.headers or self.transport in ("http", "sse")):
            raise ValueError("`headers` and the transports http and sse belong to a `url`")
        if self.scope != "user" and not re.fullmatch(r"project [a-z0-9][a-z0-9_.-]{0,119}", self.scope):
            raise ValueError('`scope` is "user" or "project FOLDER", with the folder\'s name in projects/')
        for selector in self.machines:
            if not SELECTOR.fullmatch(selector):
                raise ValueError(f"`machines`: {selector!r} is no name, platform:linux|macos|windows or label:NAME")
        for text in self.texts():
            if found := OTHER_MACHINE_VALUE.search(text):
                raise ValueError(f"{found[0]} is nothing a machine has; it has ${{machine.paths.NAME}}")

    @property
    def project(self) -> str:
        """Return the project's folder that it is limited to, empty for all."""
        return self.scope.removeprefix("project ") if self.scope != "user" else ""

    def texts(self) -> Iterator[str]:
        """Yield every text in which a variable may stand."""
        yield from (self.command, *self.args, *self.env.values(), self.url, *self.headers.values())

    def variables(self) -> tuple[str, ...]:
        """Return the names of the environment variables that it cannot do without."""
        found = (match for text in self.texts() for match in VARIABLE.finditer(text))
        return tuple(sorted({match[1] for match in found if match[2] is None}))

    def machine_paths(self) -> tuple[str, ...]:
        """Return the names of the machine's paths that it uses."""
        return tuple(sorted({name for text in self.texts() for name in MACHINE_PATH.findall(text)}))


@dataclass(frozen=True, slots=True)
class File:
    """One file of an entry: its bytes, and whether it may be run."""

    data: bytes
    executable: bool = False

    @property
    def text(self) -> str | None:
        """Return its text, None for what is none."""
        try:
            return None if b"\0" in self.data else self.data.decode()
        except UnicodeDecodeError:
            return None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing of the registry. `files` by their path below the entry's own folder, `source` where they lie in git."""

    kind: Kind
    name: str
    source: str
    files: Mapping[str, File]
    server: Server | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""

    @property
    def key(self) -> str:
        """Return how a person names it: `mcp/github`, `skills/review`, `preferences`."""
        return self.kind.value if self.kind is Kind.PREFERENCES else f"{self.kind.value}/{self.name}"

    @property
    def digest(self) -> str:
        """Return the hash of everything in it that would run or instruct, whoever's machine it is."""
        return digest_of(self.content())

    def trusted_as(self, paths: Mapping[str, str]) -> str:
        """Return the hash that a person on a machine with these paths trusts: what would run there."""
        used = {name: paths.get(name, "") for name in self.server.machine_paths()} if self.server else {}
        return digest_of([self.content(), used]) if used else self.digest

    def content(self) -> object:
        """Return what the hash covers, as a value that JSON takes."""
        if self.server is not None:
            left_out = ("description", "machines", "requires")
            fields = msgspec.to_builtins(self.server)
            return {name: value for name, value in fields.items() if value and name not in left_out}
        if self.kind is Kind.SETTINGS:
            return dict(self.settings)
        return describe_files(self.files)


def describe_files(files: Mapping[str, File]) -> object:
    """Return files as a value that JSON takes: each one's hash, and whether it may be run."""
    return [[path, hashlib.sha256(file.data).hexdigest(), file.executable] for path, file in sorted(files.items())]


def digest_of(value: object) -> str:
    """Return the hash of a value that JSON takes."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def is_meant(server: Server, machine: str, platform: str, labels: tuple[str, ...]) -> bool:
    """Tell whether a server is for a machine of this name, platform (`linux`, `macos`, `windows`) and labels."""
    own = {machine, f"platform:{platform}", *(f"label:{label}" for label in labels)}
    return not server.machines or bool(own & set(server.machines))


def render(entry: Entry, paths: Mapping[str, str]) -> str:
    """Return what a person reads before they trust an entry: every text of it, and the hash of what is no text.

    Of a machine's paths those are told that the entry uses.
    """
    used = entry.server.machine_paths() if entry.server else ()
    parts = ["== paths of this machine\n"] if used else []
    parts += [f"{name} = {paths.get(name, '(not set)')}\n" for name in used]
    if entry.server and any(HIDING.search(file.text or "") for file in entry.files.values()):
        # Escapes and long strings can hide from the eye what TOML makes of them.
        parts.append(f"== as it reads\n{json.dumps(entry.content(), indent=2, ensure_ascii=False)}\n")
    for path, file in sorted(entry.files.items()):
        mark = " (may be run)" if file.executable else ""
        text = file.text
        shown = (
            f"({len(file.data):,} bytes, sha256 {hashlib.sha256(file.data).hexdigest()})\n" if text is None else text
        )
        parts.append(f"== {path}{mark}\n{shown}" + ("" if shown.endswith("\n") else "\n"))
    return "".join(parts)
