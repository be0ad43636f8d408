"""Install and uninstall, with stand-ins for the clients' programs that rewrite their files as the real ones do."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from test_cli import run
from test_scheduling import put_program

from agent_context.changes import Change
from agent_context.clients.files import Config, read_config
from agent_context.clients.keys import read_table
from agent_context.errors import AgentContextError
from agent_context.installing.planning import CLIENTS, MANIFEST, find_clients, find_kit, plan_install, plan_uninstall
from agent_context.installing.steps import Call, carry_out, describe, restore
from agent_context.settings import MachineSettings

if TYPE_CHECKING:
    from pathlib import Path

    from samples import Machine

    from agent_context.config import Environment
    from agent_context.installing.planning import ClientName
    from agent_context.installing.steps import Step

# As Claude Code 2.1.329 was seen to do: the file anew with two spaces, tables that it emptied left behind.
CLAUDE = """\
#!{python}
import json, os, pathlib, sys
home = pathlib.Path(os.environ["HOME"]) / ".claude"
settings, installed = home / "settings.json", home / "plugins" / "installed_plugins.json"
words = sys.argv[1:]
table = json.loads(settings.read_text() or "{{}}") if settings.exists() else {{}}
known = table.setdefault("extraKnownMarketplaces", {{}})
enabled = table.setdefault("enabledPlugins", {{}})
if "refuse" in os.environ:
    sys.exit("Failed: \\x1b[2Jno network")
if words[1:3] == ["marketplace", "add"]:
    known["agent-context"] = {{"source": {{"source": "directory", "path": words[3]}}}}
elif words[1:3] == ["marketplace", "remove"]:
    known.pop(words[3], None)
    enabled.pop("agent-context@agent-context", None)
elif words[1] == "install":
    enabled[words[2]] = True
elif words[1] == "uninstall":
    del enabled[words[2]]
installed.parent.mkdir(parents=True, exist_ok=True)
installed.write_text(json.dumps({{"version": 2, "plugins": {{name: [] for name in enabled}}}}))
(home / "plugins" / "cache" / "agent-context").mkdir(parents=True, exist_ok=True)
settings.write_text(json.dumps({{k: v for k, v in table.items() if v or words[1] != "install"}}, indent=2))
"""
CODEX = """\
#!/bin/sh
file=$HOME/.codex/config.toml
if [ "$2" = add ]; then
    printf '\\n[mcp_servers.%s]\\ncommand = "%s"\\nargs = ["mcp"]\\n' "$3" "$5" >>"$file"
else
    sed -i '/^\\[mcp_servers.agent-context\\]/,$d' "$file"
fi
"""
SETTINGS = (
    '{"model": "opus",\n\t"hooks":   {"Stop": [{"hooks": [{"type": "command", "command": "echo hi"}]}]}, "x": 1.50}'
)
CURSOR = '{ // my servers\r\n  "mcpServers": {"other": {"command": "x"}},\r\n}\r\n'
TOML = '# mine\nmodel = "x"\n\n[mcp_servers.foo]\ncommand = "y" # keep\n'


@pytest.fixture
def clients(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[Path, bytes]:
    """The three clients in this home, with settings of the user's own; returns those files with their bytes."""
    (home / "bin").mkdir()
    put_program(home / "bin", "claude", CLAUDE.format(python=sys.executable))
    put_program(home / "bin", "codex", CODEX)
    monkeypatch.setenv("PATH", f"{home / 'bin'}:/usr/bin:/bin")
    files = {
        home / ".claude" / "settings.json": SETTINGS,
        home / ".codex" / "config.toml": TOML,
        home / ".cursor" / "mcp.json": CURSOR,
    }
    for path, text in files.items():
        path.parent.mkdir()
        path.write_bytes(text.encode())
    return {path: text.encode() for path, text in files.items()}


@pytest.fixture
def environment(machine: Machine, home: Path) -> Environment:
    """A machine whose clients keep their files in this home."""
    homes = {**machine.environment.agent_homes, "claude_code": home / ".claude", "codex": home / ".codex"}
    return replace(machine.environment, agent_homes=homes, own=MachineSettings(knowledge_base=str(machine.root)))


def install(environment: Environment, *names: ClientName) -> list[Step]:
    """Install into these clients (all three by default); returns the steps."""
    steps = plan_install(environment, environment.cwd / "kb", find_kit(), names or CLIENTS)
    carry_out(steps, environment.config_dir / "backups")
    return steps


def uninstall(environment: Environment) -> list[Step]:
    """Take all out again; returns the steps."""
    steps = plan_uninstall(environment, CLIENTS)
    carry_out(steps, environment.config_dir / "backups")
    return steps


def test_what_was_installed_is_there_once_and_leaves_every_other_byte(
    environment: Environment, clients: dict[Path, bytes], home: Path
) -> None:
    settings, toml, cursor = clients
    install(environment)
    kit = find_kit()
    server = {"command": str(kit.program), "args": ["mcp"]}
    table = json.loads(settings.read_text())
    assert table["enabledPlugins"] == {"agent-context@agent-context": True}
    assert table["extraKnownMarketplaces"]["agent-context"]["source"]["path"] == str(kit.marketplace)
    assert settings.read_text().startswith(SETTINGS[:-1].rstrip())
    assert read_config(toml, "toml").table["mcp_servers"] == {"foo": {"command": "y"}, "agent-context": server}
    assert toml.read_text().startswith(TOML)
    assert read_config(cursor, "json").table["mcpServers"] == {"other": {"command": "x"}, "agent-context": server}
    assert (environment.data_dir / "hooks" / "program").read_text() == f"{kit.program}\n"
    assert install(environment) == []

    uninstall(environment)
    assert {path: path.read_bytes() for path in clients} == clients
    assert not (environment.data_dir / "hooks").exists()
    assert not (home / ".claude" / "plugins" / "cache" / "agent-context").exists()
    assert uninstall(environment) == []


def test_a_home_without_settings_has_none_afterwards(environment: Environment, clients: dict[Path, bytes]) -> None:
    for path in clients:
        path.unlink()
    (shutil.which("codex") and (environment.agent_homes["codex"].parent / "bin" / "codex")).unlink()
    install(environment)
    assert all(path.exists() for path in clients)
    uninstall(environment)
    assert [path for path in clients if path.exists()] == []


def test_hooks_in_the_users_settings_and_the_plugin_never_run_both(
    environment: Environment, clients: dict[Path, bytes]
) -> None:
    settings = next(iter(clients))
    for hook in (
        {"command": "/opt/agent-context hook stop"},
        {"command": "agent-context", "args": ["hook", "session-end"]},
    ):
        settings.write_text(json.dumps({"hooks": {"Stop": [{"hooks": [{"type": "command", **hook}]}]}}))
        with pytest.raises(AgentContextError, match="has hooks that call agent-context"):
            install(environment, "claude-code")
    settings.write_text(json.dumps({"hooks": {"Stop": [{"hooks": [{"command": "echo agent-context is a hook"}]}]}}))
    assert install(environment, "claude-code")


def test_a_clone_that_moved_is_named_anew(environment: Environment, clients: dict[Path, bytes], tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    (moved / MANIFEST).parent.mkdir(parents=True)
    kit = replace(find_kit(), marketplace=moved)
    carry_out(plan_install(environment, moved, kit, ["claude-code"]), tmp_path / "backups")
    steps = install(environment, "claude-code")
    assert [step.arguments[2:4] for step in steps if isinstance(step, Call)] == [
        ("marketplace", "remove"),
        ("marketplace", "add"),
        ("install", "agent-context@agent-context"),
    ]
    assert install(environment, "claude-code") == []
    assert str(moved) not in next(iter(clients)).read_text()


def test_a_client_that_refuses_is_quoted_and_its_files_stay(
    environment: Environment, clients: dict[Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("refuse", "1")
    with pytest.raises(AgentContextError, match=r"marketplace add .*: Failed: ⟦U\+001B⟧\[2Jno network") as caught:
        install(environment)
    assert "run this again" in caught.value.hint
    assert {path: path.read_bytes() for path in clients} == clients


def test_files_that_do_not_read_are_named_and_left(environment: Environment, clients: dict[Path, bytes]) -> None:
    for path, whole in clients.items():
        broken = {**clients, path: b"{ not [ this"}
        path.write_bytes(broken[path])
        with pytest.raises(AgentContextError, match=path.name):
            plan_install(environment, environment.cwd, find_kit(), CLIENTS)
        with pytest.raises(AgentContextError, match=path.name):
            plan_uninstall(environment, CLIENTS)
        assert {other: other.read_bytes() for other in clients} == broken
        path.write_bytes(whole)


def test_what_is_not_here_is_not_installed_into(
    environment: Environment, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(AgentContextError, match="no coding agent was found here"):
        find_clients(environment)
    for name in CLIENTS:
        with pytest.raises(AgentContextError, match="is not installed here"):
            plan_install(environment, environment.cwd, find_kit(), [name])
    (home / ".cursor").mkdir()
    assert find_clients(environment) == ["cursor"]
    assert plan_uninstall(environment, CLIENTS) == []


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ('{"a":1 , "b": {"c": 2}}', {"a": 1, "b": {"c": 3}}, '{"a":1 , "b": {"c": 3}}'),
        ('{"a":1 , "b": {"c": 2}}', {"a": 1, "b": {}}, '{"a":1 }'),
        ('{"a":1 , "b": {"c": 2}}', {"a": 1}, '{"a":1 }'),
        ('{"b": {}, "a":1}', {"b": {}, "a": 1, "c": {}}, '{"b": {}, "a":1}'),
        ('{"a": [1,2]}', {"a": [1, 2]}, '{"a": [1,2]}'),
    ],
)
def test_of_a_rewritten_file_only_what_was_meant_is_kept(
    tmp_path: Path, before: str, after: dict[str, object], kept: str
) -> None:
    path = tmp_path / "settings.json"
    written = json.dumps(after, indent=2).encode()
    change = restore(
        Config(path, "json", before.encode(), read_table("json", before)), Config(path, "json", written, after)
    )
    assert change == Change(path, written, kept.encode())


@pytest.mark.usefixtures("clients")
def test_the_plan_is_shown_and_asked_about(machine: Machine, home: Path) -> None:
    shutil.copytree(home / ".cursor", machine.folder / ".cursor")
    cursor = machine.folder / ".cursor" / "mcp.json"
    for arguments, stdin, code in ((("--dry-run",), "", 0), ((), "n\n", 1)):
        done = run(machine, "install", "--cursor", "--kb", str(machine.root), *arguments, stdin=stdin)
        assert done.returncode == code
        assert f"write {cursor}\n" in done.stdout
        assert '"args": ["mcp"]' in done.stdout
        assert cursor.read_bytes() == CURSOR.encode()
    assert run(machine, "install", "--cursor", "--kb", str(machine.root), "--yes").returncode == 0
    assert b"agent-context" in cursor.read_bytes()
    machine_file = machine.folder / "xdg" / "agent-context" / "machine.toml"
    assert str(machine.root) in machine_file.read_text()
    assert run(machine, "uninstall", "--yes").returncode == 0
    assert cursor.read_bytes() == CURSOR.encode()
    assert run(machine, "uninstall", "--yes").stdout == "It stands so already, nothing to do.\n"


@pytest.mark.usefixtures("clients")
def test_every_step_is_said_in_words(environment: Environment, tmp_path: Path) -> None:
    lines = [line for step in plan_install(environment, tmp_path, find_kit(), CLIENTS) for line in describe(step)]
    assert "run claude plugin install agent-context@agent-context" in lines
    install(environment)
    lines = [line for step in plan_uninstall(environment, CLIENTS) for line in describe(step)]
    assert f"delete {environment.data_dir / 'hooks'}" in lines
