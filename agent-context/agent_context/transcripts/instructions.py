"""Which instructions a session was given, as its own transcript records them, and what its agent did afterwards.

Claude Code (observed with 2.1.329) records the files that it loads at the start as an attachment `instructions`, a rule
that loads with a file as `nested_memory`, and what hooks add as `hook_...`; all without comments. Codex keeps AGENTS.md
as a message. Older transcripts record nothing of the kind: then nobody can tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from agent_context.transcripts.lines import UNREADABLE, normalize_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

INTERESTING = re.compile(rb'"(?:instructions|nested_memory|hook_\w+)"|AGENTS\.md instructions|<user_instructions>')
ACTS = re.compile(rb'"type": ?"(?:assistant|function_call|local_shell_call|custom_tool_call)"')
CWD = re.compile(rb'"cwd": ?"((?:[^"\\]|\\.)*)"')
TIME = re.compile(rb'"timestamp": ?"([^"]*)"')
CODEX_ROLES = ("user", "developer", "system")


@dataclass(frozen=True, slots=True)
class Started:
    """Where and when a session's records begin."""

    cwd: str
    at: str


@dataclass(frozen=True, slots=True)
class Given:
    """Text that the session was given: by which file (empty where that is not said), and when."""

    path: str
    text: str
    at: str


@dataclass(frozen=True, slots=True)
class Acted:
    """A record of what the agent said or called, as it stands."""

    line: bytes


def read_instructions(lines: Iterable[bytes]) -> Iterator[Started | Given | Acted]:
    """Yield what the session was given and what its agent did, in order. What does not read is passed over."""
    started = False
    for line in lines:
        if not started and (found := CWD.search(line)):
            started = True
            yield Started(_unescape(found[1]), _find_time(line))
        if ACTS.search(line):
            yield Acted(line)
        elif INTERESTING.search(line):
            yield from _read_given(line)


def _read_given(line: bytes) -> Iterator[Given]:
    try:
        record = msgspec.json.decode(line)
    except UNREADABLE:
        return
    if not isinstance(record, dict):
        return
    at = _find_time(line)
    attached, payload = record.get("attachment"), record.get("payload")
    if isinstance(attached, dict):
        yield from _read_attached(attached, at)
    elif isinstance(payload, dict) and payload.get("role") in CODEX_ROLES:
        yield from (Given("", text, at) for text in _find_texts(payload.get("content")))


def _read_attached(attached: dict[str, Any], at: str) -> Iterator[Given]:
    kind = attached.get("type")
    files = attached.get("files") if kind == "instructions" else [attached.get("content")]
    if kind == "instructions" or kind == "nested_memory":  # noqa: PLR1714 - one line for each kind of attachment
        for file in files if isinstance(files, list) else ():
            if isinstance(file, dict) and isinstance(file.get("content"), str):
                yield Given(str(file.get("path", "")), file["content"], at)
    elif isinstance(kind, str) and kind.startswith("hook_"):
        yield from (Given("", text, at) for text in _find_texts(attached.get("content")))


def _find_texts(content: object) -> Iterator[str]:
    """Yield the texts of a message's content: a text, or a list of texts or of parts with a text."""
    for part in content if isinstance(content, list) else [content]:
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(text, str):
            yield text


def _find_time(line: bytes) -> str:
    found = TIME.search(line)
    return normalize_time(found[1].decode("ascii", "replace")) if found else ""


def _unescape(text: bytes) -> str:
    try:
        return msgspec.json.decode(b'"' + text + b'"', type=str)
    except UNREADABLE:
        return ""
