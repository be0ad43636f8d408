"""Validate a knowledge base: every file reads, ids are right and unique, references hold, no secret stands in it."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.errors import AgentContextError, MissingExtraError, SealedError
from agent_context.knowledge import check_entry
from agent_context.layout import FOLDERS
from agent_context.screening import screen

if TYPE_CHECKING:
    from agent_context.knowledge import Entry, KnowledgeBase


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where (line from 1), and what to do."""

    path: str
    line: int
    message: str
    hint: str = ""


def check(knowledge_base: KnowledgeBase) -> list[Problem]:
    """Return every problem, sorted by path and line."""
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
    problems += _check_secrets(knowledge_base)
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


def _check_secrets(knowledge_base: KnowledgeBase) -> list[Problem]:
    problems = []
    for folder in FOLDERS:
        for file in sorted((knowledge_base.root / folder).rglob("*")):
            path = file.relative_to(knowledge_base.root).as_posix()
            if file.is_file() and not file.is_symlink():
                with suppress(SealedError, MissingExtraError):
                    problems += _screen_file(path, knowledge_base.read_clear(path))
    return problems


def _screen_file(path: str, data: bytes) -> list[Problem]:
    return [
        Problem(
            path,
            finding.line,
            f"{finding.kind}: {finding.rule} {finding.masked}",
            "take it out; if it was pushed, change the secret first",
        )
        for finding in screen(data.decode("utf-8", "replace"))
    ]
