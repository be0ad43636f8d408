"""Learnings that never leave this machine: the same files as in the knowledge base, in a folder that no git knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_context.changes import write_atomically
from agent_context.config import KB_FILE
from agent_context.knowledge import Entry, KnowledgeBase, write_project
from agent_context.layout import PROJECT_FILE, PROJECTS, Project, is_learning_path, project_of
from agent_context.state import name_of_clone

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent_context.config import Environment

LOCAL = "local"
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
HEAD = b"# Learnings that stay on this machine; kept by agent-context, in no repository.\n"


def find_local_root(environment: Environment, knowledge_base: KnowledgeBase) -> Path:
    """Return the folder of this knowledge base's local learnings, whether or not it is there yet."""
    return environment.data_dir / LOCAL / name_of_clone(knowledge_base.root)


def open_local(environment: Environment, knowledge_base: KnowledgeBase) -> KnowledgeBase | None:
    """Return the local learnings as a knowledge base of their own, None where there are none yet."""
    root = find_local_root(environment, knowledge_base)
    return KnowledgeBase(root, knowledge_base.sealer) if (root / KB_FILE).is_file() else None


def load_local(
    environment: Environment, knowledge_base: KnowledgeBase, project: str | None = None
) -> tuple[Entry, ...]:
    """Return the local learnings of a project, or all; their paths begin with `local/`."""
    local = open_local(environment, knowledge_base)
    entries = local.load(project).entries if local else ()
    return tuple(Entry(entry.project, f"{LOCAL}/{entry.path}", entry.learning) for entry in entries)


def is_local(environment: Environment, knowledge_base: KnowledgeBase, project: str) -> bool:
    """Tell whether a project's learnings stay here: its project.toml says `local = true`, in git or on this machine."""
    local = open_local(environment, knowledge_base)
    return knowledge_base.project(project).local or (local is not None and local.project(project).local)


def make_local(environment: Environment, knowledge_base: KnowledgeBase, project: str) -> None:
    """Have all that is learned of a project from now on stay on this machine; what git has of it stays there."""
    local = open_local(environment, knowledge_base)
    about = msgspec.structs.replace(local.project(project) if local else Project(name=project), local=True)
    path = find_local_root(environment, knowledge_base) / PROJECTS / project / PROJECT_FILE
    keep_files(environment, knowledge_base, {})
    write_atomically(path, write_project(about), mode=PRIVATE_FILE)


def take_out_local(
    environment: Environment, knowledge_base: KnowledgeBase, files: dict[str, bytes | None]
) -> dict[str, bytes | None]:
    """Take the files of local projects out of those that are to be committed, and return them."""
    local = {folder for folder in map(project_of, files) if is_local(environment, knowledge_base, folder)}
    return {path: files.pop(path) for path in list(files) if project_of(path) in local}


def keep_files(environment: Environment, knowledge_base: KnowledgeBase, files: Mapping[str, bytes | None]) -> None:
    """Write files into the local folder, readable by this user alone; a project that is described there stays as it is.

    Raise AgentContextError when the disk refuses.
    """
    root = find_local_root(environment, knowledge_base)
    root.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    for path, data in {KB_FILE: HEAD, **files}.items():
        if data is not None and (is_learning_path(path) or not (root / path).exists()):
            write_atomically(root / path, data, mode=PRIVATE_FILE)
