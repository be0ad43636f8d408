"""Codex's session files: `sessions/**/rollout-*.jsonl` and `.jsonl.zst` below `$CODEX_HOME`, one JSON record a line.

Of the two accounts that a rollout gives of a session, the `response_item` records are read and their echo for the
screen, `event_msg`, is not: only they are in every version (before 0.32 bare, since 0.146 with the echo in another
form), have ids, and say of each part of a message what it is. The one exception is a command that was run inside a
script (code mode), which has no record of its own. Shapes as written by codex-rs in 2025 and 2026, told from
its `rollout`, `history` and `protocol` crates.
"""

from __future__ import annotations

import hashlib
import io
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

import msgspec

from agent_context.transcripts.lines import (
    MAX_OUTPUT,
    UNREADABLE,
    LineFormat,
    add_event,
    close_session,
    convert_leniently,
    count_unknown,
    decode_raw,
    normalize_time,
    read_records,
    skip_unreadable,
)
from agent_context.transcripts.session import Event, EventKind, Session, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLACES = ("sessions", "archived_sessions")
COMPRESSED = ".zst"
NAME = re.compile(r"rollout-\d{4}-\d{2}-\d{2}(?:T\d{2}-\d{2}-\d{2})?-(.+)")
CALLS = frozenset({"function_call", "custom_tool_call", "local_shell_call", "web_search_call", "tool_search_call"})
OUTPUTS = frozenset({"function_call_output", "custom_tool_call_output", "tool_search_output"})
KNOWN = frozenset(
    {
        "session_meta",
        "response_item",
        "event_msg",
        "turn_context",
        "compacted",
        "world_state",
        "inter_agent_communication",
        "inter_agent_communication_metadata",
        "token_usage_record",
        "retained_context",
        "security_risk_score",
        "realtime_item",
        "tool_manifest",
        "sampling_boundary",
    }
)
KNOWN_ITEMS = (
    CALLS
    | OUTPUTS
    | {
        "message",
        "reasoning",
        "agent_message",
        "image_generation_call",
        "additional_tools",
        "configuration_update",
        "compaction",
        "compaction_summary",
        "context_compaction",
        "ghost_snapshot",
    }
)
MACHINE_SOURCES = ("subagent", "internal")
MACHINE_THREADS = frozenset({"subagent", "guardian_review", "memory_consolidation"})
NOT_HUMAN = re.compile(
    r"# AGENTS\.md instructions|These AGENTS\.md instructions|<user_instructions>|<user_action>|<turn_aborted>"
    r"|<environment_context>|<hook_prompt |<codex_internal_context|PLEASE IMPLEMENT THIS PLAN:"
    r"|Warning: (?:The maximum number of unified exec|apply_patch was requested via|Your account was flagged)"
    r"|Another language model started to solve this problem"
    r"|Generate a file named AGENTS\.md that serves as a contributor guide"
)
ELEMENT = re.compile(r"<([a-zA-Z][\w-]*)(?:\s[^>]*)?>.*</\1>|</?image\b[^>]*>", re.DOTALL)
REQUEST = "## My request for Codex:"
SHELL_SWITCHES = (["-c"], ["-lc"], ["-Command"])
CWD = re.compile(r"<cwd>([^<]+)</cwd>")
HEADER_END = re.compile(r"^Output:\s*$", re.MULTILINE)
EXIT_CODE = re.compile(r"^(?:Exit code: |Process exited with code )(-?\d{1,10})\s*$", re.MULTILINE)
REFUSED = re.compile(
    r"Script failed|exec_command failed|apply_patch verification failed|failed to parse function arguments"
    r"|execution error: |unsupported call: |tool call error: "
)
PATCHED = re.compile(r"^\*\*\* (?:Update|Add|Delete) File: (.+)$", re.MULTILINE)
# The names that Claude Code's records have for the same deeds: who reads events knows one vocabulary.
DEEDS = {"shell": "Bash", "shell_command": "Bash", "exec_command": "Bash", "local_shell": "Bash", "apply_patch": "Edit"}


class _Part(msgspec.Struct):
    text: str = ""


class _Passthrough(msgspec.Struct):
    content_item_kinds: list[str] | None = None


class _Metadata(msgspec.Struct):
    compaction_output: bool = False


class _Payload(msgspec.Struct):
    type: str = ""
    id: str | None = None
    call_id: str | None = None
    role: str | None = None
    name: str | None = None
    cwd: str | None = None
    thread_source: str | None = None
    parent_thread_id: str | None = None
    forked_from_id: str | None = None
    source: msgspec.Raw = msgspec.Raw()
    content: msgspec.Raw = msgspec.Raw()
    arguments: msgspec.Raw = msgspec.Raw()
    input: msgspec.Raw = msgspec.Raw()
    action: msgspec.Raw = msgspec.Raw()
    output: msgspec.Raw = msgspec.Raw()
    item: msgspec.Raw = msgspec.Raw()
    internal_chat_message_metadata_passthrough: _Passthrough | None = None


class _Line(_Payload):
    """One line. Before 0.32 a line was the payload itself."""

    timestamp: str | None = None
    record_type: str | None = None
    payload: _Payload | None = None
    metadata: _Metadata | None = None


class _Command(msgspec.Struct):
    type: str = ""
    id: str = ""
    command: list[str] | str = ""
    aggregated_output: str | None = None
    exit_code: int | None = None


_decode_content = msgspec.json.Decoder(str | list[_Part]).decode
FORMAT = LineFormat(
    _Line, re.compile(r'\{\s*"(?:timestamp|type|id|record_type|ordinal)"'), frozenset({"payload", "record_type"})
)


@dataclass(slots=True)
class _Reading:
    """What is known of a file while it is read. `thread` is the first of the forks that this session descends from."""

    session: Session
    thread: str = ""
    begun: bool = False
    machine: bool = False
    seen: set[str] = field(default_factory=set)
    times: dict[str, int] = field(default_factory=dict)


def find(home: Path) -> Iterator[Path]:
    """Yield every rollout, live and archived, sorted by path; of a plain file and its compressed copy the plain one."""
    for place in PLACES:
        for path in sorted((home / place).glob("**/rollout-*.jsonl*")):
            if path.suffix == ".jsonl" or (
                path.name.endswith(".jsonl" + COMPRESSED) and not path.with_name(_plain_name(path)).exists()
            ):
                yield path


def read(path: Path) -> Session | Skipped:
    """Read one rollout as a stream; memory does not grow with the size of tool outputs."""
    stem = _plain_name(path).removesuffix(".jsonl")
    named = NAME.fullmatch(stem)
    reading = _Reading(Session(id=named.group(1) if named else stem, path=path))
    session = reading.session
    records = 0
    try:
        with _open(path, session) as file:
            for line in read_records(file, FORMAT, session):
                records += 1
                _take(line, reading)
                if reading.machine:
                    return Skipped(path, "subagent")
    except OSError as error:
        return skip_unreadable(path, error)
    if not records and path.name.endswith(COMPRESSED):
        return Skipped(path, "not a transcript", lost=True)
    return close_session(session, records)


def _plain_name(path: Path) -> str:
    return path.name.removesuffix(COMPRESSED)


@contextmanager
def _open(path: Path, session: Session) -> Iterator[IO[bytes]]:
    """Open a rollout for reading; what a damaged compressed file still gives is given, the damage counts as a line."""
    with path.open("rb") as file:
        if not path.name.endswith(COMPRESSED):
            yield file
            return
        import zstandard  # noqa: PLC0415 - who has no compressed rollouts does not pay for it

        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        try:
            yield io.BufferedReader(reader)
        except zstandard.ZstdError:
            session.broken_lines += 1


def _take(line: _Line, reading: _Reading) -> None:
    """Add what a line says to the session."""
    session = reading.session
    kind, payload = (line.type, line.payload) if line.payload is not None else _bare(line)
    if kind not in KNOWN and not line.record_type:
        count_unknown(session, kind)
    elif payload is None:
        return
    elif kind == "session_meta":
        _take_meta(payload, reading)
    elif kind == "turn_context":
        session.cwd = session.cwd or payload.cwd or ""
    elif kind == "event_msg" and payload.type == "item_completed":
        _take_command(payload, reading, normalize_time(line.timestamp))
    elif kind == "response_item" and not (line.metadata and line.metadata.compaction_output):
        if payload.type not in KNOWN_ITEMS:
            count_unknown(session, f"response_item {payload.type}".strip())
        _take_item(payload, reading, normalize_time(line.timestamp))


def _bare(line: _Line) -> tuple[str, _Payload | None]:
    if line.record_type:
        return "", None
    if line.type in KNOWN_ITEMS:
        return "response_item", line
    return ("session_meta", line) if line.id and not line.type else (line.type, None)


def _take_meta(meta: _Payload, reading: _Reading) -> None:
    """Take who, where and whose copy this is. A fork's own description comes first, those of its ancestors after."""
    if reading.begun:
        return
    if not reading.thread:
        source = decode_raw(meta.source)
        reading.machine = bool(
            (isinstance(source, dict) and any(name in source for name in MACHINE_SOURCES))
            or source in MACHINE_SOURCES
            or meta.thread_source in MACHINE_THREADS
            or meta.parent_thread_id
        )
        reading.session.cwd = meta.cwd or ""
        reading.thread = meta.forked_from_id or meta.id or ""
    else:
        reading.thread = meta.forked_from_id or meta.id or reading.thread


def _take_item(item: _Payload, reading: _Reading, at: str) -> None:
    session = reading.session
    if item.type == "message" and item.role in ("user", "assistant"):
        parts = _parts(item.content)
        if item.role == "user" and not session.cwd:
            session.cwd = next((found.group(1) for part in parts if (found := CWD.search(part.text))), "")
        kind = EventKind.USER if item.role == "user" else EventKind.ASSISTANT
        texts = _human_texts(item, parts) if item.role == "user" else [part.text.strip() for part in parts]
        text = "\n\n".join(text for text in texts if text)
        uuid = _claim_uuid(reading, item.id or "", f"{kind} {text}")
        if text and uuid:
            session.started = session.started or at
            add_event(session, kind, text, uuid, at)
    elif item.type in CALLS:
        text = _call_text(item)
        if uuid := _claim_uuid(reading, item.id or item.call_id or "", text):
            reading.seen.add(item.call_id or "")
            session.add(Event(EventKind.TOOL_CALL, text, uuid, at, call=item.call_id or ""))
    elif item.type in OUTPUTS:
        _take_output(item, reading, at)
    reading.begun = True


def _take_output(item: _Payload, reading: _Reading, at: str) -> None:
    value = decode_raw(item.output)
    text = _output_text(value)
    own = item.id or (f"{item.call_id}-output" if item.call_id else "")
    if uuid := _claim_uuid(reading, own, text):
        failed = _is_failure(text) or (isinstance(value, dict) and value.get("success") is False)
        call = item.call_id or ""
        reading.session.add(Event(EventKind.TOOL_RESULT, text[:MAX_OUTPUT], uuid, at, failed=failed, call=call))


def _take_command(event: _Payload, reading: _Reading, at: str) -> None:
    """Take a command that a script ran: the call that the model made is the script, and has an id of its own."""
    command = convert_leniently(decode_raw(event.item), _Command)
    if command.type != "CommandExecution" or not command.id or command.id in reading.seen:
        return
    reading.seen.add(command.id)
    add_event(
        reading.session, EventKind.TOOL_CALL, f"Bash: {_command_line(command.command)}"[:MAX_OUTPUT], command.id, at
    )
    output = (command.aggregated_output or "")[:MAX_OUTPUT]
    failed = bool(command.exit_code)
    reading.session.add(Event(EventKind.TOOL_RESULT, output, f"{command.id}-output", at, failed=failed))


def _claim_uuid(reading: _Reading, own: str, text: str) -> str:
    """Return the record's id, or nothing for one that was seen.

    A record without an id is known by what it says and how often that was said before in the thread and its forks: a
    line number would not survive a fork, which copies history with other times and not always whole.
    """
    if not own:
        digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        count = reading.times[digest] = reading.times.get(digest, 0) + 1
        own = f"{reading.thread or reading.session.id}-{digest}-{count}"
    if own in reading.seen:
        return ""
    reading.seen.add(own)
    return own


def _parts(content: msgspec.Raw) -> list[_Part]:
    try:
        parts = _decode_content(content)
    except UNREADABLE:
        value = decode_raw(content)
        parts = [convert_leniently(block, _Part) for block in value] if isinstance(value, list) else str(value or "")
    return [_Part(parts)] if isinstance(parts, str) else parts


def _human_texts(item: _Payload, parts: list[_Part]) -> list[str]:
    """Return what a person typed. Newer versions say of each part whose it is; of older ones the text must tell."""
    passed = item.internal_chat_message_metadata_passthrough
    kinds = [*((passed.content_item_kinds if passed else None) or ()), *("unknown" for _ in parts)]
    return [
        _human_text(part.text)
        for part, kind in zip(parts, kinds, strict=False)
        if kind.startswith("user.") or kind == "unknown"
    ]


def _human_text(text: str) -> str:
    _, found, request = text.partition(REQUEST)
    text = (request if found else text).strip()
    return "" if NOT_HUMAN.match(text) or ELEMENT.fullmatch(text) else text


def _call_text(item: _Payload) -> str:
    """Return `name: command` for commands, `name: path` for patches, else the name with what was asked for."""
    name = item.name or item.type.removesuffix("_call")
    given = decode_raw(item.arguments or item.input or item.action)
    if isinstance(given, str) and given.startswith("{"):
        given = decode_raw(msgspec.Raw(given.encode()))
    detail: Any = given
    if isinstance(given, dict):
        keys = ("command", "cmd", "input", "path", "file_path", "pattern", "query")
        detail = next((given[key] for key in keys if given.get(key)), "")
    line = _command_line(detail)
    patched = PATCHED.search(line)
    if patched:
        return f"Edit: {patched.group(1).strip()}"[:MAX_OUTPUT]
    return f"{DEEDS.get(name, name)}: {line}"[:MAX_OUTPUT]


def _command_line(command: object) -> str:
    """Return a command as it would be typed: without the shell that Codex wraps around it."""
    if not isinstance(command, list):
        return command if isinstance(command, str) else ""
    words = [str(word) for word in command]
    return words[-1] if words[1:-1] in SHELL_SWITCHES else " ".join(words)


def _output_text(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("content", value.get("output", ""))
    if isinstance(value, list):
        value = "\n".join(str(part.get("text", "")) for part in value if isinstance(part, dict))
    return value if isinstance(value, str) else ""


def _is_failure(text: str) -> bool:
    """Return whether an output reports an error: only its header is asked, never what the command printed."""
    if text.startswith("{"):
        told = decode_raw(msgspec.Raw(text.encode()))
        if not isinstance(told, dict):
            return False
        metadata = told.get("metadata")
        code = told.get("exit_code", metadata.get("exit_code") if isinstance(metadata, dict) else None)
        return isinstance(code, int) and code != 0
    header = HEADER_END.split(text, maxsplit=1)[0]
    code = EXIT_CODE.search(header)
    return int(code.group(1)) != 0 if code else bool(REFUSED.match(text))
