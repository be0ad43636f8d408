"""Who git says is at work: the name and the address that commits are signed with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pygit2

if TYPE_CHECKING:
    from pathlib import Path


class Author(NamedTuple):
    """`user.name` and `user.email`, empty where git does not know them."""

    name: str
    email: str


def read_author(folder: Path) -> Author:
    """Return what git's settings say in a folder: its repository's, else the user's own."""
    try:
        found = pygit2.discover_repository(str(folder))
        settings = pygit2.Repository(found).config if found else pygit2.Config.get_global_config()
        values = [str(settings[name]) if name in settings else "" for name in ("user.name", "user.email")]
    except (pygit2.GitError, OSError, KeyError, ValueError):
        values = ["", ""]
    return Author(*values)
