"""Where things lie in a knowledge base: folders, file names, and which paths are a learning's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import msgspec

from agent_context.learning import slugify
from agent_context.settings import ProjectSnippet

if TYPE_CHECKING:
    from agent_context.learning import Learning

PROJECTS = "projects"
PATTERNS = "patterns"
TOOLING = "tooling"
SKILL_FILE = "SKILL.md"
MACHINES = f"{TOOLING}/machines"
FOLDERS = (PROJECTS, PATTERNS, TOOLING)
PROJECT_FILE = "project.toml"
SEALED = ".age"
HANDOFFS = "handoffs"
HANDOFF_PARTS = 4
HANDOFF_TEMPLATE = "handoff.md.j2"
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NOT_LEARNINGS = ("README.md", HANDOFFS)


class Project(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`project.toml`: the project's name, its remotes (normalised; `root:<commit>` without one), other names.

    `local`: its learnings stay on this machine; `privacy`: a mode of its own, empty for the knowledge base's;
    `encrypted`: its learnings are committed encrypted; `snippet`: what its agents are given, where it is another.
    The rest is what a new machine needs to start on it: `build`, `test` and `run` are commands for people, `requires`
    programs, `variables` names of environment variables. Raise ValueError for a variable that is more than a name.
    """

    name: str
    remotes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    local: bool = False
    privacy: Literal["", "off", "standard", "strict"] = ""
    encrypted: bool = False
    snippet: ProjectSnippet = ProjectSnippet()
    default_branch: str = ""
    languages: tuple[str, ...] = ()
    package_managers: tuple[str, ...] = ()
    build: str = ""
    test: str = ""
    run: str = ""
    requires: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a value where a name belongs."""
        for name in self.variables:
            if not VARIABLE_NAME.fullmatch(name):
                raise ValueError("`variables` are names alone (DATABASE_URL), never values")


def learning_path(project: str, learning: Learning, *, sealed: bool = False) -> str:
    """Return where the learning's file is born, relative to the knowledge base; it never moves afterwards.

    The name of a sealed one says nothing of its claim.
    """
    name = f"{learning.id}.md{SEALED}" if sealed else f"{slugify(learning.claim)}-{learning.id}.md"
    if project == PATTERNS:
        return f"{PATTERNS}/{name}"
    return f"projects/{project}/{learning.created[:7]}/{name}"


def id_in(name: str) -> str:
    """Return the id that a learning's file name ends in, whatever stands in its place in another file's."""
    return name.removesuffix(SEALED).removesuffix(".md").rpartition("-")[2]


def is_learning_path(path: str) -> bool:
    """Tell whether a path in the knowledge base is a learning's."""
    parts = path.split("/")
    inner = parts[2:] if parts[0] == PROJECTS else parts[1:] if parts[0] == PATTERNS else []
    return bool(inner) and path.endswith((".md", f".md{SEALED}")) and inner[0] not in NOT_LEARNINGS


def project_of(path: str) -> str:
    """Return the folder of the project that a path lies in, `patterns` for a pattern."""
    parts = path.split("/")
    return parts[1] if parts[0] == PROJECTS else parts[0]


def is_asset(path: str) -> bool:
    """Tell whether a path is where a skill keeps what need be no text: its pictures, its references."""
    parts = path.split("/")
    return parts[:2] == [TOOLING, "skills"] and parts[3:4] in (["assets"], ["references"])


def is_skill(path: str) -> bool:
    """Tell whether a path is the folder of one skill."""
    parts = path.split("/")
    return parts[:-1] == [TOOLING, "skills"]


def is_of_one_machine(path: str) -> bool:
    """Tell whether one machine alone writes this file: its own description, its handoffs."""
    return path.startswith(f"{MACHINES}/") or path.split("/")[2:3] == [HANDOFFS]


def handoff_path(project: str, device: str, *, sealed: bool = False) -> str:
    """Return where a device's handoff of a project lies."""
    return f"{PROJECTS}/{project}/{HANDOFFS}/{device}.md{SEALED if sealed else ''}"


def is_handoff_path(path: str) -> bool:
    """Tell whether a path in the knowledge base is a handoff's."""
    parts = path.split("/")
    inside = parts[0] == PROJECTS and parts[2:3] == [HANDOFFS] and len(parts) == HANDOFF_PARTS
    return inside and path.endswith((".md", f".md{SEALED}"))
