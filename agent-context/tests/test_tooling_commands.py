"""The commands of tools and of projects, as a person types them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from samples import Machine, git

from agent_context.cli import run

if TYPE_CHECKING:
    from pathlib import Path

SERVER = 'command = "sh"\nargs = ["-c", "cat"]\n'


@pytest.fixture
def kb(machine: Machine, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A clone with one server, used by the program's own environment."""
    (tmp_path / "bin").mkdir()
    for program in ("git", "sh"):
        (tmp_path / "bin" / program).symlink_to(shutil.which(program) or "")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("AGENT_CONTEXT_KB", str(machine.root))
    monkeypatch.setenv("AGENT_CONTEXT_MACHINE", "laptop")
    (home / ".claude").mkdir()
    file = machine.root / "tooling/mcp/notes.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SERVER)
    return machine.root


def tell(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(arguments)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_way_from_a_plan_to_a_trusted_server_and_back(
    kb: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = home / ".claude.json"
    assert tell(capsys, "tooling", "plan") == (
        3,
        f"untrusted  mcp/notes  {config}#mcpServers.notes\n           agent-context tooling trust mcp/notes\n",
        "",
    )
    code, shown, _ = tell(capsys, "tooling", "diff", "notes")
    digest = shown.split("hash ")[1].split(",")[0]
    assert (code, shown) == (0, f"== notes.toml\n{SERVER}hash {digest}, not trusted here\n")
    code, _, words = tell(capsys, "tooling", "trust", "notes")
    assert (code, words.splitlines()[0]) == (1, "Error: trust needs a person who has read this")
    code, _, words = tell(capsys, "tooling", "trust", "notes", "--hash", "0" * 16)
    assert (code, "it changed, or was never shown" in words) == (1, True)
    assert not config.exists()
    assert tell(capsys, "tooling", "trust", "notes", "--hash", digest)[0] == 0
    assert tell(capsys, "tooling", "apply") == (0, f"added mcp/notes: {config}#mcpServers.notes\n", "")
    assert tell(capsys, "tooling", "plan") == (0, "Everything is as the registry says.\n", "")
    code, listed, _ = tell(capsys, "tooling", "list")
    assert [line.split() for line in listed.splitlines()] == [
        ["version", "laptop*"],
        ["mcp/notes", listed.split()[3], "present"],
    ]
    assert tell(capsys, "tooling", "apply", "--undo")[0] == 0
    assert json.loads(config.read_text()) == {"mcpServers": {}}
    assert tell(capsys, "tooling", "plan")[1].startswith("held ")
    assert tell(capsys, "tooling", "apply", "notes")[0] == 0
    assert tell(capsys, "tooling", "revoke", "notes")[0] == 0
    assert json.loads(config.read_text()) == {"mcpServers": {}}
    assert tell(capsys, "tooling", "remove", "notes")[0] == 0
    assert not (kb / "tooling/mcp/notes.toml").exists()
    assert tell(capsys, "tooling", "trust", "../../x")[2].startswith("Error: nothing in tooling/ is called ../../x\n")


def test_json_for_machines(kb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert kb.is_dir()
    plan = json.loads(tell(capsys, "tooling", "plan", "--json")[1])
    assert [(step["entry"], step["agent"], step["state"]) for step in plan] == [
        ("mcp/notes", "claude-code", "untrusted")
    ]
    rows = json.loads(tell(capsys, "tooling", "list", "--json")[1])["rows"]
    assert rows[0]["cells"][0]["standing"] == "untrusted"
    assert json.loads(tell(capsys, "tooling", "apply", "--json")[1]) == {"done": [], "failed": []}


def test_a_machine_says_its_paths_with_the_home_left_out(
    kb: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, _ = tell(capsys, "tooling", "machine", "--path", f"work={home}/src", "--label", "work")
    text = (kb / "tooling/machines/laptop.toml").read_text()
    assert code == 0
    assert 'labels = ["work"]' in text
    assert 'work = "~/src"' in text
    assert tell(capsys, "tooling", "machine", "--path", "work")[0] == 2


def test_the_doctor_of_a_project_says_what_is_missing_and_keeps_what_it_read(
    kb: Path, machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = machine.checkout()
    files = {
        "package.json": '{"scripts": {"build": "tsc", "dev": "vite"}}',
        "pnpm-lock.yaml": "",
        "Makefile": "test:\n\ttrue\nX := 1\n",
        "a.ts": "",
        "b.py": "",
        ".env.example": "export API_KEY=sample\n# NO=1\nPORT = 80\n",
        ".env": "PORT=81\n",
    }
    for name, text in files.items():
        (checkout / name).write_text(text)
    git(checkout, "add", "--", *(name for name in files if name != ".env"))
    git(checkout, "commit", "-qm", "x")
    about = kb / "projects/o.r/project.toml"
    about.parent.mkdir(parents=True)
    about.write_text('# mine\nname = "o/r"\nremotes = ["github.com/o/r"]\nbuild = "make all"\n')
    monkeypatch.chdir(checkout)
    code, shown, _ = tell(capsys, "project", "doctor", "--write")
    assert code == 3
    assert "missing: the program pnpm\n" in shown
    assert "missing: the variable API_KEY\n" in shown
    assert "PORT\n         set" not in shown
    assert about.read_text() == (
        '# mine\nname = "o/r"\nremotes = ["github.com/o/r"]\nbuild = "make all"\ndefault_branch = "main"\n'
        'languages = ["TypeScript", "Python"]\npackage_managers = ["pnpm"]\ntest = "make test"\nrun = "pnpm run dev"\n'
        'requires = ["pnpm", "node", "make"]\nvariables = ["API_KEY", "PORT"]\n'
    )
    about.write_text(about.read_text().replace('"PORT"', '"PORT=80"'))
    code, _, words = tell(capsys, "project", "doctor")
    assert (code, "names alone" in words) == (1, True)


def test_check_names_entries_that_no_machine_could_be_brought_to(kb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (kb / "tooling/mcp/notes.toml").write_text('command = "sh"\nagents = ["emacs"]\n')
    (kb / "tooling/skills/a").mkdir(parents=True)
    code, shown, words = tell(capsys, "check")
    assert code == 1
    assert "tooling/mcp/notes.toml:2: Invalid enum value 'emacs'" in shown + words
    assert "tooling/skills/a:1: has no SKILL.md" in shown + words
