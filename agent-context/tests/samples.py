"""Builders of what tests need: sessions, machines, remotes, learnings. All of it made up here."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from agent_context.config import Environment, load_machine_settings
from agent_context.founding import found_knowledge_base
from agent_context.knowledge import KnowledgeBase
from agent_context.learning import Kind, Learning, Source, Speaker, Status, learning_id
from agent_context.settings import MachineSettings
from agent_context.syncing.sync import SyncOptions, sync

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.reports import SyncReport

AT = "2026-03-01T10:00:00Z"
LESSON = "Never run `fly deploy` directly, always use `make deploy` because it runs the migrations first."
OTHER_LESSON = "In this project we store all prices as integer cents, never as floats."


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return what it prints."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


def user(text: object, **more: object) -> dict[str, Any]:
    """One record of what a person typed."""
    return {"type": "user", "message": {"role": "user", "content": text}, **more}


def assistant(*blocks: dict[str, object] | str, **more: object) -> dict[str, Any]:
    """One record of the assistant: text, or blocks."""
    content = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
    return {"type": "assistant", "message": {"role": "assistant", "content": content}, **more}


def tool_result(text: str, *, failed: bool = False) -> dict[str, Any]:
    """One record of a tool's result, stored under `user` as the client does."""
    return user([{"type": "tool_result", "tool_use_id": "t", "content": text, "is_error": failed}])


def write_session(path: Path, *records: dict[str, Any] | str, cwd: str = "", age: float = 3600) -> Path:
    """Write a session file of these records, last changed `age` seconds ago. Text is written as it stands."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, record in enumerate(records):
        if isinstance(record, str):
            lines.append(record)
            continue
        stamp = f"2026-03-01T10:{number:02d}:00.000Z"
        base = {
            "uuid": f"{path.stem}-{number}",
            "sessionId": path.stem,
            "timestamp": stamp,
            "cwd": cwd,
            "isSidechain": False,
        }
        lines.append(json.dumps({**base, **record}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    changed = time.time() - age
    os.utime(path, (changed, changed))
    return path


def make_learning(claim: str = "Deploy with `make deploy`.", **fields: Any) -> Learning:
    """A learning with plain values but for those given."""
    source = Source("laptop", "0a1b2c3d", AT, Speaker.USER, extractor="heuristic")
    base = Learning(
        learning_id("o.r", claim), Kind.GOTCHA, Status.UNREVIEWED, AT, claim, ("deploy",), sources=(source,)
    )
    return replace_fields(base, **fields)


def replace_fields(learning: Learning, **fields: Any) -> Learning:
    """The same learning with other values in some fields."""
    return Learning(**{**{name: getattr(learning, name) for name in Learning.__struct_fields__}, **fields})


def bare_remote(folder: Path) -> Path:
    """A bare repository that holds an empty knowledge base."""
    found_knowledge_base(folder / "seed", "", "seed")
    git(folder, "clone", "--quiet", "--bare", str(folder / "seed"), str(folder / "remote.git"))
    return folder / "remote.git"


def acquaint(*machines: Machine) -> None:
    """Let each machine describe itself and know the others' descriptions, so that no later sync adds one of its own."""
    for machine in (*machines, *machines):
        machine.sync()


@dataclass(slots=True)
class Machine:
    """A machine: its folders, its sessions, its clone of the knowledge base."""

    folder: Path
    environment: Environment

    @classmethod
    def join(cls, folder: Path, remote: Path, name: str) -> Machine:
        """Clone the remote onto a new machine."""
        own = folder / name
        own.mkdir()
        git(own, "clone", "--quiet", str(remote), "kb")
        return cls(own, cls.settle(own, name))

    @staticmethod
    def settle(own: Path, name: str) -> Environment:
        """Lay out a machine's folders."""
        return Environment(
            machine=name,
            config_dir=own / "config",
            data_dir=own / "data",
            log_dir=own / "log",
            agent_homes={name: own / name.partition("_")[0] for name in ("claude_code", "codex", "gemini", "opencode")},
            cwd=own,
            knowledge_base=None,
            own=MachineSettings(),
        )

    @property
    def root(self) -> Path:
        """The clone."""
        return self.folder / "kb"

    def checkout(self, remote: str = "git@github.com:o/r.git", name: str = "r") -> Path:
        """A checkout of a project, without commits."""
        folder = self.folder / "work" / name
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet")
        if remote:
            git(folder, "remote", "add", "origin", remote)
        return folder

    def teach(self, *texts: str, name: str = "s1", cwd: Path | str = "", age: float = 3600) -> Path:
        """A finished session in which the user says these things."""
        path = self.environment.claude_dir / "projects" / "p" / f"{name}.jsonl"
        records = [record for text in texts for record in (user(text), assistant("Done."))]
        return write_session(path, *records, cwd=str(cwd), age=age)

    def sync(self, *, dry_run: bool = False) -> SyncReport:
        """Sync this machine once, with the settings it has saved."""
        own = load_machine_settings(self.environment.machine_file)
        return sync(KnowledgeBase(self.root), replace(self.environment, own=own), SyncOptions(dry_run=dry_run))

    def learnings(self) -> dict[str, Learning]:
        """Path to learning, of everything in this clone."""
        return {entry.path: entry.learning for entry in KnowledgeBase(self.root).load().entries}
