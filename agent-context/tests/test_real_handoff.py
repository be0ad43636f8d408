"""The real Claude Code on two machines: what is said on one is in the other's request after a handoff. Also the PDF."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fake_messages_api import KEY, FakeApi, fake_messages_api, text, tool
from samples import bare_remote, git
from test_handoff import HANDOFF
from test_real_client import CLIENT, REPOSITORY

from agent_context.exporting import export

pytestmark = pytest.mark.real

PLUGIN = REPOSITORY / "agent-context" / "plugin"
SAID = "Please add OAuth to the shop. My favourite pizza: Margherita, by the way."


@dataclass(frozen=True, slots=True)
class Station:
    """A machine of its own: a home with the client, a clone of the knowledge base, a checkout of the project."""

    home: Path
    checkout: Path

    @classmethod
    def furnish(cls, folder: Path, remote: Path, project: Path, name: str) -> Station:
        home = folder / name
        config = home / ".config" / "agent-context"
        config.mkdir(parents=True)
        git(home, "clone", "--quiet", str(remote), "kb")
        git(home, "clone", "--quiet", str(project), "work/r")
        (config / "machine.toml").write_text(f'machine = "{name}"\nknowledge_base = "{home}/kb"\n')
        (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.com\n")
        return cls(home, home / "work" / "r")

    def ask(self, *words: str, script: tuple[dict[str, Any], ...]) -> FakeApi:
        """Run one session of the client with our plugin; returns what reached the API."""
        with fake_messages_api(*script) as api:
            command = [CLIENT, "--plugin-dir", PLUGIN, "--allowedTools", "Bash(agent-context *)", "-p", *words]
            done = subprocess.run(
                command,
                cwd=self.checkout,
                env={
                    "HOME": str(self.home),
                    "PATH": f"{CLIENT.parent}:{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
                    "KF_RULE_CACHE_DIR": os.environ["KF_RULE_CACHE_DIR"],
                    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                    "DISABLE_AUTOUPDATER": "1",
                    "ANTHROPIC_BASE_URL": api.url,
                    "ANTHROPIC_API_KEY": KEY,
                },
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=90,
                check=False,
            )
            assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
            return api


def bash(command: str) -> dict[str, Any]:
    return tool("Bash", {"command": command, "description": "save the handoff"})


def test_what_is_said_on_one_machine_is_in_the_request_of_the_other(tmp_path: Path) -> None:
    if not CLIENT.is_file():
        pytest.fail(f"no Claude Code at {CLIENT}: `make test-real` installs it, or set AGENT_CONTEXT_CLAUDE to one")
    remote, project = bare_remote(tmp_path), tmp_path / "r.git"
    git(tmp_path, "init", "--quiet", "seed-r")
    git(tmp_path / "seed-r", "commit", "--quiet", "--allow-empty", "-m", "start")
    git(tmp_path, "clone", "--quiet", "--bare", "seed-r", str(project))
    laptop, desktop = (Station.furnish(tmp_path, remote, project, name) for name in ("laptop", "desktop"))
    laptop.ask(SAID, script=(text("I will add it."),))
    save = (bash("agent-context handoff save --dry-run"), bash('agent-context handoff save "half way"'), text("Saved."))
    api = laptop.ask("--continue", "/agent-context:handoff half way", script=save)
    drafted, saved = (json.dumps(body["messages"]) for body in api.messages[-2:])
    assert "### Important Context\\n- My favourite pizza: Margherita, by the way." in drafted
    assert "saved: projects/" in saved
    assert "pushed to" in saved
    before = desktop.ask("What is my favourite pizza?", script=(text("You did not say."),))
    assert "Margherita" not in json.dumps(before.asked)
    after = desktop.ask("/agent-context:resume", script=(text("Margherita."),))
    assert "favourite pizza: Margherita" in json.dumps(after.messages[-1]["messages"])
    assert "Handoffs of local.r" in json.dumps(after.messages[-1]["messages"])


def test_a_pdf_is_printed_by_an_installed_browser() -> None:
    if not any(map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))):
        pytest.fail("no browser here to print with: install chromium")
    assert export(HANDOFF, "pdf").startswith(b"%PDF-")
