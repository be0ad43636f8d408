"""Read what became of what this machine proposed: what arrived on main, what reviewers changed or turned down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from agent_context.errors import AgentContextError
from agent_context.forges import RequestState
from agent_context.layout import PROJECT_FILE, is_learning_path
from agent_context.learning import Status, StatusNote
from agent_context.waiting import Proposal

if TYPE_CHECKING:
    from agent_context.forges import PullRequest
    from agent_context.git import Repository
    from agent_context.git.refs import Refs
    from agent_context.knowledge import KnowledgeBase
    from agent_context.learning import Learning
    from agent_context.waiting import Ledger, Waiting

MARK = "Proposal: "
NOBODY = "a reviewer"


@dataclass(slots=True)
class Verdicts:
    """Brings what waits up to date. `main` is the remote's main, `tip` the machine's branch there, `word` the forge's.

    What is to be written on the clone's own branch is collected in `files`; `held` says why nothing may be pushed.
    """

    knowledge_base: KnowledgeBase
    repository: Repository
    waiting: Waiting
    branch: str
    main: str
    tip: str | None
    word: PullRequest | None
    now: str
    files: dict[str, bytes | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    held: str = ""

    @property
    def refs(self) -> Refs:
        """Return the clone's refs."""
        return self.waiting.refs

    @property
    def ledger(self) -> Ledger:
        """Return what is known of what waits."""
        return self.waiting.ledger

    def read(self) -> None:
        """Read arrivals, then the reviewers' commits, then how the pull request ended."""
        sent = self._recognise()
        settled = sent is None and self.refs.comes_from(self.tip or "", self.ledger.settled)
        if self.tip is not None and sent is None and self.ledger.versions and not settled:
            self.held = f"another clone pushes to {self.branch}"
            self.problems.append(f"{self.held}; give this machine a name of its own (machine.toml, machine = …)")
        arrived = self._let_go_of_arrived(sent)
        if self.held or settled:
            return
        if self.tip is not None:
            sent = self._take_in(sent, self.tip)
        if sent is not None:
            self._conclude(sent, came=arrived)

    def _recognise(self) -> Proposal | None:
        """Return which of our commits the branch on the remote comes from; what was planned and is there was pushed."""
        ours = [item for item in self.ledger.versions if item.branch == self.branch]
        if len(ours) < len(self.ledger.versions):
            self.waiting.note(proposed=None, planned=None, previous=None)  # the machine has another name now
            return None
        if self.tip is None:
            self.waiting.note(planned=None)
            return self.ledger.proposed
        found = next((item for item in ours if self.refs.comes_from(self.tip, item.commit)), None)
        if found is None:
            told = self.refs.messages(self.repository.merge_base(self.main, self.tip), self.tip)
            found = next(
                (item for item in ours if item.mark and any(f"{MARK}{item.mark}" in one for one in told)), None
            )
        if found is not None and found == self.ledger.planned:
            self.waiting.note(proposed=found, planned=None, previous=self.ledger.proposed)
        return found

    def _let_go_of_arrived(self, sent: Proposal | None) -> bool:
        """Let what is on main wait no longer. Tell whether any of it had come by this machine's proposal."""
        came = False
        for path in list(self.waiting.files):
            there = self.repository.read_file(self.main, path)
            here = self.repository.read_file(self.repository.tip(), path)
            if there is not None and not (path in self.ledger.again and self._is_rejected(path, there)):
                came = came or (sent is not None and path in sent.files and self._is_ours(path, there))
                self.waiting.drop(path)
            elif path not in self.ledger.again and self._is_rejected(path, here):
                self.waiting.drop(path)
        for path, before in self.ledger.carried.items():
            if self._main_hash(path) != before:
                self.waiting.let_go(path)
        return came

    def _take_in(self, sent: Proposal | None, tip: str) -> Proposal:
        """Take over what reviewers changed on the branch. Without a `sent` all of it: this clone has lost its own."""
        base = self.repository.merge_base(self.main, tip)
        before = self.refs.changed(sent.base, sent.commit) if sent is not None else {}
        after = self.refs.changed(base, tip)
        for path in sorted({*before, *after}):
            data = self.repository.read_file(tip, path)
            if path not in before or before[path] != data:
                self._take_one(path, data, base, tip)
        if sent is None:
            files = tuple(path for path in self.waiting.files if is_learning_path(path) and path in after)
            sent = Proposal(self.branch, tip, base or "", "", files)
            self.waiting.note(proposed=sent)
        return sent

    def _take_one(self, path: str, data: bytes | None, base: str | None, tip: str) -> None:
        if path in self.waiting.files:
            author = self.refs.last_author(path, base, tip)
            if data is None:
                self.reject(path, author.name, f"deleted in review of {self._request_name()}")
            elif self._is_rejected(path, data):
                self.waiting.files[path] = data
                self.reject(path, author.name, f"rejected in review of {self._request_name()}")
            else:
                self.waiting.files[path] = data
                self.waiting.note(reviewers=tuple(dict.fromkeys((*self.ledger.reviewers, _sign(author)))))
            return
        if self.repository.read_file(self.main, path) != self.repository.read_file(base, path):
            return  # main has moved on: it was merged, or decided otherwise
        here = self.repository.read_file(self.repository.tip(), path)
        if data == here or path in self.files or (data is None and self._is_rejected(path, here)):
            return
        born = here is None and data is not None and not self._is_rejected(path, data)
        if data is not None and born and (is_learning_path(path) or path.endswith(f"/{PROJECT_FILE}")):
            self.waiting.files[path] = data
        else:
            self.waiting.carry(path, data, self._main_hash(path))

    def _conclude(self, sent: Proposal, *, came: bool) -> None:
        """Turn down what the pull request left out, once it is known to be decided."""
        word = self.word
        if word is not None and (word.number <= self.ledger.decided or word.state is RequestState.UNKNOWN):
            word = None
        if word is not None and word.state is RequestState.OPEN:
            self.waiting.note(number=word.number, url=word.url, insist=False, previous=None)
            return
        merged = next((item for item in self.ledger.versions if self._is_merged(item)), None)
        visible = came or merged is not None
        if word is not None and word.state is RequestState.MERGED:
            if not visible and not (word.merged_as and self.refs.comes_from(self.main, word.merged_as)):
                self.held = f"{word.url} is merged, which main does not show yet"
                return
        elif word is None and not visible:
            if self.tip is not None:
                # What is decided from now on was decided with this version in sight.
                self.waiting.note(previous=None)
            elif not self.ledger.insist:
                self._ask_person()
            return
        seen = merged or self._find_version(word.head if word else "") or self.ledger.previous or sent
        by = word.by if word and word.by else NOBODY
        for path in sent.files:
            if path in seen.files and path in self.waiting.files:
                self.reject(path, by, f"not taken in {self._request_name(word)}")
        decided = max(self.ledger.decided, word.number if word else self.ledger.number)
        settled = self.tip or sent.commit
        self.waiting.note(
            proposed=None, planned=None, previous=None, settled=settled, decided=decided, number=0, url=""
        )
        self.waiting.note(counts={}, refused=(), reviewers=(), insist=False)

    def reject(self, path: str, by: str, reason: str) -> None:
        """Turn a waiting learning down: its file, rejected, goes to the clone's own branch."""
        rejected = reject_waiting(self.knowledge_base, self.waiting, path, StatusNote(by, self.now, reason))
        if rejected is None:
            self.notes.append(f"{path} was turned down and does not read here; a session may bring it back")
        else:
            self.files[path] = rejected

    def _ask_person(self) -> None:
        self.held = f"the branch {self.branch} was deleted on the remote, and nothing of it arrived"
        self.notes.append(
            f"{self.held}: was it turned down? agent-context proposals --reject ID… says so, --again proposes all anew"
        )

    def _is_merged(self, item: Proposal) -> bool:
        if self.refs.comes_from(self.main, item.commit):
            return True
        told = self.refs.messages(item.base or None, self.main) if item.mark else []
        return any(f"{MARK}{item.mark}" in message for message in told)

    def _find_version(self, head: str) -> Proposal | None:
        """Return which of our commits a pull request last held; none where that is not known here."""
        return next((item for item in self.ledger.versions if head and self.refs.comes_from(head, item.commit)), None)

    def _request_name(self, word: PullRequest | None = None) -> str:
        return (word.url if word else "") or self.ledger.url or self.branch

    def _main_hash(self, path: str) -> str:
        data = self.repository.read_file(self.main, path)
        return self.repository.blob_id(data) if data is not None else ""

    def _is_rejected(self, path: str, data: bytes | None) -> bool:
        learning = self._parse(path, data)
        return learning is not None and learning.status is Status.REJECTED

    def _is_ours(self, path: str, there: bytes) -> bool:
        """Tell whether a file on main is the one that waits here: the same, or with a source of it."""
        mine, other = self._parse(path, self.waiting.files[path]), self._parse(path, there)
        if mine is None or other is None:
            return self.waiting.files[path] == there
        return bool(set(mine.sources) & set(other.sources))

    def _parse(self, path: str, data: bytes | None) -> Learning | None:
        return read_learning(self.knowledge_base, path, data)


def reject_waiting(knowledge_base: KnowledgeBase, waiting: Waiting, path: str, note: StatusNote) -> bytes | None:
    """Let a learning wait no longer. Returns its file as a rejected one, with the note unless it has one of its own.

    None is returned for a file that does not read here.
    """
    learning = read_learning(knowledge_base, path, waiting.files[path])
    waiting.drop(path)
    if learning is None:
        return None
    own = learning.status_note if learning.status is Status.REJECTED else None
    rejected = msgspec.structs.replace(learning, status=Status.REJECTED, status_note=own or note)
    return knowledge_base.bytes_for(path, rejected)


def read_learning(knowledge_base: KnowledgeBase, path: str, data: bytes | None) -> Learning | None:
    """Return a file's learning; none for what is no learning, is encrypted for others, or does not read."""
    if data is None or not is_learning_path(path):
        return None
    try:
        return knowledge_base.parse(path, data)
    except (AgentContextError, UnicodeDecodeError):
        return None


def _sign(author: object) -> str:
    """Return a person as a trailer names one, on one line."""
    name, email = (" ".join(str(getattr(author, part, "")).split()) for part in ("name", "email"))
    return f"{name} <{email}>"
