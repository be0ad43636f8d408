"""Claude Code's session files: `projects/**/*.jsonl` below `$CLAUDE_CONFIG_DIR`, one JSON record a line.

The format is internal to Claude Code and changes with its releases, so records are taken by an allow-list of types,
unknown ones are counted and passed over, and a broken line costs that line alone. Field names and the places where
human words are found were observed with versions 1.0 to 2.1.329.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from agent_context.transcripts.session import Event, EventKind, PullRequest, Session, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_LINE = 64 * 1024 * 1024
MAX_TEXT = 100_000
MAX_OUTPUT = 2_000
MESSAGES = frozenset({"user", "assistant"})
KNOWN = MESSAGES | {
    "system",
    "attachment",
    "progress",
    "summary",
    "pr-link",
    "queue-operation",
    "file-history-snapshot",
    "file-history-delta",
    "last-prompt",
    "ai-title",
    "custom-title",
    "agent-name",
    "agent-setting",
    "tag",
    "mode",
    "permission-mode",
    "bridge-session",
    "worktree-state",
    "cost-state",
    "teleported-from",
    "continued-in",
    "fork-context-ref",
    "content-replacement",
    "history-suppression",
    "frame-link",
    "task-summary",
    "api-request",
    "api-request-shape",
    "api-request-blob",
    "tools-used",
}
NOT_HUMAN = re.compile(
    r"<(?:command-|local-command|bash-|task-notification|session-start-hook|tick>|goal>|teammate-message|local_command)"
    r"|Caveat:|\[Request interrupted|This session is being continued from a previous|Implement the following plan:"
    r"|Base directory for this skill:|Stop hook feedback:|Another Claude session sent"
)
INJECTED = re.compile(
    r"<(system-reminder|ide_\w+|user-prompt-submit-hook)>.*?</\1>|\[Image #\d+\]|\[Image: source:[^\]]*\]", re.DOTALL
)
REMEMBERED = re.compile(r"<user-memory-input>(.*?)</user-memory-input>", re.DOTALL)
RECORD_START = re.compile(r'\{"(?:parentUuid|type|uuid|sessionId|leafUuid|isSidechain|message)"')
TIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d+)?(?:Z|\+00:00)")
PULL_REQUEST = re.compile(r"https?://([^/\s]+)/(.+?)(?:/-)?/(?:pull|merge_requests|pulls)/\d+")


class _Block(msgspec.Struct):
    type: str = ""
    text: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw()
    content: msgspec.Raw = msgspec.Raw()
    is_error: bool | None = None


class _Message(msgspec.Struct):
    content: str | list[_Block] = ""


class _Origin(msgspec.Struct):
    kind: str = ""


class _Attachment(msgspec.Struct):
    type: str = ""
    prompt: str | list[_Block] = ""
    command_mode: str = msgspec.field(default="", name="commandMode")
    origin: _Origin | None = None


class _Record(msgspec.Struct, rename="camel"):
    type: str = ""
    uuid: str | None = None
    timestamp: str | None = None
    cwd: str | None = None
    is_sidechain: bool = False
    is_meta: bool | None = None
    is_compact_summary: bool | None = None
    is_visible_in_transcript_only: bool | None = None
    origin: _Origin | None = None
    message: _Message | None = None
    attachment: _Attachment | None = None
    pr_url: str | None = None
    pr_repository: str | None = None


_decode = msgspec.json.Decoder(_Record).decode


def find(home: Path) -> Iterator[Path]:
    """Yield every session file below `home/projects`, sorted by path."""
    yield from sorted((home / "projects").glob("**/*.jsonl"))


def read(path: Path) -> Session | Skipped:
    """Read one session file as a stream; memory does not grow with the size of tool outputs."""
    if path.name.startswith("agent-") or "subagents" in path.parts:
        return Skipped(path, "subagent")
    session = Session(id=path.stem, path=path)
    seen: set[str] = set()
    records = 0
    try:
        with path.open("rb") as file:
            for record in _records(file, session):
                records += 1
                _take(record, session, seen)
    except FileNotFoundError:
        return Skipped(path, "gone before it was read", lost=True)
    except OSError as error:
        return Skipped(path, f"unreadable: {error.strerror}", lost=True)
    if not records:
        return Skipped(path, "not a transcript" if session.broken_lines else "empty", lost=bool(session.broken_lines))
    if not session.events:
        return Skipped(path, "no messages")
    return session


def _records(file: BinaryIO, session: Session) -> Iterator[_Record]:
    while line := file.readline(MAX_LINE):
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE)
            session.broken_lines += 1
            continue
        try:
            yield _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            if line.strip():
                yield from _salvage(line, session)


def _salvage(line: bytes, session: Session) -> Iterator[_Record]:
    """Read what can be read of a line that is torn, holds several objects, or has fields of another shape."""
    text = line.decode("utf-8", "replace")
    decoder = json.JSONDecoder()
    found, position = 0, 0
    while start := RECORD_START.search(text, position):
        try:
            value, position = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            position = start.end()
            continue
        record = _lenient(value)
        if record is not None:
            found += 1
            yield record
    session.salvaged_lines += bool(found)
    session.broken_lines += not found


def _lenient(value: dict[str, Any]) -> _Record | None:
    """Return the record with those fields only that have the expected shape; None when nothing is left of it."""
    if not isinstance(value.get("type"), str):
        return None
    kept: dict[str, Any] = {}
    for key, item in value.items():
        try:
            msgspec.convert({"type": "", key: item}, _Record)
        except msgspec.ValidationError:
            if key == "message" and isinstance(item, dict):
                kept[key] = {"content": _lenient_content(item.get("content"))}
            continue
        kept[key] = item
    return msgspec.convert(kept, _Record)


def _lenient_content(content: object) -> str | list[dict[str, Any]]:
    blocks = content if isinstance(content, list) else [content]
    return [
        {"type": "text", "text": block["text"]}
        for block in blocks
        if isinstance(block, dict) and block.get("type") == "text" and isinstance(block.get("text"), str)
    ]


def _take(record: _Record, session: Session, seen: set[str]) -> None:
    """Add what the record says to the session."""
    if record.type not in KNOWN:
        session.unknown[record.type] = session.unknown.get(record.type, 0) + 1
    if record.type == "pr-link":
        _take_pull_request(record, session)
        return
    if record.cwd and not session.cwd:
        session.cwd = record.cwd
    if record.is_sidechain or record.uuid in seen:
        return
    if record.uuid:
        seen.add(record.uuid)
    at = _time(record.timestamp)
    if record.type == "attachment":
        _take_queued(record, session, at)
    elif record.type in MESSAGES and record.message is not None:
        session.started = session.started or at
        _take_message(record, record.message, session, at)


def _take_message(record: _Record, message: _Message, session: Session, at: str) -> None:
    human = record.type == "user" and not (
        record.is_meta
        or record.is_compact_summary
        or record.is_visible_in_transcript_only
        or (record.origin is not None and record.origin.kind != "human")
    )
    uuid = record.uuid or ""
    blocks = [_Block(type="text", text=message.content)] if isinstance(message.content, str) else message.content
    for block in blocks:
        if block.type == "text":
            if record.type == "assistant":
                _add(session, EventKind.ASSISTANT, block.text.strip(), uuid, at)
            elif human:
                _add(session, EventKind.USER, _human_text(block.text), uuid, at)
        elif block.type == "tool_use":
            _add(session, EventKind.TOOL_CALL, _call_text(block), uuid, at)
        elif block.type == "tool_result":
            output = _output_text(block)
            session.events.append(Event(EventKind.TOOL_RESULT, output, uuid, at, failed=bool(block.is_error)))


def _take_queued(record: _Record, session: Session, at: str) -> None:
    """Take what a person typed while the agent was busy: it has no `user` record of its own."""
    queued = record.attachment
    if queued is None or queued.type != "queued_command" or queued.command_mode not in ("", "prompt"):
        return
    if queued.origin is not None and queued.origin.kind != "human":
        return
    texts = [queued.prompt] if isinstance(queued.prompt, str) else [block.text for block in queued.prompt]
    for text in texts:
        _add(session, EventKind.USER, _human_text(text), record.uuid or "", at)


def _take_pull_request(record: _Record, session: Session) -> None:
    found = PULL_REQUEST.match(record.pr_url or "")
    if found:
        request = PullRequest(found.group(1).lower(), (record.pr_repository or found.group(2)).strip("/"))
        if request not in session.pull_requests:
            session.pull_requests.append(request)


def _add(session: Session, kind: EventKind, text: str, uuid: str, at: str) -> None:
    if text:
        session.events.append(Event(kind, text[:MAX_TEXT], uuid, at))


def _human_text(text: str) -> str:
    """Return what the person typed, or nothing where the text is the client's own."""
    remembered = REMEMBERED.search(text)
    if remembered:
        return f"Remember: {remembered.group(1).strip()}"
    text = INJECTED.sub("", text).strip()
    return "" if NOT_HUMAN.match(text) else text


def _call_text(block: _Block) -> str:
    """Return `name: command` for commands, else `name: first path`, short."""
    try:
        given = msgspec.json.decode(block.input) if block.input else {}
    except msgspec.DecodeError:
        given = {}
    detail = ""
    if isinstance(given, dict):
        detail = next((str(given[key]) for key in ("command", "file_path", "path", "pattern") if key in given), "")
    return f"{block.name}: {detail}"[:MAX_OUTPUT]


def _output_text(block: _Block) -> str:
    try:
        content = msgspec.json.decode(block.content) if block.content else ""
    except msgspec.DecodeError:
        content = ""
    if isinstance(content, list):
        content = "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content)[:MAX_OUTPUT]


def _time(timestamp: str | None) -> str:
    found = TIME.fullmatch(timestamp or "")
    return f"{found.group(1)}Z" if found else ""
