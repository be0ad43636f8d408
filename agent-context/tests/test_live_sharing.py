"""What machines tell each other of their sessions: cards on refs beside the branch, screened, bounded, for a while."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import msgspec
import pytest
from live_samples import SOURCE, Worker, shop
from samples import Machine, git
from test_server import make_desk

from agent_context.git import Repository
from agent_context.git.refs import Refs, push_ref
from agent_context.knowledge import KnowledgeBase
from agent_context.learning import utc
from agent_context.live.board import open_board
from agent_context.live.conflicts import Severity
from agent_context.live.sharing import FILE, HERE, THEIRS, SharedCard, load_shared
from agent_context.live.views import view_everywhere
from agent_context.server.session_tools import list_sessions

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.live.views import View


@pytest.fixture
def sharing(machine: Machine, other: Machine) -> tuple[Machine, Machine]:
    settings = machine.root / "agent-context.toml"
    settings.write_text(settings.read_text() + "\n[live]\nshare = true\n")
    git(machine.root, "commit", "--quiet", "--all", "--message", "share")
    for one in (machine, other, machine):
        one.sync()
    return machine, other


def shared(machine: Machine) -> list[SharedCard]:
    return load_shared(KnowledgeBase(machine.root), machine.environment.machine)


def remote_refs(machine: Machine) -> list[str]:
    return [line.split("\t")[1] for line in git(machine.root, "ls-remote", "origin", f"{THEIRS}*").splitlines()]


def test_a_card_reaches_the_other_machines_board_and_never_main(sharing: tuple[Machine, Machine]) -> None:
    machine, other = sharing
    file = shop(machine.checkout())
    worker = Worker(machine, file.parent, branch="topic")
    token = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
    worker.say(f"Mend the counter with {token}")
    worker.edit(file, "count = 0", "count = 1  # SECRET CONTENT")
    local = machine.checkout("", "mine")
    Worker(machine, local).say("Work without a remote")
    before = git(machine.root, "rev-parse", "origin/main")
    assert machine.sync().exit_code == 0
    other.sync()
    (card,) = [card for card in shared(other) if card.project == "o.r"]
    assert (card.machine, card.session, card.branch, card.files, card.status) == (
        "laptop",
        worker.session,
        "topic",
        ("shop.py",),
        "live",
    )
    assert card.task.startswith("Mend the counter with [redacted:")
    assert "SECRET CONTENT" not in git(other.root, "show", f"{HERE}laptop:{FILE}")
    assert remote_refs(machine) == ["refs/live/laptop"]
    assert "live" not in git(other.root, "ls-tree", "-r", "--name-only", "origin/main")
    assert git(machine.root, "log", "--format=%s", f"{before}..origin/main") == ""
    assert shared(machine) == []
    told = list_sessions(make_desk(other))
    assert f"Session {worker.session} on laptop: live" in told
    assert "Files: shop.py" in told
    worker.leave()
    machine.sync()
    other.sync()
    assert "o.r" not in {card.project for card in shared(other)}


def test_nothing_is_told_without_the_setting_nor_of_what_stays_here(machine: Machine, other: Machine) -> None:
    worker = Worker(machine, shop(machine.checkout()).parent)
    worker.say("Quiet work")
    machine.sync()
    assert remote_refs(machine) == []
    settings = machine.root / "agent-context.toml"
    settings.write_text(settings.read_text() + "\n[live]\nshare = true\n")
    project = machine.root / "projects" / "o.r" / "project.toml"
    project.parent.mkdir(parents=True)
    project.write_text('name = "o/r"\nlocal = true\n')
    machine.sync()
    assert remote_refs(machine) == []
    project.write_text('name = "o/r"\n')
    machine.sync()
    assert remote_refs(machine) == ["refs/live/laptop"]
    settings.write_text(settings.read_text().replace("share = true", "share = false"))
    machine.sync()
    assert remote_refs(machine) == []
    other.sync()
    assert shared(other) == []


def test_a_collision_with_another_machine_is_on_the_board_and_ends_with_it(sharing: tuple[Machine, Machine]) -> None:
    machine, other = sharing
    project = machine.root / "projects" / "shop" / "project.toml"
    project.parent.mkdir(parents=True)
    project.write_text('name = "shop"\nremotes = ["github.com/o/r"]\n')
    workers = [Worker(one, shop(one.checkout()).parent) for one in sharing]
    elsewhere = Worker(other, workers[1].cwd, branch="topic")
    for worker in (*workers, elsewhere):
        worker.edit(worker.cwd / "shop.py", "import os", f"import os  # {worker.session}")
        (worker.cwd / "shop.py").write_text(SOURCE)
    foreign = machine.checkout("git@github.com:o/closed.git", "closed") / "names.py"
    foreign.write_text("a\n")
    workers[0].edit(foreign, "a", "b")
    machine.sync()
    other.sync()
    (card,) = shared(other)
    assert (card.project, card.files) == ("shop", ("shop.py",))
    views = {view.session: view for view in look(other)}
    here, there, branched = (views[worker.session] for worker in (workers[1], workers[0], elsewhere))
    assert [(item.other, item.machine, item.severity) for item in here.conflicts if item.machine] == [
        (there.session, "laptop", Severity.ELSEWHERE)
    ]
    assert [(item.other, item.machine, item.path) for item in there.conflicts] == [(here.session, "", "shop.py")]
    assert {item.machine for item in branched.conflicts} <= {""}
    told = list_sessions(make_desk(other))
    assert f"Session {there.session[:8]} on laptop and this one both edited shop.py (same file, on another" in told
    assert there.project == here.project == "shop"
    workers[1].leave()
    assert not [item for view in look(other) for item in view.conflicts if item.machine or view.machine]


def look(machine: Machine) -> list[View]:
    knowledge_base = KnowledgeBase(machine.root)
    board = open_board(machine.environment, knowledge_base.settings.sync, knowledge_base.remotes)
    return view_everywhere(board, shared(machine))


def tell(machine: Machine, name: str, at: str, data: bytes = b"", **fields: object) -> None:
    """Push a ref as another machine might."""
    refs = Refs(Repository(machine.root))
    card = {"session": "s1", "project": "o.r", "task": "Old work"} | fields
    content = data or json.dumps({"at": at, "cards": [card]}).encode()
    commit = refs.keep({FILE: content}, "x\n", [])
    assert push_ref(machine.root, "origin", f"{THEIRS}{name}", commit, expected=None).accepted


def test_what_is_told_expires_and_what_is_strange_is_bounded_or_passed_over(sharing: tuple[Machine, Machine]) -> None:
    machine, other = sharing
    now = time.time()
    tell(machine, "today", utc(now - 3600), task="x" * 9_999, files=["f" * 999] * 99)
    tell(machine, "yesterday", utc(now - 86_400))
    tell(machine, "long-ago", utc(now - 10 * 86_400))
    tell(machine, "future", utc(now + 86_400))
    tell(machine, "strange", "", b'{"at": 5}')
    tell(machine, "huge", "", b" " * 300_000)
    Worker(other, shop(other.checkout()).parent).say("Work")
    assert other.sync().exit_code == 0
    (card,) = shared(other)
    assert (card.machine, len(card.task), len(card.files), len(card.files[0])) == ("today", 200, 40, 200)
    assert len(msgspec.json.encode(card)) < 10_000
    left = ("desktop", "future", "huge", "strange", "today", "yesterday")
    assert remote_refs(other) == [f"refs/live/{name}" for name in left]


def test_a_remote_that_refuses_such_refs_costs_a_note(sharing: tuple[Machine, Machine], remote: Path) -> None:
    machine, _ = sharing
    Worker(machine, shop(machine.checkout()).parent).say("Work")
    hook = remote / "hooks" / "update"
    hook.write_text('#!/bin/sh\ncase "$1" in refs/live/*) echo "no such refs here"; exit 1;; esac\n')
    hook.chmod(0o755)
    report = machine.sync()
    assert report.exit_code == 0
    assert [note for note in report.notes if "could not be told" in note]
