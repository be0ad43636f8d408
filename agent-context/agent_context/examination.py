"""Examine the installation: each check says how it stands and, where something is wrong, how to mend it."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from agent_context import git
from agent_context.encoders import load_encoder
from agent_context.errors import AgentContextError
from agent_context.extraction import find_sessions, find_silence
from agent_context.git import Fetched, Repository
from agent_context.identity import hide_credentials
from agent_context.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase

LITTLE_ROOM = 200 * 1024 * 1024


class Health(StrEnum):
    """How one check came out."""

    GOOD = "good"
    POOR = "poor"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Examined:
    """One check: what was looked at, how it stands, what was seen, and the next step."""

    subject: str
    health: Health
    seen: str
    remedy: str = ""


def examine(knowledge_base: KnowledgeBase, environment: Environment) -> list[Examined]:
    """Run every check. One that fails in an unforeseen way of the world is itself a finding."""
    results: list[Examined] = []
    for check in CHECKS:
        try:
            results += check(knowledge_base, environment)
        except AgentContextError as error:
            results.append(Examined(check.__name__.removeprefix("_"), Health.BROKEN, error.message, error.hint))
    return results


def _program(knowledge_base: KnowledgeBase, environment: Environment) -> Iterator[Examined]:
    found = shutil.which("git")
    seen = found or "not found on PATH"
    yield Examined("git program", Health.GOOD if found else Health.BROKEN, seen, "" if found else "install git")
    yield Examined("knowledge base", Health.GOOD, str(knowledge_base.root))
    yield Examined("machine name", Health.GOOD, environment.machine)


def _sessions(knowledge_base: KnowledgeBase, environment: Environment) -> Iterator[Examined]:
    count = sum(1 for _ in find_sessions(environment.agent_homes))
    where = environment.claude_dir / "projects"
    if not count:
        remedy = "set CLAUDE_CONFIG_DIR if the agent keeps them elsewhere"
        yield Examined("sessions", Health.POOR, f"none in {where}", remedy)
        return
    with State(environment.data_dir, knowledge_base.root, keep=False) as state:
        silence = find_silence(state, time.time())
    if silence:
        yield Examined("capture", Health.BROKEN, silence, "agent-context coverage names every file and why")
    else:
        yield Examined("sessions", Health.GOOD, f"{count} in {where}")


def _repository(knowledge_base: KnowledgeBase, environment: Environment) -> Iterator[Examined]:  # noqa: ARG001 - one shape for all checks
    repository = Repository(knowledge_base.root)
    branch = repository.branch()
    yield Examined("branch", Health.GOOD, branch)
    try:
        with FileLock(repository.lock_path, timeout=0):
            yield Examined("lock", Health.GOOD, "free")
    except Timeout:
        yield Examined("lock", Health.POOR, "held", "another agent-context is at work; wait for it to end")
    stale = [path for path in (knowledge_base.root / ".git").glob("*.lock") if path != repository.lock_path]
    if stale:
        yield Examined("git's locks", Health.BROKEN, str(stale[0]), "if no git is running, delete that file")
    remote = repository.remote(branch)
    if remote is None:
        yield Examined("remote", Health.POOR, "none: learnings stay on this machine", "git remote add origin URL")
        return
    url = hide_credentials(repository.remote_url(remote))
    state, words = git.fetch(knowledge_base.root, remote, branch)
    if state is Fetched.UNREACHABLE:
        yield Examined("remote", Health.BROKEN, f"{url}: {words}", f"try: git -C {knowledge_base.root} fetch {remote}")
    else:
        yield Examined("remote", Health.GOOD, f"{url} answers")


def _learnings(knowledge_base: KnowledgeBase, environment: Environment) -> Iterator[Examined]:  # noqa: ARG001 - one shape for all checks
    contents = knowledge_base.load()
    if contents.problems:
        seen = f"{len(contents.problems)} files do not read"
        yield Examined("learnings", Health.BROKEN, seen, "agent-context check names file, line and fix")
    else:
        yield Examined("learnings", Health.GOOD, f"{len(contents.entries)} read")


def _encoder(knowledge_base: KnowledgeBase, environment: Environment) -> Iterator[Examined]:  # noqa: ARG001 - one shape for all checks
    encoder, seen = load_encoder(knowledge_base.settings.consolidation.encoder)
    remedy = "" if encoder else "install agent-context with its extra `semantic` (make sync does)"
    yield Examined("encoder", Health.GOOD if encoder else Health.POOR, seen, remedy)


def _folders(knowledge_base: KnowledgeBase, environment: Environment) -> Iterator[Examined]:
    with State(environment.data_dir, knowledge_base.root) as state:
        yield Examined("local state", Health.GOOD, str(state.path))
    for name, folder in (("knowledge base folder", knowledge_base.root), ("data folder", environment.data_dir)):
        yield _folder(name, folder)


def _folder(name: str, folder: Path) -> Examined:
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK):
        return Examined(name, Health.BROKEN, f"{folder} cannot be written", "give yourself the right to write there")
    if free < LITTLE_ROOM:
        return Examined(name, Health.POOR, f"{free // 1024**2} MB free", "make room on that disk")
    return Examined(name, Health.GOOD, f"{folder}, {free // 1024**3} GB free")


CHECKS: tuple[Callable[[KnowledgeBase, Environment], Iterator[Examined]], ...] = (
    _program,
    _repository,
    _sessions,
    _learnings,
    _encoder,
    _folders,
)
