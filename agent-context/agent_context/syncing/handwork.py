"""A person's own changes to the knowledge base: committed as theirs, and read as decisions where they delete."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from agent_context.known_values import load_guard
from agent_context.layout import FOLDERS, TOOLING, is_learning_path
from agent_context.learning import utc
from agent_context.merging.edits import MOST_REJECTIONS, collect_edits, reject_deleted
from agent_context.sealing import find_closed, open_files, seal_files
from agent_context.state import LAST_COMMIT
from agent_context.trailers import trailers

if TYPE_CHECKING:
    from agent_context.git import Repository
    from agent_context.knowledge import KnowledgeBase
    from agent_context.reports import SyncReport
    from agent_context.sealing import Sealer
    from agent_context.state import State

SKILLS = f"{TOOLING}/skills/"
# Commits whose removals are nobody's rejection: the template's own learnings, purged ones, ones now encrypted.
NO_REJECTIONS = ("init: ", "purge: ", "keys: ")


def commit_edits(repository: Repository, machine: str, report: SyncReport, knowledge_base: KnowledgeBase) -> None:
    """Commit what a person edited by hand and what reads; the rest is named in `report.problems`."""
    sealer = knowledge_base.sealer
    found = repository.find_edits(FOLDERS)
    edited = {**repository.made_executable(SKILLS.rstrip("/")), **found.files}
    committed = {path: repository.read_file(repository.tip(), path) for path, data in edited.items() if data is None}
    closed = [*find_closed(edited, sealer), *find_closed(committed, sealer)]
    report.problems += [f"{path}: no key here opens it (git restore takes the edit back)" for path in closed]
    edited = {path: data for path, data in edited.items() if path not in closed}
    opened, before = open_files(edited, sealer), open_files(committed, sealer)
    find = load_guard(knowledge_base.settings, knowledge_base.root).find if edited else None
    edits = collect_edits(opened, before, machine, utc(time.time()), find)
    report.problems += edits.problems
    report.notes += [f"{path}: part of it is staged, so it waits for your own commit" for path in found.half_staged]
    report.edits = sorted(edits.files)
    report.rejected = edits.rejected
    if edits.files and not report.dry_run:
        count = f"{len(edits.files)} file{'s' * (len(edits.files) > 1)}"
        files = seal_files(edits.files, sealer, edited)
        told = trailers(machine, sync=report.sync)
        scripts = {path for path in files if path.startswith(SKILLS) and os.access(repository.root / path, os.X_OK)}
        repository.commit_files(files, f"edit: {count} by hand\n\n{told}", machine, executable=scripts)


def keep_rejections(
    repository: Repository, before: str | None, state: State, report: SyncReport, sealer: Sealer | None = None
) -> None:
    """Bring learnings back as rejected that somebody deleted in a commit since the last sync, here or on the forge.

    Many gone at once are no decisions about each: these stay gone, and are named.
    """
    last = state.fact(LAST_COMMIT)
    old, new = last if last and repository.has_commit(last) else before, repository.tip()
    if old is None or new is None or repository.ahead_behind(old, new)[0]:
        return  # nothing to compare, or a history that was rewritten on purpose, to take something out
    removed = {path: data for path, data in repository.removed_between(old, new).items() if is_learning_path(path)}
    for commit in repository.commits_between(old, new) if removed else ():
        if commit.message.startswith(NO_REJECTIONS) and len(commit.parents) == 1:
            for path in repository.removed_between(str(commit.parents[0].id), str(commit.id)):
                removed.pop(path, None)
    if len(removed) > MOST_REJECTIONS:
        report.notes.append(f"{len(removed)} learnings were removed in commits at once; sessions may bring them back")
        return
    now = utc(time.time())
    opened = open_files(removed, sealer)
    rejected = {path: reject_deleted(path, data or b"", report.machine, now) for path, data in opened.items()}
    files = seal_files({path: data for path, data in rejected.items() if data is not None}, sealer, removed)
    if files:
        told = trailers(report.machine, sync=report.sync)
        message = f"review: {len(files)} deleted, kept as rejected\n\n{told}"
        repository.commit_files(files, message, report.machine)
        report.rejected += sorted(files)
