"""Where things lie in a knowledge base: folders, file names, and which paths are a learning's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_context.learning import slugify

if TYPE_CHECKING:
    from agent_context.learning import Learning

PROJECTS = "projects"
PATTERNS = "patterns"
TOOLING = "tooling"
FOLDERS = (PROJECTS, PATTERNS, TOOLING)
PROJECT_FILE = "project.toml"
NOT_LEARNINGS = ("README.md", "handoffs")


class Project(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`project.toml`: the project's name, its remotes (normalised; `root:<commit>` without one), other names."""

    name: str
    remotes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


def learning_path(project: str, learning: Learning) -> str:
    """Return where the learning's file is born, relative to the knowledge base; it never moves afterwards."""
    name = f"{slugify(learning.claim)}-{learning.id}.md"
    if project == PATTERNS:
        return f"{PATTERNS}/{name}"
    return f"projects/{project}/{learning.created[:7]}/{name}"


def is_learning_path(path: str) -> bool:
    """Tell whether a path in the knowledge base is a learning's."""
    parts = path.split("/")
    inner = parts[2:] if parts[0] == PROJECTS else parts[1:] if parts[0] == PATTERNS else []
    return bool(inner) and path.endswith(".md") and inner[0] not in NOT_LEARNINGS
