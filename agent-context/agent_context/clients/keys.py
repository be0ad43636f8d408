"""Set or remove one key in the text of somebody's configuration: every other byte stays. Text only.

JSON may have comments, trailing commas and a byte order mark, as editors write it.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Form = Literal["json", "toml"]
KeyPath = tuple[str, ...]
Table = dict[str, Any]
MARK = "\ufeff"
UNTOUCHABLE = "it is written in a way that one key cannot be changed in without touching others"
# A string, or what is none of JSON's: a comment of either kind.
STRING = r'"(?:[^"\\\n]|\\.)*+"'
COMMENT = re.compile(rf"{STRING}|(//[^\n]*|/\*.*?\*/)", re.DOTALL)
TRAILING = re.compile(rf"{STRING}|(,)(?=\s*[}}\]])", re.DOTALL)
SPACES = re.compile(r"[ \t\r\n]*")
LINE_REST = re.compile(r"[ \t]*(?://[^\n]*?(?=\r?\n|$)|/\*[^\n]*?\*/[ \t]*(?=\r?\n|$))?")
DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Member:
    """One key of an object: where it begins, and its value's beginning and end."""

    key: str
    start: int
    value: int
    end: int


@dataclass(frozen=True, slots=True)
class Body:
    """An object in a text: where its braces are (the closing one's index), and its members."""

    start: int
    end: int
    members: tuple[Member, ...]

    def find(self, key: str) -> Member | None:
        """Return the member that counts: of two with one name, the last."""
        return next((member for member in reversed(self.members) if member.key == key), None)


def read_table(form: Form, text: str) -> Table:
    """Return the table that a text holds, an empty one for no text. Raise ValueError, with the line, for none."""
    try:
        if form == "toml":
            return tomllib.loads(text.removeprefix(MARK))
        clean = _blank(text)
        table = json.loads(clean) if clean.strip() else {}
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if not isinstance(table, dict):
        raise ValueError("it holds no object")  # noqa: TRY004 - what does not parse raises the same
    return table


def get_key(table: Table, path: KeyPath) -> Any:  # noqa: ANN401 - values of any type
    """Return the value at a path. Raise KeyError for none."""
    value: Any = table
    for key in path:
        if not isinstance(value, dict):
            raise KeyError(key)
        value = value[key]
    return value


def set_key(form: Form, text: str, path: KeyPath, value: object) -> str:
    """Return the text with the value at this path, its tables made where they are missing.

    Raise ValueError for a text that does not read, or whose table is something else.
    """
    table = read_table(form, text)
    if _has(table, path, value):
        return text
    edited = _set_toml(text, path, value) if form == "toml" else _set_json(text, path, value)
    _put(table, path, value)
    if read_table(form, edited) != table:  # a slip here would cost a person their configuration
        raise ValueError(UNTOUCHABLE)
    return edited


def remove_key(form: Form, text: str, path: KeyPath) -> str:
    """Return the text without this key; as it is where there is none. Raise ValueError for one that does not read."""
    table = read_table(form, text)
    try:
        del get_key(table, path[:-1])[path[-1]]
    except (KeyError, TypeError):
        return text
    edited = _remove_toml(text, path) if form == "toml" else _remove_json(text, path)
    # A table that is left empty may go or stay.
    if _prune(read_table(form, edited), path[:-1]) != _prune(table, path[:-1]):
        raise ValueError(UNTOUCHABLE)
    return edited


def _has(table: Table, path: KeyPath, value: object) -> bool:
    try:
        found = get_key(table, path)
    except KeyError:
        return False
    return json.dumps(found, default=repr) == json.dumps(value, default=repr)


def _put(table: Table, path: KeyPath, value: object) -> None:
    for key in path[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise ValueError(f"{key} holds no table")  # noqa: TRY004 - the same as a text that does not read
    table[path[-1]] = value


def _prune(table: Table, path: KeyPath) -> Table:
    """Return the table without the tables on this path that are empty."""
    if path and isinstance(inner := table.get(path[0]), dict) and not _prune(inner, path[1:]):
        del table[path[0]]
    return table


def _blank(text: str) -> str:
    """Return the JSON with comments, trailing commas and a byte order mark as spaces: every place stays the same."""
    clean = " " + text[1:] if text.startswith(MARK) else text
    for pattern in (COMMENT, TRAILING) if "/" in clean or re.search(r",\s*[}\]]", clean) else ():
        clean = pattern.sub(lambda found: re.sub(r"[^\n]", " ", found[0]) if found[1] else found[0], clean)
    return clean


def _skip(text: str, place: int) -> int:
    found = SPACES.match(text, place)
    return found.end() if found else place


def _read_body(clean: str, start: int) -> Body:
    """Return the object whose brace opens at a place of a text that is known to be JSON."""
    members = []
    place = _skip(clean, start + 1)
    while clean[place] == '"':
        key, after = DECODER.raw_decode(clean, place)
        value = _skip(clean, _skip(clean, after) + 1)
        end = DECODER.raw_decode(clean, value)[1]
        members.append(Member(key, place, value, end))
        place = _skip(clean, end)
        if clean[place] == ",":
            place = _skip(clean, place + 1)
    return Body(start, place, tuple(members))


def _set_json(text: str, path: KeyPath, value: object) -> str:
    clean = _blank(text)
    if not clean.strip():
        return text + _dump({path[0]: _nest(path[1:], value)}, "  ", "\n") + "\n"
    line_end = "\r\n" if "\r\n" in text else "\n"
    body, unit = _read_body(clean, _skip(clean, 0)), _find_unit(clean)
    for depth, key in enumerate(path):
        found = body.find(key)
        if found is None:
            return _insert(text, clean, body, (key, _nest(path[depth + 1 :], value)), depth + 1)
        if depth == len(path) - 1:
            dumped = _dump(value, unit if "\n" in clean else "", line_end + _indent_of(clean, found.start))
            return text[: found.value] + dumped + text[found.end :]
        if clean[found.value] != "{":
            raise ValueError(f"{'.'.join(path[: depth + 1])} holds no object")
        body = _read_body(clean, found.value)
    raise AssertionError("BUG: a path without keys")


def _insert(text: str, clean: str, body: Body, item: tuple[str, object], depth: int) -> str:
    """Return the text with one more member at the object's end, in the manner of its neighbours."""
    line_end, unit = ("\r\n" if "\r\n" in text else "\n"), _find_unit(clean)
    within = clean[body.start : body.end]
    flat = bool(body.members) and "\n" not in within
    indent = _indent_of(clean, body.members[0].start) if body.members else unit * depth
    lead = " " if flat else line_end + indent
    new = json.dumps(item[0], ensure_ascii=False) + ": " + _dump(item[1], "" if flat else unit, line_end + indent)
    if not body.members:
        inside = text[body.start + 1 : body.end].rstrip(" \t\r\n")
        return text[: body.start + 1] + inside + lead + new + line_end + unit * (depth - 1) + text[body.end :]
    last = body.members[-1].end
    comma = _blank_comments(text).find(",", last, body.end)
    trailing = comma >= 0
    before = text[:last] + ("" if trailing else ",")
    place = comma + 1 if trailing else last
    rest = LINE_REST.match(text, place)
    end = rest.end() if rest and not flat else place
    return before + text[last:end].rstrip(" \t") + lead + new + ("," if trailing else "") + text[end:]


def _remove_json(text: str, path: KeyPath) -> str:
    while True:
        clean = _blank(text)
        body = _read_body(clean, _skip(clean, 0))
        for key in path[:-1]:
            inner = body.find(key)
            body = _read_body(clean, inner.value) if inner and clean[inner.value] == "{" else Body(0, 0, ())
        found = body.find(path[-1])
        if found is None:
            return text
        text = _cut(text, body, found)


def _cut(text: str, body: Body, found: Member) -> str:
    """Return the text without one member, its comma and the comment behind it."""
    bare = _blank_comments(text)
    index = body.members.index(found)
    after = _skip(bare, found.end)
    comma = after if bare[after] == "," else -1
    end = comma + 1 if comma >= 0 else found.end
    rest = LINE_REST.match(text, end)
    if rest and text[rest.end() : rest.end() + 2].startswith(("\n", "\r\n")):
        end = rest.end()
    begin = found.start
    while begin > body.start + 1 and text[begin - 1] in " \t":
        begin -= 1
    begin = begin if text[begin - 1] == "\n" else found.start
    if text[begin - 1] == "\n":
        begin -= 2 if text[begin - 2] == "\r" else 1
    elif index < len(body.members) - 1:
        end = body.members[index + 1].start
    elif index and comma >= 0:
        begin = len(text[:begin].rstrip(" \t"))
    if len(body.members) == 1 and not text[body.start + 1 : begin].strip() and not text[end : body.end].strip():
        return text[: body.start + 1] + text[body.end :]
    if index == len(body.members) - 1 and index and comma < 0:
        return _drop_comma(text, bare, body.members[index - 1].end, begin) + text[end:]
    return text[:begin] + text[end:]


def _drop_comma(text: str, bare: str, last: int, until: int) -> str:
    """Return the text up to a place, without the comma behind the member that is the last now."""
    comma = _skip(bare, last)
    kept = text[comma + 1 : max(until, comma + 1)] if bare[comma] == "," else ""
    return text[:comma] + (kept if kept.strip() else "") if bare[comma] == "," else text[:until]


def _blank_comments(text: str) -> str:
    return COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]) if found[1] else found[0], text)


def _nest(path: Sequence[str], value: object) -> object:
    for key in reversed(path):
        value = {key: value}
    return value


def _dump(value: object, unit: str, line_end: str) -> str:
    """Return a value as JSON, its lines beginning as the key's line does; on one line without a unit."""
    return json.dumps(value, indent=unit or None, ensure_ascii=False).replace("\n", line_end)


def _indent_of(clean: str, place: int) -> str:
    line = clean[clean.rfind("\n", 0, place) + 1 : place]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _find_unit(clean: str) -> str:
    """Return what one level is indented by: as the first line within the outermost braces is."""
    found = re.match(r"\s*\{[ \t]*\r?\n\s*?([ \t]+)\S", clean)
    return found.group(1) if found else "  "


def _set_toml(text: str, path: KeyPath, value: object) -> str:
    import tomlkit  # noqa: PLC0415 - 40 ms that only an edit pays
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415 - the same

    appended = _append_toml(text, path, value)
    if appended:
        return appended
    document: Any = tomlkit.parse(text)
    inner = document
    try:
        for key in path[:-1]:
            inner = inner.setdefault(key, tomlkit.table(is_super_table=True))
        inner[path[-1]] = value
        return tomlkit.dumps(document)
    except (TOMLKitError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{'.'.join(path)} cannot be set: {error}") from None


def _append_toml(text: str, path: KeyPath, value: object) -> str:
    """Return the text with a new table at its end; empty where the table exists, or where that would not read."""
    import tomli_w  # noqa: PLC0415 - only an edit pays

    if not isinstance(value, dict):
        return ""
    block = tomli_w.dumps(_nested(path, value))
    joint = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    edited = text + joint + block
    table = read_table("toml", text)
    try:
        get_key(table, path)
    except KeyError:
        _put(table, path, value)
        try:
            return edited if read_table("toml", edited) == table else ""
        except ValueError:
            return ""
    return ""


def _nested(path: KeyPath, value: Table) -> Table:
    nested = _nest(path, value)
    return nested if isinstance(nested, dict) else {}


def _remove_toml(text: str, path: KeyPath) -> str:
    import tomli_w  # noqa: PLC0415 - only an edit pays
    import tomlkit  # noqa: PLC0415 - 40 ms that only an edit pays
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415 - the same

    value = get_key(read_table("toml", text), path)
    block = tomli_w.dumps(_nested(path, value)) if isinstance(value, dict) else ""
    if block and text.count(block) == 1 and (text == block or text.endswith("\n" + block)):
        return text.removesuffix(block).removesuffix("\n")  # as we appended it
    document: Any = tomlkit.parse(text)
    inner = document
    try:
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]
        return tomlkit.dumps(document)
    except (TOMLKitError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{'.'.join(path)} cannot be removed: {error}") from None
