"""Reading a file of JSON records line by line, whatever has happened to it: what the readers of this family share.

A broken line costs itself alone: what can be read of it is salvaged, the rest is counted in the session.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar, get_args, get_type_hints

import msgspec

from agent_context.transcripts.session import Event, EventKind, Session, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_LINE = 64 * 1024 * 1024
MAX_TEXT = 100_000
MAX_OUTPUT = 2_000
MAX_TEARS = 1_000  # places tried in one line, so that no line takes minutes
TIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d+)?(?:Z|\+00:00)")
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
NOTHING = "\ufeff\0 \t\r\n"

Record = TypeVar("Record", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class LineFormat(Generic[Record]):
    """How one agent writes its records.

    `start` is how a record begins. After a tear in the line an object counts as a record only when it has one of the
    keys in `marks`, which a record quoted inside another does not have.
    """

    shape: type[Record]
    start: re.Pattern[str]
    marks: frozenset[str]


def read_records(file: IO[bytes], form: LineFormat[Record], session: Session) -> Iterator[Record]:
    """Yield the records of an open file, one line in memory at a time; count broken lines in the session."""
    decode = msgspec.json.Decoder(form.shape).decode
    while line := file.readline(MAX_LINE):
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE)
            session.broken_lines += 1
            continue
        try:
            yield decode(line)
        except UNREADABLE:
            if line.strip():
                yield from _salvage(line, form, session)


def _salvage(line: bytes, form: LineFormat[Record], session: Session) -> Iterator[Record]:
    """Read what can be read of a line that is torn, holds several objects, or has fields of another shape."""
    found = 0
    for value in _objects(line.decode("utf-8", "replace"), form):
        if not isinstance(value.get("type", ""), str):
            continue
        try:
            record = convert_leniently(_without_surrogates(value), form.shape)
        except RecursionError:
            continue
        found += 1
        yield record
    session.salvaged_lines += bool(found)
    session.broken_lines += not found


def _objects(text: str, form: LineFormat[Record]) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder()
    position = tears = 0
    torn = False
    while tears < MAX_TEARS and (start := form.start.search(text, position)):
        torn = torn or bool(text[position : start.start()].strip(NOTHING))
        try:
            value, position = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            position, torn, tears = start.end(), True, tears + 1
            continue
        if not torn or value.keys() & form.marks:
            torn = False
            yield value


def _without_surrogates(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Replace halves of characters, which JSON can spell and no file can hold."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def convert_leniently(value: object, shape: type[Record]) -> Record:
    """Return the record with those fields only, at any depth, that have the expected shape."""
    if not isinstance(value, dict):
        return shape()
    hints = get_type_hints(shape)
    kept: dict[str, Any] = {}
    for field in msgspec.structs.fields(shape):
        if field.encode_name not in value:
            continue
        item, hint = value[field.encode_name], hints[field.name]
        try:
            kept[field.name] = _convert(item, hint)
        except msgspec.ValidationError:
            inner = next((kind for kind in get_args(hint) or (hint,) if _is_struct(kind)), None)
            element = next(
                (get_args(kind)[0] for kind in get_args(hint) if isinstance(item, list) and get_args(kind)), None
            )
            if inner is not None and isinstance(item, dict):
                kept[field.name] = convert_leniently(item, inner)
            elif element is not None and _is_struct(element):
                kept[field.name] = [convert_leniently(part, element) for part in item if isinstance(part, dict)]
    return shape(**kept)


def _convert(item: object, hint: Any) -> object:  # noqa: ANN401 - a type as it stands in an annotation
    return msgspec.Raw(msgspec.json.encode(item)) if hint is msgspec.Raw else msgspec.convert(item, hint)


def _is_struct(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def decode_raw(raw: msgspec.Raw) -> Any:  # noqa: ANN401 - any JSON value
    """Return a part of a record that was left undecoded, or None for one that does not read."""
    if not raw:
        return None
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        pass
    try:
        return _without_surrogates(json.loads(bytes(raw).decode("utf-8", "replace")))
    except (ValueError, RecursionError):
        return None


def close_session(session: Session, records: int) -> Session | Skipped:
    """Return the session that was read, or why there is nothing to learn from in it."""
    if not records:
        broken = bool(session.broken_lines)
        return Skipped(session.path, "not a transcript" if broken else "empty", lost=broken)
    return session if session.events else Skipped(session.path, "no messages")


def skip_unreadable(path: Path, error: OSError) -> Skipped:
    """Return the skip for a file that the machine does not let us read."""
    if isinstance(error, FileNotFoundError):
        return Skipped(path, "gone before it was read", lost=True)
    return Skipped(path, f"unreadable: {error.strerror}", lost=True)


def count_unknown(session: Session, name: str) -> None:
    """Count a kind of record that this version knows nothing of."""
    name = name or "no type"
    session.unknown[name] = session.unknown.get(name, 0) + 1


def add_event(session: Session, kind: EventKind, text: str, uuid: str, at: str) -> None:
    """Add an event unless its text is empty."""
    if text:
        session.add(Event(kind, text[:MAX_TEXT], uuid, at))


def normalize_time(timestamp: str | None) -> str:
    """Return a UTC time as `YYYY-MM-DDTHH:MM:SSZ`, or nothing when it is none."""
    found = TIME.fullmatch(timestamp or "")
    return f"{found.group(1)}Z" if found else ""
