"""Trust of a person in entries, by the hash of what would run, or in the people who signed them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import TYPE_CHECKING

import msgspec

from agent_context.config import load_account
from agent_context.errors import AgentContextError
from agent_context.frontmatter import parse_header
from agent_context.tooling.entries import MACHINE_PATH, Kind, render
from agent_context.tooling.records import Signer, Trusted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent_context.git import Repository
    from agent_context.knowledge import KnowledgeBase
    from agent_context.learning import Finding
    from agent_context.tooling.entries import Entry, Server
    from agent_context.tooling.records import Records, Trust

# Keys of Claude Code's front matter that do more than instruct, and the commands that it runs to fill a text in.
RIGHTS = {
    "allowed-tools": "lets these run without asking",
    "hooks": "run commands by themselves",
    "mcpServers": "starts servers",
    "permissionMode": "changes what is asked about",
}
AT_ONCE = re.compile(r"!`[^`\n]+`")
RUNNERS = ("npx", "bunx", "uvx")
FIX = {
    Kind.SERVER: 'write a variable\'s name in its place, as in env = {TOKEN = "${TOKEN}"}, and set it where it runs',
}


@dataclass(slots=True)
class Judge:
    """Tells which entries are trusted on this machine; git is asked for signatures once an entry, when it must be."""

    trust: Trust
    paths: Mapping[str, str]
    repository: Repository | None = None
    _signed: dict[str, bool] = field(default_factory=dict)

    def trusts(self, entry: Entry) -> bool:
        """Tell whether an entry, exactly as it would run here, is trusted by hash or by who signed it."""
        return self.trust.holds(entry.key, entry.trusted_as(self.paths)) or self._is_signed(entry)

    def _is_signed(self, entry: Entry) -> bool:
        if not self.trust.signers or self.repository is None or (entry.server and entry.server.machine_paths()):
            return False  # what this machine's own file says of a path is not what was signed
        if entry.key not in self._signed:
            keys = [signer.key for signer in self.trust.signers]
            self._signed[entry.key] = _is_signed_by(self.repository, entry, keys)
        return self._signed[entry.key]


def _is_signed_by(repository: Repository, entry: Entry, keys: list[str]) -> bool:
    """Tell whether every commit that made the entry what it is was signed by these keys, and nothing is uncommitted."""
    from agent_context.git.signatures import list_signatures  # noqa: PLC0415 - only who trusts a signer asks

    tip = repository.tip()
    if tip is None:
        return False
    for path, file in entry.files.items():
        where = f"{entry.source}/{path}" if entry.kind is Kind.SKILL else entry.source
        if repository.read_file(tip, where) != file.data:
            return False
    commits = list_signatures(repository.root, tip, entry.source, keys)
    return bool(commits) and all(commit.good for commit in commits)


def find_secrets(knowledge_base: KnowledgeBase, entry: Entry) -> list[AgentContextError]:
    """Return an error for each text of an entry that the screen takes for a secret, with its line and the way out."""
    fix = FIX.get(entry.kind, "take it out: a script reads it from a variable of its environment")
    return [
        AgentContextError(f"{where}:{found.line}: {found.kind}: {found.rule} {found.masked}", hint=fix)
        for where, found in _screen(knowledge_base, entry)
        if found.kind == "secret"
    ]


def find_warnings(knowledge_base: KnowledgeBase, entry: Entry, paths: Mapping[str, str]) -> list[str]:
    """Return what in an entry reads like an attack, or may change without a word, for the person who decides."""
    poison = [
        f"{where}:{found.line}: {found.kind}: {found.rule} {found.masked}"
        for where, found in _screen(knowledge_base, entry)
        if found.kind == "poison"
    ]
    own = _find_loose(entry.server, paths, knowledge_base.root) if entry.server else _find_rights(entry)
    return poison + own


def _find_rights(entry: Entry) -> list[str]:
    """Return what the front matter and the text of a file that instructs would run or permit by themselves."""
    found = []
    for path, file in entry.files.items():
        text = file.text or ""
        if path.endswith(".md") and "/" not in path:
            header = parse_header(text, path) if text.startswith("---") else {}
            found += [f"{path}: its {key} {what}" for key, what in RIGHTS.items() if key in header]
            found += [f"{path}: it runs {run[0]} whenever it is called" for run in AT_ONCE.finditer(text)]
    return found


def _find_loose(server: Server, paths: Mapping[str, str], root: Path) -> list[str]:
    """Return what would run that the hash does not hold: files of the knowledge base, packages without a version."""
    folder = str(load_account().folder)
    given = [
        MACHINE_PATH.sub(lambda found: paths.get(found[1], "").replace("~", folder, 1), text) for text in server.texts()
    ]
    loose = (
        ["it runs a file of this knowledge base, which changes as others change it"]
        if any(str(root) in text for text in given)
        else []
    )
    if "/" in server.command and not server.command.startswith(("/", "~", "$")):
        loose.append(f"it runs {server.command} of whatever folder the agent is started in")
    package = next((text for text in server.args if not text.startswith("-")), "")
    if server.command in RUNNERS and "@" not in package[1:] and "==" not in package:
        loose.append(f"{server.command} takes the newest {package} whenever it starts; {package}@VERSION would hold it")
    return loose


def _screen(knowledge_base: KnowledgeBase, entry: Entry) -> list[tuple[str, Finding]]:
    found = []
    for path, file in sorted(entry.files.items()):
        where = f"{entry.source}/{path}" if entry.kind is Kind.SKILL else entry.source
        found += [(where, finding) for finding in knowledge_base.screen(file.text or "")]
    return found


def show_difference(records: Records, entry: Entry, paths: Mapping[str, str]) -> str:
    """Return what a person reads before they trust: all of a new entry, the difference to what was last trusted."""
    digest, last = entry.trusted_as(paths), records.trust().last(entry.key)
    before = records.shown(last.digest) if last is not None and last.digest != digest else ""
    after = render(entry, paths)
    if not before:
        return after
    # By "\n" alone: a reader of the entry may take other line ends for none, and the difference must not hide them.
    lines = unified_diff(before.split("\n"), after.split("\n"), "trusted", "now", lineterm="", n=5)
    return "\n".join(lines) + "\n"


def give_trust(records: Records, entry: Entry, paths: Mapping[str, str], now: str) -> None:
    """Write down that a person trusts this content and no earlier one: who brings that back is asked about again.

    Its text is kept to compare a later one with.
    """
    digest = entry.trusted_as(paths)
    with records.locked():
        trust = records.trust()
        kept = tuple(item for item in trust.entries if item.entry != entry.key)
        records.keep_shown(digest, render(entry, paths))
        records.save_trust(msgspec.structs.replace(trust, entries=(*kept, Trusted(entry.key, digest, now))))


def take_trust(records: Records, key: str) -> bool:
    """Take all trust in an entry back; tell whether there was any."""
    with records.locked():
        trust = records.trust()
        kept = tuple(item for item in trust.entries if item.entry != key)
        records.save_trust(msgspec.structs.replace(trust, entries=kept))
    return kept != trust.entries


def trust_signer(records: Records, key: str, now: str) -> None:
    """Trust whatever every commit by this key brings. Raise AgentContextError for what is no key."""
    words = key.split()
    is_ssh = len(words) >= 2 and words[0].startswith(("ssh-", "ecdsa-", "sk-"))  # noqa: PLR2004 - type and key
    fingerprint = key.replace(" ", "").upper()
    if not is_ssh and not (len(fingerprint) >= 40 and set(fingerprint) <= set("0123456789ABCDEF")):  # noqa: PLR2004 - SHA-1's
        raise AgentContextError(
            "this is neither an ssh public key nor a PGP fingerprint",
            hint='as in --signer "ssh-ed25519 AAAA…" (a line of a .pub file), or 40 hex digits',
        )
    meant = " ".join(words[:2]) if is_ssh else fingerprint
    with records.locked():
        trust = records.trust()
        kept = tuple(signer for signer in trust.signers if signer.key != meant)
        records.save_trust(msgspec.structs.replace(trust, signers=(*kept, Signer(meant, now))))


def forget_signer(records: Records, key: str) -> bool:
    """Trust a key no longer; tell whether it was trusted. The beginning of a key is enough."""
    meant = " ".join(key.split()[:2])
    with records.locked():
        trust = records.trust()
        kept = tuple(signer for signer in trust.signers if not signer.key.startswith(meant))
        records.save_trust(msgspec.structs.replace(trust, signers=kept))
    return kept != trust.signers
