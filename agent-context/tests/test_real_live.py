"""Two sessions of the real Claude Code in one project, and the MCP project's own inspector, meet our board."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fake_messages_api import KEY, FakeApi, fake_messages_api, text, tool
from live_samples import SOURCE, Worker, shop
from mcp import Client
from test_live_tools import CONTRACT, serve
from test_real_client import REPOSITORY
from test_real_plugin import SERVER, World, installed, world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from samples import Machine

pytestmark = pytest.mark.real
__all__ = ["installed", "world"]

INSPECTOR = Path(
    os.environ.get("AGENT_CONTEXT_INSPECTOR") or REPOSITORY / ".venv/claude/node_modules/.bin/mcp-inspector"
)
SWITCHES = ("-p", "--verbose", "--input-format=stream-json", "--output-format=stream-json")
TOLD = "both edited shop.py"
MESSAGES = 6


@dataclass(slots=True)
class Talk:
    """A session of the client that stays open between its prompts, and the API that it alone talks to."""

    process: subprocess.Popen[str]
    api: FakeApi
    session: str = ""

    def say(self, prompt: str, *script: dict[str, Any]) -> str:
        """Let the person say something, the model answer by this script; return the turn's first request."""
        before = len(self.api.messages)
        self.api.script[:] = script
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        said = {"type": "user", "message": {"role": "user", "content": prompt}}
        self.process.stdin.write(json.dumps(said) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            answer = json.loads(line)
            self.session = answer.get("session_id") or self.session
            if answer.get("type") == "result":
                assert not answer["is_error"], answer
                return json.dumps(self.api.messages[before], ensure_ascii=False)
        raise AssertionError("the client ended")


@contextmanager
def talk(world: World) -> Iterator[Talk]:
    """Open a session in the world's checkout; it ends as it does when a person ends it."""
    with fake_messages_api(text("Hello")) as api:
        variables = {**world.variables, "ANTHROPIC_BASE_URL": api.url, "ANTHROPIC_API_KEY": KEY}
        words = ["claude", *SWITCHES, "--permission-mode=acceptEdits", "--allowedTools", f"{SERVER}send_message"]
        with subprocess.Popen(
            words,
            cwd=world.checkout,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            try:
                yield Talk(process, api)
                assert process.stdin is not None
                process.stdin.close()
                process.wait(timeout=30)
            finally:
                process.kill()


def change(file: Path, old: str, new: str) -> tuple[dict[str, Any], ...]:
    """The script of a turn that reads a file, edits it, and is done."""
    given = {"file_path": str(file)}
    return tool("Read", given), tool("Edit", {**given, "old_string": old, "new_string": new}), text("Done.")


def test_two_sessions_hear_of_each_other_once_and_no_more_when_one_has_ended(installed: World) -> None:
    file = shop(installed.checkout)
    with talk(installed) as second:
        with talk(installed) as first:
            first.say("Mend the counter", *change(file, "count = 0", "count = 1"))
            assert TOLD not in second.say("Change the sum", *change(file, "return count", "return 2 * count"))
            heard = second.say("Go on", text("Yes."))
            assert heard.count(TOLD) == 1
            assert f"Session {first.session[:8]} (" in heard
            assert "shop.py (same symbol: total, it now in lines" in heard
            assert second.say("And on", text("Yes.")).count(TOLD) == 1
            message = {"fromSessionId": first.session, "message": "I keep `total` to myself", "project": "o.r"}
            first.say("Tell the other", tool(f"{SERVER}send_message", message), text("Told."))
            assert second.say("What now", text("Yes.")).count("I keep `total` to myself") == 1
            shown = json.loads(installed.run("agent-context", "live", "--json").stdout)
            assert {view["session"]: len(view["conflicts"]) for view in shown} == {first.session: 1, second.session: 1}
        last = second.say("More", *change(file, "count += item", "count += 3 * item"))
        assert last.count(TOLD) == 1
        assert second.say("End", text("Yes.")).count(TOLD) == 1
        shown = json.loads(installed.run("agent-context", "live", "--json").stdout)
        assert {view["session"]: (view["status"], view["conflicts"]) for view in shown} == {
            first.session: ("ended", []),
            second.session: ("live", []),
        }
    assert file.read_text() != SOURCE


def inspect(machine: Machine, *words: str) -> Any:
    """Ask our server through the inspector's command line."""
    if not INSPECTOR.is_file():
        pytest.fail(f"no inspector at {INSPECTOR}: `make test-real` installs it, or set AGENT_CONTEXT_INSPECTOR to one")
    server = (sys.executable, "-m", "agent_context", "mcp", "--kb", str(machine.root))
    variables = {
        **os.environ,
        "CLAUDE_CONFIG_DIR": str(machine.environment.claude_dir),
        "XDG_DATA_HOME": str(machine.folder / "xdg"),
    }
    done = subprocess.run(
        [INSPECTOR, "--cli", *server, *words],
        cwd=machine.folder,
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_inspector_finds_the_six_tools_and_calls_one(machine: Machine) -> None:
    worker = Worker(machine, shop(machine.checkout()).parent)
    worker.say("Count twice")
    listed = {item["name"]: item["inputSchema"] for item in inspect(machine, "--method", "tools/list")["tools"]}
    for name, (properties, required) in CONTRACT.items():
        assert set(listed[name]["properties"]) == set(properties), name
        assert listed[name].get("required", []) == required, name
    call = ("--method", "tools/call", "--tool-name", "get_session_context", "--tool-arg")
    answer = inspect(machine, *call, f"sessionId={worker.session}")
    assert "> Count twice" in answer["content"][0]["text"]


def test_eight_servers_at_once_lose_no_message_and_read_none_twice(machine: Machine) -> None:
    file = shop(machine.checkout())
    workers = [Worker(machine, file.parent) for _ in range(9)]
    for worker in workers:
        worker.say("Work")
    target, *senders = (worker.session for worker in workers)

    async def work(sender: str) -> list[str]:
        async with Client(serve(machine), read_timeout_seconds=60) as client:
            said: list[str] = []
            for number in range(MESSAGES):
                message = {"fromSessionId": sender, "message": f"{sender} {number}", "project": "o.r"}
                await client.call_tool("send_message", {**message, "targetSessionId": target})
                await client.call_tool("list_sessions", {})
                answer = await client.call_tool("get_messages", {"sessionId": target, "unreadOnly": True})
                said += re.findall(r"^> (.*)$", getattr(answer.content[0], "text", ""), re.MULTILINE)
            return said

    async def work_all() -> list[str]:
        return [line for said in await asyncio.gather(*(work(sender) for sender in senders)) for line in said]

    expected = Counter(f"{sender} {number}" for sender in senders for number in range(MESSAGES))
    assert Counter(asyncio.run(work_all())) == expected
