"""Read on in a session's transcripts from where its card stands: only what is new is decoded, and only what counts.

A record is one line; what is not one of ours, does not read or is still being written is passed over or waited for.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from agent_context.live.cards import Card, Source, Tokens
from agent_context.live.edits import Edit, Hunk, narrow
from agent_context.transcripts.claude_code import human_text
from agent_context.transcripts.lines import normalize_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_context.projects import Projects

MOST_LINE = 64 * 1024 * 1024
MOST_EDITS = 400
MOST_FILES = 300
TEXT_LENGTH = 300
READ_LENGTH = 600  # a secret that is cut is none that a screen knows
TEXTS = ("title", "task", "request", "said")
CHECK_LINES = 64  # lines between two looks at the clock
MAY_EDIT = re.compile(rb'"(?:structuredPatch|notebook_path)"')
QUEUED = re.compile(rb'"queued_command"')
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Origin(msgspec.Struct):
    kind: str = ""


class Line(msgspec.Struct, rename="camel"):
    """What is taken of a record."""

    type: str = ""
    uuid: str | None = None
    timestamp: str | None = None
    cwd: str | None = None
    git_branch: str | None = None
    is_meta: bool | None = None
    is_compact_summary: bool | None = None
    is_visible_in_transcript_only: bool | None = None
    origin: _Origin | None = None
    message: msgspec.Raw = msgspec.Raw()
    attachment: msgspec.Raw = msgspec.Raw()
    tool_use_result: msgspec.Raw = msgspec.Raw()
    ai_title: str | None = None
    custom_title: str | None = None


class _Usage(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0


class _Block(msgspec.Struct):
    type: str = ""
    text: str = ""


class _Message(msgspec.Struct):
    id: str = ""
    model: str | None = None
    content: str | list[_Block] = ""
    usage: _Usage | None = None


class _Queued(msgspec.Struct):
    type: str = ""
    prompt: str | list[_Block] = ""
    origin: _Origin | None = None


class _Patch(msgspec.Struct, rename="camel"):
    old_start: int
    new_start: int
    lines: list[str]


class Result(msgspec.Struct, rename="camel"):
    """What a tool that edits says it did; `notebook_path` is by its own name."""

    file_path: str = ""
    notebook_path: str = msgspec.field(default="", name="notebook_path")
    structured_patch: list[_Patch] | None = None
    original_file: str | None = None
    original_file_contents: str | None = None
    content: str | None = None
    type: str | None = None


decode_line = msgspec.json.Decoder(Line).decode
decode_result = msgspec.json.Decoder(Result).decode
_decode_message = msgspec.json.Decoder(_Message).decode
_decode_queued = msgspec.json.Decoder(_Queued).decode


class Sited(NamedTuple):
    """The checkout that a folder lies in and the project that it belongs to, each empty for none."""

    top: str = ""
    project: str = ""


def situate(folder: Path, projects: Projects | None = None) -> Sited:
    """Return where a folder belongs: its project by what `projects` knows, else by git alone."""
    from agent_context.git import locate_checkout  # noqa: PLC0415 - it takes time that a look without news saves
    from agent_context.projects import identify  # noqa: PLC0415 - the same

    checkout = locate_checkout(folder) if folder.is_dir() else None
    top = os.path.realpath(checkout.top) if checkout else ""
    if projects is None:
        return Sited(top, identify(checkout).folder if checkout else "")
    found = projects.find(str(folder))
    return Sited(top, found.folder if found else "")


@dataclass(slots=True)
class _Draft:
    """A card while it is read on."""

    fields: dict[str, Any]
    client: Path
    place: Callable[[Path], Sited]
    edits: list[Edit] = field(default_factory=list)
    tokens: Tokens = field(default_factory=Tokens)
    files: dict[str, str] = field(default_factory=dict)
    places: dict[Path, Sited] = field(default_factory=dict)


def read_on(
    card: Card | None,
    transcript: Path,
    home: Path,
    is_over: Callable[[], bool] = lambda: False,
    place: Callable[[Path], Sited] = situate,
) -> Card:
    """Return the card of a session as its transcripts are now, its subagents' too; the same one when none grew.

    Ends early, with what was read till then, when `is_over` says so. `home` is the client's own folder: what is edited
    in it is no project's. `place` says where a folder belongs. Raise nothing for what is in the files, nor for one that
    is gone.
    """
    session = transcript.stem
    card = card or Card(session)
    paths = [transcript, *sorted((transcript.parent / session / "subagents").glob("**/agent-*.jsonl"))]
    grown = {path: status for path in paths if (status := _stat(path)) and not _is_read(card, path, status)}
    if any(_is_other(card, path, status) for path, status in grown.items()):
        card = Card(session)  # replaced or cut: what was read is of another file
        grown = {path: status for path in paths if (status := _stat(path))}
    if not grown:
        return card
    draft = _Draft(msgspec.structs.asdict(card), home, place, list(card.edits), card.tokens, dict(card.files))
    sources = dict(card.sources)
    for path, status in grown.items():
        source = sources.get(path.name, Source(status.st_ino))
        sources[path.name] = _read_source(draft, path, source, is_over, own=path == transcript)
    draft.fields |= {name: _finish(draft.fields[name]) for name in TEXTS if draft.fields[name] != getattr(card, name)}
    newest = sorted(draft.files.items(), key=lambda item: item[1])[-MOST_FILES:]
    draft.fields |= {
        "edits": tuple(draft.edits[-MOST_EDITS:]),
        "tokens": draft.tokens,
        "files": dict(newest),
        "sources": sources,
    }
    return Card(**draft.fields)


def is_current(card: Card, transcript: Path) -> bool:
    """Tell whether a card stands on all that the session's own transcript has, but for a line being written."""
    status = _stat(transcript)
    return status is not None and _is_read(card, transcript, status)


def _finish(text: str) -> str:
    """Return a text as a card holds it: without secrets, cut."""
    from agent_context.screening import find_secrets  # noqa: PLC0415 - only a card that changes pays for it

    for hit in reversed(find_secrets(text)):
        text = f"{text[: hit.start]}[redacted:{hit.rule}]{text[hit.end :]}"
    return text[:TEXT_LENGTH]


def _stat(path: Path) -> os.stat_result | None:
    with suppress(OSError):
        return path.stat()
    return None


def _is_read(card: Card, path: Path, status: os.stat_result) -> bool:
    source = card.sources.get(path.name)
    return source is not None and (source.inode, source.offset) == (status.st_ino, status.st_size)


def _is_other(card: Card, path: Path, status: os.stat_result) -> bool:
    source = card.sources.get(path.name)
    return source is not None and (source.inode != status.st_ino or source.offset > status.st_size)


def _read_source(draft: _Draft, path: Path, source: Source, is_over: Callable[[], bool], *, own: bool) -> Source:
    """Take what is new in one transcript, whole lines only; return how far it was read."""
    offset, number = source.offset, 0
    with suppress(OSError), path.open("rb") as file:
        file.seek(offset)
        while line := file.readline(MOST_LINE):
            if not line.endswith(b"\n") and len(line) < MOST_LINE:
                break
            with suppress(*UNREADABLE):
                source = _take(draft, decode_line(line), path.name, offset, source, own=own)
            offset += len(line)
            number += 1
            if number % CHECK_LINES == 0 and is_over():
                break
    return msgspec.structs.replace(source, offset=offset)


def _take(draft: _Draft, line: Line, name: str, offset: int, source: Source, *, own: bool) -> Source:
    """Add what a record says to the draft; return the source with the answer that it is part of."""
    fields = draft.fields
    if own:
        fields["title"] = (line.custom_title or line.ai_title or fields["title"])[:READ_LENGTH]
    if line.type == "attachment" and own:
        _take_queued(draft, line)
    if line.type not in ("user", "assistant"):
        return source
    at = normalize_time(line.timestamp)
    if own:
        fields["at"] = max(fields["at"], at)
        fields["started"] = fields["started"] or at
        fields["branch"] = line.git_branch or fields["branch"]
        if line.cwd and not fields["cwd"]:
            fields["cwd"] = line.cwd
            site = _place(draft, Path(line.cwd))
            fields["top"], fields["project"] = site.top, site.project
    if line.type == "user":
        if MAY_EDIT.search(line.tool_use_result):
            _take_edit(draft, line, name, offset, at)
        elif own and not line.tool_use_result:
            _take_request(draft, line)
        return source
    return _take_answer(draft, _decode_message(line.message), source, own=own)


def _take_request(draft: _Draft, line: Line) -> None:
    if line.is_meta or line.is_compact_summary or line.is_visible_in_transcript_only:
        return
    if line.origin is not None and line.origin.kind != "human":
        return
    _note_request(draft, _text(_decode_message(line.message).content))


def _take_queued(draft: _Draft, line: Line) -> None:
    """Take what a person typed while the agent was busy: it has no record of its own kind."""
    if QUEUED.search(line.attachment):
        queued = _decode_queued(line.attachment)
        if queued.type == "queued_command" and queued.origin is not None and queued.origin.kind == "human":
            _note_request(draft, _text(queued.prompt))


def _note_request(draft: _Draft, text: str) -> None:
    text = human_text(text)[:READ_LENGTH]
    if text:
        draft.fields["task"] = draft.fields["task"] or text
        draft.fields["request"] = text
        draft.fields["messages"] += 1


def _take_answer(draft: _Draft, message: _Message, source: Source, *, own: bool) -> Source:
    """Take a part of an answer; its usage is repeated with every part and grows, so the last one counts."""
    text = _text(message.content).strip()
    if own and text:
        draft.fields["said"] = text[:READ_LENGTH]
        draft.fields["messages"] += 1
    if message.usage is None:
        return source
    usage = message.usage
    used = Tokens(
        usage.input_tokens, usage.output_tokens, usage.cache_creation_input_tokens, usage.cache_read_input_tokens
    )
    before = source.used if message.id and message.id == source.message else Tokens()
    sums = {
        name: getattr(draft.tokens, name) + getattr(used, name) - getattr(before, name)
        for name in Tokens.__struct_fields__
    }
    draft.tokens = Tokens(**sums)
    return msgspec.structs.replace(source, message=message.id, used=used)


def _take_edit(draft: _Draft, line: Line, name: str, offset: int, at: str) -> None:
    result = decode_result(line.tool_use_result)
    given = result.file_path or result.notebook_path
    if not given:
        return
    path = Path(given) if Path(given).is_absolute() else Path(draft.fields["cwd"] or "/") / given
    path = Path(os.path.realpath(path.parent)) / path.name
    if path.is_relative_to(draft.client):
        return
    site = _place(draft, path.parent)
    edit = Edit(line.uuid or f"{name}:{offset}", str(path), at, name, offset, _hunks(result), site.top, site.project)
    draft.edits.append(edit)
    draft.files[edit.name] = max(at, draft.files.get(edit.name, ""))


def _hunks(result: Result) -> tuple[Hunk, ...]:
    patches = result.structured_patch or ()
    if not patches and result.content is not None and result.type == "create":
        return (Hunk(1, 0, 1, max(1, len(result.content.splitlines()))),)
    return tuple(hunk for patch in patches for hunk in narrow(patch.old_start, patch.new_start, patch.lines))


def _place(draft: _Draft, folder: Path) -> Sited:
    """Return where a folder belongs; it is looked up once."""
    if folder not in draft.places:
        draft.places[folder] = draft.place(folder)
    return draft.places[folder]


def _text(content: str | list[_Block]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block.text for block in content if block.type == "text")


def read_result(transcript: Path, offset: int) -> Result | None:
    """Return what the record at an offset says an edit did, None where it no longer does."""
    with suppress(OSError, *UNREADABLE), transcript.open("rb") as file:
        file.seek(offset)
        return decode_result(decode_line(file.readline(MOST_LINE)).tool_use_result)
    return None
