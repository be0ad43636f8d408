"""Make one pattern of a lesson that several projects learned: its evidence, and what scopes it. Values only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from agent_context.claims.confirmations import count_by_machine
from agent_context.claims.folding import fold, order_by_clarity
from agent_context.layout import PATTERNS
from agent_context.learning import Learning, Status, StatusNote, learning_id

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

# What a file of this name, at the top or one folder below, says of a project.
LANGUAGES = {
    "pyproject.toml": "python",
    "setup.py": "python",
    "requirements.txt": "python",
    "package.json": "javascript",
    "tsconfig.json": "typescript",
    "Cargo.toml": "rust",
    "go.mod": "go",
    "Gemfile": "ruby",
    "pom.xml": "java",
    "build.gradle": "java",
    "build.gradle.kts": "kotlin",
    "composer.json": "php",
    "mix.exs": "elixir",
    "Package.swift": "swift",
    "CMakeLists.txt": "c++",
}
# Looked for, as whole words, in those of these files that a project has.
FRAMEWORKS = (
    "angular",
    "axum",
    "django",
    "express",
    "fastapi",
    "flask",
    "laravel",
    "nextjs",
    "phoenix",
    "pytest",
    "rails",
    "react",
    "spring",
    "svelte",
    "tokio",
    "vue",
)
DEPTH = 2


def find_technologies(files: Collection[str], read: Callable[[str], str]) -> frozenset[str]:
    """Return the languages and frameworks of a project: what its manifests are, and what they name."""
    manifests = [file for file in files if file.count("/") < DEPTH and file.rpartition("/")[2] in LANGUAGES]
    languages = {LANGUAGES[file.rpartition("/")[2]] for file in manifests}
    words = {word for file in manifests for word in re.findall(r"[a-z]+", read(file).casefold())}
    return frozenset(languages | words.intersection(FRAMEWORKS))


def promote(
    by_project: Mapping[str, Collection[Learning]],
    technologies: Mapping[str, frozenset[str]],
    machine: str,
    now: str,
    fuller: Collection[str] = (),
) -> Learning:
    """Return the pattern that the projects' learnings become, in the clearest one's words, accepted by who asks for it.

    `fuller` are the ids of those that say more than another. Tags that all share scope it, and the technologies that
    all projects whose checkout is known have in common. Paths are a project's own, so only those that all name stay.
    """
    learnings = order_by_clarity((item for items in by_project.values() for item in items), fuller)
    clearest = learnings[0]
    whole = fold(clearest, learnings[1:])
    known = [technologies[project] for project in by_project if project in technologies]
    scope = frozenset.intersection(*known) if known else frozenset()
    shared = set.intersection(*(set(item.tags) for item in learnings)) | scope
    seen = say_evidence(by_project)
    return msgspec.structs.replace(
        whole,
        id=learning_id(PATTERNS, clearest.claim),
        status=Status.ACCEPTED,
        status_note=StatusNote(by=machine, at=now, reason=f"promoted: {seen}"),
        created=now,
        tags=tuple(sorted(shared)),
        paths=tuple(path for path in clearest.paths if all(path in item.paths for item in learnings)),
        supersedes=tuple(item.id for item in learnings),
        pinned=False,
        review_after="",
        conflicts=(),
    )


def say_evidence(by_project: Mapping[str, Collection[Learning]]) -> str:
    """Return on how much it rests: `3 projects, 2 machines, 5 sessions`."""
    sessions = {
        (source.machine, source.session) for items in by_project.values() for item in items for source in item.sources
    }
    counted = sum(count_by_machine(item).total() - len(item.sources) for items in by_project.values() for item in items)
    machines = {machine for items in by_project.values() for item in items for machine in count_by_machine(item)}
    counts = {"project": len(by_project), "machine": len(machines), "session": len(sessions) + counted}
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for word, count in counts.items())
