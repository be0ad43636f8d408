"""A person's own uncommitted edits in the knowledge base: what can be committed as theirs, and what must wait."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from agent_context.errors import FormatError
from agent_context.frontmatter import parse_learning, write_learning
from agent_context.handoff import parse_handoff
from agent_context.layout import PROJECT_FILE, TOOLING, Project, is_asset, is_handoff_path, is_learning_path
from agent_context.learning import Status, StatusNote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent_context.learning import Finding

MOST_REJECTIONS = 5
MOST_TOOL_BYTES = 5_000_000
ID_IN_NAME = re.compile(r"-([0-9a-f]{10,64})\.md$")
CONFLICT_MARK = re.compile(r"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)


@dataclass(slots=True)
class Edits:
    """Files to commit (None: deleted), the learnings rejected by deleting them, and what must wait, with the reason."""

    files: dict[str, bytes | None] = field(default_factory=dict)
    rejected: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def collect_edits(
    edited: Mapping[str, bytes | None],
    committed: Mapping[str, bytes | None],
    machine: str,
    now: str,
    find: Callable[[str], list[Finding]] | None = None,
) -> Edits:
    """Sort edited files (None: deleted) into what can be committed and what waits.

    A deleted learning comes back as a rejected one, so that no machine proposes it again; but not where it was only
    moved, and not many at once, since a folder that is missing is no decision about each of its files.
    """
    edits = Edits()
    gone = [path for path, data in edited.items() if data is None and is_learning_path(path)]
    moved = _find_moved(gone, [path for path, data in edited.items() if data is not None])
    for old, new in moved.items():
        edits.problems.append(f"{new}: was moved from {old}; a learning's path never changes (move it back)")
    deleted = [path for path in gone if path not in moved]
    if len(deleted) > MOST_REJECTIONS:
        edits.problems.append(
            f"{len(deleted)} learnings are missing, {deleted[0]} the first (git restore projects patterns brings them "
            "back; to reject that many, name their ids: agent-context review --reject)"
        )
        deleted = []
    for path in deleted:
        edits.files[path] = reject_deleted(path, committed.get(path) or b"", machine, now)
        edits.rejected.append(path)
    for path, data in edited.items():
        if path in gone or path in moved.values():
            continue
        problem = find_problem(path, data, find) if data is not None else ""
        if problem:
            edits.problems.append(problem)
        else:
            edits.files[path] = _unix(path, data)
    return edits


def reject_deleted(path: str, committed: bytes, machine: str, now: str) -> bytes | None:
    """Return a deleted learning's file as a rejected one; None where what was deleted did not read anyway."""
    try:
        learning = parse_learning(committed.decode(), path)
    except (FormatError, UnicodeDecodeError):
        return None
    if learning.status is Status.REJECTED:
        return committed
    note = StatusNote(by=machine, at=now, reason="the file was deleted")
    return write_learning(msgspec.structs.replace(learning, status=Status.REJECTED, status_note=note)).encode()


def find_problem(path: str, data: bytes, find: Callable[[str], list[Finding]] | None = None) -> str:
    """Return why a file cannot be committed as it stands, or an empty string."""
    if path.startswith(f"{TOOLING}/") and len(data) > MOST_TOOL_BYTES:
        return f"{path}: has {len(data):,} bytes, and tools travel with at most {MOST_TOOL_BYTES:,} (keep it elsewhere)"
    return "" if is_asset(path) and b"\0" in data else _find_problem(path, data, find)


def _find_problem(path: str, data: bytes, find: Callable[[str], list[Finding]] | None) -> str:
    try:
        text = data.decode()
        if is_learning_path(path):
            parse_learning(text, path)
        elif is_handoff_path(path):
            parse_handoff(text, path)
        elif path.endswith(f"/{PROJECT_FILE}"):
            msgspec.convert(tomllib.loads(text), Project)
        elif path.endswith(".toml"):
            tomllib.loads(text)
    except FormatError as error:
        return error.advice
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        return f"{path}: {error}"
    mark = CONFLICT_MARK.search(text)
    if mark:
        return (
            f"{path}:{text.count(chr(10), 0, mark.start()) + 1}: a conflict mark (choose one side, take the marks out)"
        )
    stopping = find_stopping(text, find)
    if stopping:
        first = stopping[0]
        where = f"{path}:{first.line}"
        fix = "put a variable in its place, as in ${TOKEN}" if path.startswith(f"{TOOLING}/mcp/") else "take it out"
        return f"{where}: {first.kind}: {first.rule} {first.masked} ({fix}; until then it stays uncommitted)"
    return ""


def find_stopping(text: str, find: Callable[[str], list[Finding]] | None = None) -> list[Finding]:
    """Return what keeps a text of a person's own from being committed: every secret, and what is certainly poison.

    `find` is the knowledge base's own screen, with its engines and allowances.
    """
    from agent_context.screening import screen  # noqa: PLC0415 - what a sync without edits does not pay

    found = (find or screen)(text)
    return [item for item in found if item.kind == "secret" or (item.kind == "poison" and item.severity == "certain")]


def _find_moved(gone: list[str], present: list[str]) -> dict[str, str]:
    """Return old to new path of learnings whose id now stands in another file's name."""
    by_id = {found.group(1): path for path in present if (found := ID_IN_NAME.search(path))}
    ids = {path: found.group(1) for path in gone if (found := ID_IN_NAME.search(path))}
    return {path: by_id[identity] for path, identity in ids.items() if identity in by_id}


def _unix(path: str, data: bytes | None) -> bytes | None:
    return data.replace(b"\r\n", b"\n") if data is not None and path.endswith((".md", ".toml")) else data
