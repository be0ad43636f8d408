from __future__ import annotations

from typing import TYPE_CHECKING

from samples import LESSON, git, replace_fields
from test_cli import run

from agent_context.frontmatter import write_learning
from agent_context.learning import Status
from agent_context.reports import Again

if TYPE_CHECKING:
    from pathlib import Path

    from samples import Machine

    from agent_context.learning import Learning


def only(machine: Machine) -> tuple[Path, Learning]:
    ((path, learning),) = machine.learnings().items()
    return machine.root / path, learning


def sessions(machine: Machine) -> list[tuple[str, str]]:
    return sorted((source.machine, source.session) for source in only(machine)[1].sources)


def test_a_session_that_says_it_again_becomes_a_source(machine: Machine) -> None:
    checkout = machine.checkout()
    machine.teach(LESSON, cwd=checkout)
    machine.sync()
    machine.teach(LESSON, name="s2", cwd=checkout)
    report = machine.sync()
    assert sessions(machine) == [("laptop", "s1"), ("laptop", "s2")]
    identity = only(machine)[1].id
    assert (report.learned, report.confirmed) == ([], [Again("o.r", identity, "exact duplicate, 1.00: the same words")])
    message = git(machine.root, "log", "-1", "--format=%B").splitlines()
    assert message[:3] == ["learn: 1 confirmed", "", f"confirmed {identity}: exact duplicate, 1.00: the same words"]
    assert git(machine.root, "status", "--porcelain") == ""


def test_reading_everything_again_confirms_nothing_and_makes_no_commit(machine: Machine) -> None:
    checkout = machine.checkout()
    for name in ("s1", "s2"):
        machine.teach(LESSON, LESSON, name=name, cwd=checkout)
    machine.sync()
    before = git(machine.root, "rev-parse", "HEAD")
    assert sessions(machine) == [("laptop", "s1"), ("laptop", "s2")]
    machine.sync()
    for state in machine.environment.data_dir.glob("*.sqlite"):
        state.unlink()
    assert machine.sync().confirmed == []
    assert git(machine.root, "rev-parse", "HEAD") == before


def test_two_machines_confirm_and_come_to_the_same_bytes(machine: Machine, other: Machine) -> None:
    for place in (machine, other):
        place.teach(LESSON, cwd=place.checkout())
        place.sync()
    for place in (machine, other):
        place.teach(LESSON, name="s2", cwd=place.folder / "work" / "r")
        place.sync()
    machine.sync()
    assert sessions(machine) == [(name, session) for name in ("desktop", "laptop") for session in ("s1", "s2")]
    assert only(machine)[0].read_bytes() == only(other)[0].read_bytes()


def test_what_was_rejected_is_not_confirmed(machine: Machine) -> None:
    checkout = machine.checkout()
    machine.teach(LESSON, cwd=checkout)
    machine.sync()
    path, learning = only(machine)
    path.write_text(write_learning(replace_fields(learning, status=Status.REJECTED)))
    git(machine.root, "commit", "--quiet", "-am", "no")
    machine.teach(LESSON, name="s2", cwd=checkout)
    assert machine.sync().confirmed == []
    assert sessions(machine) == [("laptop", "s1")]


def test_undoing_a_sync_takes_its_confirmation_back(machine: Machine) -> None:
    checkout = machine.checkout()
    machine.teach(LESSON, cwd=checkout)
    machine.sync()
    before = only(machine)[0].read_bytes()
    machine.teach(LESSON, name="s2", cwd=checkout)
    machine.sync()
    assert run(machine, "undo", "--kb", "kb").returncode == 0
    assert only(machine)[0].read_bytes() == before


def test_a_dry_run_says_what_would_be_confirmed(machine: Machine) -> None:
    checkout = machine.checkout()
    machine.teach(LESSON, cwd=checkout)
    machine.sync()
    machine.teach(LESSON, name="s2", cwd=checkout)
    assert len(machine.sync(dry_run=True).confirmed) == 1
    assert sessions(machine) == [("laptop", "s1")]


def test_an_edit_that_waits_for_its_person_is_not_written_over(machine: Machine) -> None:
    checkout = machine.checkout()
    machine.teach(LESSON, cwd=checkout)
    machine.sync()
    path, learning = only(machine)
    path.write_text(write_learning(replace_fields(learning, why=("Staged.",))))
    git(machine.root, "add", ".")
    edited = write_learning(replace_fields(learning, why=("Staged, and half of it not.",)))
    path.write_text(edited)
    machine.teach(LESSON, name="s2", cwd=checkout)
    machine.sync()
    assert path.read_text() == edited


def test_in_pull_request_mode_a_confirmation_waits_for_the_next_proposal(machine: Machine) -> None:
    checkout = machine.checkout()
    machine.teach(LESSON, cwd=checkout)
    machine.sync()
    main = git(machine.root, "rev-parse", "origin/main")
    settings = machine.root / "agent-context.toml"
    settings.write_text(settings.read_text().replace('review = "direct"', 'review = "pull-request"'))
    assert 'review = "pull-request"' in settings.read_text()
    git(machine.root, "commit", "--quiet", "-am", "review")
    machine.teach(LESSON, name="s2", cwd=checkout)
    report = machine.sync()
    assert (len(report.confirmed), report.pull_request) == (1, "")
    assert sessions(machine) == [("laptop", "s1"), ("laptop", "s2")]
    git(machine.root, "fetch", "--quiet")
    assert git(machine.root, "rev-parse", "origin/main") == main
