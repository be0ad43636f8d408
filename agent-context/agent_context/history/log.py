"""The audit log: what each commit did to the knowledge base, on which machine, in which sync."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal

from agent_context.config import KB_FILE
from agent_context.errors import AgentContextError, FormatError
from agent_context.frontmatter import parse_learning
from agent_context.git import Repository
from agent_context.git.history import Commit, History
from agent_context.layout import PROJECT_FILE, PROJECTS, TOOLING, is_learning_path, is_of_one_machine, project_of
from agent_context.learning import utc
from agent_context.trailers import parse_trailers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_context.git.history import Altered
    from agent_context.knowledge import KnowledgeBase
    from agent_context.trailers import Trailers

Deed = Literal["learned", "edited", "reviewed", "removed", "projects", "handoffs", "tooling", "settings", "other files"]
STATUS = re.compile(rb"^status: (\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Changed:
    """One file that a commit changed: what was done, in which project (empty outside), the learning's claim."""

    deed: Deed
    project: str
    path: str
    claim: str = ""


@dataclass(frozen=True, slots=True)
class Logged:
    """One commit of the knowledge base. A merge names no changes: its commits are listed themselves."""

    commit: str
    at: str
    author: str
    machine: str
    syncs: tuple[str, ...]
    subject: str
    undoes: str
    merge: bool
    changes: tuple[Changed, ...]

    @property
    def summary(self) -> str:
        """Return what was done, counted: `learned 2 in o.r, reviewed 1`."""
        counts = Counter(change.deed for change in self.changes)
        parts = [f"{deed} {count}" if _is_counted(deed) else deed for deed, count in counts.items()]
        projects = sorted({change.project for change in self.changes if change.project})
        where = f" in {projects[0] if len(projects) == 1 else f'{len(projects)} projects'}" if projects else ""
        what = "merged" if self.merge else ", ".join(parts) or "nothing"
        return (f"undid {self.undoes}: " if self.undoes else "") + what + where


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which commits to log: of one machine, of one project, from a time on (seconds), at most so many (0: all)."""

    machine: str = ""
    project: str = ""
    since: float = 0.0
    limit: int = 0


def read_log(knowledge_base: KnowledgeBase, wanted: Wanted) -> list[Logged]:
    """Return the commits of the branch that are wanted, newest first."""
    tip = Repository(knowledge_base.root).tip()
    history = History(knowledge_base.root)
    found = _select(history, tip, wanted) if tip else iter(())
    return list(islice(found, wanted.limit or None))


def _select(history: History, tip: str, wanted: Wanted) -> Iterator[Logged]:
    for commit in history.walk(tip):
        origin = parse_trailers(commit.message)
        if commit.at < wanted.since or (wanted.machine and wanted.machine not in origin.machines):
            continue
        logged = _log(history, commit, origin)
        if not wanted.project or any(change.project == wanted.project for change in logged.changes):
            yield logged


def _log(history: History, commit: Commit, origin: Trailers) -> Logged:
    merge = len(commit.parents) > 1
    changes = () if merge else tuple(describe(altered) for altered in history.alterations(commit.id))
    return Logged(
        commit=commit.id,
        at=utc(commit.at),
        author=commit.author,
        machine=", ".join(origin.machines),
        syncs=origin.syncs,
        subject=commit.message.partition("\n")[0],
        undoes=origin.undoes,
        merge=merge,
        changes=changes,
    )


def describe(altered: Altered) -> Changed:
    """Say what a change of one file is."""
    path = altered.path
    if is_learning_path(path):
        return Changed(_deed(altered), project_of(path), path, _claim(altered))
    parts = path.split("/")
    if parts[0] == PROJECTS and parts[2:3] == ["handoffs"]:
        return Changed("handoffs", parts[1], path)
    if parts[0] == PROJECTS and parts[-1] == PROJECT_FILE:
        return Changed("projects", parts[1], path)
    if parts[0] == TOOLING:
        return Changed("tooling", "", path)
    return Changed("settings" if path == KB_FILE else "other files", "", path)


def _deed(altered: Altered) -> Deed:
    if altered.before is None:
        return "learned"
    if altered.after is None:
        return "removed"
    old, new = STATUS.search(altered.before), STATUS.search(altered.after)
    return "edited" if (old and old.group(1)) == (new and new.group(1)) else "reviewed"


def _claim(altered: Altered) -> str:
    try:
        return parse_learning((altered.after or altered.before or b"").decode(), altered.path).claim
    except (FormatError, UnicodeDecodeError):
        return ""


def _is_counted(deed: Deed) -> bool:
    return deed in ("learned", "edited", "reviewed", "removed")


@dataclass(frozen=True, slots=True)
class Run:
    """One sync in the history: its id, its machine, its commits, newest first, and the sync that it undid, if any."""

    sync: str
    machine: str
    commits: tuple[Commit, ...]
    undoes: str


def find_runs(history: History, tip: str) -> Iterator[Run]:
    """Yield every sync that committed, newest first. Commits of many syncs in one (a squash) belong to none."""
    runs: dict[str, list[Commit]] = {}
    for commit in history.walk(tip):
        syncs = parse_trailers(commit.message).syncs
        if len(syncs) == 1:
            runs.setdefault(syncs[0], []).append(commit)
    for sync, commits in runs.items():
        origin = [parse_trailers(commit.message) for commit in commits]
        undoes = next((item.undoes for item in origin if item.undoes), "")
        yield Run(sync, ", ".join(origin[0].machines), tuple(commits), undoes)


def find_run(history: History, tip: str, name: str, machine: str) -> Run:
    """Return the sync whose id begins so, or whose commit does; without a name, this machine's last that is in effect.

    Raise AgentContextError for none and for several.
    """
    runs = list(find_runs(history, tip))
    if not name:
        undone = _undone(runs)
        own = (run for run in runs if run.machine == machine and not run.undoes and run.sync not in undone)
        last = next((run for run in own if _did_something(history, run)), None)
        if last is None:
            hint = "agent-context log names the syncs of all machines; undo one by its id"
            raise AgentContextError(f"no sync of {machine} is in effect here", hint=hint)
        return last
    commit = history.find_commit(name)
    found = [run for run in runs if run.sync.startswith(name)]
    if not found and commit is not None:
        found = [run for run in runs if any(item.id == commit for item in run.commits)]
        found = found or [Run(commit, "", (item,), "") for item in history.walk(tip) if item.id == commit]
    if len(found) != 1:
        what = f"{len(found)} syncs begin with {name}" if found else f"no sync and no commit here is named {name}"
        raise AgentContextError(what, hint="agent-context log shows their ids")
    return found[0]


def _did_something(history: History, run: Run) -> bool:
    """Tell whether a sync did more than describe its machine."""
    return any(
        not is_of_one_machine(altered.path) for commit in run.commits for altered in history.alterations(commit.id)
    )


def _undone(runs: list[Run]) -> set[str]:
    """Return the syncs that are out of effect: undone, and that undoing not undone in turn."""
    undone: set[str] = set()
    for run in runs:  # newest first: whether an undoing stands is known before what it undid is met
        if run.undoes and run.sync not in undone:
            undone.add(run.undoes)
    return undone
