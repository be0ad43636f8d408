from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from samples import LESSON, OTHER_LESSON, git
from test_cli import run

from agent_context.config import KB_FILE
from agent_context.errors import AgentContextError, NeedsPersonError
from agent_context.knowledge import KnowledgeBase
from agent_context.syncing.watching import BACKOFF_LIMIT, Waiting, attempt, find_folders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from samples import Machine

    from agent_context.config import Environment

PATIENCE = 60.0


class Watcher:
    """`agent-context watch` as a process, with the lines that it has printed so far."""

    def __init__(self, machine: Machine) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agent_context", "watch", "--kb", "kb", "--delay", "0"],
            cwd=machine.folder,
            env={
                **os.environ,
                "XDG_CONFIG_HOME": str(machine.folder / "xdg"),
                "CLAUDE_CONFIG_DIR": str(machine.environment.claude_dir),
                "AGENT_CONTEXT_MACHINE": machine.environment.machine,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, words: str, count: int = 1) -> list[str]:
        """The lines that hold these words, once there are so many."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = [line for line in self.lines if words in line]
            if len(found) >= count:
                return found
            assert self.process.poll() is None, self.lines
            time.sleep(0.05)
        raise AssertionError(f"no {words!r} in {self.lines}")

    def stop(self, number: signal.Signals) -> int:
        """End it as a person or the machine does; how it ended."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return code


@contextmanager
def watching(machine: Machine, quiet: int = 1) -> Iterator[Watcher]:
    settings = machine.root / KB_FILE
    settings.write_text(settings.read_text().replace("quiet_seconds = 60", f"quiet_seconds = {quiet}"))
    watcher = Watcher(machine)
    try:
        yield watcher
    finally:
        watcher.process.kill()
        watcher.process.wait()
        watcher.reader.join()
        assert watcher.process.stdout is not None
        watcher.process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_session_that_ends_is_synced_and_a_signal_ends_the_watch_cleanly(
    machine: Machine, number: signal.Signals
) -> None:
    machine.teach(LESSON, name="before", cwd=machine.checkout())
    with watching(machine) as watcher:
        watcher.wait_for(" ok: 1 read, 1 learned, 1 pushed, ")
        machine.teach(OTHER_LESSON, name="after", cwd=machine.folder / "work" / "r", age=0)
        watcher.wait_for(" ok: 1 read, 1 learned, 1 pushed, ", 2)
        assert watcher.stop(number) == 0
        assert watcher.lines[-1] == "Stopped."
        assert [line for line in watcher.lines[1:-1] if " ok: " not in line] == []
    assert {learning.claim for learning in machine.learnings().values()} == {LESSON, OTHER_LESSON}
    assert git(machine.root, "status", "--porcelain", "projects") == ""


def test_a_session_that_ended_right_before_is_not_forgotten(machine: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout(), age=0)
    with watching(machine, quiet=4) as watcher:
        watcher.wait_for(" ok: ")
        watcher.wait_for(" 1 learned")
        assert watcher.stop(signal.SIGTERM) == 0


def test_folders_that_appear_later_are_watched(machine: Machine) -> None:
    with watching(machine) as watcher:
        watcher.wait_for(" ok: ")
        machine.teach(LESSON, cwd=machine.checkout(), age=0)
        watcher.wait_for(" 1 learned")
        assert watcher.stop(signal.SIGTERM) == 0


def test_a_failing_sync_is_told_and_tried_again(machine: Machine) -> None:
    settings = machine.root / KB_FILE
    with watching(machine) as watcher:
        watcher.wait_for(" ok: ")
        whole = settings.read_text()
        settings.write_text("nonsense")
        machine.teach(LESSON, cwd=machine.checkout(), age=0)
        (line,) = watcher.wait_for(" failed: ")
        assert str(settings) in line
        watcher.wait_for(" next try in 60 s")
        settings.write_text(whole)
        assert watcher.process.poll() is None
        assert watcher.stop(signal.SIGINT) == 0


def test_without_a_knowledge_base_it_says_so_at_once(machine: Machine) -> None:
    done = run(machine, "watch")
    assert (done.returncode, done.stderr.startswith("Error: no knowledge base here\n")) == (1, True)


def test_a_session_is_due_when_it_has_been_quiet_whatever_others_do() -> None:
    waiting = Waiting(60)
    waiting.note({"a", "b"}, 0)
    waiting.note({"b"}, 50)
    assert not waiting.is_due(59)
    assert waiting.is_due(60)
    waiting.start(60)
    assert waiting.changed == {"b": 50}
    waiting.settle(61, failed=False)
    assert not waiting.is_due(109)
    assert waiting.is_due(110)


def test_failures_wait_longer_each_time_and_success_forgets_them() -> None:
    waiting, now, pauses = Waiting(60), 0.0, []
    for _ in range(9):
        waiting.start(now)
        waiting.settle(now, failed=True)
        waiting.note({"a"}, now - 60)
        pauses.append(waiting.not_before - now)
        assert not waiting.is_due(waiting.not_before - 1)
        assert waiting.is_due(waiting.not_before)
        now = waiting.not_before
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, BACKOFF_LIMIT]
    waiting.start(now)
    waiting.settle(now, failed=False)
    assert not waiting.is_due(now)
    waiting.note({"b"}, now)
    assert waiting.is_due(now + 60)


def test_an_attempt_is_one_line_whatever_happens(machine: Machine) -> None:
    def open_all() -> tuple[KnowledgeBase, Environment]:
        return KnowledgeBase(machine.root), machine.environment

    def refuse(error: AgentContextError) -> tuple[KnowledgeBase, Environment]:
        raise error

    attempt(open_all)  # the first tells the others of this machine
    good = attempt(open_all)
    assert (good.exit_code, " ok: nothing new, " in good.line) == (0, True)
    git(machine.root, "remote", "set-url", "origin", str(machine.folder / "gone.git"))
    gone = attempt(open_all)
    assert (gone.exit_code, " failed: nothing new, " in gone.line) == (1, True)
    assert "; the remote does not answer" in gone.line
    needs = attempt(lambda: refuse(NeedsPersonError("another branch", hint="go back")))
    assert (needs.exit_code, needs.line[20:]) == (3, " needs you: another branch (go back)")
    assert all("\n" not in outcome.line for outcome in (good, gone, needs))


def test_only_folders_of_sessions_are_watched(machine: Machine) -> None:
    homes = machine.environment.agent_homes
    assert find_folders(homes) == []
    for folder in ("claude_code/projects", "claude_code/todos", "codex/archived_sessions", "gemini/tmp"):
        home, _, name = folder.partition("/")
        (homes[home] / name).mkdir(parents=True)
    assert find_folders(homes) == [homes["claude_code"] / "projects", homes["codex"] / "archived_sessions"]
