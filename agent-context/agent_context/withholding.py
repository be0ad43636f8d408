"""What is in the knowledge base and must not be handed out: to an agent, a search, the site. Whoever committed it.

Other people's commits are foreign text. What trips the screen stays in git as it is, and waits here until a person has
looked at it and allows it by its hash (`[[allow]]` in agent-context.toml).
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from agent_context import __version__
from agent_context.learning import Speaker, name_findings
from agent_context.local_learnings import load_local
from agent_context.screening import screen
from agent_context.screening.actions import Origin, weigh
from agent_context.screening.allowing import apply_allowances
from agent_context.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_context.config import Environment
    from agent_context.knowledge import Entry, KnowledgeBase
    from agent_context.learning import Finding, Learning
    from agent_context.settings import Settings


@dataclass(frozen=True, slots=True)
class Withheld:
    """A learning that is not handed out, and why."""

    entry: Entry
    findings: tuple[Finding, ...]

    @property
    def reason(self) -> str:
        """Return the findings in a few words, without what they stand on."""
        return name_findings(self.findings)


@dataclass(frozen=True, slots=True)
class Sifted:
    """Learnings that may be handed out, and those that may not."""

    entries: tuple[Entry, ...]
    withheld: tuple[Withheld, ...]


def sift(entries: Iterable[Entry], settings: Settings, state: State | None = None) -> Sifted:
    """Part the learnings. A text that was found clean is remembered by its hash and not screened again."""
    listed = tuple(entries)
    texts = {entry.path: learning_text(entry.learning) for entry in listed}
    digests = {path: digest_text(text, settings) for path, text in texts.items()}
    clean = state.known_clean(digests.values()) if state else set()
    withheld: dict[str, Withheld] = {}
    for entry in listed:
        if digests[entry.path] not in clean:
            findings = find_reasons(entry.learning, settings)
            if findings:
                withheld[entry.path] = Withheld(entry, tuple(findings))
    if state:
        state.note_clean(digest for path, digest in digests.items() if path not in withheld and digest not in clean)
    return Sifted(tuple(entry for entry in listed if entry.path not in withheld), tuple(withheld.values()))


def sift_all(knowledge_base: KnowledgeBase, environment: Environment, project: str | None = None) -> Sifted:
    """Read the knowledge base (or one project) and what is local to this machine, and part it, changing no state."""
    with State(environment.data_dir, knowledge_base.root, keep=False) as state:
        local = load_local(environment, knowledge_base, project)
        return sift([*knowledge_base.load_named(project).entries, *local], knowledge_base.settings, state)


def find_reasons(learning: Learning, settings: Settings) -> list[Finding]:
    """Return what in a learning nobody has allowed. What only persons said may sound like an instruction."""
    text = learning_text(learning)
    speakers = {source.speaker for source in learning.sources}
    origin = Origin.USER if speakers == {Speaker.USER} else Origin.FOREIGN
    findings = [finding for finding in screen(text, settings.screening.engines) if finding.kind != "personal"]
    return apply_allowances(weigh(findings, origin), text, settings.allow)


def learning_text(learning: Learning) -> str:
    """Return all that a learning says, a blank line between its parts."""
    return "\n\n".join((learning.claim, *learning.why, *learning.evidence, *learning.tags, *learning.paths))


def digest_text(text: str, settings: Settings) -> str:
    """Return the hash under which a text is remembered as clean: for this program's version and these engines."""
    return sha256(f"{__version__}\0{settings.screening.engines}\0{text}".encode()).hexdigest()
