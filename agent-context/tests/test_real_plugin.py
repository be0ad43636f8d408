"""The real Claude Code with our plugin: installed by its own commands, asked by scripted turns, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fake_messages_api import KEY, FakeApi, failure, fake_messages_api, text, tool
from samples import LESSON, git, make_learning
from test_real_client import CLIENT, REPOSITORY
from test_server import FRAME

from agent_context.founding import found_knowledge_base
from agent_context.frontmatter import write_learning
from agent_context.knowledge import KnowledgeBase
from agent_context.learning import Speaker, Status

if TYPE_CHECKING:
    from agent_context.learning import Learning

pytestmark = pytest.mark.real

PLUGIN = REPOSITORY / "agent-context" / "plugin"
SERVER = "mcp__plugin_agent-context_knowledge__"
SETTINGS = '{"model": "haiku",\n\t"hooks":   {"Stop": [{"hooks": [{"type": "command", "command": "true"}]}]}}'
KNOWN = make_learning("The staging database is reset every night.", status=Status.ACCEPTED)
# What the client writes for itself whenever it runs, whoever asks it to.
BOOKKEEPING = (
    ".cache/",
    ".claude.json",
    ".claude/backups/",
    ".claude/mcp-needs-auth-cache.json",
    ".claude/plugins/installed_plugins.json",
    ".claude/plugins/known_marketplaces.json",
    ".claude/telemetry/",
    ".config/agent-context/backups/",
)


@dataclass(frozen=True, slots=True)
class World:
    """A home with the client, a knowledge base that knows one thing of the project o.r, and a checkout of it."""

    home: Path
    root: Path
    checkout: Path
    variables: dict[str, str]

    def run(self, *words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the checkout, with nothing of our own environment."""
        done = subprocess.run(
            words,
            cwd=self.checkout,
            env={**self.variables, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done

    def ask(self, prompt: str, *script: dict[str, Any], words: tuple[str, ...] = ()) -> FakeApi:
        """Run one session of the client; returns what reached the API."""
        with fake_messages_api(*script) as api:
            done = self.run("claude", "-p", prompt, *words, ANTHROPIC_BASE_URL=api.url, ANTHROPIC_API_KEY=KEY)
            assert done.stderr == ""  # where a hook that fails or takes too long is reported
            return api

    @property
    def spooled(self) -> list[tuple[str, str]]:
        """What the hooks noted: event and transcript."""
        spool = self.home / ".local/share/agent-context/hooks/spool"
        lines = spool.read_text().splitlines() if spool.exists() else []
        return [(event, path) for _, event, path in (line.split("\t") for line in lines)]

    @property
    def log(self) -> str:
        """What the hooks decided."""
        return (self.home / ".local/share/agent-context/hooks/log").read_text()

    def learnings(self) -> list[Learning]:
        """All that the knowledge base knows."""
        return [entry.learning for entry in KnowledgeBase(self.root).load().entries]

    def snapshot(self) -> dict[str, bytes]:
        """Every file of the home but for the client's own bookkeeping."""
        files = {path.relative_to(self.home).as_posix(): path for path in self.home.rglob("*") if path.is_file()}
        return {name: path.read_bytes() for name, path in files.items() if not name.startswith(BOOKKEEPING)}


@pytest.fixture
def world(home: Path, tmp_path: Path) -> World:
    """The world as it is before anything is installed."""
    if not CLIENT.is_file():
        pytest.fail(f"no Claude Code at {CLIENT}: `make test-real` installs it, or set AGENT_CONTEXT_CLAUDE to one")
    root, checkout = tmp_path / "kb", tmp_path / "work" / "r"
    found_knowledge_base(root, "", "laptop")
    learned = root / "projects/o.r/2026-03" / f"staging-{KNOWN.id}.md"
    learned.parent.mkdir(parents=True)
    learned.write_text(write_learning(KNOWN))
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "learned")
    checkout.mkdir(parents=True)
    git(checkout, "init", "--quiet")
    git(checkout, "remote", "add", "origin", "git@github.com:o/r.git")
    (home / ".claude").mkdir()
    (home / ".claude" / "settings.json").write_text(SETTINGS)
    config = home / ".config" / "agent-context"
    config.mkdir(parents=True)
    (config / "machine.toml").write_text(f'machine = "laptop"\nknowledge_base = "{root}"\n')
    variables = {
        "HOME": str(home),
        "PATH": f"{CLIENT.parent}:{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "KF_RULE_CACHE_DIR": os.environ["KF_RULE_CACHE_DIR"],
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
    }
    return World(home, root, checkout, variables)


@pytest.fixture
def installed(world: World) -> World:
    """The world with our plugin in the client."""
    world.run("agent-context", "install", "--claude-code", "--yes")
    return world


def last_result(body: dict[str, Any]) -> dict[str, Any]:
    """The newest result of a tool in a request."""
    blocks = [block for message in body["messages"] if message["role"] == "user" for block in message["content"]]
    return [block for block in blocks if block["type"] == "tool_result"][-1]  # type: ignore[no-any-return]


def test_the_client_validates_lists_and_connects_the_plugin_and_lets_go_of_it(world: World) -> None:
    world.run("claude", "plugin", "list")
    before = world.snapshot()
    for folder in (PLUGIN, REPOSITORY):
        assert "Validation passed" in world.run("claude", "plugin", "validate", "--strict", folder).stdout
    assert "claude plugin install" in world.run("agent-context", "install", "--claude-code", "--dry-run").stdout
    assert world.snapshot() == before

    world.run("agent-context", "install", "--claude-code", "--yes")
    (plugin,) = json.loads(world.run("claude", "plugin", "list", "--json").stdout)
    assert (plugin["id"], plugin["enabled"]) == ("agent-context@agent-context", True)
    assert "plugin:agent-context:knowledge" in (servers := world.run("claude", "mcp", "list").stdout)
    assert "Connected" in servers
    assert (world.home / ".claude/settings.json").read_text().startswith(SETTINGS[:-1])
    again = world.run("agent-context", "install", "--claude-code", "--yes")
    assert again.stdout == "It stands so already, nothing to do.\n"

    world.run("agent-context", "uninstall", "--yes")
    assert json.loads(world.run("claude", "plugin", "list", "--json").stdout) == []
    assert world.snapshot() == before


def test_a_scripted_turn_asks_our_server_and_the_next_sync_reads_the_session(installed: World) -> None:
    added = {"claim": "Fixtures live in tests/data, never beside the code.", "kind": "convention"}
    names = tuple(f"{SERVER}{name}" for name in ("search_learnings", "why", "list_projects", "add_learning"))
    api = installed.ask(
        LESSON,
        tool(names[0], {"query": "staging database reset"}),
        tool(names[1], {"id": KNOWN.id}),
        tool(names[2], {}),
        tool(names[3], added),
        text("Done."),
        words=("--allowedTools", *names),
    )
    first, *rest = api.messages
    assert "Call search_learnings before you debug" in json.dumps(first)
    assert "agent-context:learn" not in json.dumps(first)  # a skill costs nothing until it is called
    results = [last_result(body)["content"][0]["text"] for body in rest]
    assert [result.startswith(FRAME) for result in results] == [True, True, True, False]
    assert KNOWN.claim in results[0]
    assert "born as accepted" in results[1]
    assert "o.r: 1, newest" in results[2]
    assert results[3].startswith("Added to o.r as ")

    (transcript,) = {path for _, path in installed.spooled}
    assert Path(transcript).is_file()
    assert [event for event, _ in installed.spooled] == ["stop", "session-end"]
    report = json.loads(installed.run("agent-context", "sync", "--json").stdout)
    assert (report["read"], report["skipped"], installed.spooled) == (1, {}, [])
    claims = {learning.claim: learning for learning in installed.learnings()}
    assert claims.keys() == {KNOWN.claim, LESSON, added["claim"]}
    source = claims[added["claim"]].sources[0]
    assert claims[added["claim"]].status is Status.UNREVIEWED
    assert (source.speaker, source.session) == (Speaker.ASSISTANT, Path(transcript).stem[:8])


def test_a_start_is_told_what_its_rules_file_lacks_and_nothing_more(installed: World) -> None:
    (body,) = installed.ask("Say done.", text("Done.")).messages
    assert json.dumps(body).count(KNOWN.claim) == 1
    assert "session-start: told" in installed.log
    installed.run("agent-context", "sync")
    assert KNOWN.claim in (installed.checkout / ".claude/rules/agent-context.md").read_text()
    (body,) = installed.ask("Say done.", text("Done.")).messages
    assert json.dumps(body).count(KNOWN.claim) == 1
    assert "session-start: nothing: all is in place" in installed.log
    installed.ask("/compact", text("A session that said done."), words=("--continue",))
    assert [event for event, _ in installed.spooled] == ["stop", "session-end", "pre-compact", "session-end"]


def test_a_session_that_is_terminated_is_noted_too(installed: World) -> None:
    busy = failure(529, "overloaded_error", "Overloaded", **{"retry-after": "60"})
    with fake_messages_api(busy) as api:
        variables = {**installed.variables, "ANTHROPIC_BASE_URL": api.url, "ANTHROPIC_API_KEY": KEY}
        words = [CLIENT, "-p", LESSON]
        with subprocess.Popen(
            words, cwd=installed.checkout, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        ) as session:
            until = time.monotonic() + 30
            while not api.messages and time.monotonic() < until:
                time.sleep(0.05)
            session.send_signal(signal.SIGTERM)
            session.wait(timeout=10)
    assert [event for event, _ in installed.spooled] == ["session-end"]
    assert json.loads(installed.run("agent-context", "sync", "--json").stdout)["read"] == 1
    assert LESSON in {learning.claim for learning in installed.learnings()}


def test_learn_leaves_what_the_model_wrote_unreviewed(installed: World) -> None:
    line = json.dumps({"claim": LESSON, "why": "", "kind": "workflow", "tags": ["deploy"], "paths": ["Makefile"]})
    command = f"agent-context add --stdin <<'LEARNINGS'\n{line}\nLEARNINGS"
    api = installed.ask(
        "/agent-context:learn",
        tool("Bash", {"command": command, "description": "Keep them"}),
        text("Kept."),
        words=("--allowedTools", "Bash"),
    )
    asked = json.dumps(api.messages[0]["messages"])
    assert "write down what a later session in this project needs" in asked
    assert "${CLAUDE_SESSION_ID}" not in asked
    assert not last_result(api.messages[1])["is_error"]
    (learning,) = [item for item in installed.learnings() if item.claim == LESSON]
    assert (learning.status, learning.paths) == (Status.UNREVIEWED, ("Makefile",))
    assert learning.sources[0].speaker is Speaker.ASSISTANT


def test_recall_searches_without_a_question_and_answers_as_the_program_does(installed: World) -> None:
    search = tool("Bash", {"command": 'agent-context search "staging database reset"', "description": "Look it up"})
    api = installed.ask("/agent-context:recall staging database", search, text("It is reset every night."))
    assert "what earlier sessions learned about: staging database" in json.dumps(api.messages[0]["messages"])
    assert KNOWN.id in last_result(api.messages[1])["content"]


def test_the_skill_alone_shows_a_sync_without_the_plugin(world: World) -> None:
    skills = world.home / ".claude" / "skills"
    skills.mkdir()
    (skills / "context-sync").symlink_to(REPOSITORY / "skills" / "context-sync")
    before = git(world.root, "rev-parse", "HEAD")
    dry_run = tool("Bash", {"command": "agent-context sync --dry-run", "description": "Show what a sync would do"})
    api = world.ask(
        "/context-sync --dry-run", dry_run, text("Nothing new."), words=("--allowedTools", "Bash(agent-context sync *)")
    )
    assert "This skill needs the program" in json.dumps(api.messages[0]["messages"])
    assert last_result(api.messages[1])["content"].startswith("Dry run: nothing is changed, fetched or pushed.")
    assert git(world.root, "rev-parse", "HEAD") == before
    assert not (world.checkout / ".claude").exists()
