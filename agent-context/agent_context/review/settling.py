"""Find what merges left open, tell where each version comes from, and settle it in a commit of its own."""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from agent_context.errors import AgentContextError, FormatError, MissingExtraError, SealedError
from agent_context.frontmatter import write_learning
from agent_context.git import Repository, locked
from agent_context.git.history import History
from agent_context.layout import FOLDERS, SEALED
from agent_context.learning import utc
from agent_context.merging.conflicts import (
    OpenConflict,
    Origin,
    Version,
    conflicts_of,
    has_version,
    settle_learning,
    with_origins,
)
from agent_context.merging.edits import find_problem
from agent_context.merging.sidecars import Sidecar, blob_id, file_of, is_sidecar, read_sidecar
from agent_context.merging.tables import put_key, read_key, write_key
from agent_context.trailers import parse_trailers, trailers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent_context.config import Environment
    from agent_context.git.history import Commit
    from agent_context.knowledge import Contents, KnowledgeBase
    from agent_context.merging.tables import Form


Choice = tuple[OpenConflict, Version]


@dataclass(frozen=True, slots=True)
class Settled:
    """A conflict, the version taken for it, and its file in clear before and after."""

    conflict: OpenConflict
    version: Version
    before: bytes
    after: bytes


def list_conflicts(contents: Contents) -> list[OpenConflict]:
    """Return what is open in the learnings that were read, in their order. Origins are not looked up."""
    return [conflict for entry in contents.entries for conflict in conflicts_of(entry.learning, entry.path)]


def find_conflicts(knowledge_base: KnowledgeBase, contents: Contents | None = None) -> list[OpenConflict]:
    """Return all that is open: in learnings, then in other files. Those that no key here opens are left out.

    `contents` are the learnings where they were read already.
    """
    beside: dict[tuple[str, tuple[str, ...]], dict[str, Sidecar]] = {}
    for path in _find_sidecars(knowledge_base):
        with suppress(SealedError, MissingExtraError, FormatError, OSError):
            sidecar = _read_sidecar(knowledge_base, path)
            beside.setdefault((file_of(path), sidecar.key), {})[path] = sidecar
    files = [_describe(knowledge_base, path, key, found) for (path, key), found in beside.items()]
    return [*list_conflicts(contents or knowledge_base.load()), *files]


def trace(knowledge_base: KnowledgeBase, conflicts: list[OpenConflict]) -> list[OpenConflict]:
    """Return the conflicts with each version's origin: the commit of the branch that brought it."""
    tip = Repository(knowledge_base.root).tip()
    commits = {commit.id: commit for commit in History(knowledge_base.root).walk(tip)} if tip and conflicts else {}
    return [_Tracing(knowledge_base, conflict, commits).trace() for conflict in conflicts]


def preview(knowledge_base: KnowledgeBase, choices: list[Choice]) -> list[Settled]:
    """Return what settling these would make of their files. Raise AgentContextError where that would not read."""
    texts: dict[str, bytes] = {}
    settled = []
    for conflict, version in choices:
        before = texts.get(conflict.path, _read_clear(knowledge_base, conflict.path))
        texts[conflict.path] = _apply(knowledge_base, conflict, version, before)
        settled.append(Settled(conflict, version, before, texts[conflict.path]))
    for path, data in texts.items():
        problem = find_problem(path, data)
        if problem:
            raise AgentContextError(problem, hint="choose the other version, or mend the file; nothing was changed")
    return settled


def settle(knowledge_base: KnowledgeBase, environment: Environment, choices: list[Choice]) -> list[Settled]:
    """Settle these conflicts in one commit. All or nothing is changed."""
    repository = Repository(knowledge_base.root)
    with locked(repository, knowledge_base.settings.sync.lock_seconds):
        settled = preview(knowledge_base, choices)
        files: dict[str, bytes | None] = {}
        for item in settled:
            if item.after != item.before:
                files[item.conflict.path] = _seal(knowledge_base, item.conflict.path, item.after)
            files |= dict.fromkeys(version.sidecar for version in item.conflict.versions if version.sidecar)
        names = ", ".join(item.conflict.name for item in settled)
        message = f"resolve: {names}\n\n{trailers(environment.machine)}"
        if files:
            repository.commit_files(files, message, environment.machine, own_edits=True)
    return settled


class _Tracing:
    """The search for the commits that brought one conflict's versions."""

    def __init__(self, knowledge_base: KnowledgeBase, conflict: OpenConflict, commits: dict[str, Commit]) -> None:
        self._knowledge_base = knowledge_base
        self._repository = Repository(knowledge_base.root)
        self._conflict = conflict
        self._commits = commits
        self._files: dict[str, bytes | None] = {}
        self._known: dict[tuple[bytes | None, str], bool] = {}

    def trace(self) -> OpenConflict:
        """Return the conflict with the origins that history tells."""
        return with_origins(self._conflict, tuple(self._origin(version) for version in self._conflict.versions))

    def _origin(self, version: Version) -> Origin | None:
        return self._bringer(version, self._has) or self._bringer(version, self._has_beside)

    def _bringer(self, version: Version, has: Callable[[Commit, Version], bool]) -> Origin | None:
        """Return the commit that has the version while none of its parents does, from the newest that has it."""
        commit = next((commit for commit in self._commits.values() if has(commit, version)), None)
        while commit is not None:
            parents = (self._commits[parent] for parent in commit.parents if parent in self._commits)
            before = next((parent for parent in parents if has(parent, version)), None)
            if before is None:
                machine = ", ".join(parse_trailers(commit.message).machines)
                return Origin(machine, commit.author, utc(commit.at), commit.id)
            commit = before
        return None

    def _has(self, commit: Commit, version: Version) -> bool:
        if commit.id not in self._files:
            self._files[commit.id] = self._repository.read_file(commit.id, self._conflict.path)
        data = self._files[commit.id]
        if (data, version.text) not in self._known:
            self._known[data, version.text] = data is not None and self._holds(data, version)
        return self._known[data, version.text]

    def _holds(self, data: bytes, version: Version) -> bool:
        conflict = self._conflict
        try:
            if conflict.field:
                return has_version(self._knowledge_base.parse(conflict.path, data), conflict.field, version.text)
            if conflict.key:
                return write_key(_form(conflict.path), conflict.key, _value(conflict, data.decode())) == version.text
        except (FormatError, SealedError, MissingExtraError, ValueError, KeyError, RecursionError):
            return False
        return blob_id(data) == version.blob

    def _has_beside(self, commit: Commit, version: Version) -> bool:
        beside = [version.sidecar, *(other.sidecar for other in self._conflict.versions)]
        name = next(filter(None, beside), "")
        return bool(name) and self._repository.read_file(commit.id, name) is not None


def _find_sidecars(knowledge_base: KnowledgeBase) -> Iterator[str]:
    root = knowledge_base.root
    found = [
        *root.glob("*.conflict-*"),
        *(file for folder in FOLDERS for file in (root / folder).rglob("*.conflict-*")),
    ]
    paths = (file.relative_to(root).as_posix() for file in sorted(found) if file.is_file() and not file.is_symlink())
    return (path for path in paths if is_sidecar(path))


def _read_sidecar(knowledge_base: KnowledgeBase, path: str) -> Sidecar:
    """Read what lies beside a file; a version that was kept as it came, sealed, is opened."""
    sidecar = read_sidecar(path, knowledge_base.read_clear(path))
    if path.endswith(SEALED) or not file_of(path).endswith(SEALED):
        return sidecar
    if knowledge_base.sealer is None:
        raise SealedError(f"{path} is encrypted", hint="agent-context keys list shows which keys are here")
    return msgspec.structs.replace(
        sidecar, text=knowledge_base.sealer.open(file_of(path), sidecar.data).decode(), base64=False
    )


def _describe(
    knowledge_base: KnowledgeBase, path: str, key: tuple[str, ...], beside: dict[str, Sidecar]
) -> OpenConflict:
    """Return the conflict of one file (or key of it): what stands there, then what lies beside."""
    others = [
        Version(sidecar.text, stands=False, base64=sidecar.base64, sidecar=name, blob=sidecar.blob)
        for name, sidecar in beside.items()
    ]
    blob = next(iter(beside.values())).against
    data = _read_clear(knowledge_base, path)
    if key:
        conflict = OpenConflict(path, (), key=key)
        try:
            text = write_key(_form(path), key, _value(conflict, data.decode()))
        except (KeyError, ValueError):
            text = ""
        stands = Version(text, stands=True)
    else:
        stands = _whole(data, blob)
    return OpenConflict(path, (stands, *others), key=key)


def _whole(data: bytes, blob: str) -> Version:
    try:
        return Version(data.decode(), stands=True, blob=blob)
    except UnicodeDecodeError:
        return Version(base64.b64encode(data).decode(), stands=True, base64=True, blob=blob)


def _apply(knowledge_base: KnowledgeBase, conflict: OpenConflict, version: Version, data: bytes) -> bytes:
    """Return the file with the conflict settled so. Raise AgentContextError where it is no longer open."""
    if conflict.field:
        learning = knowledge_base.parse(conflict.path.removesuffix(SEALED), data)
        texts = tuple(item.text for item in conflict.versions)
        if all((item.field, item.versions) != (conflict.field, texts) for item in learning.conflicts):
            raise AgentContextError(f"{conflict.name} is no longer open", hint="run agent-context resolve again")
        return write_learning(settle_learning(learning, conflict, version.text)).encode()
    if version.stands:
        return data
    if (knowledge_base.root / conflict.path).is_dir():
        raise AgentContextError(
            f"{conflict.path} is a folder now", hint="put that version where it belongs by hand, then take what stands"
        )
    if not conflict.key:
        return version.data
    try:
        value = read_key(_form(conflict.path), version.text, conflict.key[-1:])
        return put_key(_form(conflict.path), data.decode(), conflict.key, value).encode()
    except (KeyError, ValueError) as error:
        raise AgentContextError(
            f"{conflict.name}: that version cannot be put in its place: {error}", hint="edit the file by hand"
        ) from None


def _value(conflict: OpenConflict, text: str) -> object:
    return read_key(_form(conflict.path), text, conflict.key)


def _form(path: str) -> Form:
    return "json" if path.endswith(".json") else "toml"


def _read_clear(knowledge_base: KnowledgeBase, path: str) -> bytes:
    """Return a file's bytes in clear; none where it was deleted meanwhile, and none of what a link points to."""
    file = knowledge_base.root / path
    return knowledge_base.read_clear(path) if file.is_file() and not file.is_symlink() else b""


def _seal(knowledge_base: KnowledgeBase, path: str, data: bytes) -> bytes:
    old = (knowledge_base.root / path).read_bytes() if (knowledge_base.root / path).is_file() else None
    return knowledge_base.sealer.seal(path, data, old) if knowledge_base.sealer else data
