"""Load settings, and all that is taken from the machine: the only reader of environment, home and hostname."""

from __future__ import annotations

import getpass
import os
import re
import socket
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec
import platformdirs

from agent_context.errors import AgentContextError
from agent_context.settings import MachineSettings, Settings, advise

if TYPE_CHECKING:
    from collections.abc import Collection

KB_FILE = "agent-context.toml"
MACHINE_FILE = "machine.toml"
APP = "agent-context"
TELEMETRY_FORBIDDEN = {
    "ORT_DISABLE_TELEMETRY": "1",
    "ORT_TELEMETRY_DISABLED": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
}
FORGE_TOKENS = {
    "github.com": ("GH_TOKEN", "GITHUB_TOKEN"),
    "github": ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"),
    "gitlab": ("GITLAB_TOKEN",),
    "gitea": ("GITEA_TOKEN", "FORGEJO_TOKEN"),
}
LASTING = (
    "PATH",
    "AGENT_CONTEXT_MACHINE",
    "CLAUDE_CONFIG_DIR",
    "CODEX_HOME",
    "GIT_CONFIG_GLOBAL",
    "GIT_SSH_COMMAND",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
)
StructT = TypeVar("StructT", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything this program takes from the machine it runs on, read once at the start."""

    machine: str
    config_dir: Path
    data_dir: Path
    log_dir: Path
    agent_homes: dict[str, Path]
    cwd: Path
    knowledge_base: Path | None
    own: MachineSettings

    @property
    def claude_dir(self) -> Path:
        """Return the folder of Claude Code's own files."""
        return self.agent_homes["claude_code"]

    @property
    def keys_file(self) -> Path:
        """Return where this machine's age keys are kept."""
        return self.config_dir / "keys.txt"

    @property
    def machine_file(self) -> Path:
        """Return where this machine's settings are kept."""
        return self.config_dir / MACHINE_FILE


@dataclass(frozen=True, slots=True)
class Account:
    """Login name, home folder and name of the machine."""

    user: str
    folder: Path
    host: str


def load_environment() -> Environment:
    """Read environment, home and machine settings. Raise AgentContextError when the settings do not read."""
    config_dir = Path(platformdirs.user_config_dir(APP, appauthor=False))
    own = load_machine_settings(config_dir / MACHINE_FILE)
    chosen = os.environ.get("AGENT_CONTEXT_KB")
    name = os.environ.get("AGENT_CONTEXT_MACHINE") or own.machine or socket.gethostname().split(".")[0]
    return Environment(
        machine=_clean_name(name),
        config_dir=config_dir,
        data_dir=Path(platformdirs.user_data_dir(APP, appauthor=False)),
        log_dir=Path(platformdirs.user_log_dir(APP, appauthor=False)),
        agent_homes=_agent_homes(),
        cwd=Path.cwd(),
        knowledge_base=Path(chosen).expanduser().absolute() if chosen else None,
        own=own,
    )


def _agent_homes() -> dict[str, Path]:
    """Return where each coding agent keeps its files, by the name of its transcript reader."""
    data = os.environ.get("XDG_DATA_HOME")
    return {
        "claude_code": _folder("CLAUDE_CONFIG_DIR", Path.home() / ".claude"),
        "codex": _folder("CODEX_HOME", Path.home() / ".codex"),
        "gemini": Path.home() / ".gemini",
        "opencode": (Path(data) if data else Path.home() / ".local" / "share") / "opencode",
    }


def find_programs_folder() -> Path:
    """Return where desktop programs keep what a user sets in them, by the custom of the system."""
    return platformdirs.user_config_path(roaming=True)


def find_ssh_key() -> Path:
    """Return where the user's ssh-ed25519 key is, if there is one."""
    return Path.home() / ".ssh" / "id_ed25519"


def find_credential_files() -> dict[str, tuple[Path, ...]]:
    """Return where programs keep the passwords and tokens of this user, by the programs' names."""
    home = Path.home()
    config = _folder("XDG_CONFIG_HOME", home / ".config")
    return {
        "netrc": (_folder("NETRC", home / ".netrc"), home / "_netrc"),
        "aws": (_folder("AWS_SHARED_CREDENTIALS_FILE", home / ".aws" / "credentials"),),
        "npm": (_folder("NPM_CONFIG_USERCONFIG", home / ".npmrc"),),
        "gh": (_folder("GH_CONFIG_DIR", config / "gh") / "hosts.yml",),
        "docker": (_folder("DOCKER_CONFIG", home / ".docker") / "config.json",),
        "git": (home / ".git-credentials", config / "git" / "credentials"),
    }


def load_account() -> Account:
    """Return as whom, and where, this program runs; the login name is empty where the machine knows none."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = ""
    return Account(user, Path.home(), socket.gethostname())


def _folder(variable: str, default: Path) -> Path:
    chosen = os.environ.get(variable)
    return Path(chosen).expanduser().absolute() if chosen else default


def find_schedule_folders() -> dict[str, Path]:
    """Return where systemd's user manager and launchd look for what they run."""
    chosen = os.environ.get("XDG_CONFIG_HOME")
    return {
        "systemd": (Path(chosen) if chosen else Path.home() / ".config") / "systemd" / "user",
        "launchd": Path.home() / "Library" / "LaunchAgents",
    }


def find_lasting_variables() -> dict[str, str]:
    """Return what a run without a terminal needs of this environment: where things are, no token."""
    return {name: os.environ[name] for name in LASTING if os.environ.get(name)}


def find_session_id() -> str:
    """Return the id of the coding-agent session that started this process, empty where none did."""
    return os.environ.get("CLAUDE_CODE_SESSION_ID", "")


def is_child() -> bool:
    """Tell whether this runs within a coding-agent session that agent-context itself started: its hooks do nothing."""
    return bool(os.environ.get("AGENT_CONTEXT_CHILD"))


def forbid_telemetry() -> None:
    """Tell the libraries that would otherwise report to their makers, or load from a hub, that they must not.

    onnxruntime (1.31 on Linux) writes a device id and an event database to the user's cache when it is imported unless
    the variable is set before; both names it has gone by are set.
    """
    os.environ.update(TELEMETRY_FORBIDDEN)


def keep_caches(folder: Path) -> None:
    """Tell the libraries that keep something between runs to keep it there, unless the user has said where.

    Kingfisher's compiled rules would go to `~/.cache`.
    """
    os.environ.setdefault("KF_RULE_CACHE_DIR", str(folder / "cache"))


def keep_to_one_thread() -> None:
    """Tell the libraries that multiply matrices, before they are loaded, to use one thread a process.

    On a busy machine several threads of one product wait for each other: two were seen to take eight times as long.
    """
    for name in ("OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ.setdefault(name, "1")


def child_environment(*, without: Collection[str] = (), **more: str) -> dict[str, str]:
    """Return this process's environment for a child program, with `more` set in it and `without` taken out."""
    return {**{name: value for name, value in os.environ.items() if name not in without}, **more}


def find_knowledge_base(environment: Environment, chosen: Path | None) -> Path:
    """Return the knowledge base to work on: `--kb`, AGENT_CONTEXT_KB, the enclosing one, the machine's own.

    Raise AgentContextError when there is none, or when the chosen folder is none.
    """
    for folder in (chosen, environment.knowledge_base):
        if folder is not None:
            if (folder / KB_FILE).is_file():
                return folder.absolute()
            raise AgentContextError(
                f"{folder} is not a knowledge base: it has no {KB_FILE}",
                hint=f"name another folder, or make one there with: agent-context init {folder}",
            )
    for folder in (environment.cwd, *environment.cwd.parents):
        if (folder / KB_FILE).is_file():
            return folder
    own = environment.own.knowledge_base
    if own and (Path(own) / KB_FILE).is_file():
        return Path(own)
    raise AgentContextError(
        "no knowledge base here",
        hint="go into your clone of it, name it with --kb DIR or AGENT_CONTEXT_KB, or make one: agent-context init DIR",
    )


def load_settings(root: Path) -> Settings:
    """Read `agent-context.toml`. Raise AgentContextError naming file, key and the nearest valid name."""
    return _read_toml(root / KB_FILE, Settings)


def load_machine_settings(path: Path) -> MachineSettings:
    """Read the machine's settings, or the defaults where there are none yet."""
    return _read_toml(path, MachineSettings) if path.exists() else MachineSettings()


def _read_toml(path: Path, kind: type[StructT]) -> StructT:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise AgentContextError(
            f"{path} cannot be read: {error}", hint="check that it exists and is yours to read"
        ) from None
    except tomllib.TOMLDecodeError as error:
        hint = "mend that line" + (", or restore the file from git" if path.name == KB_FILE else ", or delete the file")
        raise AgentContextError(f"{path}: {error}", hint=hint) from None
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise AgentContextError(f"{path}: {error}", hint=advise(str(error), kind)) from None


def find_forge_token(kind: str, host: str) -> str:
    """Return the token that the environment has for a forge (`github`, `gitlab`, `gitea`), empty for none.

    As with `gh`, what is named for github.com goes to no other host.
    """
    names = FORGE_TOKENS["github.com"] if host == "github.com" else FORGE_TOKENS.get(kind, ())
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _clean_name(name: str) -> str:
    """Return a machine name that is safe as a file name and in a commit trailer."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:64] or "machine"
