"""Which projects, sessions and paths are left out of what is learned, as the settings' globs say. Pure."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_context.learning import Candidate
    from agent_context.settings import SyncSettings

LEFT_OUT = "left out by"
GLOB = re.compile(
    r"(?P<above>\*\*/)|(?P<below>/\*\*$)|(?P<any>\*\*)|(?P<name>\*)|(?P<one>\?)|\[(?P<set>[^\]]+)\]|(?P<plain>.)"
)
PARTS = {"above": "(?:.*/)?", "below": "(?:/.*)?", "any": ".*", "name": "[^/]*", "one": "[^/]"}


def find_exclusion(sync: SyncSettings, project: str, cwd: str, session: str, home: str = "") -> str:
    """Return by which setting a session is left out, empty where it is to be read. `home` is what `~` stands for."""
    if sync.include and not any(fnmatchcase(project, glob) for glob in sync.include):
        return f"{LEFT_OUT} sync.include"
    for name, globs, value in (
        ("exclude", sync.exclude, project),
        ("exclude_sessions", sync.exclude_sessions, session),
    ):
        if any(fnmatchcase(value, glob) for glob in globs):
            return f"{LEFT_OUT} sync.{name}"
    return f"{LEFT_OUT} sync.exclude_paths" if cwd and find_glob(sync.exclude_paths, cwd, home) else ""


def is_about_excluded(sync: SyncSettings, candidate: Candidate, home: str = "") -> bool:
    """Tell whether a candidate is about a path that is left out."""
    return any(find_glob(sync.exclude_paths, path, home) for path in candidate.paths)


def find_glob(globs: Iterable[str], path: str, home: str = "") -> str:
    """Return the first glob that a path, or a folder above it, matches; empty for none.

    As in a .gitignore: a glob without a slash matches a name at any depth, `**` any folders, a folder what is in it.
    """
    plain = _expand(path, home).replace("\\", "/").lstrip("/")
    return next((glob for glob in globs if _translate(_expand(glob, home)).fullmatch(plain)), "")


def _expand(path: str, home: str) -> str:
    return home + path[1:] if home and path.startswith("~/") else path


@lru_cache(maxsize=256)
def _translate(glob: str) -> re.Pattern[str]:
    body = glob.rstrip("/")
    anywhere = "" if "/" in body else "(?:.*/)?"
    parts = [_part(match) for match in GLOB.finditer(body.lstrip("/"))]
    return re.compile(f"{anywhere}{''.join(parts)}(?:/.*)?", re.DOTALL)


def _part(match: re.Match[str]) -> str:
    kind = match.lastgroup or ""
    if kind == "set":
        inside = match["set"].replace("\\", "\\\\").replace("[", "\\[")
        return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
    return PARTS.get(kind) or re.escape(match[0])
