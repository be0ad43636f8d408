"""Exchange commits with the remote: bring in what it has, replay or merge what is ours on top, push, try again."""

from __future__ import annotations

import random
import time
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tomli_w

from agent_context import git
from agent_context.errors import FormatError, NeedsPersonError, RepositoryError
from agent_context.frontmatter import parse_learning, write_learning
from agent_context.git import Fetched, MergeConflict, Repository
from agent_context.identity import hide_credentials, is_template
from agent_context.layout import PROJECT_FILE, is_learning_path
from agent_context.merge import merge_learnings, merge_tables

if TYPE_CHECKING:
    from agent_context.reports import SyncReport

TRAILER = "Machine: "
PUSH_TRIES = 8
BACKOFF_SECONDS = 0.02
BACKOFF_LIMIT = 2.0


@dataclass(slots=True)
class Exchange:
    """One sync's dealings with the remote of one clone."""

    repository: Repository
    branch: str
    remote: str | None
    machine: str
    template: str
    report: SyncReport

    def bring_in(self) -> None:
        """Fetch, and put this clone's own commits on top of what came. What cannot be settled is reported."""
        if self.remote is None:
            self.report.waiting = "this clone has no remote (git remote add origin URL gives it one)"
            return
        state, words = git.fetch(self.repository.root, self.remote, self.branch)
        if state is Fetched.REWOUND:
            self._block(
                f"the remote's history was rewritten: it no longer has what this clone saw there. To follow it: "
                f"git -C {self.repository.root} fetch {self.remote}, then git rebase --onto {self.remote}/{self.branch}"
            )
        elif state is Fetched.UNREACHABLE:
            self.report.failed = True
            self.report.waiting = f"the remote does not answer: {words}"
        elif state is Fetched.EMPTY:
            self.repository.forget_remote_tip(self.remote, self.branch)
        else:
            self._integrate()

    def push(self) -> None:
        """Push the branch unless nothing is due, the remote is the public template, or a conflict stands open."""
        self.report.unpushed = self.count_unpushed()
        if not self.report.unpushed or self.remote is None or self.report.waiting:
            return
        if is_template(self.repository.remote_urls(self.remote), self.template):
            self.report.waiting = (
                "this clone's remote is the public template, which is never pushed to; "
                "make a private repository of your own and run: agent-context init --here --remote URL"
            )
            return
        for attempt in range(PUSH_TRIES):
            tip = self.repository.tip()
            pushed = git.push(self.repository.root, self.remote, self.branch, tip or "")
            if pushed.accepted:
                self.report.pushed, self.report.unpushed = self.report.unpushed, 0
                self.report.pushed_to = hide_credentials(self.repository.remote_url(self.remote))
                return
            if not pushed.behind:
                break
            time.sleep(random.uniform(0, min(BACKOFF_LIMIT, BACKOFF_SECONDS * 2**attempt)))  # noqa: S311 - full jitter
            self.bring_in()
            if self.report.waiting:
                return
        self.report.failed = True
        self.report.waiting = f"the remote refused them: {pushed.reason}"

    def count_unpushed(self) -> int:
        """Return how many commits the remote lacks, as of the last fetch."""
        tip = self.repository.tip()
        if tip is None:
            return 0
        theirs = self.repository.remote_tip(self.remote, self.branch) if self.remote else None
        if theirs is None:
            return len(self.repository.commits_between(None, tip))
        return self.repository.ahead_behind(tip, theirs)[0]

    def _integrate(self) -> None:
        ours, theirs = self.repository.tip(), self.repository.remote_tip(self.remote or "", self.branch)
        if theirs is None or ours == theirs:
            return
        try:
            self._combine(ours, theirs)
        except (NeedsPersonError, RepositoryError) as error:
            self._block(error.advice)

    def _combine(self, ours: str | None, theirs: str) -> None:
        if ours is None:
            self.repository.move_to(theirs)
            return
        ahead, behind = self.repository.ahead_behind(ours, theirs)
        if not behind:
            return
        if not ahead:
            self.repository.move_to(theirs)
            self.report.brought_in += behind
            return
        if self.repository.merge_base(ours, theirs) is None:
            self._block(
                "the remote has another history than this clone. Was it made anew? Then clone it again beside this one"
            )
            return
        commits = self.repository.commits_between(theirs, ours)
        if all(TRAILER in commit.message and len(commit.parents) == 1 for commit in commits):
            tip, conflicts = self.repository.replay(commits, theirs, resolve)
        else:
            tip, conflicts = self.repository.merge(theirs, resolve, self.machine)
        if conflicts:
            for conflict in conflicts:
                self._block(f"{conflict.path}: {conflict.reason}. Settle it with: git pull --no-rebase")
            return
        self.repository.move_to(tip)
        self.report.brought_in += behind

    def _block(self, reason: str) -> None:
        self.report.blocked.append(reason)
        self.report.waiting = "a conflict with the remote waits for you (above)"


def resolve(path: str, base: bytes | None, ours: bytes | None, theirs: bytes | None) -> bytes | MergeConflict | None:
    """Merge a file that both sides changed: learnings by field, project files by key; an edit beats a deletion."""
    if ours is None or theirs is None:
        return theirs if ours is None else ours
    try:
        if is_learning_path(path):
            before = parse_learning(base.decode(), path) if base else None
            merged = merge_learnings(before, parse_learning(ours.decode(), path), parse_learning(theirs.decode(), path))
            if merged.conflicts:
                return MergeConflict(path, f"both sides changed its {' and '.join(merged.conflicts)}")
            return write_learning(merged.learning).encode()
        if path.endswith(f"/{PROJECT_FILE}"):
            tables = [tomllib.loads(side.decode()) if side else {} for side in (base, ours, theirs)]
            table = merge_tables(tables[0], tables[1], tables[2])
            return (
                tomli_w.dumps(table).encode()
                if isinstance(table, dict)
                else MergeConflict(path, f"both sides changed {table}")
            )
    except (FormatError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return MergeConflict(path, "both sides changed it, and one of them does not read")
    return MergeConflict(path, "both sides changed it")
