"""Merge TOML and JSON files by key: values, then a text that keeps comments and order where it can."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import Any, Literal

import tomli_w

from agent_context.merging.hunks import MOST_LINES, cut_hunks

KeyPath = tuple[str, ...]
Table = dict[str, Any]
Form = Literal["toml", "json"]
ABSENT: Any = object()
NAMES = ("id", "name", "key")


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A key that both sides set to something else: the value that stands in the merged table, and the other."""

    key: KeyPath
    stands: Any
    other: Any


@dataclass(frozen=True, slots=True)
class MergedText:
    """The merged file, and the keys that no rule settles."""

    text: str
    open: tuple[OpenKey, ...]


def merge_tables(base: Table, ours: Table, theirs: Table, path: KeyPath = ()) -> tuple[Table, list[OpenKey]]:
    """Merge by key, recursively. Lists are united without what one side took out; a change beats a deletion."""
    merged: Table = {}
    found: list[OpenKey] = []
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        before, mine, other = (side.get(key, ABSENT) for side in (base, ours, theirs))
        value, more = _merge_values(before, mine, other, (*path, key))
        found += more
        if value is not ABSENT:
            merged[key] = value
    return merged, found


def merge_table_texts(form: Form, base: str, ours: str, theirs: str) -> MergedText:
    """Merge two texts of a table. Raise ValueError when one of them does not read.

    Where a merge by line says the same as the merge by key, it is taken, as it keeps all comments; else ours is edited.
    """
    table, found = merge_tables(_read(form, base), _read(form, ours), _read(form, theirs))
    lines = [text.splitlines(keepends=True) for text in (base, ours, theirs)]
    hunks = cut_hunks(*lines, neighbours=True) if max(map(len, lines)) <= MOST_LINES else []
    if hunks and all(hunk.settled is not None for hunk in hunks):
        text = "".join(line for hunk in hunks for line in hunk.settled or ())
        if _says(form, text, table):
            return MergedText(text, tuple(found))
    return MergedText(edit_table(form, ours, table), tuple(found))


def edit_table(form: Form, text: str, table: Table) -> str:
    """Return the text changed so that it says what the table does."""
    if form == "json":
        indent = 2 if "\n" in text.strip() else None
        return json.dumps(table, indent=indent, ensure_ascii=False) + "\n"
    changed = _edit_in_place(text, table)
    # Tables in pieces and dotted keys are more than an edit in place can do: then the values count, not the comments.
    return changed if _says(form, changed, table) else tomli_w.dumps(table)


def write_key(form: Form, key: KeyPath, value: object) -> str:
    """Return one key's value as a text that `read_key` reads."""
    return (
        tomli_w.dumps({key[-1]: value}) if form == "toml" else json.dumps({key[-1]: value}, ensure_ascii=False) + "\n"
    )


def read_key(form: Form, text: str, key: KeyPath) -> object:
    """Return the value that such a text, or a whole file at this key, holds. Raise KeyError for none."""
    value: Any = _read(form, text)
    for part in key:
        value = _item(value, part)
    return value


def put_key(form: Form, text: str, key: KeyPath, value: object) -> str:
    """Return a file's text with the key set to the value. Raise KeyError where its table is no longer there."""
    table = _read(form, text)
    inner: Any = table
    for part in key[:-1]:
        inner = _item(inner, part)
    inner[key[-1]] = value
    return edit_table(form, text, table)


def _merge_values(before: Any, mine: Any, other: Any, path: KeyPath) -> tuple[Any, list[OpenKey]]:  # noqa: ANN401 - any type
    if _same(mine, other) or _same(other, before):
        return mine, []
    if _same(mine, before):
        return other, []
    if mine is ABSENT or other is ABSENT:
        return (other if mine is ABSENT else mine), []
    if isinstance(mine, dict) and isinstance(other, dict):
        return merge_tables(before if isinstance(before, dict) else {}, mine, other, path)
    if isinstance(mine, list) and isinstance(other, list):
        return _merge_lists(before if isinstance(before, list) else [], mine, other, path)
    stands, loser = sorted((mine, other), key=_order, reverse=True)
    return stands, [OpenKey(path, stands, loser)]


def _merge_lists(base: list[Any], ours: list[Any], theirs: list[Any], path: KeyPath) -> tuple[Any, list[OpenKey]]:
    """Merge lists of tables that have names by these, all others as sets."""
    named = [_by_name(side) for side in (base, ours, theirs)]
    if all(side is not None for side in named):
        before, mine, other = (side or {} for side in named)
        merged, found = merge_tables(before, mine, other, path)
        return list(merged.values()), found
    united = [*ours, *(item for item in theirs if item not in ours)]
    return [item for item in united if item not in base or (item in ours and item in theirs)], []


def _by_name(items: list[Any]) -> Table | None:
    """Return a list of tables by their names; None where one has none, or two have the same."""
    if not all(isinstance(item, dict) for item in items):
        return None
    named = {name: item for item in items if (name := _name(item))}
    return named if len(named) == len(items) else None


def _name(item: Table) -> str:
    return next((item[name] for name in NAMES if isinstance(item.get(name), str)), "")


def _item(value: Any, part: str) -> Any:  # noqa: ANN401 - values of any TOML type
    """Return a table's value, or the table of that name in a list."""
    if isinstance(value, list):
        value = _by_name(value) or {}
    if not isinstance(value, dict):
        raise KeyError(part)
    return value[part]


def _same(one: object, two: object) -> bool:
    """Tell whether two values are the same down to their types: to Python true is 1, and 1 is 1.0."""
    return one is two or (ABSENT not in (one, two) and _order(one) == _order(two))


def _order(value: object) -> str:
    """Return a text that orders any two values, the same on every machine."""
    return json.dumps(value, sort_keys=True, default=repr)


def _read(form: Form, text: str) -> Table:
    """Return the table that a text holds, an empty one for no text. Raise ValueError where it holds none."""
    if not text.strip():
        return {}
    table = tomllib.loads(text) if form == "toml" else json.loads(text)
    if not isinstance(table, dict):
        raise ValueError("the file holds no table")  # noqa: TRY004 - what does not parse raises the same
    return table


def _says(form: Form, text: str, table: Table) -> bool:
    try:
        return _same(_read(form, text), table)
    except ValueError:
        return False


def _edit_in_place(text: str, table: Table) -> str:
    """Return the TOML text brought to the table, or as far as tomlkit gets."""
    import tomlkit  # noqa: PLC0415 - 40 ms that only an edit pays
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415 - the same

    document = tomlkit.parse(text)
    try:
        _bring(document, table)
        return tomlkit.dumps(document)
    except (TOMLKitError, LookupError, ValueError, TypeError, AttributeError):
        # Seen: IndexError from `del` where a table stands in several pieces.
        return text


def _bring(document: Any, table: Table) -> None:  # noqa: ANN401 - tomlkit's own
    """Change a parsed TOML document in place until it says what the table does."""
    plain = document.unwrap()
    for key in plain.keys() - table.keys():
        del document[key]
    for key, value in table.items():
        if isinstance(value, dict) and isinstance(plain.get(key), dict):
            _bring(document[key], value)
        elif not _same(plain.get(key, ABSENT), value):
            document[key] = value
