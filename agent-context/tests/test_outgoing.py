from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from samples import LESSON, Machine, git

from agent_context.git.history import Altered
from agent_context.knowledge import KnowledgeBase
from agent_context.review.outgoing import find_leaks

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "AKIA" + "QYLPMN5HFZ3TCW2V"


def objects(repository: Path) -> bytes:
    command = ["git", "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(command, cwd=repository, capture_output=True, check=True).stdout


def commit_secret(machine: Machine, name: str = "projects/notes.md") -> str:
    """What a person does with git alone, past every gate but the last."""
    path = machine.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"the key is {SECRET}\n")
    git(machine.root, "add", name)
    git(machine.root, "commit", "--quiet", "-m", "notes of my own")
    return git(machine.root, "rev-parse", "HEAD")


def test_a_commit_with_a_secret_stays_here_and_stops_nothing_else(machine: Machine, remote: Path) -> None:
    commit_secret(machine)
    machine.teach(LESSON, cwd=machine.checkout())
    report = machine.sync()
    assert (len(report.learned), report.pushed, report.unpushed, report.exit_code) == (1, 1, 1, 3)
    (problem,) = report.problems
    assert problem.startswith("projects/notes.md:1: secret: ")
    assert SECRET not in repr(report)
    assert SECRET.encode() not in objects(remote)
    assert "fly deploy" in git(remote, "log", "-p", "main")
    assert (git(machine.root, "status", "--porcelain"), len(machine.learnings())) == ("", 1)
    assert git(machine.root, "log", "-1", "--format=%s") == "notes of my own"

    (machine.root / "projects/notes.md").write_text("the key is in the vault\n")
    git(machine.root, "commit", "--quiet", "--all", "--amend", "--no-edit")
    report = machine.sync()
    assert (report.pushed, report.unpushed, report.exit_code) == (1, 0, 0)
    assert SECRET.encode() not in objects(remote)


def test_a_secret_that_a_later_commit_takes_out_is_still_in_the_history_to_be_pushed(
    machine: Machine, remote: Path
) -> None:
    commit_secret(machine)
    git(machine.root, "rm", "--quiet", "projects/notes.md")
    git(machine.root, "commit", "--quiet", "-m", "taken out")
    report = machine.sync()
    assert report.exit_code == 3
    assert SECRET.encode() not in objects(remote)


def test_what_was_on_the_remote_already_is_no_news(machine: Machine) -> None:
    found = find_leaks([Altered("x.md", f"{SECRET}\n".encode(), f"more\n{SECRET}\n".encode())], _screen(machine))
    assert list(found) == []
    found = find_leaks([Altered("x.md", b"more\n", f"more\n{SECRET}\n".encode())], _screen(machine))
    assert [leak.split(" ")[0] for leak in found] == ["x.md:2:"]


def _screen(machine: Machine):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a bound method
    return KnowledgeBase(machine.root).screen
