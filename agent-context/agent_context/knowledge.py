"""The knowledge base on disk: its projects, its learnings, and the files that a new one becomes."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import tomli_w

from agent_context.config import load_settings
from agent_context.errors import AgentContextError, FormatError, MissingExtraError, SealedError
from agent_context.identity import name_of
from agent_context.layout import (
    PATTERNS,
    PROJECT_FILE,
    PROJECTS,
    SEALED,
    Project,
    id_in,
    is_learning_path,
    learning_path,
)
from agent_context.learning import ID_LENGTH, Learning
from agent_context.settings import advise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from agent_context.learning import Finding
    from agent_context.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Entry:
    """A learning and where it lies: its project's folder (or `patterns`) and its path in the knowledge base."""

    project: str
    path: str
    learning: Learning

    @property
    def is_sealed(self) -> bool:
        """Tell whether it is encrypted in the repository: such a one is for people who hold a key, not for a site."""
        return self.path.endswith(SEALED)


@dataclass(frozen=True, slots=True)
class Contents:
    """All that was read: the learnings, for each file that does not read what is wrong, and what no key here opens."""

    entries: tuple[Entry, ...]
    problems: tuple[FormatError, ...]
    sealed: tuple[str, ...] = ()


class KnowledgeBase:
    """The files of one knowledge base, as they lie in its worktree. Without a `sealer`, encrypted ones stay closed."""

    def __init__(self, root: Path, sealer: Sealer | None = None) -> None:
        self.root = root
        self.sealer = sealer
        self.settings = load_settings(root)

    def use_extractor(self, name: str) -> None:
        """Take another extractor than the set one, for this run."""
        extraction = msgspec.structs.replace(self.settings.extraction, extractor=name)
        self.settings = msgspec.structs.replace(self.settings, extraction=extraction)

    def projects(self) -> list[str]:
        """Return the project folders, sorted."""
        folder = self.root / PROJECTS
        return sorted(item.name for item in folder.iterdir() if item.is_dir()) if folder.is_dir() else []

    def load_named(self, project: str | None) -> Contents:
        """Read one project's learnings, or all. Raise AgentContextError when the named one is not here."""
        if project not in (None, PATTERNS, *self.projects()):
            raise AgentContextError(f"no project {project} here", hint="agent-context projects list names them")
        return self.load(project)

    def project(self, folder: str) -> Project:
        """Return a project's description, or its folder's name alone. Raise AgentContextError if it does not read."""
        path = self.root / PROJECTS / folder / PROJECT_FILE
        if not path.is_file():
            return Project(name=folder)
        try:
            return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Project)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            hint = advise(str(error), Project, "mend that line, or restore the file from git")
            raise AgentContextError(f"{path}: {error}", hint=hint) from None

    def load(self, project: str | None = None, *, naming: str = "") -> Contents:
        """Read all learnings (or one project's), sorted by path. A file that does not read costs itself alone.

        With `naming` those alone whose files have this text, and what is encrypted.
        """
        return self._read(self._files(project), naming.encode())

    def _read(self, files: Iterable[tuple[str, Path]], naming: bytes = b"") -> Contents:
        entries: list[Entry] = []
        problems: list[FormatError] = []
        sealed: list[str] = []
        for folder, file in files:
            path = file.relative_to(self.root).as_posix()
            try:
                data = file.read_bytes()
                if naming in data or path.endswith(SEALED):
                    entries.append(Entry(folder, path, self.parse(path, data)))
            except (SealedError, MissingExtraError):
                sealed.append(path)
            except FormatError as error:
                problems.append(error)
            except (OSError, UnicodeDecodeError) as error:
                problems.append(FormatError(path, 1, f"cannot be read: {error}", hint="restore the file from git"))
        return Contents(tuple(entries), tuple(problems), tuple(sealed))

    def find(self, prefix: str) -> Entry:
        """Return the one learning whose id (or `project/id`) begins so. Raise AgentContextError for none or several."""
        found = self.find_all(prefix)
        if len(found) == 1:
            return found[0]
        if not found:
            raise AgentContextError(
                f"no learning has an id that begins with {prefix}", hint="agent-context search finds ids"
            )
        names = ", ".join(f"{entry.project}/{entry.learning.id}" for entry in found[:5])
        raise AgentContextError(f"{prefix} is the beginning of {len(found)} ids: {names}", hint="give more of it")

    def find_all(self, prefix: str) -> list[Entry]:
        """Return the learnings whose id (or `project/id`) begins so: by their files' names, else by reading all."""
        folder, _, start = prefix.rpartition("/")
        for files in (self._files(folder or None, start), self._files(folder or None)):
            found = [entry for entry in self._read(files).entries if entry.learning.id.startswith(start)]
            if found:
                return found
        return []

    def parse(self, path: str, data: bytes) -> Learning:
        """Return a file's learning. Raise FormatError, UnicodeDecodeError, or SealedError where no key opens it."""
        from agent_context.frontmatter import parse_learning  # noqa: PLC0415 - YAML: the hook of a prompt does not pay it

        if path.endswith(SEALED) and self.sealer is None:
            raise SealedError(f"{path} is encrypted", hint="agent-context keys list shows which keys are here")
        return parse_learning((self.sealer.open(path, data) if self.sealer else data).decode(), path)

    def read_clear(self, path: str) -> bytes:
        """Return a file's bytes in clear. Raise SealedError where no key opens it."""
        data = (self.root / path).read_bytes()
        return self.sealer.open(path, data) if self.sealer else data

    def screen(self, text: str) -> list[Finding]:
        """Return what this knowledge base's engines find in a text and nobody allows."""
        from agent_context.screening import screen  # noqa: PLC0415 - what a sync without news does not pay
        from agent_context.screening.allowing import apply_allowances  # noqa: PLC0415 - the same

        return apply_allowances(screen(text, self.settings.screening.engines), text, self.settings.allow)

    def bytes_for(self, path: str, learning: Learning) -> bytes:
        """Return what the learning's file at this path is to hold: sealed where its name says so.

        Raise AgentContextError for a certain secret in it, whoever wants it written.
        """
        from agent_context.frontmatter import write_learning  # noqa: PLC0415 - as in parse

        written = write_learning(learning)
        for finding in self.screen(written):
            if (finding.kind, finding.severity) == ("secret", "certain"):
                raise AgentContextError(
                    f"{path}:{finding.line}: {finding.kind}: {finding.rule} {finding.masked}",
                    hint="it was not written; take the secret out, or allow it by its hash (agent-context screen)",
                )
        text = written.encode()
        if not path.endswith(SEALED):
            return text
        if self.sealer is None:
            raise SealedError(f"{path} is encrypted", hint="agent-context keys list shows which keys are here")
        file = self.root / path
        return self.sealer.seal(path, text, file.read_bytes() if file.is_file() else None)

    def file_for(self, project: str, learning: Learning) -> tuple[str, bytes]:
        """Return path and bytes of a learning's new file."""
        sealed = project != PATTERNS and self.project(project).encrypted
        path = learning_path(project, learning, sealed=sealed)
        return path, self.bytes_for(path, learning)

    def project_file_for(self, folder: str, remote: str) -> dict[str, bytes]:
        """Return the `project.toml` that a project still lacks, nothing where it has one."""
        path = f"{PROJECTS}/{folder}/{PROJECT_FILE}"
        if folder == PATTERNS or (self.root / path).exists():
            return {}
        return {path: write_project(Project(name_of(folder), (remote,) if remote else ()))}

    def remotes(self) -> dict[str, str]:
        """Return normalised remote to project folder, as the project files say; one that does not read says nothing."""
        found: dict[str, str] = {}
        for folder in self.projects():
            with suppress(AgentContextError):
                found.update(dict.fromkeys(self.project(folder).remotes, folder))
        return found

    def _files(self, project: str | None, start: str = "") -> Iterator[tuple[str, Path]]:
        """Yield the learnings' files with their projects' folders; those alone whose names have ids that start so."""
        for folder in [project] if project else [*self.projects(), PATTERNS]:
            top = self.root / PATTERNS if folder == PATTERNS else self.root / PROJECTS / folder
            for file in sorted(file for file in top.rglob("*.md*") if id_in(file.name).startswith(start)):
                if is_learning_path(file.relative_to(self.root).as_posix()) and not file.is_symlink():
                    yield folder, file


def write_project(project: Project) -> bytes:
    """Return `project.toml` in canonical form."""
    fields: dict[str, Any] = msgspec.to_builtins(project)
    return tomli_w.dumps({key: value for key, value in fields.items() if value}).encode()


def check_entry(entry: Entry) -> str:
    """Return what is wrong with a learning's place in the knowledge base, or an empty string."""
    if len(entry.learning.id) < ID_LENGTH or not set(entry.learning.id) <= set("0123456789abcdef"):
        return "the id must be at least ten hex digits"
    if not entry.path.endswith((f"-{entry.learning.id}.md", f"/{entry.learning.id}.md{SEALED}")):
        return "the file's name does not end in its id"
    return ""
