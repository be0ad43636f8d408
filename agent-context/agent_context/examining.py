"""Screen one text or transcript as it was given: what is found, line by line, and the text without it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from secrets import token_bytes
from typing import TYPE_CHECKING, Any

from agent_context.screening import decoding
from agent_context.screening.allowing import cut_found, hash_found
from agent_context.screening.taint import Taint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from agent_context.learning import Finding
    from agent_context.screening.guarding import Guard

SALT_BYTES = 16
MARKS = frozenset({"type", "message", "sessionId", "uuid", "payload", "role"})


@dataclass(frozen=True, slots=True)
class Found:
    """A finding and the hash by which a person can allow it."""

    finding: Finding
    hash: str


def find_in_text(text: str, guard: Guard) -> list[Found]:
    """Return what is found in a text; a value that stands in it where a secret does is found everywhere in it."""
    return [Found(item, hash_found(cut_found(text, item))) for item in _learn([text], guard).find(text)]


def clean_text(text: str, guard: Guard) -> str:
    """Return the text redacted, with placeholders for what is personal."""
    return _learn([text], guard).clean(text)


def find_in_transcript(text: str, guard: Guard) -> Iterator[Found]:
    """Yield what is found in a transcript's strings; the line is the record's, the column that of the string."""
    knowing = _learn(_strings(text), guard)
    for number, line in enumerate(text.splitlines(), 1):
        for string in decoding.find_texts(_load(line)):
            for item in knowing.find(string):
                yield Found(replace(item, line=number), hash_found(cut_found(string, item)))


def clean_transcript(text: str, guard: Guard) -> str:
    """Return a transcript whose strings are redacted, one record a line; a line that is no JSON is cleaned as text."""
    knowing = _learn(_strings(text), guard)
    return "".join(
        (
            json.dumps(_map(_load(line), knowing.clean), ensure_ascii=False)
            if line.startswith("{")
            else knowing.clean(line)
        )
        + "\n"
        for line in text.splitlines()
    )


def is_transcript(name: str, text: str) -> bool:
    """Tell whether a file is a session's: JSON records, one a line, by its name and by how it begins."""
    first = _load(text.lstrip("\ufeff").partition("\n")[0])
    return name.endswith(".jsonl") and isinstance(first, dict) and bool(MARKS & first.keys())


def _learn(texts: Iterable[str], guard: Guard) -> Guard:
    taint = Taint(token_bytes(SALT_BYTES))
    taint.learn(texts)
    return guard.knowing(taint)


def _strings(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield from decoding.find_texts(_load(line))


def _load(line: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return a record, or the line itself where it is none."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line


def _map(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_map(item, change) for item in value]
    if isinstance(value, dict):
        return {key: item if key in decoding.NOT_TEXT else _map(item, change) for key, item in value.items()}
    return value
