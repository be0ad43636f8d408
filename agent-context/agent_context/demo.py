"""Try the whole road on sample sessions of our own, in a temporary folder that stands in for a machine."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from agent_context.config import Environment, keep_caches
from agent_context.founding import found_knowledge_base
from agent_context.git import Repository, init_repository
from agent_context.knowledge import KnowledgeBase
from agent_context.settings import MachineSettings
from agent_context.syncing.sync import sync

if TYPE_CHECKING:
    from agent_context.reports import SyncReport

REMOTES = {"shop": "git@github.com:example/shop.git", "notes": "https://github.com/example/notes.git"}
HOUR = 3600


@dataclass(frozen=True, slots=True)
class Demonstration:
    """Where it took place, and the sync's report."""

    folder: Path
    knowledge_base: Path
    report: SyncReport


def demonstrate(environment: Environment, now: float) -> Demonstration:
    """Lay out sessions and checkouts in a new temporary folder and sync them into a new knowledge base there."""
    folder = Path(tempfile.mkdtemp(prefix="agent-context-demo-")).resolve()
    claude = folder / "claude"
    for name, remote in REMOTES.items():
        checkout = folder / "checkouts" / name
        checkout.mkdir(parents=True)
        init_repository(checkout)
        Repository(checkout).set_remote("origin", remote)
        for sample in (files("agent_context") / "data" / "demo" / name).iterdir():
            session = claude / "projects" / f"-demo-{name}" / sample.name
            session.parent.mkdir(parents=True, exist_ok=True)
            text = sample.read_text(encoding="utf-8")
            session.write_text(text.replace("{DEMO}", (folder / "checkouts").as_posix()), encoding="utf-8")
            os.utime(session, (now - HOUR, now - HOUR))
    knowledge_base = folder / "knowledge-base"
    found_knowledge_base(knowledge_base, "", "demo")
    machine = replace(
        environment,
        machine="demo",
        config_dir=folder / "config",
        data_dir=folder / "data",
        agent_homes=dict.fromkeys(environment.agent_homes, folder / "none") | {"claude_code": claude},
        own=MachineSettings(),
    )
    keep_caches(machine.data_dir)
    return Demonstration(folder, knowledge_base, sync(KnowledgeBase(knowledge_base), machine))
