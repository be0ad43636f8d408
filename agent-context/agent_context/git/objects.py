"""New objects of one clone: gathered in memory, then written as one pack that is on the disk for good, or not at all.

Loose objects would be one file each, without fsync: after a power cut a branch could name an empty file.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import pygit2

from agent_context.errors import RepositoryError
from agent_context.git.program import last_words, run
from agent_context.git.steps import Step, reach

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST = 1000  # before the backends of the disk: what is written goes to the first
SIGNING_SECONDS = 120


class NewObjects(pygit2.OdbBackend):
    """The objects that a repository has made and not yet written to the disk."""

    def __init__(self, repo: pygit2.Repository) -> None:
        """Take over all that this repository object writes from now on."""
        super().__init__()
        self._made: dict[str, tuple[int, bytes]] = {}
        # libgit2 holds this backend where no collector sees it: to hold the repository in turn would keep both, and
        # every pack that was opened, for as long as the process lives.
        self._repo = weakref.ref(repo)
        repo.odb.add_backend(self, FIRST)

    def save(self) -> None:
        """Write everything made so far as one pack, with fsync (open_clone sees to that)."""
        if not self._made:
            return
        repo = self._repo()
        if repo is None:
            raise AssertionError("BUG: objects are saved after their repository is gone")
        builder = pygit2.PackBuilder(repo)
        builder.set_threads(1)
        for oid in self:
            builder.add(oid)
        builder.write()
        self._made.clear()
        reach(Step.PACKED)

    def drop(self) -> None:
        """Forget what was made and not saved."""
        self._made.clear()

    def write_cb(self, oid: pygit2.Oid, data: bytes, kind: int) -> None:
        """Keep an object."""
        self._made[str(oid)] = (kind, bytes(data))

    def read_cb(self, oid: pygit2.Oid) -> tuple[int, bytes]:
        """Return an object's kind and bytes. Raise KeyError for one that is not here."""
        return self._made[str(oid)]

    def read_header_cb(self, oid: pygit2.Oid) -> tuple[int, int]:
        """Return an object's kind and size. Raise KeyError for one that is not here."""
        kind, data = self._made[str(oid)]
        return kind, len(data)

    def exists_cb(self, oid: pygit2.Oid) -> bool:
        """Tell whether the object is here."""
        return str(oid) in self._made

    def read_prefix_cb(self, prefix: pygit2.Oid) -> tuple[int, bytes, pygit2.Oid]:
        """Find nothing: short ids are asked of what is on the disk."""
        raise KeyError(str(prefix))

    def exists_prefix_cb(self, prefix: pygit2.Oid) -> pygit2.Oid:
        """Find nothing: short ids are asked of what is on the disk."""
        raise KeyError(str(prefix))

    def refresh_cb(self) -> None:
        """Nothing can have changed behind our back."""

    def __iter__(self) -> Iterator[pygit2.Oid]:
        return (pygit2.Oid(hex=oid) for oid in self._made)


def is_signed(root: Path) -> bool:
    """Tell whether the user signs commits here (commit.gpgsign). Git is asked: libgit2 does not read all it reads."""
    asked = run(root, "config", "--type=bool", "--get", "commit.gpgsign", options=())
    return asked.stdout.strip() == "true"


def sign_commit(root: Path, commit: pygit2.Commit) -> str:
    """Return the commit made again with the user's signature, by git itself: it knows gpg, ssh and x509.

    Raise RepositoryError when there is no signature to be had; no ref has moved then.
    """
    author, committer = (f"@{person.time} {_zone(person.offset)}" for person in (commit.author, commit.committer))
    made = run(
        root,
        "commit-tree",
        "-S",
        *(part for parent in commit.parent_ids for part in ("-p", str(parent))),
        str(commit.tree_id),
        seconds=SIGNING_SECONDS,
        given=commit.raw_message,
        GIT_AUTHOR_NAME=commit.author.name,
        GIT_AUTHOR_EMAIL=commit.author.email,
        GIT_AUTHOR_DATE=author,
        GIT_COMMITTER_NAME=commit.committer.name,
        GIT_COMMITTER_EMAIL=commit.committer.email,
        GIT_COMMITTER_DATE=committer,
    )
    if made.returncode != 0:
        raise RepositoryError(
            f"the commit could not be signed: {last_words(made.stderr)}",
            hint="commit.gpgsign is set: unlock the key (ssh-add, gpg-agent), "
            f"or sign nothing here: git -C {root} config commit.gpgsign false",
        )
    return made.stdout.strip()


def _zone(minutes: int) -> str:
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
