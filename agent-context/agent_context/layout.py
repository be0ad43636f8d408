"""Where things lie in a knowledge base: folders, file names, and which paths are a learning's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from agent_context.learning import slugify

if TYPE_CHECKING:
    from agent_context.learning import Learning

PROJECTS = "projects"
PATTERNS = "patterns"
TOOLING = "tooling"
MACHINES = f"{TOOLING}/machines"
FOLDERS = (PROJECTS, PATTERNS, TOOLING)
PROJECT_FILE = "project.toml"
SEALED = ".age"
NOT_LEARNINGS = ("README.md", "handoffs")


class Project(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`project.toml`: the project's name, its remotes (normalised; `root:<commit>` without one), other names.

    `local`: its learnings stay on this machine; `privacy`: a mode of its own, empty for the knowledge base's;
    `encrypted`: its learnings are committed encrypted.
    """

    name: str
    remotes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    local: bool = False
    privacy: Literal["", "off", "standard", "strict"] = ""
    encrypted: bool = False


def learning_path(project: str, learning: Learning, *, sealed: bool = False) -> str:
    """Return where the learning's file is born, relative to the knowledge base; it never moves afterwards.

    The name of a sealed one says nothing of its claim.
    """
    name = f"{learning.id}.md{SEALED}" if sealed else f"{slugify(learning.claim)}-{learning.id}.md"
    if project == PATTERNS:
        return f"{PATTERNS}/{name}"
    return f"projects/{project}/{learning.created[:7]}/{name}"


def is_learning_path(path: str) -> bool:
    """Tell whether a path in the knowledge base is a learning's."""
    parts = path.split("/")
    inner = parts[2:] if parts[0] == PROJECTS else parts[1:] if parts[0] == PATTERNS else []
    return bool(inner) and path.endswith((".md", f".md{SEALED}")) and inner[0] not in NOT_LEARNINGS


def project_of(path: str) -> str:
    """Return the folder of the project that a path lies in, `patterns` for a pattern."""
    parts = path.split("/")
    return parts[1] if parts[0] == PROJECTS else parts[0]


def is_of_one_machine(path: str) -> bool:
    """Tell whether one machine alone writes this file: its own description, its handoffs."""
    return path.startswith(f"{MACHINES}/") or path.split("/")[2:3] == ["handoffs"]
