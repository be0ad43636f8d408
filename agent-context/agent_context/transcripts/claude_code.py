"""Claude Code's session files: `projects/**/*.jsonl` below `$CLAUDE_CONFIG_DIR`, one JSON record a line.

The format is internal to Claude Code and changes with its releases, so records are taken by an allow-list of types,
unknown ones are counted and passed over, and a broken line costs that line alone. Field names and the places where
human words are found were observed with versions 1.0 to 2.1.329.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from agent_context.transcripts.lines import (
    MAX_OUTPUT,
    LineFormat,
    add_event,
    close_session,
    count_unknown,
    decode_raw,
    normalize_time,
    read_records,
    skip_unreadable,
)
from agent_context.transcripts.session import Event, EventKind, PullRequest, Session, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
    "atis-latch",
}
KNOWN_FAMILIES = ("artifact-", "marble-origami-")
NOT_SESSIONS = frozenset({"memory", "tool-results"})
SYNTHETIC = "<synthetic>"
NOT_HUMAN = re.compile(
    r"<(?:command-|local-command|bash-|task-notification|session-start-hook|tick>|goal>|teammate-message|local_command)"
    r"|Caveat:|\[Request interrupted|This session is being continued from a previous|Implement the following plan:"
    r"|Base directory for this skill:|Stop hook feedback:|Another Claude session sent"
)
INJECTED = re.compile(
    r"<(system-reminder|ide_\w+|user-prompt-submit-hook)>.*?</\1>|\[Image #\d+\]|\[Image: source:[^\]]*\]", re.DOTALL
)
REMEMBERED = re.compile(r"<user-memory-input>(.*?)</user-memory-input>", re.DOTALL)
PULL_REQUEST = re.compile(r"https?://([^/\s]+)/(.+?)(?:/-)?/(?:pull|merge_requests|pulls)/\d+")


class _Block(msgspec.Struct):
    type: str = ""
    text: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw()
    content: msgspec.Raw = msgspec.Raw()
    is_error: bool | None = None
    id: msgspec.Raw = msgspec.Raw()
    tool_use_id: msgspec.Raw = msgspec.Raw()


class _Message(msgspec.Struct):
    model: str | None = None
    content: str | list[_Block] = ""


class _Origin(msgspec.Struct):
    kind: str = ""


class _Fork(msgspec.Struct, rename="camel"):
    message_uuid: str | None = None


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
    is_api_error_message: bool | None = None
    forked_from: _Fork | None = None
    origin: _Origin | None = None
    message: _Message | None = None
    attachment: _Attachment | None = None
    pr_url: str | None = None
    pr_repository: str | None = None


FORMAT = LineFormat(
    _Record,
    re.compile(r'\{\s*"(?:parentUuid|type|uuid|sessionId|leafUuid|isSidechain|message)"'),
    frozenset({"parentUuid", "sessionId"}),
)


def find(home: Path) -> Iterator[Path]:
    """Yield every session file below `home/projects`, sorted by path."""
    top = home / "projects"
    for path in sorted(top.glob("**/*.jsonl")):
        if ".orphaned-" not in path.name and not NOT_SESSIONS & set(path.relative_to(top).parts[:-1]):
            yield path


def read(path: Path) -> Session | Skipped:
    """Read one session file as a stream; memory does not grow with the size of tool outputs."""
    if path.name.startswith("agent-") or "subagents" in path.parts[-4:-1]:
        return Skipped(path, "subagent")
    session = Session(id=path.stem, path=path)
    seen: set[str] = set()
    records = 0
    try:
        with path.open("rb") as file:
            for record in read_records(file, FORMAT, session):
                records += 1
                _take(record, session, seen)
    except OSError as error:
        return skip_unreadable(path, error)
    return close_session(session, records)


def _take(record: _Record, session: Session, seen: set[str]) -> None:
    """Add what the record says to the session."""
    if record.type not in KNOWN and not record.type.startswith(KNOWN_FAMILIES):
        count_unknown(session, record.type)
    if record.type == "pr-link":
        _take_pull_request(record, session)
        return
    if record.cwd and not session.cwd:
        session.cwd = record.cwd
    if record.is_sidechain or (record.message is None and record.attachment is None):
        return
    # A fork by the client copies its records with their uuids, a fork by the SDK says whose copy each one is.
    uuid = (record.forked_from.message_uuid if record.forked_from else None) or record.uuid or ""
    if uuid in seen:
        return
    if uuid:
        seen.add(uuid)
    at = normalize_time(record.timestamp)
    if record.type == "attachment":
        _take_queued(record, session, uuid, at)
    elif record.type in MESSAGES and record.message is not None:
        session.started = session.started or at
        _take_message(record, record.message, session, uuid, at)


def _take_message(record: _Record, message: _Message, session: Session, uuid: str, at: str) -> None:
    human = record.type == "user" and not (
        record.is_meta
        or record.is_compact_summary
        or record.is_visible_in_transcript_only
        or (record.origin is not None and record.origin.kind != "human")
    )
    spoken = message.model != SYNTHETIC and not record.is_api_error_message
    blocks = [_Block(type="text", text=message.content)] if isinstance(message.content, str) else message.content
    for block in blocks:
        if block.type == "text":
            if record.type == "assistant" and spoken:
                add_event(session, EventKind.ASSISTANT, block.text.strip(), uuid, at)
            elif human:
                add_event(session, EventKind.USER, human_text(block.text), uuid, at)
        elif block.type == "tool_use":
            session.add(Event(EventKind.TOOL_CALL, _call_text(block), uuid, at, call=_identity(block.id)))
        elif block.type == "tool_result":
            output, call = _output_text(block), _identity(block.tool_use_id)
            session.add(Event(EventKind.TOOL_RESULT, output, uuid, at, failed=bool(block.is_error), call=call))


def _take_queued(record: _Record, session: Session, uuid: str, at: str) -> None:
    """Take what a person typed while the agent was busy: it has no `user` record of its own."""
    queued = record.attachment
    if queued is None or queued.type != "queued_command" or queued.command_mode not in ("", "prompt"):
        return
    if queued.origin is not None and queued.origin.kind != "human":
        return
    texts = [queued.prompt] if isinstance(queued.prompt, str) else [block.text for block in queued.prompt]
    for text in texts:
        add_event(session, EventKind.USER, human_text(text), uuid, at)


def _take_pull_request(record: _Record, session: Session) -> None:
    found = PULL_REQUEST.match(record.pr_url or "")
    if found:
        request = PullRequest(found.group(1).lower(), (record.pr_repository or found.group(2)).strip("/"))
        if request not in session.pull_requests:
            session.pull_requests.append(request)


def human_text(text: str) -> str:
    """Return what the person typed, or nothing where the text is the client's own."""
    remembered = REMEMBERED.search(text)
    if remembered:
        return f"Remember: {remembered.group(1).strip()}"
    text = INJECTED.sub("", text).strip()
    return "" if NOT_HUMAN.match(text) else text


def _call_text(block: _Block) -> str:
    """Return `name: command` for commands, else `name: first path`, short."""
    given = decode_raw(block.input)
    detail = ""
    if isinstance(given, dict):
        detail = next((str(given[key]) for key in ("command", "file_path", "path", "pattern") if key in given), "")
    return f"{block.name}: {detail}"[:MAX_OUTPUT]


def _identity(raw: msgspec.Raw) -> str:
    identity = decode_raw(raw)
    return identity if isinstance(identity, str) else ""


def _output_text(block: _Block) -> str:
    content = decode_raw(block.content)
    if isinstance(content, list):
        content = "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content[:MAX_OUTPUT] if isinstance(content, str) else ""
