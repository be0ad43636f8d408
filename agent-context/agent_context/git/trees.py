"""Trees of git objects: read, change, compare and merge three of them in memory; nothing here touches a worktree."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pygit2
from pygit2.enums import FileMode

from agent_context.errors import RepositoryError
from agent_context.git.program import last_words, run
from agent_context.layout import SKILL_FILE, is_skill
from agent_context.merging.merge import Resolved
from agent_context.merging.sidecars import make_sidecar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

Files = Mapping[str, bytes | None]  # path to bytes; None: removed
Node = tuple[pygit2.Oid, int] | None  # object id and file mode; None: not there
Change = tuple[str, Node, Node]  # path, before, after
PLAIN = (FileMode.BLOB, FileMode.BLOB_EXECUTABLE)


ORDINARY = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9._-]*")  # nothing that any file system takes for `.git`
IGNORED_BY_HFS = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
EMPTY_TREE = pygit2.Oid(hex="4b825dc642cb6eb9a060e54bf8d69288fbee4904")  # git's fixed id of a folder without files


@dataclass(frozen=True, slots=True)
class MergeConflict:
    """A path that both sides changed and no rule could settle, with the reason."""

    path: str
    reason: str


# Given path, base, ours, theirs (bytes; None: absent), return the merged bytes or None for "absent", the bytes with
# files to keep beside them and notes, or the conflict.
Resolver = Callable[[str, bytes | None, bytes | None, bytes | None], bytes | Resolved | MergeConflict | None]
# What stays where the sides are of different kinds: the more that would be lost, the higher.
RANKS: dict[int, int] = {FileMode.TREE: 3, FileMode.BLOB: 2, FileMode.BLOB_EXECUTABLE: 2, FileMode.COMMIT: 1}


def edit_tree(
    repo: pygit2.Repository, tree: pygit2.Oid | None, files: Files, executable: Collection[str] = ()
) -> pygit2.Oid:
    """Return the tree with these files written or (None) removed; only the folders on their paths are rewritten.

    What is executable stays so; of what is new, the paths that are named become so.
    """
    builder = repo.TreeBuilder(tree) if tree is not None else repo.TreeBuilder()
    folders: dict[str, dict[str, bytes | None]] = {}
    for path, data in files.items():
        head, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(head, {})[rest] = data
        elif data is not None:
            mode = FileMode.BLOB_EXECUTABLE if head in executable else FileMode.BLOB
            if (old := builder.get(head)) is not None and old.filemode == FileMode.BLOB_EXECUTABLE:
                mode = FileMode.BLOB_EXECUTABLE
            builder.insert(head, repo.create_blob(data), mode)
        elif builder.get(head) is not None:
            builder.remove(head)
    for name, inner in folders.items():
        old = builder.get(name)
        below = old.id if old is not None and old.filemode == FileMode.TREE else None
        start = f"{name}/"
        runs = {path.removeprefix(start) for path in executable if path.startswith(start)}
        child = edit_tree(repo, below, inner, runs)
        if child != EMPTY_TREE:
            builder.insert(name, child, FileMode.TREE)
        elif old is not None:
            builder.remove(name)
    return builder.write()


def changed_paths(repo: pygit2.Repository, old: Node, new: Node, path: str = "") -> Iterator[tuple[str, Node, Node]]:
    """Yield every file that differs between two trees, with both nodes, in path order. No rename detection."""
    if old == new:
        return
    old_children, new_children = _children(repo, old), _children(repo, new)
    if old is not None and old_children is None:
        yield path, old, None if new_children is not None else new
    elif new is not None and new_children is None:
        yield path, None, new
    for name in sorted({**(old_children or {}), **(new_children or {})}):
        below = f"{path}/{name}" if path else name
        yield from changed_paths(repo, (old_children or {}).get(name), (new_children or {}).get(name), below)


def walk_files(repo: pygit2.Repository, tree: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """Yield every file below a tree with its node."""
    for found, _, node in changed_paths(repo, None, tree, path):
        yield found, node


class TreeMerge:
    """A three-way merge of trees that looks only where all three sides differ, and always comes to an end.

    Rename detection does not exist here: it was measured to write one learning's edit into another's file.
    """

    def __init__(self, repo: pygit2.Repository, resolve: Resolver) -> None:
        self._repo = repo
        self._resolve = resolve
        self._beside: dict[str, bytes] = {}
        self.notes: list[str] = []

    def merge_trees(self, base: Node, ours: Node, theirs: Node) -> Node:
        """Return the merged tree. Where no rule settles a file both versions are kept, and `notes` says so."""
        merged = self.merge(base, ours, theirs)
        if not self._beside:
            return merged
        return edit_tree(self._repo, merged[0] if merged else None, self._beside), FileMode.TREE

    def merge(self, base: Node, ours: Node, theirs: Node, path: str = "") -> Node:
        """Return the merged node, without the files that are to lie beside."""
        if theirs in (ours, base):
            return ours
        if ours == base:
            return theirs
        if base is None and is_skill(path) and (stands := self._keep_apart(ours, theirs, path)) is not None:
            return stands
        folders = [_children(self._repo, side) for side in (base, ours, theirs)]
        if all(side is None or folder is not None for side, folder in zip((base, ours, theirs), folders, strict=True)):
            return self._merge_folders([folder or {} for folder in folders], ours, path)
        return self._merge_files(base, ours, theirs, path)

    def _merge_folders(self, folders: list[dict[str, Node]], start: Node, path: str) -> Node:
        """Merge folders entry by entry; `start` is ours, from which only what theirs changed is rewritten."""
        base, ours, theirs = folders
        builder = self._repo.TreeBuilder(start[0]) if start is not None else self._repo.TreeBuilder()
        for name in sorted({**base, **theirs}):
            if theirs.get(name) == base.get(name):
                continue
            node = self.merge(base.get(name), ours.get(name), theirs.get(name), f"{path}/{name}" if path else name)
            if node is not None:
                builder.insert(name, node[0], node[1])
            elif name in ours:
                builder.remove(name)
        return (builder.write(), FileMode.TREE) if len(builder) or not path else None

    def _merge_files(self, base: Node, ours: Node, theirs: Node, path: str) -> Node:
        if any(side is not None and side[1] not in PLAIN for side in (ours, theirs)):
            return self._keep_both(ours, theirs, path, "is a file on one side and something else on the other")
        texts = [
            read_blob(self._repo, side[0]) if side is not None and side[1] in PLAIN else None
            for side in (base, ours, theirs)
        ]
        merged = self._resolve(path, texts[0], texts[1], texts[2])
        if isinstance(merged, MergeConflict):
            return self._keep_both(ours, theirs, path, merged.reason)
        if isinstance(merged, Resolved):
            self._beside |= merged.beside
            self.notes += merged.notes
            merged = merged.data
        mode = (ours or theirs or (None, FileMode.BLOB))[1]
        return (self._repo.create_blob(merged), mode) if merged is not None else None

    def _keep_apart(self, ours: Node, theirs: Node, path: str) -> Node:
        """Let one of two new skills of one name stand whole, all of the other beside it; None for one and the same."""
        sides = sorted(
            (side for side in (ours, theirs) if side and side[1] == FileMode.TREE), key=lambda side: side[0].raw
        )
        files = [dict(walk_files(self._repo, side)) for side in sides]
        if len(files) < len((ours, theirs)) or files[0].get(SKILL_FILE) == files[1].get(SKILL_FILE):
            return None
        other, standing = files
        for name, node in other.items():
            if node is not None and node[1] in PLAIN and node != standing.get(name):
                self._beside |= make_sidecar(f"{path}/{name}", read_blob(self._repo, node[0]), blob=str(node[0]))
        self.notes.append(f"{path}: two skills of one name; both are kept, neither is applied (agent-context resolve)")
        return sides[1]

    def _keep_both(self, ours: Node, theirs: Node, path: str, reason: str) -> Node:
        """Let one side stand, the same on every machine, and put the other beside it if it is a file."""
        sides = [side for side in (ours, theirs) if side is not None]
        stands = max(sides, key=lambda side: (RANKS.get(side[1], 0), str(side[0])))
        for side in sides:
            if side != stands and side[1] in PLAIN:
                self._beside |= make_sidecar(path, read_blob(self._repo, side[0]), blob=str(side[0]))
        self.notes.append(f"{path}: {reason}; what is a file of it is kept (agent-context resolve)")
        return stands


def _children(repo: pygit2.Repository, node: Node) -> dict[str, Node] | None:
    """Return a folder's entries by name; None for a file or nothing."""
    if node is None or node[1] != FileMode.TREE:
        return None
    tree = _get(repo, node[0])
    if not isinstance(tree, pygit2.Tree):
        raise AssertionError(f"BUG: {node[0]} has the mode of a folder and is none")  # noqa: TRY004 - a broken invariant
    return {_safe_name(entry.raw_name or b""): (entry.id, entry.filemode) for entry in tree}


def _safe_name(raw: bytes) -> str:
    """Return a tree entry's name. Raise RepositoryError for one that could lead out of the worktree or into `.git`.

    The forms that macOS and Windows file systems take for `.git` are those of git's own verify_path.
    """
    if ORDINARY.fullmatch(raw):
        return raw.decode()
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise RepositoryError(
            f"a file name in the repository is not UTF-8: {raw!r}", hint="rename that file in a commit of your own"
        ) from None
    plain = IGNORED_BY_HFS.sub("", name).casefold().rstrip(". ").split(":")[0].rstrip(". ")
    if name in ("", ".", "..") or plain in (".git", "git~1") or any(sign in name for sign in "/\\\0"):
        raise RepositoryError(
            f"a commit holds a file with the name {name!r}, which no honest commit has",
            hint="do not check it out; find out who pushed it, and remove it from the remote's history",
        )
    return name


def read_blob(repo: pygit2.Repository, oid: pygit2.Oid) -> bytes:
    """Return a file's bytes by its object id."""
    blob = _get(repo, oid)
    if not isinstance(blob, pygit2.Blob):
        raise AssertionError(f"BUG: {oid} has the mode of a file and is none")  # noqa: TRY004 - a broken invariant
    return blob.data


def _get(repo: pygit2.Repository, oid: pygit2.Oid) -> pygit2.Object:
    """Return an object; git fetches one that a partial clone left at the remote. Raise RepositoryError if lost."""
    with suppress(KeyError):
        return repo[oid]
    asked = run(Path(repo.workdir or repo.path), "cat-file", "-e", str(oid))
    with suppress(KeyError):
        return repo[oid]
    raise RepositoryError(
        f"the object {oid} is not here: {last_words(asked.stderr)}",
        hint=f"in a partial clone, fetch it while the remote answers: git -C {repo.workdir} fetch --refetch; "
        "else clone the knowledge base again beside this one",
    )
