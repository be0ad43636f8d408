"""Who can read an encrypted project: let a key in or out, agree to what others changed, make this machine a new key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_context.errors import AgentContextError, SealedError
from agent_context.frontmatter import write_learning
from agent_context.git import Repository, locked
from agent_context.identity import is_project_folder, name_of
from agent_context.knowledge import write_project
from agent_context.layout import PROJECT_FILE, PROJECTS, learning_path
from agent_context.machine import save_machine_settings
from agent_context.sealing import RECIPIENTS_FILE, Recipient, Sealer, parse_recipients, read_recipient, write_recipients
from agent_context.trailers import trailers

if TYPE_CHECKING:
    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase


@dataclass(frozen=True, slots=True)
class Access:
    """Who is listed for one encrypted project, whom this machine has not agreed to yet, and how many files it opens."""

    project: str
    recipients: tuple[Recipient, ...]
    untrusted: tuple[Recipient, ...]
    readable: int
    closed: int


@dataclass(frozen=True, slots=True)
class Resealed:
    """What was committed: the recipients now, the files sealed anew, the clear ones that became sealed."""

    project: str
    recipients: tuple[Recipient, ...]
    files: int
    converted: int


def list_access(knowledge_base: KnowledgeBase) -> list[Access]:
    """Return every encrypted project's access, as seen from this machine."""
    sealer = _sealer(knowledge_base)
    found = []
    for project in knowledge_base.projects():
        recipients = sealer.read_recipients(project)
        if recipients or knowledge_base.project(project).encrypted:
            contents = knowledge_base.load(project)
            readable = sum(entry.is_sealed for entry in contents.entries)
            untrusted = tuple(sealer.find_untrusted(project))
            found.append(Access(project, tuple(recipients), untrusted, readable, len(contents.sealed)))
    return found


def add_key(
    knowledge_base: KnowledgeBase, environment: Environment, project: str, key: str, name: str, *, convert: bool = False
) -> Resealed:
    """Let a key read the project, making the project encrypted where it is not; an empty key means this machine's own.

    Clear learnings of before stay as they are unless `convert`; git's history keeps them either way.
    """
    if not is_project_folder(project):
        raise AgentContextError(f"{project} is no project's folder", hint="agent-context projects list names them")
    sealer = _sealer(knowledge_base)
    if not key:
        own = sealer.own_keys()
        recipients = [Recipient(own[-1] if own else sealer.make_key(), environment.machine)]
    else:
        recipients = [_name(recipient, name) for recipient in parse_recipients(_read_key(key))]
    for recipient in recipients:
        read_recipient(recipient.key)
    listed = [item for item in sealer.read_recipients(project) if item.key not in {new.key for new in recipients}]
    what = f"{', '.join(item.name or item.key[:16] for item in recipients)} may read {project}"
    return _reseal(knowledge_base, environment, project, [*listed, *recipients], what, convert=convert)


def remove_key(knowledge_base: KnowledgeBase, environment: Environment, project: str, prefix: str) -> Resealed:
    """Seal for all but this key (its beginning, or its name) from now on. What was committed before stays readable."""
    listed = _sealer(knowledge_base).read_recipients(project)
    gone = [item for item in listed if item.name == prefix or item.key.startswith(prefix)]
    if len(gone) != 1:
        raise AgentContextError(
            f"{prefix} is {'no key' if not gone else 'the beginning of several keys'} of {project}",
            hint="agent-context keys list shows them",
        )
    if len(listed) == 1:
        raise AgentContextError(
            f"{prefix} is the only key of {project}", hint="add another first: agent-context keys add"
        )
    what = f"{gone[0].name or gone[0].key[:16]} no longer reads {project}"
    return _reseal(knowledge_base, environment, project, [item for item in listed if item not in gone], what)


def rotate_key(knowledge_base: KnowledgeBase, environment: Environment) -> list[Resealed]:
    """Give this machine a new key in every project that lists its old one, which stays here to read history."""
    sealer = _sealer(knowledge_base)
    old = set(sealer.own_keys())
    projects = [item.project for item in list_access(knowledge_base) if {who.key for who in item.recipients} & old]
    new = Recipient(sealer.make_key(), environment.machine)
    done = []
    for project in projects:
        kept = [item for item in sealer.read_recipients(project) if item.key not in old]
        what = f"{environment.machine} has a new key for {project}"
        done.append(_reseal(knowledge_base, environment, project, [*kept, new], what))
    return done


def trust_keys(knowledge_base: KnowledgeBase, environment: Environment, project: str) -> Resealed:
    """Agree to the project's list as it stands, and seal its files for it."""
    listed = _sealer(knowledge_base).read_recipients(project)
    if not listed:
        raise AgentContextError(
            f"{project} lists no keys", hint=f"add this machine's: agent-context keys add --project {project}"
        )
    return _reseal(knowledge_base, environment, project, listed, f"sealed {project} for the keys listed")


def _reseal(
    knowledge_base: KnowledgeBase,
    environment: Environment,
    project: str,
    recipients: list[Recipient],
    what: str,
    *,
    convert: bool = False,
) -> Resealed:
    """Write the list, seal every sealed file for it, commit all that as one, and remember that this was agreed to."""
    sealer = _sealer(knowledge_base)
    repository = Repository(knowledge_base.root)
    with locked(repository, knowledge_base.settings.sync.lock_seconds):
        contents = knowledge_base.load(project)
        if contents.sealed:
            raise SealedError(
                f"{len(contents.sealed)} learnings of {project} cannot be opened here, {contents.sealed[0]} the first",
                hint="run this on a machine that can read them",
            )
        keys = tuple(item.key for item in recipients)
        described = knowledge_base.project(project)
        folder = f"{PROJECTS}/{project}"
        described = msgspec.structs.replace(described, name=described.name or name_of(project), encrypted=True)
        files: dict[str, bytes | None] = {
            f"{folder}/{PROJECT_FILE}": write_project(described),
            f"{folder}/{RECIPIENTS_FILE}": write_recipients(recipients),
        }
        resealed = converted = 0
        changed = keys != sealer.trusted.get(project)
        for entry in contents.entries:
            text = write_learning(entry.learning).encode()
            if entry.is_sealed and changed:
                files[entry.path] = sealer.encrypt(text, keys)
                resealed += 1
            elif not entry.is_sealed and convert:
                files[entry.path] = None
                files[learning_path(project, entry.learning, sealed=True)] = sealer.encrypt(text, keys)
                converted += 1
        files = {path: data for path, data in files.items() if data != repository.read_file(repository.tip(), path)}
        if files:
            message = f"keys: {what}\n\n{trailers(environment.machine)}"
            repository.commit_files(files, message, environment.machine, own_edits=True)
        sealer.trusted[project] = keys
        own = msgspec.structs.replace(environment.own, recipients=dict(sorted(sealer.trusted.items())))
        save_machine_settings(environment.machine_file, own)
    return Resealed(project, tuple(recipients), resealed, converted)


def _sealer(knowledge_base: KnowledgeBase) -> Sealer:
    if knowledge_base.sealer is None:
        raise AssertionError("BUG: a knowledge base was opened without its keys")
    return knowledge_base.sealer


def _read_key(key: str) -> str:
    """Return the text of a key: given itself, or as the file that holds it."""
    if key.startswith(("age1", "ssh-")):
        return key
    try:
        return Path(key).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AgentContextError(
            f"{key} is neither a public key nor a file that holds one: {error}",
            hint="give an age1... key, an ssh-ed25519 line, or a .pub file",
        ) from None


def _name(recipient: Recipient, name: str) -> Recipient:
    return msgspec.structs.replace(recipient, name=name or recipient.name)
