"""Read the registry, `tooling/` of a knowledge base: each entry whole, or not at all with what is wrong and where."""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from agent_context.errors import AgentContextError, FormatError
from agent_context.frontmatter import parse_header
from agent_context.layout import SKILL_FILE, TOOLING
from agent_context.merging.edits import MOST_TOOL_BYTES as MOST_BYTES
from agent_context.merging.sidecars import is_sidecar
from agent_context.settings import advise
from agent_context.tooling.entries import NAME, Entry, File, Kind, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MOST_FILES = 300
SETTINGS_FILE = "claude-code.json"
PREFERENCES_FILE = "preferences.md"
# Folders of a skill that may hold what is no text.
BINARY_FOLDERS = ("assets", "references")
PASSED_OVER = ("__pycache__", ".DS_Store", ".gitkeep")
# What of Claude Code's settings may be shared: how it looks and answers; nothing that runs, permits or leads elsewhere.
SHAREABLE = (
    "alwaysThinkingEnabled",
    "attribution",
    "editorMode",
    "effortLevel",
    "includeCoAuthoredBy",
    "language",
    "model",
    "outputStyle",
    "prefersReducedMotion",
    "showTurnDuration",
    "spinnerTipsEnabled",
    "theme",
    "verbose",
)
NEVER = "permissions, hooks, env and whatever else runs or permits are never shared"


@dataclass(slots=True)
class Registry:
    """All entries by key, what does not read (with its next step), and entries with two versions that stand open."""

    entries: dict[str, Entry] = field(default_factory=dict)
    problems: dict[str, AgentContextError] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)

    def find(self, name: str) -> Entry:
        """Return the entry that a person means: by its key, or by its name alone. Raise AgentContextError for none."""
        found = [entry for key, entry in self.entries.items() if name in (key, entry.name)]
        if len(found) == 1:
            return found[0]
        if problem := next(
            (error for key, error in self.problems.items() if name in (key, key.partition("/")[2])), None
        ):
            raise problem
        if found:
            names = ", ".join(entry.key for entry in found)
            raise AgentContextError(f"{name} may be {names}", hint="say which one")
        raise AgentContextError(f"nothing in {TOOLING}/ is called {name}", hint="agent-context tooling list names all")


def read_registry(root: Path) -> Registry:
    """Read everything below `tooling/` but the machines. What is wrong with one entry costs that entry alone."""
    registry = Registry()
    top = root / TOOLING
    if top.is_symlink():
        registry.problems[TOOLING] = _refuse(TOOLING, "is a symbolic link", "put the folder itself there")
        return registry
    for kind, list_sources in SOURCES.items():
        folder = top / kind.value
        if folder.is_symlink():
            where = f"{TOOLING}/{kind.value}"
            registry.problems[where] = _refuse(where, "is a symbolic link", "put the folder itself there")
            continue
        for source in list_sources(folder if kind is not Kind.PREFERENCES else top):
            _read_entry(registry, root, kind, source)
    return registry


def _read_entry(registry: Registry, root: Path, kind: Kind, source: Path) -> None:
    name = source.name if kind is Kind.SKILL else source.stem
    key = kind.value if kind is Kind.PREFERENCES else f"{kind.value}/{name}"
    where = source.relative_to(root).as_posix()
    if beside := next(_find_sidecars(source), None):
        registry.open[key] = beside.relative_to(root).as_posix()
    try:
        if kind is not Kind.PREFERENCES and not NAME.fullmatch(name):
            raise _refuse(where, f"{name!r} is no name for it", "letters, digits, - and _ only, at most 64")
        registry.entries[key] = READERS[kind](where, name, source)
    except AgentContextError as error:
        registry.problems[key] = error
    except OSError as error:
        registry.problems[key] = _refuse(where, f"cannot be read: {error.strerror or error}", "restore it from git")


def _list_files(folder: Path, suffix: str) -> list[Path]:
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.name.endswith(suffix) and not file.name.startswith("."))


def _list_folders(folder: Path) -> list[Path]:
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(item for item in folder.iterdir() if item.is_dir() or item.is_symlink())


def _read_server(where: str, name: str, source: Path) -> Entry:
    data = _read_file(where, source)
    text = _decode(where, data)
    try:
        server = msgspec.convert(tomllib.loads(text), Server)
    except tomllib.TOMLDecodeError as error:
        raise AgentContextError(f"{where}: {error}", hint="mend that line, or restore the file from git") from None
    except msgspec.ValidationError as error:
        advice = advise(str(error), Server, "see docs/tooling.md for what an entry says")
        raise FormatError(where, _find_line(text, str(error)), str(error), hint=advice) from None
    files = {source.name: File(data)}
    return Entry(Kind.SERVER, name, where, files, server=server, description=server.description)


def read_folder(where: str, name: str, source: Path) -> Entry:
    """Read a skill from its folder. Raise AgentContextError for what is none, or may not be one."""
    if source.is_symlink():
        raise _refuse(where, "is a symbolic link", "put the folder itself there")
    files = _read_tree(where, source)
    if SKILL_FILE not in files:
        raise _refuse(where, f"has no {SKILL_FILE}", "write one: its front matter gives name and description")
    header = parse_header(_decode(f"{where}/{SKILL_FILE}", files[SKILL_FILE].data), f"{where}/{SKILL_FILE}")
    _check_header(f"{where}/{SKILL_FILE}", header, name)
    return Entry(Kind.SKILL, name, where, files, description=header["description"])


def _read_markdown(kind: Kind) -> Callable[[str, str, Path], Entry]:
    def read(where: str, name: str, source: Path) -> Entry:
        data = _read_file(where, source)
        text = _decode(where, data)
        header = parse_header(text, where) if text.startswith("---") else {}
        if kind is Kind.AGENT:
            _check_header(where, header, name)
        return Entry(kind, name, where, {source.name: File(data)}, description=header.get("description", ""))

    return read


def _read_settings(where: str, name: str, source: Path) -> Entry:
    data = _read_file(where, source)
    text = _decode(where, data)
    if source.name != SETTINGS_FILE:
        raise _refuse(where, "is for an agent whose settings are not shared", f"only {SETTINGS_FILE} is")
    try:
        values: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AgentContextError(f"{where} is not JSON: {error}", hint="mend that line") from None
    if not isinstance(values, dict):
        raise FormatError(where, 1, "it holds no object", hint='{"outputStyle": "Explanatory"}')
    for key in values:
        if key not in SHAREABLE:
            hint = f"take it out; {NEVER}. What may be: {', '.join(SHAREABLE)}"
            raise FormatError(where, _find_line(text, f"`{key}`"), "may not be shared", key=key, hint=hint)
    return Entry(Kind.SETTINGS, name, where, {source.name: File(data)}, settings=values)


def _read_tree(where: str, folder: Path) -> dict[str, File]:
    """Read a skill's folder. Raise AgentContextError for links, too much, and programs that nobody can read."""
    files: dict[str, File] = {}
    size = 0
    for file in _walk(where, folder):
        path = file.relative_to(folder).as_posix()
        size += file.stat().st_size
        if size > MOST_BYTES or len(files) >= MOST_FILES:
            limit = f"{MOST_BYTES // 1_000_000} MB in {MOST_FILES} files"
            raise _refuse(where, f"is too large (at {path}): at most {limit}", "keep large files elsewhere; fetch them")
        files[path] = _read_one(where, path, file)
    return files


def _read_one(where: str, path: str, file: Path) -> File:
    found = File(file.read_bytes(), bool(file.stat().st_mode & stat.S_IXUSR))
    if found.text is None and (found.executable or path.split("/", maxsplit=1)[0] not in BINARY_FOLDERS):
        what = "a NUL byte in it" if b"\0" in found.data else "bytes that are no UTF-8"
        fix = f"what nobody can read is not installed; pictures and the like belong in {' or '.join(BINARY_FOLDERS)}/"
        raise _refuse(f"{where}/{path}", f"has {what}", fix)
    return found


def _walk(where: str, folder: Path) -> Iterator[Path]:
    for item in sorted(folder.iterdir()):
        if item.name in PASSED_OVER or is_sidecar(item.name):
            continue
        if item.is_symlink():
            leads = f"{where}/{item.name}"
            raise _refuse(leads, f"is a symbolic link to {os.readlink(item)}", "links are not followed: copy the file")  # noqa: PTH115 - as it stands
        if item.is_dir():
            yield from _walk(f"{where}/{item.name}", item)
        elif item.is_file():
            yield item
        else:
            raise _refuse(f"{where}/{item.name}", "is no plain file", "take it out")


def _read_file(where: str, file: Path) -> bytes:
    if file.is_symlink():
        raise _refuse(where, f"is a symbolic link to {os.readlink(file)}", "links are not followed: copy the file")  # noqa: PTH115 - as it stands
    if not file.is_file() or file.stat().st_size > MOST_BYTES:
        raise _refuse(where, f"is no file of at most {MOST_BYTES // 1_000_000} MB", "take it out")
    return file.read_bytes()


def _decode(where: str, data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _refuse(where, f"is not UTF-8: {error.reason}", "save it as UTF-8") from None
    if "\0" in text:
        raise FormatError(where, text.count("\n", 0, text.index("\0")) + 1, "a NUL byte", hint="take it out")
    return text


def _check_header(where: str, header: dict[str, str], name: str) -> None:
    """Refuse a front matter without a description, or whose name is not that of its folder or file."""
    if not header.get("description", "").strip():
        raise FormatError(where, 1, "is missing", key="description", hint="agents choose by it: say what it is for")
    if header.get("name", name) != name:
        raise FormatError(where, 1, f"{header['name']!r} is not {name!r}", key="name", hint="the two must be the same")


def _find_sidecars(source: Path) -> Iterator[Path]:
    """Yield the files in which a merge kept another version of this entry."""
    if source.is_dir() and not source.is_symlink():
        yield from (file for file in sorted(source.rglob("*.conflict-*")) if is_sidecar(file.name))
    else:
        yield from (file for file in sorted(source.parent.glob(f"{source.name}.conflict-*")) if is_sidecar(file.name))


def _find_line(text: str, problem: str) -> int:
    """Return the line of the key that a problem names in back quotes, the first where it names none."""
    named = re.findall(r"`\$?\.?([A-Za-z_]+)", problem)
    lines = text.splitlines()
    found = (
        at for at, line in enumerate(lines, 1) if named and re.match(rf'\s*"?{re.escape(named[-1])}"?\s*[=:]', line)
    )
    return next(found, 1)


def _refuse(where: str, what: str, fix: str) -> AgentContextError:
    return AgentContextError(f"{where} {what}", hint=fix)


SOURCES: dict[Kind, Callable[[Path], list[Path]]] = {
    Kind.SERVER: lambda folder: _list_files(folder, ".toml"),
    Kind.SKILL: _list_folders,
    Kind.AGENT: lambda folder: _list_files(folder, ".md"),
    Kind.COMMAND: lambda folder: _list_files(folder, ".md"),
    Kind.SETTINGS: lambda folder: _list_files(folder, ".json"),
    Kind.PREFERENCES: lambda top: [top / PREFERENCES_FILE] if (top / PREFERENCES_FILE).exists() else [],
}
READERS: dict[Kind, Callable[[str, str, Path], Entry]] = {
    Kind.SERVER: _read_server,
    Kind.SKILL: read_folder,
    Kind.AGENT: _read_markdown(Kind.AGENT),
    Kind.COMMAND: _read_markdown(Kind.COMMAND),
    Kind.SETTINGS: _read_settings,
    Kind.PREFERENCES: _read_markdown(Kind.PREFERENCES),
}
