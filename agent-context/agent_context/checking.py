"""Validate a knowledge base: every file reads, ids are right and unique, references hold, no secret stands in it."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.errors import AgentContextError, FormatError, MissingExtraError, SealedError
from agent_context.git import Repository
from agent_context.git.history import History
from agent_context.handoff import parse_handoff
from agent_context.knowledge import check_entry
from agent_context.layout import FOLDERS, HANDOFFS, PROJECTS, is_handoff_path, is_learning_path
from agent_context.merging.edits import find_stopping

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent_context.knowledge import Entry, KnowledgeBase
    from agent_context.learning import Finding


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where (line from 1), and what to do."""

    path: str
    line: int
    message: str
    hint: str = ""


def check(knowledge_base: KnowledgeBase, since: str = "") -> list[Problem]:
    """Return every problem, sorted by path and line; with `since` those in files that differ from that commit alone.

    Raise AgentContextError for a commit that is not here.
    """
    changed = _find_changed(knowledge_base.root, since) if since else None
    contents = knowledge_base.load()
    problems = [
        Problem(error.path, error.line, error.message.split(": ", 1)[1], error.hint) for error in contents.problems
    ]
    for folder in knowledge_base.projects():
        try:
            knowledge_base.project(folder)
        except AgentContextError as error:
            problems.append(Problem(f"projects/{folder}/project.toml", 1, error.message.split(": ", 1)[1], error.hint))
    problems += _check_references(contents.entries)
    for entry in contents.entries:
        wrong = check_entry(entry)
        if wrong:
            problems.append(Problem(entry.path, 2, f"id: {wrong}", "rename the file, or mend the id"))
    problems += _check_handoffs(knowledge_base)
    problems += _check_tools(knowledge_base.root)
    problems += _check_texts(knowledge_base, changed)
    problems = [problem for problem in problems if changed is None or problem.path in changed]
    return sorted(problems, key=lambda problem: (problem.path, problem.line, problem.message))


def _check_references(entries: tuple[Entry, ...]) -> list[Problem]:
    problems = []
    by_id: dict[tuple[str, str], list[str]] = defaultdict(list)
    for entry in entries:
        by_id[entry.project, entry.learning.id].append(entry.path)
    known = {entry.learning.id for entry in entries}
    for (_, identity), paths in by_id.items():
        problems += [
            Problem(
                path, 2, f"id: {identity} is also the id of {paths[0]}", "lengthen one of the two ids and its file name"
            )
            for path in paths[1:]
        ]
    for entry in entries:
        missing = [item for item in entry.learning.supersedes if item not in known]
        if entry.learning.id in entry.learning.supersedes:
            problems.append(Problem(entry.path, 2, "supersedes: names itself", "take it out"))
        problems += [Problem(entry.path, 2, f"supersedes: no learning {item}", "mend the id") for item in missing]
    return problems


def _check_handoffs(knowledge_base: KnowledgeBase) -> list[Problem]:
    problems = []
    for file in sorted((knowledge_base.root / PROJECTS).glob(f"*/{HANDOFFS}/*")):
        path = file.relative_to(knowledge_base.root).as_posix()
        if is_handoff_path(path) and file.is_file() and not file.is_symlink():
            with suppress(SealedError, MissingExtraError):
                try:
                    parse_handoff(knowledge_base.read_clear(path).decode("utf-8", "replace"), path)
                except FormatError as error:
                    problems.append(Problem(path, error.line, error.message.split(": ", 1)[1], error.hint))
    return problems


def _check_tools(root: Path) -> list[Problem]:
    """Return what is wrong with entries of the registry: no machine could be brought to these."""
    from agent_context.tooling.registry import read_registry  # noqa: PLC0415 - YAML and more, for few checks

    problems = []
    for error in read_registry(root).problems.values():
        path, _, words = error.message.partition(" ")
        if isinstance(error, FormatError):
            problems.append(Problem(error.path, error.line, error.message.split(": ", 1)[1], error.hint))
        else:
            problems.append(Problem(path.rstrip(":"), 1, words, error.hint))
    return problems


def _find_changed(root: Path, since: str) -> set[str]:
    """Return the paths that branch or worktree have otherwise than the commit that they and `since` come from."""
    repository, history = Repository(root), History(root)
    tip, commit = repository.tip(), history.find_commit(since)
    base = repository.merge_base(tip, commit) if tip and commit else None
    if tip is None or base is None:
        raise AgentContextError(f"no commit {since} is here to compare with", hint="git log names the commits")
    return {altered.path for altered in history.alterations_between(base, tip)} | set(repository.edited_files(FOLDERS))


def _check_texts(knowledge_base: KnowledgeBase, changed: set[str] | None) -> list[Problem]:
    problems = []
    for folder in FOLDERS:
        for file in sorted((knowledge_base.root / folder).rglob("*")):
            path = file.relative_to(knowledge_base.root).as_posix()
            if file.is_file() and not file.is_symlink() and (changed is None or path in changed):
                with suppress(SealedError, MissingExtraError):
                    text = knowledge_base.read_clear(path).decode("utf-8", "replace")
                    problems += _screen_text(path, text, knowledge_base.screen)
    return problems


def _screen_text(path: str, text: str, find: Callable[[str], list[Finding]]) -> list[Problem]:
    """Return what must not be in a file. In one that is no learning, a comment or an installer is no poison yet."""
    findings = find(text) if is_learning_path(path) else find_stopping(text, find)
    return [
        Problem(
            path,
            finding.line,
            f"{finding.kind}: {finding.rule} {finding.masked}",
            "take it out; if it was pushed, change the secret first (agent-context purge-secret)"
            if finding.kind == "secret"
            else "take it out, or allow it by its hash (agent-context screen --json prints it)",
        )
        for finding in findings
    ]
