"""What waits for a person because the screen was not sure: on this machine, never in git, for its user alone to read.

One JSON file a candidate. A candidate that a person dropped is remembered by its id and does not come back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_context.changes import write_atomically
from agent_context.errors import AgentContextError
from agent_context.learning import Candidate, Finding, learning_id, name_findings
from agent_context.state import name_of_clone

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
MOST = 1000
DROPPED = "dropped"


class Held(msgspec.Struct, frozen=True):
    """A candidate that is held back: what was found in it (masked), why, when (UTC), for which project.

    `line` is the session record's number where that is known, else 0.
    """

    id: str
    at: str
    project: str
    remote: str
    reason: str
    candidate: Candidate
    findings: tuple[Finding, ...] = ()
    line: int = 0


def hold_back(
    candidate: Candidate, findings: list[Finding], project: str, at: str, *, remote: str = "", reason: str = ""
) -> Held:
    """Return a candidate as it is to be held back. The same words in the same project have the same id."""
    return Held(
        learning_id(project, candidate.claim),
        at,
        project,
        remote,
        reason or name_findings(findings),
        candidate,
        tuple(findings),
    )


class Quarantine:
    """The folder of one knowledge base's held candidates on this machine."""

    def __init__(self, data_dir: Path, knowledge_base: Path) -> None:
        self.folder = data_dir / "quarantine" / name_of_clone(knowledge_base)

    def put(self, held: Held) -> bool:
        """Hold a candidate back; tell whether it is new here: one that waits or was dropped before is not."""
        if held.id in self.dropped() or self.path_of(held.id).exists():
            return False
        self.folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        write_atomically(self.path_of(held.id), msgspec.json.encode(held) + b"\n", mode=PRIVATE_FILE)
        return True

    def list(self) -> list[Held]:
        """Return what is held, oldest first; a file that does not read is passed over."""
        found = []
        for path in self.folder.glob("*.json") if self.folder.is_dir() else ():
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=Held))
            except (OSError, msgspec.DecodeError):
                continue
        return sorted(found, key=lambda held: (held.at, held.id))

    def find(self, prefix: str) -> Held:
        """Return the one whose id begins so. Raise AgentContextError for none or several."""
        found = [held for held in self.list() if prefix and held.id.startswith(prefix)]
        if len(found) != 1:
            raise AgentContextError(
                f"{len(found) or 'no'} candidates in quarantine have an id that begins with {prefix}",
                hint="agent-context quarantine list shows the ids",
            )
        return found[0]

    def remove(self, held: Held) -> None:
        """Let go of a candidate."""
        self.path_of(held.id).unlink(missing_ok=True)

    def drop(self, held: Held) -> None:
        """Let go of a candidate for good: remember its id, so that the next sync does not bring it back."""
        ids = sorted({*self.dropped(), held.id})
        write_atomically(self.folder / DROPPED, "".join(f"{item}\n" for item in ids).encode(), mode=PRIVATE_FILE)
        self.remove(held)

    def dropped(self) -> frozenset[str]:
        """Return the ids of the candidates that a person dropped."""
        path = self.folder / DROPPED
        return frozenset(path.read_text(encoding="utf-8").split()) if path.is_file() else frozenset()

    def prune(self, before: str, most: int = MOST) -> int:
        """Delete what was held back before a time (UTC text; empty: never too old), and the oldest beyond the most."""
        held = self.list()
        old = [item for number, item in enumerate(held) if item.at < before or number < len(held) - most]
        for item in old:
            self.remove(item)
        return len(old)

    def path_of(self, identity: str) -> Path:
        """Return the file of a candidate."""
        return self.folder / f"{identity}.json"
