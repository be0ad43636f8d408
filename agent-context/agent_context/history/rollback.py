"""Take back what syncs did: one of them (undo), all since a time (restore), or a learning's file for good (purge).

Each is one new commit. Undo and restore remove nothing: a learning that was not there yet stays, retired.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from agent_context.errors import AgentContextError, FormatError, MissingExtraError, SealedError
from agent_context.git import Repository
from agent_context.git.history import Altered, History
from agent_context.git.locking import locked
from agent_context.history.log import find_run
from agent_context.layout import FOLDERS, is_learning_path, is_of_one_machine, project_of
from agent_context.learning import StatusNote, utc
from agent_context.merging.reverting import ENDED, retire, revert_learning
from agent_context.moments import parse_moment
from agent_context.trailers import trailers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agent_context.config import Environment
    from agent_context.history.log import Run
    from agent_context.knowledge import Entry, KnowledgeBase
    from agent_context.learning import Learning

PURGE = "purge: "
UNREADABLE = (FormatError, UnicodeDecodeError, SealedError, MissingExtraError)


@dataclass(slots=True)
class Rollback:
    """What was taken back: `undone` or `restored` names what from or to; paths, and what stays with the reason.

    `sync` is the id under which it is itself undone; `commit` is empty in a dry run and where nothing was to do.
    """

    subject: str
    sync: str = ""
    commit: str = ""
    retired: list[str] = field(default_factory=list)
    reverted: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    dry_run: bool = False


@dataclass(slots=True)
class _Taking:
    """A taking back under way: the knowledge base, the files to write, the report."""

    knowledge_base: KnowledgeBase
    repository: Repository
    note: StatusNote
    rollback: Rollback
    files: dict[str, bytes | None] = field(default_factory=dict)

    def now(self, path: str) -> bytes | None:
        """Return a file as it is to stand, so far."""
        return self.files[path] if path in self.files else self.repository.read_file(self.repository.tip(), path)

    def parse(self, path: str, data: bytes) -> Learning | None:
        """Return a file's learning; None for another file, or one that does not read here."""
        if not is_learning_path(path):
            return None
        try:
            return self.knowledge_base.parse(path, data)
        except UNREADABLE:
            return None

    def write(self, path: str, learning: Learning) -> None:
        """Put a learning among the files to write."""
        self.files[path] = self.knowledge_base.bytes_for(path, learning)

    def keep(self, path: str, reason: str) -> None:
        """Leave a file as it is, and say why."""
        self.rollback.kept.append(f"{path}: {reason}")


def undo(knowledge_base: KnowledgeBase, environment: Environment, name: str = "", *, dry_run: bool = False) -> Rollback:
    """Revert one sync (by its id or commit; else this machine's last), as one commit. What was changed since stays.

    Raise AgentContextError where there is no such sync, NeedsPersonError where an uncommitted edit is in the way.
    """
    repository = Repository(knowledge_base.root)
    history = History(knowledge_base.root)
    with locked(repository, knowledge_base.settings.sync.lock_seconds, dry_run=dry_run):
        run = find_run(history, _tip(repository), name, environment.machine)
        note = StatusNote(environment.machine, utc(time.time()), f"sync {run.sync} was undone")
        taking = _Taking(knowledge_base, repository, note, Rollback(run.sync, dry_run=dry_run))
        _refuse_merges(run)
        for commit in run.commits:
            for altered in history.alterations(commit.id):
                _revert(taking, history, altered)
        _finish(taking, f"undo: sync {run.sync}", environment.machine, undoes=run.sync)
    return taking.rollback


def restore(
    knowledge_base: KnowledgeBase, environment: Environment, when: str, project: str = "", *, dry_run: bool = False
) -> Rollback:
    """Bring the knowledge folders to what they were at a moment or commit, as one commit. Nothing is removed.

    What was purged since stays gone. Raise AgentContextError where the moment or the commit is none.
    """
    repository = Repository(knowledge_base.root)
    history = History(knowledge_base.root)
    with locked(repository, knowledge_base.settings.sync.lock_seconds, dry_run=dry_run):
        tip = _tip(repository)
        commit = _find_target(history, tip, when)
        at = next(utc(item.at) for item in history.walk(commit))
        note = StatusNote(environment.machine, utc(time.time()), f"not there yet at {at}, which was restored")
        taking = _Taking(knowledge_base, repository, note, Rollback(f"{commit[:10]} of {at}", dry_run=dry_run))
        purged = find_purged(knowledge_base.root, commit, tip)
        for altered in history.alterations_between(commit, tip):
            if _is_restored(altered.path, project):
                _restore(taking, altered, purged)
        _finish(taking, f"restore: as of {at} ({commit[:10]})", environment.machine)
    return taking.rollback


def purge(knowledge_base: KnowledgeBase, environment: Environment, prefixes: Iterable[str]) -> list[Entry]:
    """Remove learnings' files from the knowledge base, as one commit; the history keeps them. All or none."""
    repository = Repository(knowledge_base.root)
    with locked(repository, knowledge_base.settings.sync.lock_seconds):
        entries = {entry.path: entry for entry in (knowledge_base.find(prefix) for prefix in prefixes)}
        for path in entries:
            if repository.read_file(repository.tip(), path) is None:
                raise AgentContextError(f"{path} was never committed", hint="delete the file yourself")
        ids = ", ".join(entry.learning.id for entry in entries.values())
        repository.commit_files(
            dict.fromkeys(entries), f"{PURGE}{ids}\n\n{trailers(environment.machine)}", environment.machine
        )
    return list(entries.values())


def find_purged(root: Path, old: str, new: str) -> set[str]:
    """Return the paths that purges between two commits removed: nobody's rejections, and not to be restored."""
    history = History(root)
    purges = (commit for commit in history.walk(new, without=old) if commit.message.startswith(PURGE))
    return {altered.path for commit in purges for altered in history.alterations(commit.id) if altered.after is None}


def new_sync_id() -> str:
    """Return an id for a run that commits: ten hex digits, so that any unique prefix names it as it does a learning."""
    return secrets.token_hex(5)


def _tip(repository: Repository) -> str:
    tip = repository.tip()
    if tip is None:
        raise AgentContextError(f"{repository.root} has no commits yet", hint="agent-context sync makes the first")
    return tip


def _refuse_merges(run: Run) -> None:
    if any(len(commit.parents) > 1 for commit in run.commits):
        raise AgentContextError(
            f"{run.sync} is a merge, which did nothing itself", hint="agent-context log names the commits it brought"
        )


def _revert(taking: _Taking, history: History, altered: Altered) -> None:
    path, now = altered.path, taking.now(altered.path)
    if is_of_one_machine(path):
        return
    if altered.after is None or now is None:
        if now is None and altered.before is not None and altered.after is None:
            taking.files[path] = altered.before
            taking.rollback.reverted.append(path)
        else:
            taking.keep(path, "came back since" if now is not None else "was removed since")
        return
    sides = [taking.parse(path, data) if data is not None else None for data in (altered.before, altered.after, now)]
    before, after, present = sides
    if after is None or present is None or (before is None and altered.before is not None):
        _revert_text(taking, history, altered, now)
        return
    reverted = revert_learning(before, after, present, taking.note)
    if reverted.learning != present:
        taking.write(path, reverted.learning)
        (taking.rollback.retired if before is None else taking.rollback.reverted).append(path)
    if reverted.kept:
        taking.keep(path, f"its {' and '.join(reverted.kept)} changed since")
    elif before is None and msgspec.structs.replace(present, status=after.status, status_note=None) != after:
        taking.keep(path, "its text was edited since and stays")


def _revert_text(taking: _Taking, history: History, altered: Altered, now: bytes) -> None:
    """Revert a file that is no learning, by lines. One that was born stays: only learnings can be out of effect."""
    if altered.before is None:
        taking.keep(altered.path, "stays: a new file is not removed")
        return
    merged = history.merge_text(altered.after or b"", now, altered.before)
    if merged is None:
        taking.keep(altered.path, "the same lines changed since")
    elif merged != now:
        taking.files[altered.path] = merged
        taking.rollback.reverted.append(altered.path)


def _find_target(history: History, tip: str, when: str) -> str:
    named = history.find_commit(when)
    if named is not None:
        return named
    now = datetime.now().astimezone()
    found = history.commit_at(tip, parse_moment(when, now, end=True), now.timestamp())
    if found is None:
        raise AgentContextError(
            f"the knowledge base begins after {when}", hint="agent-context log --limit 0 ends with its first commit"
        )
    return found


def _is_restored(path: str, project: str) -> bool:
    known = path.partition("/")[0] in FOLDERS and not is_of_one_machine(path)
    return known and (not project or project_of(path) == project)


def _restore(taking: _Taking, altered: Altered, purged: set[str]) -> None:
    path, then, now = altered.path, altered.before, altered.after
    if then is not None and path in purged:
        taking.keep(path, "was purged since and stays gone")
    elif then is not None:
        taking.files[path] = then
        taking.rollback.reverted.append(path)
    elif (learning := taking.parse(path, now or b"")) is None:
        taking.keep(path, "was not there then and stays")
    elif learning.status not in ENDED:
        taking.write(path, retire(learning, taking.note))
        taking.rollback.retired.append(path)


def _finish(taking: _Taking, subject: str, machine: str, *, undoes: str = "") -> None:
    rollback, repository = taking.rollback, taking.repository
    tip = repository.tip()
    files = {path: data for path, data in taking.files.items() if data != repository.read_file(tip, path)}
    if rollback.dry_run or not files:
        return
    rollback.sync = new_sync_id()
    what = [f"{len(rollback.retired)} retired"] if rollback.retired else []
    what += [f"{len(rollback.reverted)} as before"] if rollback.reverted else []
    message = f"{subject}: {', '.join(what)}\n\n{trailers(machine, sync=rollback.sync, undoes=undoes)}"
    rollback.commit = repository.commit_files(files, message, machine)
