from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from samples import LESSON, Machine, git

from agent_context.publishing import RULES
from agent_context.snippet import MARKER

if TYPE_CHECKING:
    from pathlib import Path


def taught(machine: Machine, cwd: Path | None = None) -> Path:
    checkout = machine.checkout()
    machine.teach(LESSON, cwd=cwd or checkout)
    machine.sync()
    return checkout


def test_a_second_sync_writes_nothing_and_a_lost_file_comes_back(machine: Machine) -> None:
    checkout = taught(machine)
    assert machine.sync().snippets == []
    (checkout / RULES).unlink()
    assert machine.sync().snippets == [f"o.r: {checkout / RULES}"]


def test_a_file_of_the_users_own_is_left_alone(machine: Machine) -> None:
    checkout = machine.checkout()
    (checkout / RULES).parent.mkdir(parents=True)
    (checkout / RULES).write_text("my own rules\n")
    machine.teach(LESSON, cwd=checkout)
    report = machine.sync()
    assert report.notes == [f"{checkout / RULES} is left alone: a file of your own has that name"]
    assert (checkout / RULES).read_text() == "my own rules\n"


def test_the_projects_git_does_not_see_the_file(machine: Machine) -> None:
    checkout = machine.checkout()
    exclude = checkout / ".git/info/exclude"
    exclude.write_text("*.log")
    machine.teach(LESSON, cwd=checkout)
    machine.sync()
    assert exclude.read_text() == "*.log\n/.claude/rules/agent-context.md\n"
    assert git(checkout, "status", "--porcelain") == ""


def test_a_link_out_of_the_checkout_is_not_followed(machine: Machine, tmp_path: Path) -> None:
    checkout = machine.checkout()
    (tmp_path / "elsewhere").mkdir()
    (checkout / ".claude").symlink_to(tmp_path / "elsewhere")
    machine.teach(LESSON, cwd=checkout)
    report = machine.sync()
    assert report.notes == [f"{checkout / RULES} is left alone: a symbolic link leads out of the checkout"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_the_agents_own_folder_is_never_written(machine: Machine) -> None:
    checkout = machine.checkout()
    own = Machine(
        machine.folder,
        replace(
            machine.environment, agent_homes={**machine.environment.agent_homes, "claude_code": checkout / ".claude"}
        ),
    )
    own.teach(LESSON, cwd=checkout)
    assert own.sync().notes == [f"{checkout / RULES} is left alone: it is the agent's own configuration folder"]
    assert not (checkout / RULES).exists()


def test_a_checkout_that_became_another_project_gets_nothing(machine: Machine) -> None:
    checkout = taught(machine)
    (checkout / RULES).unlink()
    git(checkout, "remote", "set-url", "origin", "git@github.com:o/another.git")
    assert machine.sync().snippets == []


def test_every_worktree_a_session_was_in_gets_the_snippet(machine: Machine) -> None:
    checkout = machine.checkout()
    git(checkout, "commit", "--quiet", "--allow-empty", "-m", "x")
    git(checkout, "worktree", "add", "--quiet", str(checkout.parent / "tree"))
    machine.teach(LESSON, cwd=checkout)
    machine.teach("hello", name="s2", cwd=checkout.parent / "tree")
    machine.sync()
    for top in (checkout, checkout.parent / "tree"):
        assert (top / RULES).read_text().startswith(MARKER)
        assert git(top, "status", "--porcelain") == ""


def test_a_mapped_folder_without_git_gets_it_too(machine: Machine) -> None:
    from agent_context.machine import save_machine_settings  # noqa: PLC0415 - only here
    from agent_context.settings import MachineSettings  # noqa: PLC0415 - only here

    folder = machine.folder / "plain"
    folder.mkdir()
    save_machine_settings(machine.environment.machine_file, MachineSettings(mappings={str(folder): "o.r"}))
    machine.teach(LESSON, cwd=folder)
    machine.sync()
    assert (folder / RULES).read_text().startswith(MARKER)
