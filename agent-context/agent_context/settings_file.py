"""The text of a settings file: one setting read, changed or taken out; comments and order stay as they are."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from agent_context.errors import AgentContextError
from agent_context.settings import DESCRIPTIONS, advise, find_nearest, flatten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

    from tomlkit.items import Item

KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its value, its default, the file that sets it (`default`: none does), what it does."""

    name: str
    value: object
    default: object
    where: str
    description: str


def list_settings(kind: type[msgspec.Struct], values: msgspec.Struct, text: str, where: str) -> list[Setting]:
    """Return all settings of a file in their order. `text` is the file's, `where` its name."""
    data = tomllib.loads(text)
    defaults = flatten(kind())
    return [
        Setting(name, value, defaults[name], where if _holds(data, name) else "default", DESCRIPTIONS[name])
        for name, value in flatten(values).items()
    ]


def get_setting(values: msgspec.Struct, name: str) -> object:
    """Return one setting's value, or what a table holds under a further key. Raise AgentContextError for no such."""
    known, rest = _resolve(name, type(values))
    value = flatten(values)[known]
    for key in rest:
        if not isinstance(value, dict) or key not in value:
            raise AgentContextError(
                f"{known} holds no {key}", hint=f"agent-context config get {known} shows what it holds"
            )
        value = value[key]
    return value


def set_setting(text: str, kind: type[msgspec.Struct], name: str, value: str) -> str:
    """Return the text with one setting changed. Raise AgentContextError for an unknown name or a value it cannot take.

    The value is read as TOML where that fits the setting, else as the words themselves, a list's by commas.
    """
    known, rest = _resolve(name, kind)
    path, problem = (*known.split("."), *rest), ""
    for reading in _readings(value, flatten(kind())[known]):
        changed = _edit(text, partial(_put, path=path, value=reading))
        try:
            msgspec.convert(tomllib.loads(changed), kind)
        except msgspec.ValidationError as error:
            problem = str(error)
        else:
            return changed
    words = problem.split(" - at ")[0]
    hint = advise(problem, kind)
    raise AgentContextError(f"{name} cannot be {value!r}: {words}", hint=f"{hint}\n{known}: {DESCRIPTIONS[known]}")


def unset_setting(text: str, kind: type[msgspec.Struct], name: str) -> str:
    """Return the text without one setting, so that its default holds again. Raise AgentContextError for no such."""
    known, rest = _resolve(name, kind)
    return _edit(text, partial(_drop, path=(*known.split("."), *rest)))


def bring_to(text: str, values: msgspec.Struct) -> str:
    """Return the text with the settings in which it differs from `values` changed."""
    before = flatten(msgspec.convert(tomllib.loads(text), type(values)))
    after = {name: value for name, value in flatten(values).items() if value != before[name]}

    def change(document: MutableMapping[str, Any]) -> None:
        for name, value in after.items():
            _put(document, tuple(name.split(".")), msgspec.to_builtins(value))

    return _edit(text, change) if after else text


def _resolve(name: str, kind: type[msgspec.Struct]) -> tuple[str, KeyPath]:
    """Return the setting that a dotted key names, and the keys further in for one that is a table."""
    settings = flatten(kind())
    path = _split(name)
    for length in range(len(path), 0, -1):
        known, rest = ".".join(path[:length]), path[length:]
        if known in settings and (not rest or isinstance(settings[known], dict)):
            return known, rest
    nearest = find_nearest(name, settings)
    inner = [known for known in settings if known.startswith(f"{name}.")]
    names = f"it is a section: name one of {', '.join(inner)}" if inner else "agent-context config list names them all"
    raise AgentContextError(
        f"there is no setting {name}", hint=f"did you mean {nearest}?" if nearest and not inner else names
    )


def _split(name: str) -> KeyPath:
    """Return the parts of a dotted key, by TOML's own rules for quotes."""
    try:
        data: Any = tomllib.loads(f"{name} = 0")
    except tomllib.TOMLDecodeError:
        return (name,)
    path: list[str] = []
    while isinstance(data, dict):
        key, data = next(iter(data.items()))
        path.append(key)
    return tuple(path)


def _readings(value: str, default: object) -> list[object]:
    """Return what a value given as words may mean, the likeliest first."""
    found: list[object] = []
    with suppress(tomllib.TOMLDecodeError):
        found += tomllib.loads(f"value = {value}").values()
    words = [word.strip() for word in value.split(",") if word.strip()]
    return [*found[:1], words if isinstance(default, tuple) else value]


def _edit(text: str, change: Callable[[MutableMapping[str, Any]], None]) -> str:
    import tomlkit  # noqa: PLC0415 - 40 ms that only an edit pays

    document = tomlkit.parse(text)
    change(document)
    return tomlkit.dumps(document)


def _put(document: MutableMapping[str, Any], path: KeyPath, value: object) -> None:
    import tomlkit  # noqa: PLC0415 - the same

    table = document
    for key in path[:-1]:
        if key not in table:
            table[key] = tomlkit.table()
        table = table[key]
    last = None if path[-1] in table or isinstance(value, dict) else _find_last(table)
    if last is None:
        table[path[-1]] = value
    else:  # right below it: tomlkit would put it below the comment that belongs to the next section
        end = last.trivia.trail or "\n"
        last.trivia.trail = f"{end}{tomlkit.key(path[-1]).as_string()} = {tomlkit.item(value).as_string()}{end}"


def _find_last(table: MutableMapping[str, Any]) -> Item | None:
    """Return the last setting of a section that has a line of its own, if there is one."""
    from tomlkit import container, items  # noqa: PLC0415 - the same

    inner = table.value if isinstance(table, items.Table) and not table.is_super_table() else table
    found = [inner.item(key) for key in inner] if isinstance(inner, container.Container) else []
    lines = [item for item in found if isinstance(item, items.Item)]
    return next((item for item in reversed(lines) if not isinstance(item, items.Table | items.AoT)), None)


def _drop(document: MutableMapping[str, Any], path: KeyPath) -> None:
    table = document
    for key in path[:-1]:
        table = table.get(key, {})
    table.pop(path[-1], None)


def _holds(data: Mapping[str, Any], name: str) -> bool:
    section, _, last = name.rpartition(".")
    return last in (data.get(section, {}) if section else data)
