"""Send a project's work in progress to a branch of its own, past the same gate as all that we push."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.git import push
from agent_context.git.work import alterations_to_push, commit_work, copy_work, push_work, read_work
from agent_context.handoffs.reading import WORK_BRANCHES
from agent_context.review.outgoing import find_leaks

if TYPE_CHECKING:
    from agent_context.git.work import Work
    from agent_context.review.outgoing import Screen


@dataclass(frozen=True, slots=True)
class SentCode:
    """The commit that the branch holds now, empty where it was not sent, and why not."""

    commit: str = ""
    problems: tuple[str, ...] = ()


def send_code(work: Work, branch: str, message: str, machine: str, screen: Screen) -> SentCode:
    """Push a copy of the worktree, on top of HEAD, to `branch`. No file, index or branch of the user's changes.

    Only this machine's own branch of work in progress is ever replaced. The branch that is checked out, where a person
    names it, gets a commit as they would make it themselves.
    """
    if not work.remote or not work.head:
        what = "no remote to send it to" if work.head else "no commit yet"
        return SentCode(problems=(f"the code was not sent: the checkout has {what}",))
    commit = copy_work(work.top, message, machine)
    leaks = [
        f"{leak}, in commit {name[:10]}"
        for name, altered in alterations_to_push(work.top, commit, work.remote).items()
        for leak in find_leaks(altered, screen)
    ]
    if leaks:
        return SentCode(
            problems=tuple(f"the code was not sent: {leak} (take it out, or ignore the file)" for leak in leaks)
        )
    if branch == work.branch and commit != work.head:
        if problem := commit_work(work.top, message):
            return SentCode(problems=(f"the code was not committed: {problem}",))
        commit = read_work(work.top).head
    own = branch == f"{WORK_BRANCHES}{machine}" and branch != work.branch
    sent = (push_work if own else push)(work.top, work.remote, branch, commit)
    if not sent.accepted:
        return SentCode(problems=(f"the code was not sent: {sent.reason or 'the branch moved meanwhile, try again'}",))
    return SentCode(commit)
