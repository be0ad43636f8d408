"""Sync some minutes after a session ends: watch the folders of the agents' session files, in the foreground."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent_context.errors import AgentContextError, MissingExtraError
from agent_context.learning import utc
from agent_context.syncing.sync import sync
from agent_context.transcripts.codex import PLACES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase
    from agent_context.reports import SyncReport

SESSION_FOLDERS = {"claude_code": ("projects",), "codex": PLACES}
SESSION_FILES = (".jsonl", ".jsonl.zst")
TICK_SECONDS = 1.0
STEP_MS = 250  # watchfiles looks for signals at each step
BACKOFF_SECONDS = 60.0
BACKOFF_LIMIT = 3600.0
FAILED = 1
INTERRUPTED = 130
HEADS = {0: "ok", FAILED: "failed", 3: "needs you", INTERRUPTED: "interrupted"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one unattended sync came out: a line for a log, and the exit code that `sync` would have ended with."""

    line: str
    exit_code: int


@dataclass(slots=True)
class Waiting:
    """What has changed and when a sync is due. Times are seconds on a clock that only goes forward.

    A session is due when its file has been quiet for `seconds`. After a failure the next sync waits, longer each time.
    """

    seconds: float
    changed: dict[str, float] = field(default_factory=dict)
    failures: int = 0
    not_before: float = 0.0

    def note(self, paths: set[str], now: float) -> None:
        """Take down that these files changed."""
        self.changed.update(dict.fromkeys(paths, now))

    def is_due(self, now: float) -> bool:
        """Tell whether to sync now."""
        quiet = any(now - at >= self.seconds for at in self.changed.values())
        return now >= self.not_before and (quiet or self.failures > 0)

    def start(self, now: float) -> None:
        """Forget what the sync that starts now takes care of."""
        self.changed = {path: at for path, at in self.changed.items() if now - at < self.seconds}

    def settle(self, now: float, *, failed: bool) -> None:
        """Take down how the sync ended."""
        self.failures = self.failures + 1 if failed else 0
        pause = min(BACKOFF_SECONDS * 2 ** (self.failures - 1), BACKOFF_LIMIT) if failed else 0.0
        self.not_before = now + pause


def attempt(open_all: Callable[[], tuple[KnowledgeBase, Environment]]) -> Outcome:
    """Sync once with the settings as they are now. A known error is an outcome like others."""
    try:
        knowledge_base, environment = open_all()
        report = sync(knowledge_base, environment)
    except AgentContextError as error:
        return Outcome(f"{utc(time.time())} {HEADS[error.exit_code]}: {error.advice}", error.exit_code)
    return Outcome(f"{utc(time.time())} {HEADS[report.exit_code]}: {_describe(report)}", report.exit_code)


def keep_watch(
    agent_homes: dict[str, Path], seconds: float, attempt: Callable[[], Outcome], tell: Callable[[str], None]
) -> None:
    """Sync now, and again whenever a session has been quiet for `seconds`; ends when a sync is interrupted.

    `tell` is given one line a sync. Raise MissingExtraError without watchfiles, KeyboardInterrupt on a signal.
    """
    waiting = Waiting(seconds)
    waiting.note({"what ended before"}, time.monotonic() - seconds)
    for paths in _watch(agent_homes):
        now = time.monotonic()
        waiting.note(paths, now)
        if not waiting.is_due(now):
            continue
        waiting.start(now)
        outcome = attempt()
        tell(outcome.line)
        if outcome.exit_code == INTERRUPTED:
            return
        waiting.settle(time.monotonic(), failed=outcome.exit_code == FAILED)
        if waiting.failures:
            tell(f"{utc(time.time())} next try in {waiting.not_before - time.monotonic():.0f} s")


def _watch(agent_homes: dict[str, Path]) -> Iterator[set[str]]:
    """Yield the session files that changed, at least once a second; folders that appear later are watched too."""
    try:
        import watchfiles  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtraError("watchfiles", "watch") from None
    yield set()
    while True:
        folders = find_folders(agent_homes)
        yield {str(folder) for folder in folders}  # what ended just before is too fresh for the sync at the start
        if not folders:
            time.sleep(TICK_SECONDS)
            continue
        tick = int(TICK_SECONDS * 1000)
        for changes in watchfiles.watch(*folders, step=STEP_MS, rust_timeout=tick, yield_on_timeout=True):
            yield {path for kind, path in changes if kind != watchfiles.Change.deleted and path.endswith(SESSION_FILES)}
            if find_folders(agent_homes) != folders:
                break


def find_folders(agent_homes: dict[str, Path]) -> list[Path]:
    """Return the folders of session files that there are now."""
    found = [agent_homes[agent] / name for agent, names in SESSION_FOLDERS.items() for name in names]
    return [folder for folder in found if folder.is_dir()]


def _describe(report: SyncReport) -> str:
    """Return a sync in one line: what came in and went out, and what is wrong first of all."""
    counts = {
        "read": report.read,
        "learned": len(report.learned),
        "brought in": report.brought_in,
        "pushed": report.pushed,
        "waiting to be pushed": report.unpushed,
    }
    wrong = [*report.blocked, *report.problems, *report.failures, report.waiting, report.silence, *report.lost]
    parts = [f"{count} {what}" for what, count in counts.items() if count] or ["nothing new"]
    problem = next((item for item in wrong if item), "") if report.exit_code else ""
    cost = [f"$ {report.cost_usd:.4f}"] if report.cost_usd else []
    return ", ".join([*parts, *cost, f"{report.seconds:.1f} s"]) + (f"; {problem}" if problem else "")
