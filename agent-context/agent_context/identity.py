"""Which project is meant: git addresses in one form, folder names for them, and names cut free of worktree parts."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT_HOST = "github.com"
SCP = re.compile(r"(?:[^@/\s]+@)?([^:/\s]+):(?!//)(.+)")
URL = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^@/\s]*@)?([^:/\s]+)(?::\d+)?/(.+)", re.IGNORECASE)
PROJECT_FOLDER = re.compile(r"[a-z0-9][a-z0-9_.-]{0,119}")
WORKTREE = re.compile(r"/(?:\.claude/worktrees|\.worktrees)(?:/.*)?$")


def normalise_remote(url: str) -> str:
    """Return `host/path` in lower case, equal for the ssh and https forms; empty for a path on this machine."""
    text = re.split(r"[?#]", url.strip().replace("\\", "/"))[0]
    if text.startswith("file:") or (len(text) > 1 and text[1] == ":" and "/" in text[2:3]):
        return ""
    found = URL.fullmatch(text) or SCP.fullmatch(text)
    if not found:
        return ""
    host = found.group(1).lower().removeprefix("www.").removeprefix("ssh.")
    path = re.sub(r"/+", "/", found.group(2)).strip("/").removesuffix(".git").lower()
    return f"{host}/{path}" if path else ""


def is_template(urls: Iterable[str], template: str) -> bool:
    """Tell whether any of a remote's addresses is the public template's, in whatever form either is written."""
    meant = normalise_remote(template) or template.lower().strip("/").removesuffix(".git")
    return bool(template) and any(normalise_remote(url) == meant for url in urls)


def hide_credentials(url: str) -> str:
    """Return an address as it may be shown: without password, token or query."""
    return re.sub(r"^([a-z][a-z0-9+.-]*://)[^/@]*@", r"\1", re.split(r"[?#]", url)[0], flags=re.IGNORECASE)


def is_project_folder(name: str) -> bool:
    """Tell whether a name can be a project's folder: a-z, 0-9, dots, dashes and underscores, none of them climbing."""
    return bool(PROJECT_FOLDER.fullmatch(name)) and ".." not in name


def folder_for_remote(remote: str) -> str:
    """Return the project folder of a normalised remote: `owner.name`, the host in front unless it is github.com."""
    host, _, path = remote.partition("/")
    parts = path.split("/") if host == DEFAULT_HOST else [host, *path.split("/")]
    return ".".join(_clean(part) for part in parts if _clean(part))


def folder_for_local(name: str, identity: str) -> str:
    """Return the folder of a project without a remote: `local.<name>-<4 hex of sha256 over its identity>`."""
    digest = hashlib.sha256(identity.encode()).hexdigest()[:4]
    return f"local.{_clean(name) or 'project'}-{digest}"


def name_of(folder: str) -> str:
    """Return the name for people: `owner/name` of a remote's folder, the directory's name of a local one."""
    if folder.startswith("local."):
        return folder.removeprefix("local.").rpartition("-")[0]
    return "/".join(folder.rsplit(".", 1))


def cut_worktree(path: str) -> str:
    """Return the path without the parts that a worktree below its checkout adds."""
    return WORKTREE.sub("", path.replace("\\", "/").rstrip("/")) or path


def directory_name(path: str) -> str:
    """Return the last part of a path of any system, worktree parts cut off."""
    cut = cut_worktree(path)
    pure = PureWindowsPath(cut) if re.match(r"[A-Za-z]:", cut) else PurePosixPath(cut)
    return pure.name


def _clean(part: str) -> str:
    return re.sub(r"[^a-z0-9_.-]+", "-", part.lower()).strip(".-")
