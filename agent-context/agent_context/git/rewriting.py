"""Rewrite a clone's history without some bytes: the one place that replaces commits which exist already."""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pygit2
from pygit2.enums import ObjectType, RepositoryOpenFlag, SortMode

from agent_context.errors import NeedsPersonError, RepositoryError
from agent_context.git.program import last_words, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent_context.git.repository import Repository

STASH = "refs/stash"
SIGNATURE = re.compile(rb"^gpgsig(?:-sha256)? .*\n(?: .*\n)*", re.MULTILINE)
LINKS = re.compile(rb"^(tree|parent|object) ([0-9a-f]{40})$", re.MULTILINE)
FOLDER, SUBMODULE = b"40000", b"160000"
MESSAGE_FILES = ("COMMIT_EDITMSG", "TAG_EDITMSG", "SQUASH_MSG")  # what git keeps of the last message written
MESSAGE = "(a commit's message)"
BY_NAME = "(a file's name)"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file version that holds something: the oldest commit reached that has it, its time, and the path."""

    commit: str
    at: int
    path: str


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a reference pointed, and where it points now."""

    old: str
    new: str


class Rewriting:
    """A clone (or a bare repository) whose objects are searched and whose history is rewritten."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._repo = pygit2.Repository(str(root), RepositoryOpenFlag.NO_SEARCH)

    def blobs(self) -> Iterator[bytes]:
        """Yield the bytes of every file version in the clone, reachable or not."""
        for oid in self._repo.odb:
            kind, data = self._repo.read(oid)
            if kind == ObjectType.BLOB:
                yield data

    def find_holders(self, values: tuple[bytes, ...]) -> set[str]:
        """Return the objects (files, folders by the names in them, commits) that hold a value, reachable or not."""
        return {str(oid) for oid in self._repo.odb if any(value in self._repo.read(oid)[1] for value in values)}

    def find_sightings(self, holders: set[str]) -> list[Sighting]:
        """Return every path that has one of these objects in a commit that a reference reaches."""
        known: dict[str, tuple[str, ...]] = {}
        found: dict[str, Sighting] = {}
        for commit in self._commits():
            paths = self._paths_of(str(commit.tree_id), holders, known)
            for path in [*paths, *([MESSAGE] if str(commit.id) in holders else [])]:
                found.setdefault(path, Sighting(str(commit.id), commit.commit_time, path))
        return sorted(found.values(), key=lambda sighting: sighting.path)

    def rewrite(self, repository: Repository, replacements: Mapping[bytes, bytes]) -> dict[str, Moved]:
        """Put other bytes in place of these in every file, file name and message that a reference reaches.

        The branch checked out moves first, with its files; then every other reference. Returns those that moved. Raise
        NeedsPersonError, with none moved, where an uncommitted edit, a stash or a shallow clone is in the way.
        """
        if self._repo.is_shallow:
            raise NeedsPersonError(
                "this clone is shallow: its older history is not here", hint="git fetch --unshallow, then again"
            )
        new = _Objects(self._repo, replacements)
        for commit in self._commits():
            new.map(commit.id)
        moved = {
            name: Moved(str(old), str(new.map(old))) for name, old in self._targets().items() if new.map(old) != old
        }
        if STASH in moved:
            raise NeedsPersonError("a stash holds it too", hint="git stash list; then git stash drop, or git stash pop")
        head = None if self._repo.head_is_detached else str(self._repo.lookup_reference("HEAD").target)
        if head in moved:
            repository.move_to(moved[head].new)
        for name in moved.keys() - {head}:
            self._repo.references[name].set_target(moved[name].new)
        return moved

    def forget(self) -> None:
        """Drop what no reference reaches any more: the logs of where they pointed, then the objects. Keeps stashes."""
        for name in MESSAGE_FILES:
            (Path(self._repo.path) / name).unlink(missing_ok=True)
        names = ["HEAD", *(name for name in self._repo.references if name != STASH)]
        logged = [name for name in names if (Path(self._repo.path) / "logs" / name).is_file()]
        for arguments in (("reflog", "expire", "--expire=now", *logged), ("gc", "--prune=now", "--quiet")):
            done = run(self._root, *arguments)
            if done.returncode != 0:
                raise RepositoryError(
                    f"git {arguments[0]} failed: {last_words(done.stderr)}",
                    hint=f"run it by hand: git -C {self._root} {' '.join(arguments)}",
                )
        self._repo = pygit2.Repository(str(self._root), RepositoryOpenFlag.NO_SEARCH)

    def _targets(self) -> dict[str, pygit2.Oid]:
        """Return what every reference points at that names an object itself."""
        references = (self._repo.references[name] for name in self._repo.references)
        return {item.name: item.target for item in references if isinstance(item.target, pygit2.Oid)}

    def _commits(self) -> Iterator[pygit2.Commit]:
        """Yield every commit that a reference reaches, parents first."""
        tips: list[pygit2.Oid] = []
        for oid in self._targets().values():
            with suppress(pygit2.InvalidSpecError):  # a tag of a file, say
                tips.append(self._repo[oid].peel(pygit2.Commit).id)
        if tips:
            walker = self._repo.walk(tips[0], SortMode.TOPOLOGICAL | SortMode.REVERSE)
            for tip in tips[1:]:
                walker.push(tip)
            yield from walker

    def _paths_of(self, tree: str, holders: set[str], known: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
        """Return the paths below a tree that hold something; each tree is looked through once."""
        if tree not in known:
            paths: list[str] = []
            for mode, name, oid in _read_tree(self._repo.read(pygit2.Oid(hex=tree))[1]):
                text = name.decode(errors="replace")
                if mode == FOLDER:
                    paths += [f"{text}/{below}" for below in self._paths_of(str(oid), holders, known)]
                elif str(oid) in holders:
                    paths.append(text)
            known[tree] = tuple(paths) or ((BY_NAME,) if tree in holders else ())
        return known[tree]


class _Objects:
    """Objects with other bytes in place of some: each is written anew where it, or one below it, holds them."""

    def __init__(self, repo: pygit2.Repository, replacements: Mapping[bytes, bytes]) -> None:
        self._repo = repo
        self._replacements = replacements
        self._known: dict[pygit2.Oid, pygit2.Oid] = {}

    def map(self, oid: pygit2.Oid) -> pygit2.Oid:
        """Return the object in place of this one. Parents must be mapped before their children."""
        if oid not in self._known:
            kind, data = self._repo.read(oid)
            changed = {ObjectType.BLOB: self._replace, ObjectType.TREE: self._map_tree}.get(
                ObjectType(kind), self._map_linked
            )(data)
            self._known[oid] = oid if changed == data else self._repo.write(kind, changed)
        return self._known[oid]

    def _map_tree(self, data: bytes) -> bytes:
        entries = [
            (mode, self._replace(name), oid if mode == SUBMODULE else self.map(oid))
            for mode, name, oid in _read_tree(data)
        ]
        entries.sort(key=lambda entry: entry[1] + b"/" if entry[0] == FOLDER else entry[1])
        return b"".join(mode + b" " + name + b"\0" + oid.raw for mode, name, oid in entries)

    def _map_linked(self, data: bytes) -> bytes:
        """Return a commit or a tag with what it links to mapped; a signature does not outlive a change."""
        head, gap, message = data.partition(b"\n\n")
        linked = LINKS.sub(lambda link: link[1] + b" " + str(self.map(pygit2.Oid(hex=link[2].decode()))).encode(), head)
        if linked + gap + self._replace(message) == data:
            return data
        return SIGNATURE.sub(b"", linked + b"\n").removesuffix(b"\n") + gap + self._replace(message)

    def _replace(self, data: bytes) -> bytes:
        for old, new in self._replacements.items():
            data = data.replace(old, new)
        return data


def _read_tree(data: bytes) -> Iterator[tuple[bytes, bytes, pygit2.Oid]]:
    """Yield mode, name and object of every entry of a raw tree."""
    start = 0
    while start < len(data):
        end = data.index(b"\0", start)
        mode, _, name = data[start:end].partition(b" ")
        yield mode, name, pygit2.Oid(raw=data[end + 1 : end + 21])
        start = end + 21


def fetch_all(root: Path, remote: str) -> str:
    """Bring in every branch and tag of the remote, by force: what was rewritten there replaces what was seen before.

    Returns why it could not be done, empty where it was.
    """
    refspec = f"+refs/heads/*:refs/remotes/{remote}/*"
    done = run(root, "fetch", "--prune", "--tags", "--force", remote, refspec)
    return "" if done.returncode == 0 else last_words(done.stderr) or "git ended without a word"


@contextmanager
def mirrored(root: Path, url: str) -> Iterator[Path]:
    """Give a fresh copy of everything that a remote hands out, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="agent-context-") as folder:
        done = run(root, "clone", "--quiet", "--mirror", "--no-local", url, f"{folder}/mirror.git")
        if done.returncode != 0:
            raise RepositoryError(f"{url} cannot be cloned: {last_words(done.stderr)}", hint="check your access")
        yield Path(folder) / "mirror.git"
