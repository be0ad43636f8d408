"""Exchange commits with the remote: bring in what it has, replay or merge what is ours on top, push, try again."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent_context import git
from agent_context.errors import NeedsPersonError, RepositoryError
from agent_context.git import Fetched, Repository, Step, Trouble, reach
from agent_context.git.history import History
from agent_context.identity import hide_credentials, is_template
from agent_context.review.outgoing import find_leaking_commits, find_leaks
from agent_context.review.resolution import resolve
from agent_context.sealing import seal_resolver

if TYPE_CHECKING:
    from agent_context.git import Pushed
    from agent_context.git.trees import Resolver
    from agent_context.knowledge import KnowledgeBase
    from agent_context.reports import SyncReport
    from agent_context.review.outgoing import Screen

TRAILER = "Machine: "
PUSH_TRIES = 40  # 8 clones that do nothing but push were seen to need 17
LOCK_TRIES = 8  # a lock that is there each time, over seconds, is nobody's
BACKOFF_SECONDS = 0.02
BACKOFF_LIMIT = 2.0
TAKE_OUT = "take the secret out of that commit (git rebase -i, or git commit --amend for the last), then sync again"


def open_exchange(knowledge_base: KnowledgeBase, repository: Repository, machine: str, report: SyncReport) -> Exchange:
    """Return a clone's dealings with the remote of its branch: sealed files are opened to merge, commits screened."""
    branch = repository.branch()
    exchange = Exchange(
        repository, branch, repository.remote(branch), machine, knowledge_base.settings.template, report
    )
    exchange.resolve = seal_resolver(exchange.resolve, knowledge_base.sealer)
    exchange.screen = knowledge_base.screen
    return exchange


@dataclass(slots=True)
class Exchange:
    """One sync's dealings with the remote of one clone. Whatever git does may take `seconds`, hooks included."""

    repository: Repository
    branch: str
    remote: str | None
    machine: str
    template: str
    report: SyncReport
    resolve: Resolver = resolve
    tries: int = PUSH_TRIES
    seconds: float = git.TIMEOUT_SECONDS
    screen: Screen | None = None
    _held: list[Any] = field(default_factory=list)  # commits, as the repository gives them

    def bring_in(self) -> None:
        """Fetch, and put this clone's own commits on top of what came. What cannot be settled is reported."""
        if self.remote is None:
            self.report.waiting = (
                "this clone has no remote (git remote add origin URL gives it one; "
                "of several, name one: git branch --set-upstream-to REMOTE/BRANCH)"
            )
            return
        state, words = git.fetch(self.repository.root, self.remote, self.branch, seconds=self.seconds)
        if git.find_lock(words).startswith(str(self.repository.common_dir)):  # of a git that was killed since we began
            self.repository.recover()
            state, words = git.fetch(self.repository.root, self.remote, self.branch, seconds=self.seconds)
        reach(Step.FETCHED)
        if state is Fetched.REWOUND:
            self._block(self._explain_rewound())
        elif state is Fetched.UNREACHABLE:
            self._fail(git.diagnose(words), words)
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
        pushed, locks = self._push_once(), 0
        while pushed.behind and self.report.retries < self.tries and locks < LOCK_TRIES:
            locks = locks + 1 if git.diagnose(pushed.reason) is Trouble.LOCKED else 0
            limit = min(BACKOFF_LIMIT, BACKOFF_SECONDS * 2**self.report.retries)
            time.sleep(random.uniform(0, limit))  # noqa: S311 - full jitter
            self.report.retries += 1
            self.bring_in()
            if self.report.waiting:
                return
            pushed = self._push_once()
        if not pushed.accepted:
            self._explain_refusal(pushed)

    def _push_once(self) -> Pushed:
        self.report.unpushed = self.count_unpushed()
        tip = self._choose_tip()
        if not tip:
            return git.Pushed(accepted=True)
        pushed = git.push(self.repository.root, self.remote or "", self.branch, tip, seconds=self.seconds)
        if pushed.accepted:
            reach(Step.PUSHED)
            self.report.pushed, self.report.unpushed = self.report.unpushed - len(self._held), len(self._held)
            self._put_back(tip)
            self.report.pushed_to = hide_credentials(self.repository.remote_url(self.remote or ""))
        return pushed

    def _choose_tip(self) -> str:
        """Return the commit to push: the branch's, or one without the commits that add a secret; empty for nothing."""
        tip, theirs = self.repository.tip() or "", self.repository.remote_tip(self.remote or "", self.branch)
        commits = self.repository.commits_between(theirs, tip) if self.screen is not None else []
        history = History(self.repository.root)
        names = [str(commit.id) for commit in commits]
        leaking = (
            find_leaking_commits(history, names, self.screen, everything=theirs is not None) if self.screen else {}
        )
        self._held = [commit for commit in commits if str(commit.id) in leaking]
        for name, leaks in leaking.items():
            problems = [f"{leak}, in commit {name[:10]}, which stays here: {TAKE_OUT}" for leak in leaks]
            self.report.problems += [problem for problem in problems if problem not in self.report.problems]
        if not leaking or theirs is None or any(len(commit.parents) != 1 for commit in commits):
            return "" if leaking else tip
        clean, _ = self.repository.replay([item for item in commits if item not in self._held], theirs, self.resolve)
        still = list(find_leaks(history.alterations_between(theirs, clean), self.screen)) if self.screen else []
        return "" if clean == theirs or still else clean

    def _put_back(self, pushed: str) -> None:
        """Put the commits that stay here on top of what was pushed without them."""
        if self._held:
            tip, _ = self.repository.replay(self._held, pushed, self.resolve)
            self.repository.move_to(tip)

    def _explain_refusal(self, pushed: Pushed) -> None:
        trouble = git.diagnose(pushed.reason, pushing=True)
        if pushed.behind and trouble is not Trouble.LOCKED:
            self.report.failed = True
            self.report.waiting = (
                f"others pushed first, {self.report.retries + 1} times in a row: {pushed.reason}. "
                "Next step: run this again when they are less busy"
            )
        elif not pushed.sent:
            self.report.failed = True
            self.report.waiting = (
                f"the pre-push hook of this clone refused: {pushed.reason}. Next step: do as it says, then run this "
                f"again (where it lies: git -C {self.repository.root} rev-parse --git-path hooks)"
            )
        else:
            self._fail(trouble, pushed.reason)

    def _fail(self, trouble: Trouble, words: str) -> None:
        self.report.failed = True
        self.report.waiting = git.advise(trouble, words, self.repository.root, self.remote or "")

    def _explain_rewound(self) -> str:
        """Return what to do about a remote that no longer has what this clone saw there."""
        root, seen = self.repository.root, self.repository.remote_tip(self.remote or "", self.branch) or ""
        theirs, remote = self.repository.fetched_tip(), f"{self.remote}/{self.branch}"
        if theirs is not None and self.repository.merge_base(seen, theirs) is None and not self.repository.is_shallow:
            return self._explain_strange()
        return (
            f"the remote's history was rewritten (force-pushed): it no longer has {seen[:12]}, which this clone saw "
            f"there. If that was meant: git -C {root} fetch {self.remote}, then git -C {root} rebase --onto {remote} "
            f"{seen[:12]} (or, if a secret was taken out: agent-context purge-secret --follow); if not, {seen[:12]} is "
            "still here for whoever did it to put back"
        )

    def _explain_strange(self) -> str:
        if self.repository.is_shallow:
            return (
                "this clone is shallow and lacks the commit that it shares with the remote. "
                f"Next step: git -C {self.repository.root} fetch --unshallow {self.remote}"
            )
        return (
            "the remote has another history than this clone, with no commit in common. Was it made anew? Then clone it "
            f"beside this one and copy over what is missing; is it another one? git -C {self.repository.root} remote -v"
        )

    def has_seen(self) -> bool:
        """Tell whether the remote had the branch when it was last asked."""
        return self.remote is not None and self.repository.remote_tip(self.remote, self.branch) is not None

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
            self._name_unwritten(ours, theirs)
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
            self._block(self._explain_strange())
            return
        commits = self.repository.commits_between(theirs, ours)
        if all(TRAILER in commit.message and len(commit.parents) == 1 for commit in commits):
            tip, notes = self.repository.replay(commits, theirs, self.resolve)
        else:
            tip, notes = self.repository.merge(theirs, self.resolve, self.machine)
        reach(Step.COMBINED)
        self.repository.move_to(tip)
        self.report.brought_in += behind
        self._note(notes)

    def _note(self, notes: list[str]) -> None:
        self.report.notes += [note for note in dict.fromkeys(notes) if note not in self.report.notes]

    def _name_unwritten(self, before: str | None, after: str) -> None:
        """Say which of what came is not written out here: a link could lead anywhere, a submodule is other people's."""
        for path, kind in self.repository.unwritten_between(before, after).items():
            took_out = f"git -C {self.repository.root} rm --cached {path}"
            self._note([f"{path} came in as {kind}, which is not written out here; to take it out: {took_out}"])

    def _block(self, reason: str) -> None:
        self.report.blocked.append(reason)
        self.report.waiting = "a conflict with the remote waits for you (above)"
