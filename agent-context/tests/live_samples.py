"""Sessions at work, as their client leaves them: transcripts with edits, and entries in its registry."""

from __future__ import annotations

import difflib
import json
import os
import re
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samples import assistant, user

if TYPE_CHECKING:
    from samples import Machine

SOURCE = """import os


class Shop:
    def open(self):
        first = 1
        return first

    def close(self):
        last = 2
        return last


def total(items):
    count = 0
    for item in items:
        count += item
    return count
"""
BEGAN = datetime(2026, 3, 1, 10, tzinfo=UTC)


def process_start(pid: int) -> str:
    """When a process started, as the client notes it."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


@dataclass(slots=True)
class Worker:
    """A session of a client on a machine: what it says and edits is appended to its transcript."""

    machine: Machine
    cwd: Path
    session: str = field(default_factory=lambda: str(uuid.uuid4()))
    branch: str = "main"
    pid: int = field(default_factory=os.getpid)
    seconds: int = 0

    def __post_init__(self) -> None:
        """Appear in the registry."""
        self.enter()

    @property
    def home(self) -> Path:
        return self.machine.environment.claude_dir

    @property
    def transcript(self) -> Path:
        folder = re.sub(r"[^a-zA-Z0-9]", "-", str(self.cwd))[:200]
        return self.home / "projects" / folder / f"{self.session}.jsonl"

    @property
    def entry(self) -> Path:
        return self.home / "sessions" / f"{self.session}.json"

    def enter(self, **changes: Any) -> None:
        """Write the registry's entry."""
        self.entry.parent.mkdir(parents=True, exist_ok=True)
        now = time.time() * 1000
        known = {
            "pid": self.pid,
            "sessionId": self.session,
            "cwd": str(self.cwd),
            "procStart": process_start(self.pid) if Path(f"/proc/{self.pid}").exists() else "1",
            "status": "busy",
            "updatedAt": now,
            "statusUpdatedAt": now,
        }
        self.entry.write_text(json.dumps(known | changes))

    def leave(self) -> None:
        """End, as a client does that ends well."""
        self.entry.unlink()

    def write(self, *records: dict[str, Any] | str, to: Path | None = None) -> None:
        """Append records to the transcript."""
        path = to or self.transcript
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            for record in records:
                if isinstance(record, str):
                    file.write(record)
                    continue
                self.seconds += 1
                at = (BEGAN + timedelta(seconds=self.seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
                base = {"uuid": str(uuid.uuid4()), "sessionId": self.session, "timestamp": at, "cwd": str(self.cwd)}
                file.write(json.dumps(base | {"gitBranch": self.branch} | record) + "\n")

    def say(self, *texts: str) -> None:
        """Let the person say things, each answered."""
        for text in texts:
            answer = assistant(f"I did: {text}")
            answer["message"] |= {"id": uuid.uuid4().hex, "usage": {"input_tokens": 100, "output_tokens": 10}}
            self.write(user(text), answer)

    def hear(self, text: str) -> None:
        """Note what a hook said, as the client does."""
        said = {"type": "hook_additional_context", "hookEvent": "UserPromptSubmit", "content": [text]}
        self.write({"type": "attachment", "attachment": said})

    def edit(self, path: Path, old: str, new: str, *, keeps: bool = True, to: Path | None = None) -> None:
        """Edit a file on disk and in the transcript, with the patch that the client shows."""
        before = path.read_text()
        assert before.count(old) == 1
        after = before.replace(old, new)
        path.write_text(after)
        result = {
            "filePath": str(path),
            "oldString": old,
            "newString": new,
            "originalFile": before if keeps else None,
            "structuredPatch": patch(before, after),
        }
        self.write(user([{"type": "tool_result", "tool_use_id": "t", "content": "ok"}], toolUseResult=result), to=to)

    def create(self, path: Path, text: str) -> None:
        """Write a new file."""
        path.write_text(text)
        result = {"type": "create", "filePath": str(path), "content": text, "structuredPatch": [], "originalFile": None}
        self.write(user([{"type": "tool_result", "tool_use_id": "t", "content": "ok"}], toolUseResult=result))


def patch(before: str, after: str) -> list[dict[str, Any]]:
    """Hunks with three lines around, as the client's."""
    found: list[dict[str, Any]] = []
    for line in list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=3, lineterm=""))[2:]:
        if line.startswith("@@"):
            old, new = (part[1:].split(",") for part in line.split("@@")[1].split())
            counts = [int(part[1]) if len(part) > 1 else 1 for part in (old, new)]
            starts = [int(part[0]) + (count == 0) for part, count in zip((old, new), counts, strict=True)]
            found.append(
                {
                    "oldStart": starts[0],
                    "oldLines": counts[0],
                    "newStart": starts[1],
                    "newLines": counts[1],
                    "lines": [],
                }
            )
        else:
            found[-1]["lines"].append(line)
    return found


def shop(folder: Path) -> Path:
    """A source file in a checkout."""
    path = folder / "shop.py"
    path.write_text(SOURCE)
    return path
