"""What a sync did, as a value: every session, candidate, commit and file accounted for."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Learned:
    """A new learning."""

    project: str
    id: str
    claim: str
    path: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """A candidate that did not become a learning, and why. A claim with a finding is not repeated here."""

    project: str
    session: str
    reason: str
    detail: str
    claim: str = ""


@dataclass(frozen=True, slots=True)
class Again:
    """A learning that a session said again, and why the two are the same."""

    project: str
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A session that waits: why, and the days until its agent deletes it (negative: it may be gone any time)."""

    path: str
    reason: str
    days_left: int


@dataclass(slots=True)
class SyncReport:
    """One sync. `waiting` says why commits did not reach the remote; `blocked` what only a person can settle.

    `tooling` is what was done to agents' tools, `tooling_waits` what was not, `tools` how each stands (None: unknown).
    Where learnings are reviewed by pull requests, `proposed` are in this machine's, `queued` wait behind it.
    """

    machine: str
    knowledge_base: str
    sessions_in: str
    dry_run: bool = False
    sync: str = ""
    found: int = 0
    read: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    broken_lines: int = 0
    unknown_records: dict[str, int] = field(default_factory=dict)
    candidates: int = 0
    dropped: list[Dropped] = field(default_factory=list)
    learned: list[Learned] = field(default_factory=list)
    confirmed: list[Again] = field(default_factory=list)
    guessed: dict[str, str] = field(default_factory=dict)
    edits: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    brought_in: int = 0
    pushed: int = 0
    pushed_to: str = ""
    unpushed: int = 0
    retries: int = 0
    waiting: str = ""
    reviewed: bool = False
    proposed: int = 0
    queued: int = 0
    pull_request: str = ""
    failed: bool = False
    blocked: list[str] = field(default_factory=list)
    snippets: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tooling: list[str] = field(default_factory=list)
    tooling_waits: list[str] = field(default_factory=list)
    tools: dict[str, str] | None = None
    failures: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    silence: str = ""
    archived: int = 0
    interrupted: bool = False
    encoder: str = ""
    learnings: int = 0
    conflicts: int = 0
    bytes_read: int = 0
    seconds: float = 0.0
    steps: dict[str, float] = field(default_factory=dict)
    cost_usd: float = 0.0

    @property
    def exit_code(self) -> int:
        """Return 0 when all was done, 1 when the remote, a model or the capture failed, 3 when a person is needed."""
        if self.interrupted:
            return 130
        if self.blocked or self.problems:
            return 3
        unread = any(": unreadable" in item or item.endswith("gone before it was read") for item in self.lost)
        return 1 if self.failed or self.failures or self.silence or unread else 0
