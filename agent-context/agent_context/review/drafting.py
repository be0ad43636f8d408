"""One proposal as it is to be: the learnings asked about, all files it changes on main, and what it says of itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from agent_context.layout import PROJECT_FILE, SEALED, is_learning_path, is_of_one_machine
from agent_context.learning import Status
from agent_context.proposal import Riding, Text, render_body, render_title
from agent_context.review.verdicts import MARK, read_learning
from agent_context.trailers import trailers

if TYPE_CHECKING:
    from agent_context.git import Repository
    from agent_context.knowledge import KnowledgeBase
    from agent_context.proposal import Proposed
    from agent_context.waiting import Ledger

MARK_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Draft:
    """The best-ranked learnings (`proposed`), and all files that differ from `main`, with bytes (None: removed)."""

    knowledge_base: KnowledgeBase
    repository: Repository
    machine: str
    main: str
    proposed: list[Proposed]
    files: dict[str, bytes | None]
    queued: int
    ledger: Ledger

    def deserves_request(self) -> bool:
        """Tell whether a person has something to decide; rejections, confirmations, machines' files are no reason."""
        edits = (self._riding(path).what for path in self._others())
        return bool(self.proposed) or any(what in ("edited", "removed") for what in edits)

    def mark(self) -> str:
        """Return what tells this proposal from every other."""
        digest = hashlib.sha256(self.main.encode())
        for path, data in sorted(self.files.items()):
            digest.update(f"\0{path}\0{'-' if data is None else self.repository.blob_id(data)}".encode())
        return digest.hexdigest()[:MARK_LENGTH]

    def title(self) -> str:
        """Return the pull request's title."""
        return render_title(self._text())

    def body(self) -> str:
        """Return the pull request's text, Markdown."""
        return render_body(self._text())

    def message(self) -> str:
        """Return the commit's message, with a mark that a squash or a rebase keeps."""
        authors = "".join(f"Co-authored-by: {name}\n" for name in self.ledger.reviewers)
        return f"propose: {self.title()}\n\n{MARK}{self.mark()}\n{trailers(self.machine)}{authors}"

    def _text(self) -> Text:
        riding = [self._riding(path) for path in self._others()]
        return Text(self.machine, self.proposed, riding, self.queued, self.ledger.counts, self.ledger.refused)

    def _others(self) -> list[str]:
        """Return the paths that go along and are worth a line."""
        asked = {item.path for item in self.proposed}
        silent = (path for path in self.files if is_of_one_machine(path) or path.endswith(f"/{PROJECT_FILE}"))
        return sorted(self.files.keys() - asked - set(silent))

    def _riding(self, path: str) -> Riding:
        data = self.files[path]
        learning = read_learning(self.knowledge_base, path, data)
        what: Literal["confirmed", "rejected", "edited", "removed"] = "removed" if data is None else "edited"
        if learning is None or not is_learning_path(path):
            return Riding(what, path)
        if learning.status is Status.REJECTED:
            what = "rejected"
        elif (
            before := read_learning(self.knowledge_base, path, self.repository.read_file(self.main, path))
        ) is not None:
            more = {name: getattr(learning, name) for name in ("sources", "confirmed", "evidence")}
            same = msgspec.structs.replace(before, **more) == learning
            what = "confirmed" if same else "edited"
        if path.endswith(SEALED):
            return Riding(what, path)
        return Riding(what, path, learning.claim, learning.status_note.reason if learning.status_note else "")
