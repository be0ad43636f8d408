"""`agent-context live`: the board as a table, kept up to date on a terminal, and as JSON."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from live_samples import Worker, shop
from test_cli import run

if TYPE_CHECKING:
    from samples import Machine

SECONDS = 30


@pytest.fixture
def pair(machine: Machine) -> tuple[Worker, Worker]:
    file = shop(machine.checkout())
    first, second = Worker(machine, file.parent, branch="topic"), Worker(machine, file.parent)
    first.say("Count\x1b[31m twice")
    first.edit(file, "count = 0", "count = 1")
    second.say("Count thrice")
    second.edit(file, "return count", "return 3 * count")
    return first, second


def test_the_board_is_a_table_or_json_of_all_sessions_or_a_projects(
    machine: Machine, pair: tuple[Worker, Worker]
) -> None:
    first, second = pair
    shown = run(machine, "live", "--kb", str(machine.root)).stdout
    assert f"{second.session[:8]} (same symbol)" in shown
    assert "Count⟦U+001B⟧[31m twice" in shown
    assert "\x1b" not in shown
    views = json.loads(run(machine, "live", "--json", "--project", "o/r", "--kb", str(machine.root)).stdout)
    assert {view["session"] for view in views} == {first.session, second.session}
    (view,) = [view for view in views if view["session"] == first.session]
    assert (view["status"], view["branch"], view["files"], view["symbols"]) == ("live", "topic", ["shop.py"], ["total"])
    assert (view["conflicts"][0]["other"], view["conflicts"][0]["symbols"]) == (second.session, ["total"])
    assert json.loads(run(machine, "live", "--json", "--project", "none").stdout) == []


def test_without_sessions_and_without_a_knowledge_base_the_board_is_empty(machine: Machine) -> None:
    done = run(machine, "live")
    assert (done.returncode, done.stderr) == (0, "")
    assert "No session is open on this machine." in done.stdout


def test_on_a_terminal_the_board_follows_until_it_is_interrupted(machine: Machine, pair: tuple[Worker, Worker]) -> None:
    control, terminal = pty.openpty()
    variables = {
        **os.environ,
        "CLAUDE_CONFIG_DIR": str(machine.environment.claude_dir),
        "COLUMNS": "200",
        "TERM": "xterm",
    }
    words = [sys.executable, "-m", "agent_context", "live", "--every", "1"]
    with subprocess.Popen(words, stdin=terminal, stdout=terminal, stderr=terminal, env=variables) as process:
        os.close(terminal)
        assert follow(control, "Count thrice")
        pair[1].write({"type": "custom-title", "customTitle": "Another title"})
        assert follow(control, "Another title")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=SECONDS) == 130
    os.close(control)


def follow(control: int, text: str) -> bool:
    """Read what the terminal shows until it shows this."""
    seen, end = "", time.monotonic() + SECONDS
    while text not in seen and time.monotonic() < end:
        seen += os.read(control, 65_536).decode(errors="replace")
    return text in seen
