"""Found a knowledge base: lay out a new one, or make a clone of the public template one's own."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

from agent_context.config import KB_FILE
from agent_context.errors import AgentContextError
from agent_context.git import Repository, init_repository, locked
from agent_context.layout import PATTERNS, PROJECTS

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from agent_context.knowledge import KnowledgeBase

# Files that hatch, git and forges would take for their own have no dot in the package.
DOTTED = {name: f".{name}" for name in ("gitignore", "gitattributes", "github", "gitea", "gitlab-ci.yml")}
TEMPLATE_LINES = re.compile(r"(?:^#[^\n]*\n)*^template\s*=[^\n]*\n\n?", re.MULTILINE)


def found_knowledge_base(root: Path, remote: str, machine: str) -> list[str]:
    """Make a knowledge base in a new or empty folder, commit it, and name its remote. Returns the files made."""
    if root.exists() and any(item.name != ".git" for item in root.iterdir()):
        raise AgentContextError(
            f"{root} is not empty", hint="name a new folder; a clone of the template is made yours by: init --here"
        )
    root.mkdir(parents=True, exist_ok=True)
    if not (root / ".git").exists():
        init_repository(root)
    repository = Repository(root)
    data = files("agent_context") / "data"
    made = dict(_read_tree(data / "knowledge_base", ""))
    made["mkdocs.yml"] = (data / "site" / "mkdocs.yml").read_bytes()
    repository.commit_files(dict(made), "init: an empty knowledge base\n", machine)
    if remote:
        repository.set_remote("origin", remote)
    return sorted(made)


def plan_takeover(knowledge_base: KnowledgeBase) -> list[str]:
    """Return the files of the template's own knowledge that `take_over` would remove."""
    contents = knowledge_base.load()
    named = {entry.path for entry in contents.entries if entry.path.startswith((f"{PROJECTS}/", f"{PATTERNS}/"))}
    described = {f"{PROJECTS}/{folder}/project.toml" for folder in knowledge_base.projects()}
    return sorted(named | {path for path in described if (knowledge_base.root / path).exists()})


def take_over(knowledge_base: KnowledgeBase, remote: str, machine: str) -> list[str]:
    """Make a clone of the template one's own: its learnings and its template line go, the remote is set. One commit.

    Raise AgentContextError in a knowledge base that is somebody's own already.
    """
    if not knowledge_base.settings.template:
        raise AgentContextError(
            f"{knowledge_base.root} is no clone of the template: it is somebody's own knowledge base already",
            hint="set a remote with git remote add origin URL; reject learnings with agent-context review",
        )
    repository = Repository(knowledge_base.root)
    removed = plan_takeover(knowledge_base)
    settings = (knowledge_base.root / KB_FILE).read_text(encoding="utf-8")
    changed: dict[str, bytes | None] = dict.fromkeys(removed)
    changed[KB_FILE] = TEMPLATE_LINES.sub("", settings, count=1).encode()
    with locked(repository, knowledge_base.settings.sync.lock_seconds):
        repository.commit_files(changed, "init: make this knowledge base ours\n", machine)
        if remote:
            repository.set_remote("origin", remote)
    return removed


def _read_tree(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for item in folder.iterdir():
        name = DOTTED.get(item.name, item.name)
        if item.is_dir():
            found += _read_tree(item, f"{prefix}{name}/")
        else:
            found.append((f"{prefix}{name}", item.read_bytes()))
    return found
