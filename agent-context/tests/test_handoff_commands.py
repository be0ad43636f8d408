"""`agent-context handoff` as a user runs it; handoffs that a model writes, that are sealed, that wait for a merge."""

from __future__ import annotations

import json
import re
from contextlib import chdir
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner
from fake_messages_api import KEY, fake_messages_api, structured
from samples import Machine, git
from test_handoff import HANDOFF
from test_handoff_saving import BODY, check_out, go_on, hand_on, project, put, set_up, work_on  # noqa: F401 - a fixture
from test_sealing import history, pair, unlock  # noqa: F401 - a fixture
from test_server import make_desk

from agent_context.cli import group
from agent_context.errors import AgentContextError
from agent_context.exporting import export, render_page
from agent_context.handoff import Section
from agent_context.handoffs.reading import load_handoffs
from agent_context.handoffs.saving import Wish, prepare, save
from agent_context.knowledge import KnowledgeBase
from agent_context.projects import Place
from agent_context.server.desk import FRAME
from agent_context.server.handoff_tools import get_handoffs

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

WRITTEN = {
    "task": "OAuth for the shop",
    "done": ["Routes, tested"],
    "doing": ["Refresh token"],
    "decisions": [],
    "context": ["The user's favourite pizza is Margherita"],
    "steps": ["Tests"],
    "questions": [],
}


def run(machine: Machine, cwd: Path, *arguments: str, stdin: str = "", **more: str) -> Result:
    """Run a command in this process: starting Python, and the screen's engine, costs most."""
    environment = {
        "XDG_CONFIG_HOME": str(machine.folder / "xdg"),
        "XDG_DATA_HOME": str(machine.folder / "data"),
        "CLAUDE_CONFIG_DIR": str(machine.environment.claude_dir),
        "AGENT_CONTEXT_MACHINE": machine.environment.machine,
        "AGENT_CONTEXT_KB": str(machine.root),
        **more,
    }
    with chdir(cwd):
        return CliRunner().invoke(group, ["handoff", *arguments], stdin, environment, standalone_mode=False)


@pytest.mark.usefixtures("project")
def test_every_command_on_the_way_from_one_machine_to_the_other(
    machine: Machine, other: Machine, tmp_path: Path
) -> None:
    here, there = check_out(machine), check_out(other)
    work_on(machine, here)
    dry = run(machine, here, "save", "--dry-run")
    assert (dry.return_value, dry.stdout) == (0, f"{BODY}\n")
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/Refresh token/Refresh the token/" "$1"\n')
    editor.chmod(0o755)
    saved = run(machine, here, "save", "half way", "--draft", EDITOR=str(editor))
    assert saved.return_value == 0, saved.exception
    assert saved.stdout.splitlines()[0] == "saved: projects/o.r/handoffs/laptop.md"
    assert saved.stdout.splitlines()[1].startswith("pushed to ")
    resumed = run(other, there, "resume")
    assert resumed.stdout.startswith("# Handoffs of o.r from other machines\n\nReports of other sessions")
    assert re.search(r"^## laptop, just now \(\S+, [0-9a-f]{12}\)\n> half way\n", resumed.stdout, re.MULTILINE)
    assert "Refresh the token" in resumed.stdout
    assert "1 commit of laptop not in HEAD here:" in resumed.stdout
    again = run(other, there, "save", "--from", "-", "--json", "--no-push", stdin="## Current Task\nEat\n")
    assert json.loads(again.stdout)["handoff"]["continues"].startswith("laptop 2")
    listed = [json.loads(run(other, there, name, "--json").stdout) for name in ("list", "history", "devices")]
    assert [row["device"] for row in listed[0]] == ["desktop", "laptop"]
    assert [row["task"] for row in listed[1]] == ["Eat", "half way"]
    assert list(listed[2]) == ["desktop", "laptop"]
    found = run(other, there, "search", "margherita")
    assert "    - My favourite pizza is Margherita." in found.stdout.splitlines()
    assert "+Eat" in run(other, there, "diff", "laptop", "desktop").stdout.splitlines()
    assert run(other, there, "show", "laptop").stdout == (other.root / "projects/o.r/handoffs/laptop.md").read_text()
    assert run(other, there, "export", "-o", "h.html", "--format", "html").return_value == 0
    assert "<h2>Current Task</h2>" in (there / "h.html").read_text()
    gone = run(other, there, "show", "tablet").exception
    assert str(gone) == "no handoff of tablet here: there are those of desktop, laptop"
    desk = make_desk(other, there)
    assert get_handoffs(desk).startswith(f"{FRAME}\n\ndesktop, ")
    assert "> - My favourite pizza is Margherita." in get_handoffs(desk, device="laptop")
    assert get_handoffs(desk, device="tablet") == "Nothing was handed on of this project."


def test_outside_a_checkout_a_project_must_be_named(machine: Machine) -> None:
    refused = run(machine, machine.folder, "list").exception
    assert isinstance(refused, click.UsageError)
    assert "name one" in refused.message
    assert run(machine, machine.folder, "list", "--all").stdout == "No handoff here: agent-context handoff save\n"


@pytest.mark.usefixtures("project")
def test_a_model_writes_it_under_the_caps_and_rules_step_in(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    here = check_out(machine)
    work_on(machine, here)
    set_up(machine, "handoff", 'writer = "anthropic"')
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    told: list[Any] = []

    def write() -> tuple[str, list[str]]:
        environment = replace(machine.environment, cwd=here)
        wish = Wish(announce=lambda estimate, usd: told.append((estimate.sessions, usd)))
        drafted = prepare(KnowledgeBase(machine.root), environment, Place("o.r", "", ""), wish)
        return drafted.handoff.body, drafted.notes

    with fake_messages_api(structured(WRITTEN), structured({"task": 5})) as api:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        body, notes = write()
        assert body.startswith(
            "### Current Task\nOAuth for the shop\n\n### Progress So Far\n- ✅ Routes, tested\n- ⏳ Refresh"
        )
        assert "- The user's favourite pizza is Margherita" in body
        assert "- src/a.py (+1, -0)" in body
        assert re.fullmatch(r"written by anthropic for \$ 0\.000[12]", notes[0])
        assert told[0][0] == 1
        (asked,) = api.messages
        assert '"files":["src/a.py (+1, -0)"' in asked["messages"][0]["content"].replace('", "', '","').replace(
            ": [", ":["
        )
        body, notes = write()
        assert (body, notes[0][:40]) == (BODY, "the model wrote nothing, so this was mad")
        set_up(machine, "extraction", "max_usd_per_day = 0.0001")
        body, notes = write()
        assert (body, len(api.messages)) == (BODY, 2)
        assert "cap of $0.00 a day is reached" in notes[0]


def test_an_encrypted_project_keeps_its_handoffs_sealed(pair: tuple[Machine, Machine]) -> None:  # noqa: F811 - the fixture
    first, second = pair
    environment = replace(first.environment, cwd=first.folder)
    drafted = prepare(
        unlock(first), environment, Place("o.r", "", ""), Wish("secret task", text="### Current Task\nX-ray\n")
    )
    saved = save(unlock(first), environment, drafted)
    assert (saved.path, saved.exit_code) == ("projects/o.r/handoffs/first.md.age", 0)
    assert b"X-ray" not in history(first)
    assert b"secret task" not in history(first)
    second.sync()
    (found,) = load_handoffs(unlock(second), "o.r")
    assert (found.handoff.task, found.is_sealed) == ("X-ray", True)
    assert load_handoffs(KnowledgeBase(second.root), "o.r") == []


@pytest.mark.usefixtures("project")
def test_where_pull_requests_rule_it_is_read_from_the_other_machines_branch(machine: Machine, other: Machine) -> None:
    here, there = check_out(machine), check_out(other)
    file = machine.root / "agent-context.toml"
    file.write_text(re.sub(r"(?m)^review = .*$", 'review = "pull-request"', file.read_text()))
    git(machine.root, "commit", "--quiet", "-a", "-m", "review")
    git(machine.root, "push", "--quiet")
    git(other.root, "pull", "--quiet")
    work_on(machine, here)
    hand_on(machine, here, "half way")
    assert "handoffs" not in git(machine.root, "ls-tree", "-r", "--name-only", "origin/main")
    (found,) = go_on(other, there).others
    assert found.handoff.message == "half way"


def test_an_exported_page_holds_no_markup_of_others() -> None:
    evil = "<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=alert(1)>"
    handoff = replace_sections(Section(evil, f"{evil}\n\n```\n{evil}\n```"), device=f"a{evil}")
    page = render_page(handoff)
    assert "<script" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page
    assert "default-src 'none'" in page
    assert export(handoff, "md").startswith(b"## Handoff from a<script>")
    assert json.loads(export(handoff, "json"))["commit"] == HANDOFF.commit


def replace_sections(*sections: Section, device: str) -> Any:
    return type(HANDOFF)(device, HANDOFF.at, sections, commit=HANDOFF.commit)


def test_without_a_browser_no_pdf_and_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(AgentContextError, match="no browser is installed") as caught:
        export(HANDOFF, "pdf")
    assert caught.value.hint == "export --format html, and print that"
