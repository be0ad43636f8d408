"""Tools in the real Claude Code: absent before trust, listed and connected after it, gone after removal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fake_messages_api import KEY, fake_messages_api, text
from samples import bare_remote, git

pytestmark = pytest.mark.real

REPOSITORY = Path(__file__).parents[2]
CLIENT = Path(os.environ.get("AGENT_CONTEXT_CLAUDE") or REPOSITORY / ".venv/claude/node_modules/.bin/claude")
# The least that an MCP server must say: it answers the handshake and has one tool.
PROGRAM = """\
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    answers = {
        "initialize": {"protocolVersion": asked.get("params", {}).get("protocolVersion"), "capabilities": {"tools": {}},
                       "serverInfo": {"name": "notes", "version": "1"}},
        "tools/list": {"tools": [{"name": "look", "description": "Look.", "inputSchema": {"type": "object"}}]},
    }
    found = answers.get(asked["method"])
    reply = {"result": found} if found else {"error": {"code": -32601, "message": "no such method"}}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **reply}), flush=True)
"""
SKILL = "---\nname: gate\ndescription: Look at the quokka list before a release.\n---\nRead the list.\n"


@dataclass(frozen=True, slots=True)
class User:
    """A person on one machine: a home of their own, a clone, the client on PATH."""

    name: str
    home: Path
    variables: dict[str, str]

    @property
    def kb(self) -> Path:
        return self.home / "kb"

    def run(self, *command: str, code: int = 0, folder: Path | None = None) -> str:
        done = subprocess.run(
            command,
            cwd=folder or self.home,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def own(self, *arguments: str, code: int = 0) -> str:
        """Run this program."""
        return self.run(sys.executable, "-m", "agent_context", *arguments, code=code, folder=self.kb)

    def trust(self, name: str) -> None:
        digest = self.own("tooling", "diff", name).rpartition("hash ")[2].split(",")[0]
        self.own("tooling", "trust", name, "--hash", digest)

    def servers(self) -> dict[str, str]:
        """What the real client lists: its words by server."""
        lines = (line for line in self.run("claude", "mcp", "list").splitlines() if ": " in line and " - " in line)
        return {line.split(":")[0]: line.rpartition(" - ")[2].strip() for line in lines}

    def config(self) -> dict[str, Any]:
        table: dict[str, Any] = json.loads((self.home / ".claude.json").read_text())
        return table

    def ask(self, prompt: str) -> str:
        """Return all that the real client sends for a prompt."""
        with fake_messages_api(text("Done.")) as api:
            talk = {**self.variables, "ANTHROPIC_BASE_URL": api.url, "ANTHROPIC_API_KEY": KEY}
            command = ["claude", "-p", prompt]
            subprocess.run(command, cwd=self.kb, env=talk, capture_output=True, timeout=90, check=True)
            return json.dumps(api.messages)


@pytest.fixture
def users(tmp_path: Path, home: Path) -> tuple[User, User]:
    """Two people's homes with clones of one remote."""
    if not CLIENT.is_file():
        pytest.fail(f"no Claude Code at {CLIENT}: `make test-real` installs it, or set AGENT_CONTEXT_CLAUDE to one")
    remote = bare_remote(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "claude").symlink_to(CLIENT.absolute())
    found = []
    for name in ("laptop", "desktop"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / ".gitconfig").write_text((home / ".gitconfig").read_text())
        (folder / "notes.py").write_text(PROGRAM)
        variables = {
            "HOME": str(folder),
            "PATH": f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "GIT_CONFIG_GLOBAL": str(folder / ".gitconfig"),
            "AGENT_CONTEXT_MACHINE": name,
            "KF_RULE_CACHE_DIR": os.environ["KF_RULE_CACHE_DIR"],
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        }
        git(folder, "clone", "--quiet", str(remote), "kb")
        found.append(User(name, folder, variables))
    return found[0], found[1]


def write(user: User, path: str, content: str) -> None:
    file = user.kb / "tooling" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


def entry(file: str = "notes.py") -> str:
    return f'command = "python3"\nargs = ["${{machine.paths.tools}}/{file}"]\n'


def test_a_server_is_absent_before_trust_connects_after_and_is_gone_when_removed(users: tuple[User, User]) -> None:
    user, _ = users
    own = json.dumps({"command": "python3", "args": [str(user.home / "notes.py")], "env": {"WHOSE": "mine"}})
    user.run("claude", "mcp", "add-json", "--scope", "user", "mine", own)
    text_of_own = (
        '"mine": {' + (user.home / ".claude.json").read_text().partition('"mine": {')[2].partition("    }\n  }")[0]
    )
    assert "WHOSE" in text_of_own
    write(user, "mcp/notes.toml", entry())
    user.own("tooling", "machine", "--path", f"tools={user.home}")
    said = user.own("sync")
    assert "mcp/notes (claude-code): untrusted" in said
    assert user.servers() == {"mine": "✔ Connected"}
    user.trust("notes")
    assert "added mcp/notes" in user.own("sync")
    assert user.servers() == {"mine": "✔ Connected", "notes": "✔ Connected"}
    before = user.config()["mcpServers"]["notes"]
    write(user, "mcp/notes.toml", entry("other.py"))
    user.own("sync")
    assert user.config()["mcpServers"]["notes"] == before
    (user.home / "other.py").write_text(PROGRAM)
    user.trust("notes")
    user.own("tooling", "apply")
    assert user.config()["mcpServers"]["notes"]["args"] == [str(user.home / "other.py")]
    assert text_of_own in (user.home / ".claude.json").read_text()
    user.own("tooling", "remove", "notes")
    assert user.servers() == {"mine": "✔ Connected"}
    assert text_of_own in (user.home / ".claude.json").read_text()


def test_a_skill_a_command_and_preferences_reach_the_model_after_trust_alone(users: tuple[User, User]) -> None:
    user, _ = users
    write(user, "skills/gate/SKILL.md", SKILL)
    write(user, "agents/wombat.md", "---\nname: wombat\ndescription: Counts the wombats.\n---\nCount.\n")
    write(user, "preferences.md", "Answer in short sentences, as the echidna does.\n")
    user.run("claude", "--version")
    (user.home / ".claude").mkdir(exist_ok=True)
    user.own("sync")
    words = ("quokka list", "Counts the wombats", "echidna")
    sent = user.ask("Say done.")
    assert [word for word in words if word in sent] == []
    for name in ("gate", "wombat", "preferences"):
        user.trust(name)
    user.own("tooling", "apply")
    sent = user.ask("Say done.")
    assert [word for word in words if word in sent] == list(words)
    assert "- gate: Look at the quokka list" in sent
    for name in ("gate", "wombat", "preferences"):
        user.own("tooling", "revoke", name)
    sent = user.ask("Say done.")
    assert [word for word in words if word in sent] == []


def test_two_homes_over_a_remote_end_with_equal_tools_but_for_what_their_machine_files_say(
    users: tuple[User, User],
) -> None:
    for user in users:
        (user.home / ".claude").mkdir()
        user.own("tooling", "machine", "--path", f"tools={user.home}", "--label", user.name)
        user.own("sync")
    first, second = users
    write(first, "mcp/notes.toml", entry())
    write(first, "mcp/only.toml", f'machines = ["label:desktop"]\n{entry()}')
    write(first, "skills/gate/SKILL.md", SKILL)
    first.own("sync")
    second.own("sync")
    for user in users:
        for name in ("notes", "only", "gate"):
            user.trust(name)
        user.own("sync")
    first.own("sync")
    listed = [user.servers() for user in users]
    assert listed[1].pop("only") == "✔ Connected"
    assert listed[0] == listed[1] == {"notes": "✔ Connected"}
    skills = [(user.home / ".claude/skills/gate/SKILL.md").read_bytes() for user in users]
    assert skills == [SKILL.encode()] * 2
    args = [user.config()["mcpServers"]["notes"]["args"] for user in users]
    assert args == [[str(user.home / "notes.py")] for user in users]
    rows = json.loads(first.own("tooling", "list", "--json"))["rows"]
    found = {row["entry"]: [cell["standing"] for cell in row["cells"]] for row in rows}
    assert found == {
        "mcp/notes": ["present", "present"],
        "mcp/only": ["present", "-"],
        "skills/gate": ["present", "present"],
    }


def test_a_server_of_one_project_connects_in_its_checkouts_alone(users: tuple[User, User]) -> None:
    user, _ = users
    shop = user.home / "shop"
    git(user.home, "init", "-q", str(shop))
    user.run("git", "commit", "-q", "--allow-empty", "-m", "x", folder=shop)
    user.run("git", "worktree", "add", "-q", "../beside", folder=shop)
    user.own("projects", "map", str(shop), "acme.shop")
    args = f'command = "{sys.executable}"\nargs = ["{user.home / "notes.py"}"]\n'
    write(user, "mcp/notes.toml", f'{args}scope = "project acme.shop"\n')
    user.trust("notes")
    user.own("tooling", "apply")
    for folder, there in ((shop, True), (user.home / "beside", True), (user.home, False)):
        assert ("✔ Connected" in user.run("claude", "mcp", "list", folder=folder)) is there
    user.own("tooling", "remove", "notes")
    assert user.config()["projects"][str(shop)]["mcpServers"] == {}
