"""Learnings at rest as age files (age-encryption.org/v1): for projects that ask for it, read and written with keys.

The keys never leave their machine. `recipients.txt` in the project's folder names who can read what is written from now
on, in age's own format; a list that somebody else changed is used only after a person here has agreed to it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from agent_context.changes import write_atomically
from agent_context.errors import AgentContextError, MissingExtraError, SealedError
from agent_context.layout import PROJECTS, SEALED, project_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent_context.git import MergeConflict
    from agent_context.git.trees import Resolver
    from agent_context.merging.merge import Resolved

RECIPIENTS_FILE = "recipients.txt"
PRIVATE = 0o600


class Recipient(msgspec.Struct, frozen=True):
    """Who can read: an age or ssh public key, and the name that its line gives it."""

    key: str
    name: str = ""


class Sealer:
    """Opens and seals the files of one knowledge base.

    `trusted` is what a person on this machine agreed to: project folder to public keys. `keys_file` holds its age
    identities, `ssh_key` is an ssh-ed25519 private key that opens files too where it has no passphrase.
    """

    def __init__(self, root: Path, keys_file: Path, ssh_key: Path, trusted: Mapping[str, tuple[str, ...]]) -> None:
        self.keys_file = keys_file
        self.trusted = dict(trusted)
        self._root = root
        self._ssh_key = ssh_key
        self._loaded: list[Any] | None = None

    def open(self, path: str, data: bytes) -> bytes:
        """Return a file's clear text; data that is not sealed is returned as it is.

        Raise SealedError when no key on this machine opens it.
        """
        if not path.endswith(SEALED):
            return data
        pyrage = _import_pyrage()
        try:
            return bytes(pyrage.decrypt(data, self._identities()))
        except pyrage.DecryptError as error:
            raise SealedError(
                f"{path} cannot be opened here: {error}",
                hint="ask a machine that can for access: agent-context keys add KEY --project NAME, with the key that "
                "agent-context keys list shows here",
            ) from None

    def seal(self, path: str, text: bytes, old: bytes | None = None) -> bytes:
        """Return what to write for this text; `old` (what is there now) where it already says so."""
        if not path.endswith(SEALED):
            return text
        if old is not None:
            try:
                if self.open(path, old) == text:
                    return old
            except SealedError:
                pass
        return self.encrypt(text, self.recipients_for(project_of(path)))

    def encrypt(self, text: bytes, keys: tuple[str, ...]) -> bytes:
        """Return the text as an age file for these public keys."""
        pyrage = _import_pyrage()
        return bytes(pyrage.encrypt(text, [read_recipient(key) for key in keys]))

    def recipients_for(self, project: str) -> tuple[str, ...]:
        """Return the public keys that new text is sealed for: the list that was agreed to here.

        A list that nobody here has seen is taken when this machine's own key is in it (somebody let this machine in).
        Raise AgentContextError when there is none to use.
        """
        listed = tuple(recipient.key for recipient in self.read_recipients(project))
        if project in self.trusted:
            return self.trusted[project]
        if listed and set(listed) & set(self.own_keys()):
            return listed
        raise AgentContextError(
            f"the project {project} is encrypted, and this machine does not know for whom",
            hint=f"add its key: agent-context keys add --project {project}"
            if not listed
            else f"look at {PROJECTS}/{project}/{RECIPIENTS_FILE}, then: agent-context keys trust --project {project}",
        )

    def read_recipients(self, project: str) -> list[Recipient]:
        """Return who is listed in the project's file, with the names that comments give them."""
        file = self._root / PROJECTS / project / RECIPIENTS_FILE
        return parse_recipients(file.read_text(encoding="utf-8")) if file.is_file() else []

    def find_untrusted(self, project: str) -> list[Recipient]:
        """Return the listed keys that a person here has not agreed to."""
        listed = self.read_recipients(project)
        known = set(self.trusted.get(project, ()))
        if not known and {recipient.key for recipient in listed} & set(self.own_keys()):
            return []
        return [recipient for recipient in listed if recipient.key not in known]

    def own_keys(self) -> tuple[str, ...]:
        """Return this machine's public age keys, the newest last."""
        return tuple(str(_import_pyrage().x25519.Identity.from_str(line).to_public()) for line in self._key_lines())

    def make_key(self) -> str:
        """Make a new key of this machine, keep it beside the older ones (0600), and return its public half."""
        identity = _import_pyrage().x25519.Identity.generate()
        lines = [*self._key_lines(), str(identity)]
        self.keys_file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.keys_file, "".join(f"{line}\n" for line in lines).encode(), mode=PRIVATE)
        self._loaded = None
        return str(identity.to_public())

    def _key_lines(self) -> list[str]:
        if not self.keys_file.is_file():
            return []
        if os.name == "posix" and self.keys_file.stat().st_mode & 0o077:
            raise AgentContextError(
                f"{self.keys_file} can be read by others", hint=f"make it yours alone: chmod 600 {self.keys_file}"
            )
        lines = (line.strip() for line in self.keys_file.read_text(encoding="utf-8").splitlines())
        return [line for line in lines if line and not line.startswith("#")]

    def _identities(self) -> list[Any]:
        if self._loaded is None:
            pyrage = _import_pyrage()
            self._loaded = [pyrage.x25519.Identity.from_str(line) for line in self._key_lines()]
            if self._ssh_key.is_file():
                # Another kind of key, or one with a passphrase, which nothing here may ask for, opens nothing.
                with suppress(OSError, pyrage.IdentityError):
                    self._loaded.append(pyrage.ssh.Identity.from_buffer(self._ssh_key.read_bytes()))
        return self._loaded


def find_closed(files: Mapping[str, bytes | None], sealer: Sealer | None) -> list[str]:
    """Return the sealed files (path to bytes) that no key here opens."""
    return [path for path, data in files.items() if data is not None and _try_open(path, data, sealer) is None]


def open_files(files: Mapping[str, bytes | None], sealer: Sealer | None) -> dict[str, bytes | None]:
    """Return the files with the sealed ones in clear; what cannot be opened is left out."""
    opened = {path: None if data is None else _try_open(path, data, sealer) for path, data in files.items()}
    return {path: data for path, data in opened.items() if data is not None or files[path] is None}


def seal_files(
    files: Mapping[str, bytes | None], sealer: Sealer | None, old: Mapping[str, bytes | None]
) -> dict[str, bytes | None]:
    """Return the files as they are to be written: sealed where their names say so."""
    return {
        path: data if data is None or sealer is None else sealer.seal(path, data, old.get(path))
        for path, data in files.items()
    }


def seal_resolver(resolve: Resolver, sealer: Sealer | None) -> Resolver:
    """Return a resolver that merges sealed files by what they say; one that no key here opens stays as ours has it."""

    def resolve_sealed(
        path: str, base: bytes | None, ours: bytes | None, theirs: bytes | None
    ) -> bytes | Resolved | MergeConflict | None:
        if not path.endswith(SEALED) or ours is None or theirs is None:
            return resolve(path, base, ours, theirs)
        from agent_context.git import MergeConflict  # noqa: PLC0415 - 60 ms that the hook of a prompt does not pay
        from agent_context.merging.merge import Resolved  # noqa: PLC0415 - the same

        before, mine, other = (_try_open(path, data, sealer) if data else None for data in (base, ours, theirs))
        if sealer is None or mine is None or other is None:
            return MergeConflict(path, "both sides changed it, and no key here opens it")
        merged = resolve(path.removesuffix(SEALED), before, mine, other)
        if isinstance(merged, Resolved):
            beside = {name + SEALED: sealer.seal(name + SEALED, data) for name, data in merged.beside.items()}
            return Resolved(sealer.seal(path, merged.data, ours), beside, merged.notes)
        if not isinstance(merged, bytes):
            return merged
        return theirs if merged == other else sealer.seal(path, merged, ours)

    return resolve_sealed


def parse_recipients(text: str) -> list[Recipient]:
    """Read age's recipients file: one key a line; a comment line names the key after it, as does an ssh key's own."""
    found: list[Recipient] = []
    name = ""
    for line in text.splitlines():
        words = line.split()
        if line.startswith("#"):
            name = line.removeprefix("#").strip()
        elif words and words[0].startswith("ssh-"):
            found.append(Recipient(" ".join(words[:2]), name or " ".join(words[2:])))
            name = ""
        elif words:
            found.append(Recipient(words[0], name))
            name = ""
    return found


def _try_open(path: str, data: bytes, sealer: Sealer | None) -> bytes | None:
    if not path.endswith(SEALED):
        return data
    try:
        return sealer.open(path, data) if sealer else None
    except (SealedError, MissingExtraError):
        return None


def write_recipients(recipients: list[Recipient]) -> bytes:
    """Return the recipients file, readable by `age -R` as well."""
    lines = ((f"# {recipient.name}\n" if recipient.name else "") + f"{recipient.key}\n" for recipient in recipients)
    return "".join(lines).encode()


def read_recipient(key: str) -> Any:  # noqa: ANN401 - one of two classes of a package that is not always there
    """Return the key as the library's value. Raise AgentContextError for what is none."""
    pyrage = _import_pyrage()
    kind = pyrage.ssh.Recipient if key.startswith("ssh-") else pyrage.x25519.Recipient
    try:
        return kind.from_str(key)
    except pyrage.RecipientError as error:
        raise AgentContextError(
            f"{key[:40]} is no public key: {error}", hint="give an age1... key or an ssh-ed25519 line"
        ) from None


def _import_pyrage() -> Any:  # noqa: ANN401 - a module
    try:
        import pyrage  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtraError("pyrage", "encryption") from None
    return pyrage
