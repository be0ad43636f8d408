"""What is local stays on this machine: in no commit, on no other machine."""

from __future__ import annotations

import stat

from samples import LESSON, OTHER_LESSON, Machine, git
from test_cli import run

from agent_context.knowledge import KnowledgeBase
from agent_context.learning import Kind, Status
from agent_context.local_learnings import find_local_root, is_local, load_local, make_local, take_out_local
from agent_context.projects import Place
from agent_context.review.reviewing import add_learnings, state_candidate

PLACE = Place("o.r", "github.com/o/r", "by hand")


def add(machine: Machine, claim: str, *, local: bool = False) -> int:
    candidate = state_candidate(claim, "", Kind.GOTCHA, (), ())
    added = add_learnings(
        KnowledgeBase(machine.root), machine.environment, [candidate], PLACE, Status.ACCEPTED, local=local
    )
    return len(added.learned)


def test_a_local_learning_is_in_no_commit_and_on_no_other_machine(machine: Machine, other: Machine) -> None:
    assert add(machine, LESSON, local=True) == 1
    assert add(machine, OTHER_LESSON) == 1
    machine.sync()
    other.sync()
    assert [item.claim for item in machine.learnings().values()] == [OTHER_LESSON]
    assert [item.claim for item in other.learnings().values()] == [OTHER_LESSON]
    assert git(machine.root, "log", "--all", "-S", "fly deploy", "--oneline") == ""
    local = load_local(machine.environment, KnowledgeBase(machine.root), "o.r")
    assert [(entry.learning.claim, entry.path.split("/")[0]) for entry in local] == [(LESSON, "local")]
    assert load_local(other.environment, KnowledgeBase(other.root)) == ()


def test_its_user_alone_can_read_it(machine: Machine) -> None:
    add(machine, LESSON, local=True)
    root = find_local_root(machine.environment, KnowledgeBase(machine.root))
    files = [path for path in root.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(root.stat().st_mode) == 0o700


def test_a_project_made_local_here_keeps_all_to_itself(machine: Machine) -> None:
    knowledge_base = KnowledgeBase(machine.root)
    make_local(machine.environment, knowledge_base, "o.r")
    add(machine, LESSON)
    add(machine, OTHER_LESSON)
    assert is_local(machine.environment, knowledge_base, "o.r")
    assert not is_local(machine.environment, knowledge_base, "a.b")
    assert (knowledge_base.projects(), git(machine.root, "status", "--short")) == ([], "")
    assert len(load_local(machine.environment, knowledge_base)) == 2


def test_a_project_that_git_calls_local_keeps_what_is_new(machine: Machine) -> None:
    folder = machine.root / "projects" / "o.r"
    folder.mkdir(parents=True)
    (folder / "project.toml").write_text('name = "r"\nlocal = true\n')
    assert is_local(machine.environment, KnowledgeBase(machine.root), "o.r")


def test_files_of_local_projects_are_taken_out_of_a_commit(machine: Machine) -> None:
    knowledge_base = KnowledgeBase(machine.root)
    make_local(machine.environment, knowledge_base, "o.r")
    files: dict[str, bytes | None] = {
        "projects/o.r/project.toml": b"a",
        "projects/o.r/2026-03/x.md": b"b",
        "patterns/y.md": b"c",
    }
    local = take_out_local(machine.environment, knowledge_base, files)
    assert sorted(local) == ["projects/o.r/2026-03/x.md", "projects/o.r/project.toml"]
    assert list(files) == ["patterns/y.md"]


def test_the_same_words_are_kept_once(machine: Machine) -> None:
    assert add(machine, LESSON, local=True) == 1
    assert add(machine, LESSON, local=True) == 0
    assert len(load_local(machine.environment, KnowledgeBase(machine.root))) == 1


def test_a_command_makes_a_project_local(machine: Machine) -> None:
    assert run(machine, "projects", "local", "o.r", "--kb", str(machine.root)).returncode == 0
    done = run(machine, "add", "--project", "o.r", "--kb", str(machine.root), LESSON)
    assert (done.returncode, git(machine.root, "status", "--short"), machine.learnings()) == (0, "", {})


def test_add_takes_it_by_an_option(machine: Machine) -> None:
    done = run(machine, "add", "--local", "--project", "o.r", "--kb", str(machine.root), LESSON)
    assert done.returncode == 0
    assert git(machine.root, "status", "--short") == ""
    assert machine.learnings() == {}
