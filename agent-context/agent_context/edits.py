"""A person's own uncommitted edits in the knowledge base: what can be committed as theirs, and what must wait."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from agent_context.errors import FormatError
from agent_context.frontmatter import parse_learning, write_learning
from agent_context.layout import is_learning_path
from agent_context.learning import Status, StatusNote

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class Edits:
    """Files to commit (None: deleted), and for each file that must wait, what is wrong with it."""

    files: dict[str, bytes | None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def collect_edits(
    edited: Mapping[str, bytes | None], committed: Mapping[str, bytes | None], machine: str, now: str
) -> Edits:
    """Sort edited files (None: deleted) into what can be committed and what waits.

    A deleted learning comes back as a rejected one, so that no machine proposes it again.
    """
    edits = Edits()
    for path, data in edited.items():
        if data is None and is_learning_path(path):
            edits.files[path] = _rejected(path, committed.get(path), machine, now)
        elif data is None:
            edits.files[path] = None
        else:
            problem = _problem(path, data)
            if problem:
                edits.problems.append(problem)
            else:
                edits.files[path] = data.replace(b"\r\n", b"\n") if path.endswith((".md", ".toml")) else data
    return edits


def _rejected(path: str, committed: bytes | None, machine: str, now: str) -> bytes | None:
    try:
        learning = parse_learning((committed or b"").decode(), path)
    except (FormatError, UnicodeDecodeError):
        return None
    note = StatusNote(by=machine, at=now, reason="the file was deleted")
    return write_learning(msgspec.structs.replace(learning, status=Status.REJECTED, status_note=note)).encode()


def _problem(path: str, data: bytes) -> str:
    """Return why a file cannot be committed as it stands, or an empty string."""
    try:
        text = data.decode()
        if is_learning_path(path):
            parse_learning(text, path)
        elif path.endswith(".toml"):
            tomllib.loads(text)
    except FormatError as error:
        return error.advice
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return f"{path}: {error}"
    from agent_context.screening import screen  # noqa: PLC0415 - what a sync without edits does not pay

    certain = [finding for finding in screen(text) if finding.severity == "certain"]
    if certain:
        first = certain[0]
        where = f"{path}:{first.line}"
        return f"{where}: {first.kind}: {first.rule} {first.masked} (it stays uncommitted until you take it out)"
    return ""
