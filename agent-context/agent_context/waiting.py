"""What waits to be proposed, kept on a ref of this clone's own: the files as they are to be, and what is known of them.

Nothing of it is ever pushed as it stands. It is a commit, so that it is written whole or not at all and git keeps it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from agent_context.errors import AgentContextError
from agent_context.git.refs import Refs
from agent_context.proposal import Refused, Remark  # noqa: TC001 - msgspec reads the annotations

if TYPE_CHECKING:
    from agent_context.git import Repository

REF = "refs/agent-context/waiting"
LEDGER = "ledger.json"
FILES = "files/"
CARRIED = "carried/"
MOST_REFUSED = 200
BRANCHES = "proposals"


class Proposal(msgspec.Struct, frozen=True):
    """One commit of the machine's branch: where it was put, on top of what, and the learnings it asks about.

    `mark` stands in its message, where a squash or a rebase keeps it.
    """

    branch: str
    commit: str
    base: str
    mark: str
    files: tuple[str, ...] = ()


class Ledger(msgspec.Struct, frozen=True):
    """What is known of what waits.

    `proposed` is on the remote, `previous` was there before it, `planned` was about to be and is there or not.
    `settled` is the commit that the branch was at when the last of them was decided on, `decided` the number of the
    newest pull request whose outcome has been read. `again` are paths that were turned
    down and are asked about anew. `carried` is what reviewers changed besides: path to the hash of main's file then.
    """

    remarks: dict[str, Remark] = msgspec.field(default_factory=dict)
    refused: tuple[Refused, ...] = ()
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    again: tuple[str, ...] = ()
    carried: dict[str, str] = msgspec.field(default_factory=dict)
    reviewers: tuple[str, ...] = ()
    proposed: Proposal | None = None
    planned: Proposal | None = None
    previous: Proposal | None = None
    settled: str = ""
    decided: int = 0
    number: int = 0
    url: str = ""
    insist: bool = False

    @property
    def versions(self) -> list[Proposal]:
        """Return the commits that may be on the remote, or may have been merged, the newest first."""
        return [item for item in (self.planned, self.proposed, self.previous) if item is not None]


@dataclass(slots=True)
class Waiting:
    """The files that wait, those that are carried along (None: removed), and the ledger; `save` writes all of it."""

    refs: Refs
    files: dict[str, bytes] = field(default_factory=dict)
    carried: dict[str, bytes | None] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    _saved: str | None = None

    @property
    def commit(self) -> str:
        """Return the commit that holds what was last written down; empty for none."""
        return self._saved or ""

    def save(self) -> None:
        """Write it down. Raise RepositoryError when another process has written meanwhile."""
        content: dict[str, bytes | None] = {f"{FILES}{path}": data for path, data in self.files.items()}
        content |= {f"{CARRIED}{path}": data for path, data in self.carried.items() if data is not None}
        content[LEDGER] = msgspec.json.encode(self.ledger, order="sorted")
        # As parents, the commits that were pushed stay here even when the remote drops them.
        parents = list(dict.fromkeys(item.commit for item in self.ledger.versions))
        parents += [self.ledger.settled] if self.ledger.settled else []
        commit = self.refs.keep(content, "waiting to be proposed\n", parents)
        if self._saved is None or self.refs.tree(commit) != self.refs.tree(self._saved):
            self.refs.move(REF, commit, self._saved)
            self._saved = commit

    def note(self, **changes: object) -> None:
        """Change fields of the ledger."""
        self.ledger = msgspec.structs.replace(self.ledger, **changes)

    def refuse(self, refused: tuple[Refused, ...]) -> None:
        """Remember what was dropped, the newest ones whole and all of them by count."""
        counts = dict(self.ledger.counts)
        for item in refused:
            counts[item.reason] = counts.get(item.reason, 0) + 1
        self.note(counts=counts, refused=(*self.ledger.refused, *refused)[-MOST_REFUSED:])

    def carry(self, path: str, data: bytes | None, main: str) -> None:
        """Let a change by a reviewer go along; `main` is the hash of what main has there."""
        self.carried[path] = data
        self.note(carried={**self.ledger.carried, path: main})

    def let_go(self, path: str) -> None:
        """Carry a change no longer."""
        self.carried.pop(path, None)
        self.note(carried={name: main for name, main in self.ledger.carried.items() if name != path})

    def drop(self, path: str) -> None:
        """Let a file wait no longer."""
        self.files.pop(path, None)
        self.note(
            remarks={name: remark for name, remark in self.ledger.remarks.items() if name != path},
            again=tuple(name for name in self.ledger.again if name != path),
        )


def load_waiting(repository: Repository) -> Waiting:
    """Read what waits in this clone. Raise AgentContextError where it does not read."""
    refs = Refs(repository)
    tip = refs.tip(REF)
    if tip is None:
        return Waiting(refs)
    found = {path: data for path, data in refs.changed(None, tip).items() if data is not None}
    try:
        ledger = msgspec.json.decode(found.pop(LEDGER, b"{}"), type=Ledger)
    except msgspec.DecodeError as error:
        raise AgentContextError(
            f"{REF} does not read: {error}",
            hint=f"install the newest agent-context, or give up what waits: git update-ref -d {REF}",
        ) from None
    files = {path.removeprefix(FILES): data for path, data in found.items() if path.startswith(FILES)}
    carried = {path: found.get(f"{CARRIED}{path}") for path in ledger.carried}
    return Waiting(refs, files, carried, ledger, tip)


def branch_of(machine: str) -> str:
    """Return the name of the branch that a machine proposes on, in a form that git takes."""
    name = re.sub(r"\.{2,}", ".", machine).removesuffix(".lock").strip(".-")
    return f"{BRANCHES}/{name or 'machine'}"
