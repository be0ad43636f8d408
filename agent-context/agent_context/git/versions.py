"""The versions of some files in a clone's history: which commits changed them. Asks git, which is quick at this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.errors import RepositoryError
from agent_context.git.program import last_words, run

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Version:
    """A commit (40 hex digits, seconds since 1970) that changed or made a file. One that removed it is none."""

    commit: str
    at: int
    path: str


def list_versions(root: Path, *pathspecs: str) -> list[Version]:
    """Return the versions of the files that git's pathspecs name, newest first. Raise RepositoryError if git cannot."""
    form = ("--format=%x01%H %ct", "--name-only", "-z", "--diff-filter=d", "--no-renames", "--no-show-signature")
    done = run(root, "log", *form, "HEAD", "--", *pathspecs)
    if done.returncode != 0:
        raise RepositoryError(
            f"the history of {root} cannot be read: {last_words(done.stderr)}", hint=f"git -C {root} log says more"
        )
    found = []
    for block in done.stdout.split("\x01")[1:]:
        head, *paths = block.split("\0")
        commit, _, at = head.strip().partition(" ")
        found += [Version(commit, int(at), path.strip("\n")) for path in paths if path.strip("\n")]
    return found
