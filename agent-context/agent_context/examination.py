"""Examine the installation: each check says how it stands and, where something is wrong, how to mend it."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from agent_context import __version__, git
from agent_context.config import find_schedule_folders
from agent_context.encoders import load_encoder
from agent_context.errors import AgentContextError
from agent_context.git import Repository
from agent_context.git.history import History, ask_remote, ask_version
from agent_context.harvest.extraction import find_sessions, find_silence
from agent_context.identity import hide_credentials
from agent_context.journal import Journal
from agent_context.machines import find_namesake, machine_path, read_instance
from agent_context.scheduling import find_methods
from agent_context.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase

LITTLE_ROOM = 200 * 1024 * 1024
OLDEST_GIT = (2, 30)
CLOCK_SECONDS = 300
HOUR = 3600
QUIET_HOURS = 7 * 24
# A package that shows that an extra is installed.
EXTRAS = {
    "semantic": "onnxruntime",
    "llm": "anthropic",
    "site": "mkdocs",
    "encryption": "pyrage",
    "watch": "watchfiles",
    "screen": "kingfisher_sdk",
}


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
    version = f"{__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    yield Examined("agent-context", Health.GOOD, version)
    found = ask_version(knowledge_base.root)
    numbers = tuple(int(number) for number in re.findall(r"\d+", found)[:2])
    remedy = "install git 2.30 or newer" if numbers < OLDEST_GIT else ""
    yield Examined("git program", Health.BROKEN if remedy else Health.GOOD, found or "not found on PATH", remedy)
    yield Examined("knowledge base", Health.GOOD, str(knowledge_base.root))
    yield Examined("machine name", Health.GOOD, environment.machine)


def _extras(knowledge_base: KnowledgeBase, environment: Environment) -> Iterator[Examined]:  # noqa: ARG001 - one shape for all checks
    present = [extra for extra, package in EXTRAS.items() if importlib.util.find_spec(package) is not None]
    absent = [extra for extra in EXTRAS if extra not in present]
    needed = _needed_extras(knowledge_base)
    missing = [extra for extra in absent if extra in needed]
    seen = f"installed: {', '.join(present) or 'none'}" + (f"; not: {', '.join(absent)}" if absent else "")
    remedy = f"{', '.join(f'{needed[extra]} needs `{extra}`' for extra in missing)}: install that extra"
    yield Examined("extras", Health.BROKEN if missing else Health.GOOD, seen, remedy if missing else "")


def _needed_extras(knowledge_base: KnowledgeBase) -> dict[str, str]:
    """Return the extras that this knowledge base cannot do without, and what asks for them."""
    needed = {"llm": "the extractor"} if knowledge_base.settings.extraction.extractor == "anthropic" else {}
    sealed = [name for name in knowledge_base.projects() if knowledge_base.project(name).encrypted]
    return {**needed, "encryption": f"the project {sealed[0]}"} if sealed else needed


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
    for left in git.find_locks(repository.git_dir, repository.common_dir):
        yield Examined("git's locks", Health.POOR, f"{left.path} is old", "agent-context sync takes it away")
    remote = repository.remote(branch)
    if remote is None:
        yield Examined("remote", Health.POOR, "none: learnings stay on this machine", "git remote add origin URL")
        return
    url = hide_credentials(repository.remote_url(remote))
    words = ask_remote(knowledge_base.root, remote)
    if words:
        remedy = git.advise(git.diagnose(words), words, knowledge_base.root, remote).partition("Next step: ")[2]
        yield Examined("remote", Health.BROKEN, f"{url}: {words}", remedy)
    else:
        yield Examined("remote", Health.GOOD, f"{url} answers, and takes this machine's credentials")
    for left in git.find_leftovers(repository.remote_url(remote)):
        health = Health.BROKEN if left.blocks else Health.POOR
        remedy = "if nobody pushes there now, delete it: a client was killed while it pushed"
        yield Examined("remote's locks", health, str(left.path), remedy)


def _clock(knowledge_base: KnowledgeBase, environment: Environment) -> Iterator[Examined]:  # noqa: ARG001 - one shape for all checks
    repository = Repository(knowledge_base.root)
    branch = repository.branch()
    remote = repository.remote(branch)
    tips = (repository.tip(), repository.remote_tip(remote, branch) if remote else None)
    history = History(knowledge_base.root)
    newest = max((next(history.walk(tip)).at for tip in tips if tip), default=0)
    ahead = newest - time.time()
    if ahead > CLOCK_SECONDS:
        seen = f"the newest commit is {ahead / HOUR:.1f} hours in the future"
        remedy = "set this machine's clock (timedatectl set-ntp true), or that of the machine which made it"
        yield Examined("clock", Health.POOR, seen, remedy)
    else:
        yield Examined("clock", Health.GOOD, "no commit is from the future")


def _namesakes(knowledge_base: KnowledgeBase, environment: Environment) -> Iterator[Examined]:
    repository = Repository(knowledge_base.root)
    previous = repository.read_file(repository.tip(), machine_path(environment.machine))
    words = find_namesake(environment, previous) if read_instance(environment, make=False) else ""
    if words:
        yield Examined("machine name", Health.POOR, words, "agent-context machines lists all that sync here")


def _last_sync(knowledge_base: KnowledgeBase, environment: Environment) -> Iterator[Examined]:
    root = str(knowledge_base.root)
    syncs = [item for item in Journal(environment.data_dir).entries() if item.knowledge_base == root and not item.part]
    if not syncs:
        yield Examined("last sync", Health.POOR, "none on this machine yet", "agent-context sync")
        return
    last = syncs[-1]
    hours = (time.time() - datetime.fromisoformat(last.at).astimezone(UTC).timestamp()) / HOUR
    seen = f"{last.at}, {hours:.0f} hours ago, ended with {last.exit_code}{f': {last.waiting}' if last.waiting else ''}"
    remedy = "agent-context sync says what stands in the way" if last.exit_code else "agent-context sync"
    poor = bool(last.exit_code) or hours > QUIET_HOURS
    yield Examined("last sync", Health.POOR if poor else Health.GOOD, seen, remedy if poor else "")


def _automation(knowledge_base: KnowledgeBase, environment: Environment) -> Iterator[Examined]:  # noqa: ARG001 - one shape for all checks
    methods = find_methods(find_schedule_folders())
    runs = [f"every {minutes} minutes by {name}" for name, method in methods.items() if (minutes := method.installed())]
    yield Examined("schedule", Health.GOOD, ", ".join(runs) or "none (agent-context schedule install sets one up)")
    settings = environment.claude_dir / "settings.json"
    try:
        hooked = "agent-context" in settings.read_text(encoding="utf-8", errors="replace")
    except OSError:
        hooked = False
    yield Examined("client hooks", Health.GOOD, f"named in {settings}" if hooked else "none (sync needs none)")


def _learnings(knowledge_base: KnowledgeBase, environment: Environment) -> Iterator[Examined]:  # noqa: ARG001 - one shape for all checks
    contents = knowledge_base.load()
    if contents.problems:
        seen = f"{len(contents.problems)} files do not read"
        yield Examined("learnings", Health.BROKEN, seen, "agent-context check names file, line and fix")
    else:
        yield Examined("learnings", Health.GOOD, f"{len(contents.entries)} read")


def _encoder(knowledge_base: KnowledgeBase, environment: Environment) -> Iterator[Examined]:
    settings = knowledge_base.settings.consolidation
    try:
        encoder, seen = load_encoder(settings.encoder, settings.model, environment.data_dir)
    except AgentContextError as error:
        yield Examined("encoder", Health.BROKEN, error.message, error.hint)
        return
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
    _extras,
    _repository,
    _clock,
    _namesakes,
    _last_sync,
    _sessions,
    _learnings,
    _encoder,
    _automation,
    _folders,
)
