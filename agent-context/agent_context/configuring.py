"""Read and change settings: the knowledge base's, where a change is a commit of its own, and this machine's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_context.changes import write_atomically
from agent_context.config import KB_FILE, load_machine_settings, load_settings
from agent_context.git import Repository, locked
from agent_context.machine import read_own
from agent_context.settings import MachineSettings, Settings
from agent_context.settings_file import get_setting, list_settings, set_setting, unset_setting
from agent_context.trailers import trailers

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase
    from agent_context.settings_file import Setting


def list_shared(root: Path) -> list[Setting]:
    """Return the settings of the knowledge base."""
    text = (root / KB_FILE).read_text(encoding="utf-8")
    return list_settings(Settings, load_settings(root), text, str(root / KB_FILE))


def list_own(path: Path) -> list[Setting]:
    """Return this machine's settings."""
    return list_settings(MachineSettings, load_machine_settings(path), read_own(path), str(path))


def get_shared(root: Path, name: str) -> object:
    """Return one setting of the knowledge base. Raise AgentContextError for no such."""
    return get_setting(load_settings(root), name)


def get_own(path: Path, name: str) -> object:
    """Return one setting of this machine. Raise AgentContextError for no such."""
    return get_setting(load_machine_settings(path), name)


def change_shared(knowledge_base: KnowledgeBase, environment: Environment, name: str, value: str | None) -> bool:
    """Set one setting of the knowledge base (None: back to its default) and commit that. Tells whether it changed.

    Edits of the file that wait uncommitted are committed with it. Raise AgentContextError, with nothing changed, for
    an unknown name or a value that it cannot take.
    """
    repository = Repository(knowledge_base.root)
    with locked(repository, knowledge_base.settings.sync.lock_seconds):
        before = (knowledge_base.root / KB_FILE).read_bytes()
        after = _change(before.decode(), Settings, name, value).encode()
        if after == before:
            return False
        what = f"set {name} to {value}" if value is not None else f"unset {name}"
        message = f"config: {what}\n\n{trailers(environment.machine)}"
        repository.commit_files({KB_FILE: after}, message, environment.machine, own_edits=True)
    return True


def change_own(path: Path, name: str, value: str | None) -> bool:
    """Set one setting of this machine (None: back to its default). Tells whether it changed."""
    before = read_own(path)
    after = _change(before, MachineSettings, name, value)
    if after != before:
        write_atomically(path, after.encode())
    return after != before


def _change(text: str, kind: type[Settings | MachineSettings], name: str, value: str | None) -> str:
    return unset_setting(text, kind, name) if value is None else set_setting(text, kind, name, value)
