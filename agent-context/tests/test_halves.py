"""Pull, push and diff on two real clones of one bare remote."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from samples import LESSON, Machine, acquaint, git, make_learning, replace_fields

from agent_context.config import load_machine_settings
from agent_context.frontmatter import write_learning
from agent_context.git import Repository
from agent_context.history.difference import Differing, compare
from agent_context.knowledge import KnowledgeBase
from agent_context.layout import learning_path
from agent_context.learning import Kind, Learning, Status, StatusNote
from agent_context.syncing.halves import pull, push
from agent_context.trailers import trailers

if TYPE_CHECKING:
    from pathlib import Path

FIRST = make_learning("Deploy with `make deploy`.", why=("It runs the migrations.",))
SECOND = make_learning("Prices are integer cents.")


def path_of(learning: Learning) -> str:
    return learning_path("o.r", learning)


def put(machine: Machine, path: str, learning: Learning | None) -> None:
    data = write_learning(learning).encode() if learning else None
    name = machine.environment.machine
    Repository(machine.root).commit_files({path: data}, f"edit\n\n{trailers(name)}", name)


def kb(machine: Machine) -> KnowledgeBase:
    return KnowledgeBase(machine.root)


def head(folder: Path, name: str = "HEAD") -> str:
    return git(folder, "rev-parse", name)


def test_pull_brings_in_and_hands_out_but_reads_and_sends_nothing(
    machine: Machine, other: Machine, remote: Path
) -> None:
    acquaint(machine, other)
    checkout = machine.checkout()
    machine.teach(LESSON, cwd=checkout)
    machine.sync()
    put(other, path_of(SECOND), SECOND)
    other.sync()
    put(machine, path_of(FIRST), FIRST)
    machine.teach("Always run the linter before pushing, because CI rejects it.", name="s2", cwd=checkout)
    own = load_machine_settings(machine.environment.machine_file)
    report = pull(kb(machine), replace(machine.environment, own=own))
    assert (report.brought_in, report.pushed, report.unpushed, report.exit_code) == (1, 0, 1, 0)
    assert (report.read, report.learned, head(remote, "main")) == (0, [], head(other.root))
    assert SECOND.claim in (checkout / ".claude/rules/agent-context.md").read_text()


def test_push_sends_edits_and_commits_on_top_of_what_came_meanwhile(
    machine: Machine, other: Machine, remote: Path
) -> None:
    acquaint(machine, other)
    put(machine, path_of(FIRST), FIRST)
    assert push(kb(machine), machine.environment).pushed == 1
    other.sync()
    put(machine, path_of(SECOND), SECOND)
    machine.sync()
    (other.root / path_of(FIRST)).write_text(write_learning(replace_fields(FIRST, tags=("fly",))))
    report = push(kb(other), other.environment)
    assert (report.edits, report.brought_in, report.pushed, report.exit_code) == ([path_of(FIRST)], 1, 1, 0)
    assert head(remote, "main") == head(other.root)
    assert push(kb(other), other.environment).pushed == 0


def test_an_unreachable_remote_is_told_with_exit_code_1(machine: Machine) -> None:
    put(machine, path_of(FIRST), FIRST)
    git(machine.root, "remote", "set-url", "origin", str(machine.folder / "gone.git"))
    for half in (pull, push):
        report = half(kb(machine), machine.environment)
        assert (report.exit_code, report.unpushed) == (1, 1)
        assert report.waiting != ""
    assert "as of the last fetch" in compare(kb(machine)).note


def test_diff_shows_both_sides_by_claim_and_changes_nothing(machine: Machine, other: Machine) -> None:
    acquaint(machine, other)
    put(machine, path_of(FIRST), FIRST)
    machine.sync()
    other.sync()
    put(other, path_of(SECOND), SECOND)
    other.sync()
    (machine.root / path_of(FIRST)).write_text(write_learning(replace_fields(FIRST, kind=Kind.WORKFLOW)))
    before = head(machine.root), git(machine.root, "status", "--porcelain")
    difference = compare(kb(machine), offline=True)
    assert (difference.behind, difference.there, difference.note) == (0, (), "the remote as of the last fetch")
    difference = compare(kb(machine))
    assert (difference.ahead, difference.behind, difference.note) == (0, 1, "")
    assert difference.here == (Differing("changed", "o.r", path_of(FIRST), FIRST.claim, ("kind",)),)
    assert difference.there == (Differing("new", "o.r", path_of(SECOND), SECOND.claim),)
    assert (head(machine.root), git(machine.root, "status", "--porcelain")) == before
    assert not list(machine.environment.data_dir.glob("*.sqlite-*"))


def test_diff_marks_what_both_sides_changed_and_no_merge_can_settle(machine: Machine, other: Machine) -> None:
    acquaint(machine, other)
    put(machine, path_of(FIRST), FIRST)
    put(machine, path_of(SECOND), SECOND)
    machine.sync()
    other.sync()
    accepted = replace_fields(
        FIRST,
        claim="Deploy with `make ship`.",
        tags=("deploy", "ship"),
        status=Status.ACCEPTED,
        status_note=StatusNote("desktop", "2026-03-02T10:00:00Z", "seen"),
    )
    put(other, path_of(FIRST), accepted)
    put(other, path_of(SECOND), replace_fields(SECOND, kind=Kind.WORKFLOW))
    other.sync()
    put(machine, path_of(FIRST), replace_fields(FIRST, claim="Deploy by `make it so`.", tags=("deploy", "so")))
    put(machine, path_of(SECOND), None)
    difference = compare(kb(machine))
    assert {item.path: item.conflict for item in difference.here} == {
        path_of(FIRST): ("claim",),
        path_of(SECOND): ("removed on one side",),
    }
    assert {item.path: item.conflict for item in difference.there} == {
        item.path: item.conflict for item in difference.here
    }
    assert [item.what for item in difference.here] == ["changed", "removed"]


def test_diff_without_a_remote_shows_all_as_here(machine: Machine) -> None:
    put(machine, path_of(FIRST), FIRST)
    git(machine.root, "remote", "remove", "origin")
    difference = compare(kb(machine))
    assert (difference.remote, difference.note) == ("", "this clone has no remote")
    assert [item.what for item in difference.here if item.claim] == ["new"]
    assert difference.ahead == 2
