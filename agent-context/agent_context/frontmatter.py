"""Learning files: strict reading and canonical, byte-stable writing of front matter and body."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import yaml

from agent_context.errors import FormatError
from agent_context.learning import Confirmed, Conflict, Learning, Source, StatusNote

FENCE = "---"
ORDER = (
    "id",
    "kind",
    "tags",
    "status",
    "status_note",
    "paths",
    "created",
    "review_after",
    "pinned",
    "sources",
    "confirmed",
    "supersedes",
    "conflicts",
)
REQUIRED = ("id", "kind", "status", "created")
NESTED: dict[str, type[msgspec.Struct]] = {
    "sources": Source,
    "confirmed": Confirmed,
    "status_note": StatusNote,
    "conflicts": Conflict,
}
TIME = re.compile(r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}Z)?")
PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+@-]*(?: [A-Za-z0-9_./+@-]+)*")
# Characters that YAML 1.1 readers refuse or take for line breaks even inside double quotes.
NOT_PRINTABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
MOST_LEVELS = 64
IDENTITY = re.compile(r"[0-9a-f]{10,64}")
NOT_PLAIN = re.compile(r"(?i)true|false|yes|no|on|off|null|y|n|[-+.0-9_eE]+|0[xob][0-9a-f_]+|[-+]?\.(?:inf|nan)")


def parse_learning(text: str, path: str) -> Learning:
    """Read one learning file. Raise FormatError naming file, line and key when it is not one."""
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].rstrip() != FENCE:
        raise FormatError(path, 1, "no front matter", hint="the file must begin with a line of three dashes")
    end = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() == FENCE), None)
    if end is None:
        raise FormatError(
            path, len(lines), "the front matter does not end", hint="close it with a line of three dashes"
        )
    fields = _read_fields("\n".join(lines[1:end]), path)
    claim, why, evidence = _split_body(lines[end + 1 :])
    if not claim:
        raise FormatError(path, end + 2, "no claim", hint="the first paragraph after the front matter is the claim")
    for key in ("id", "supersedes"):
        named = fields.get(key, [])
        if any(not IDENTITY.fullmatch(item) for item in ([named] if isinstance(named, str) else named)):
            line = next((number for number, text in enumerate(lines[:end], 1) if text.startswith(f"{key}:")), 1)
            raise FormatError(path, line, "not ten or more hex digits", key=key, hint="restore the id from git")
    try:
        return msgspec.convert({**fields, "claim": claim, "why": why, "evidence": evidence}, Learning, strict=False)
    except msgspec.ValidationError as error:
        key = _key_of(error)
        line = next((i + 1 for i, text in enumerate(lines[:end]) if text.startswith(f"{key}:")), 1)
        reason = str(error).split(" - at ")[0]
        raise FormatError(path, line, reason, key=key, hint="see docs/format.md for the values it takes") from None


def write_learning(learning: Learning) -> str:
    """Return the canonical text: `parse_learning` of it gives the same value, and writing that the same bytes."""
    rows = []
    for key in ORDER:
        value = getattr(learning, key)
        if value in ("", None, False) or (value == () and key != "tags"):
            continue
        rows.append(_write_field(key, msgspec.to_builtins(value)))
    parts = [learning.claim, *learning.why, *(_quote(text) for text in learning.evidence)]
    return "\n".join([FENCE, *rows, FENCE, "\n\n".join(parts)]) + "\n"


def parse_header(text: str, path: str) -> dict[str, str]:
    """Return the front matter of somebody's Markdown: its keys with plain values; lists and the like as empty text.

    Raise FormatError naming file and line where it has none that reads.
    """
    found = re.match(r"---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", text, re.DOTALL | re.MULTILINE)
    if not found:
        raise FormatError(path, 1, "no front matter", hint="begin with ---, `description: …`, ---")
    if _is_deep(found[1]):
        raise FormatError(path, 2, "the front matter is nested beyond reason", hint="mend it")
    try:
        node = yaml.compose(found[1], Loader=yaml.CBaseLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise FormatError(path, mark.line + 2 if mark else 2, problem, hint="mend the front matter there") from None
    if not isinstance(node, yaml.MappingNode):
        raise FormatError(path, 2, "the front matter is not a list of `key: value` lines")
    pairs = ((key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode))
    return {str(key.value): str(value.value) if isinstance(value, yaml.ScalarNode) else "" for key, value in pairs}


def _read_fields(text: str, path: str) -> dict[str, Any]:
    """Return the front matter as strings, lists and dicts of strings. No YAML tag, anchor or type is honoured."""
    if sum(map(text.count, ("[", "{", "- ", "? "))) > MOST_LEVELS and _is_deep(text):
        raise FormatError(path, 2, "the front matter is nested beyond reason", hint="restore the file from git")
    try:
        node = yaml.compose(text, Loader=yaml.CBaseLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 2
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise FormatError(
            path, line, problem, hint="mend the front matter there, or restore the file from git"
        ) from None
    if not isinstance(node, yaml.MappingNode):
        raise FormatError(path, 2, "the front matter is not a list of `key: value` lines")
    fields = _read_mapping(node, path, Learning, allowed=ORDER)
    for key in REQUIRED:
        if key not in fields:
            raise FormatError(path, 1, "is missing", key=key, hint=f"add a line `{key}: …` to the front matter")
    return fields


def _is_deep(text: str) -> bool:
    """Tell whether a text has more levels than any file of ours; to build too many would end the process."""
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CBaseLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MOST_LEVELS:
                return True
    except yaml.YAMLError:
        return False
    return False


def _read_mapping(
    node: yaml.MappingNode, path: str, kind: type[msgspec.Struct], allowed: tuple[str, ...]
) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key, line = str(key_node.value), key_node.start_mark.line + 2
        if key not in allowed:
            raise FormatError(path, line, "unknown key", key=key, hint=f"known keys: {', '.join(allowed)}")
        if key in fields:
            raise FormatError(path, line, "given twice", key=key, hint="keep one of the two lines")
        fields[key] = _read_value(value_node, path, NESTED.get(key) if kind is Learning else None)
    return fields


def _read_value(node: yaml.Node, path: str, nested: type[msgspec.Struct] | None) -> Any:  # noqa: ANN401 - YAML's own shape
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_read_value(item, path, nested) for item in node.value]
    if isinstance(node, yaml.MappingNode) and nested is not None:
        return _read_mapping(node, path, nested, allowed=nested.__struct_fields__)
    raise FormatError(path, node.start_mark.line + 2, "a value of this shape is not expected here")


def _split_body(lines: list[str]) -> tuple[str, list[str], list[str]]:
    """Return claim, why and evidence: the first paragraph, the further ones, the block quotes."""
    blocks = re.split(r"\n\s*\n", "\n".join(lines).strip("\n"))
    plain = [block for block in blocks if block.strip() and not block.startswith(">")]
    quotes = [
        "\n".join(re.sub(r"^> ?", "", line) for line in block.split("\n")) for block in blocks if block.startswith(">")
    ]
    claim = re.sub(r"\s+", " ", plain[0]).strip() if plain else ""
    return claim, [block.rstrip() for block in plain[1:]], [quote.rstrip() for quote in quotes]


def _quote(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _write_field(key: str, value: Any) -> str:  # noqa: ANN401 - a builtin of any JSON shape
    if key in ("sources", "confirmed", "conflicts"):
        return f"{key}:\n" + "\n".join(f"  - {_flow(item)}" for item in value)
    return f"{key}: {_flow(value)}"


def _flow(value: Any) -> str:  # noqa: ANN401 - a builtin of any JSON shape
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, bool | int):
        return str(value).lower()
    return _scalar(str(value))


def _scalar(text: str) -> str:
    """Return the text plain where every YAML reader takes it for the same string (or time), else in double quotes."""
    if TIME.fullmatch(text) or (PLAIN.fullmatch(text) and not NOT_PLAIN.fullmatch(text)):
        return text
    quoted = msgspec.json.encode(text).decode()
    return NOT_PRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", quoted)


def _key_of(error: msgspec.ValidationError) -> str:
    found = re.search(r"`\$\.(\w+)", str(error))
    return found.group(1) if found else ""
