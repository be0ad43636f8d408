"""Go on with the work of another machine: what it handed on, and what this checkout lacks of it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from agent_context.errors import AgentContextError
from agent_context.git import Repository
from agent_context.git.refs import fetch_refs
from agent_context.git.work import fetch_work, find_fork, has_commit, list_commits, read_work
from agent_context.handoff import map_paths, read_sections, tell_ago, went_apart
from agent_context.handoffs.reading import RESUMED, find_device, find_top, load_handoffs
from agent_context.learning import utc
from agent_context.state import State
from agent_context.waiting import BRANCHES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent_context.config import Environment
    from agent_context.git.work import Work
    from agent_context.handoff import Handoff
    from agent_context.handoffs.reading import Found
    from agent_context.knowledge import KnowledgeBase
    from agent_context.projects import Place

BRANCH = r"[A-Za-z0-9_][A-Za-z0-9_./+-]*"
FORMS = {
    "branch": re.compile(BRANCH),
    "commit": re.compile(r"[0-9a-f]{40}"),
    "work": re.compile(rf"{BRANCH} [0-9a-f]{{40}}"),
}


@dataclass(frozen=True, slots=True)
class Resumed:
    """Another device's handoff as it reads here: its paths are this machine's.

    `missing` are its commits that are not here or not in HEAD, `steps` what brings its work here, `apart` from where
    both machines went on, empty where one follows the other. Where `withheld` says why, `handoff` has no text.
    """

    handoff: Handoff
    ago: str
    path: str
    missing: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    apart: str = ""
    withheld: str = ""


@dataclass(slots=True)
class Resumption:
    """What there is to go on from in a project, newest first; `own` says when this machine handed on last."""

    project: str
    others: list[Resumed] = field(default_factory=list)
    own: str = ""
    notes: list[str] = field(default_factory=list)


def resume(
    knowledge_base: KnowledgeBase,
    environment: Environment,
    find_place: Callable[[], Place],
    device: str = "",
    *,
    offline: bool = False,
) -> Resumption:
    """Return what other machines handed on, after fetching what there is; what is shown first counts as gone on from.

    The place is asked for after that: what comes may say how the project is called. Raise AgentContextError for a
    `device` that handed nothing on.
    """
    notes = [] if offline else _fetch(knowledge_base, environment)
    place = find_place()
    found = Resumption(place.folder, notes=notes)
    top = find_top(environment, knowledge_base, place)
    work = read_work(top) if top else None
    if work is not None and work.remote and not offline and (problem := fetch_work(work.top, work.remote)):
        found.notes.append(f"the project's own remote was not asked: {problem}")
    listed = load_handoffs(knowledge_base, place.folder, environment, top)
    own = next((item.handoff for item in listed if item.handoff.device == environment.machine), None)
    others = [item for item in listed if item.handoff.device != environment.machine]
    if device:
        others = [find_device(others, device)]
    now = utc(time.time())
    found.own = tell_ago(own.at, now) if own else ""
    found.others = [_read(item, own, work, now) for item in others]
    if shown := [item.handoff.mark for item in found.others if not item.withheld]:
        with State(environment.data_dir, knowledge_base.root) as state:
            state.set_fact(f"{RESUMED}{place.folder}", shown[0])
    return found


def _fetch(knowledge_base: KnowledgeBase, environment: Environment) -> list[str]:
    from agent_context.syncing.halves import pull  # noqa: PLC0415 - 0.3 s that being offline does not pay

    try:
        report = pull(knowledge_base, environment)
    except AgentContextError as error:
        return [error.advice]
    notes = [note for note in (report.waiting, *report.blocked, *report.problems) if note]
    repository = Repository(knowledge_base.root)
    remote = repository.remote(repository.branch())
    if knowledge_base.settings.review == "pull-request" and remote is not None:
        target = f"refs/remotes/{remote}/{BRANCHES}/*"
        notes += filter(None, [fetch_refs(repository.root, remote, f"refs/heads/{BRANCHES}/*", target)])
    return notes


def _read(item: Found, own: Handoff | None, work: Work | None, now: str) -> Resumed:
    handoff = item.handoff
    ago = tell_ago(handoff.at, now)
    if item.withheld:
        bare = msgspec.structs.replace(handoff, sections=(), message="", dirty=(), unpushed=())
        return Resumed(bare, ago, item.path, withheld=item.withheld)
    apart = went_apart(own, handoff) if own else ""
    if work is None:
        return Resumed(handoff, ago, item.path, apart=apart)
    body = map_paths(handoff.body, handoff.checkout, str(work.top).rstrip("/"), lambda path: _is_here(work.top, path))
    handoff = _disarm(msgspec.structs.replace(handoff, sections=read_sections(body)))
    missing, steps = _compare(handoff, work)
    return Resumed(handoff, ago, item.path, missing, steps, apart or _find_fork(handoff, work))


def _disarm(handoff: Handoff) -> Handoff:
    """Leave out what is no name of a branch or commit: it would stand in commands that a person or an agent runs."""
    wrong = {name: "" for name, form in FORMS.items() if not form.fullmatch(getattr(handoff, name))}
    return msgspec.structs.replace(handoff, **wrong)


def _is_here(top: Path, path: str) -> bool:
    return ".." not in path.split("/") and (top / path).is_file()


def _compare(handoff: Handoff, work: Work) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the commits that HEAD lacks, and the steps that bring the other machine's work into this checkout."""
    steps = []
    branch, _, commit = handoff.work.partition(" ")
    if work.behind:
        steps.append(f"git pull ({work.upstream} has {_count(work.behind)} that are not here)")
    known = has_commit(work.top, handoff.commit)
    missing = handoff.unpushed
    if known:
        missing = list_commits(work.top, handoff.commit, "--not", work.head or "--all")
    elif not missing and handoff.commit:
        missing = (handoff.commit,)
    if missing and not branch and not known:
        steps.append(f"on {handoff.device}: git push, or agent-context handoff save --with-code; then fetch here")
    elif missing and not branch:
        steps.append(f"git merge {handoff.commit[:12]} ({_count(len(missing))})")
    if branch and commit != work.head:
        steps += _take_over(handoff, work, branch, commit, missing=bool(missing))
    elif handoff.dirty and not branch:
        files = ", ".join(item.partition(" ")[2] for item in handoff.dirty[:5])
        way = f"not committed on {handoff.device} (agent-context handoff save --with-code there sends it)"
        steps.append(f"{way}: {files}")
    if handoff.branch and work.branch and handoff.branch != work.branch:
        steps.append(f"git switch {handoff.branch} (this checkout is on {work.branch})")
    return missing, tuple(steps)


def _take_over(handoff: Handoff, work: Work, branch: str, commit: str, *, missing: bool) -> list[str]:
    """Return how its branch of work in progress is taken over: commits are merged, what was uncommitted is again."""
    steps = [] if has_commit(work.top, commit) else [f"git fetch {work.remote or 'origin'} {branch}"]
    if missing and commit != handoff.commit:
        steps.append(f"git merge {handoff.commit[:12]}")
    if commit == handoff.commit:
        steps.append(f"git merge {commit[:12]}")
    else:
        steps.append(f"git cherry-pick --no-commit {commit[:12]} (what was not committed there)")
    return steps


def _find_fork(handoff: Handoff, work: Work) -> str:
    """Return the commit from which both checkouts went on with commits of their own; empty for none."""
    if not work.head or not has_commit(work.top, handoff.commit):
        return "what both had pushed before" if handoff.unpushed and work.unpushed else ""
    fork = find_fork(work.top, work.head, handoff.commit)
    return f"the commit {fork[:12]}" if fork and fork not in (work.head, handoff.commit) else ""


def _count(commits: int) -> str:
    return f"{commits} commit{'' if commits == 1 else 's'}"
