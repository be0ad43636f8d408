from __future__ import annotations

import json
from typing import TYPE_CHECKING

from samples import AT, LESSON, Machine, git, make_learning, replace_fields
from test_cli import run

from agent_context.frontmatter import write_learning
from agent_context.handoff import Handoff, Section, write_handoff
from agent_context.knowledge import KnowledgeBase
from agent_context.layout import handoff_path
from agent_context.learning import Source, Speaker, Status

if TYPE_CHECKING:
    from agent_context.learning import Learning

SUSPECT = Source("laptop", "bad0bad0", AT, Speaker.USER, extractor="heuristic")
OTHER = Source("desk", "good1234", AT, Speaker.USER, extractor="claude-cli")


def place(machine: Machine, learning: Learning) -> None:
    path = machine.root / "projects/o.r/2026-03" / f"x-{learning.id}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(write_learning(learning))


def test_what_only_that_session_said_is_retired_and_the_rest_lowered(machine: Machine) -> None:
    alone = make_learning("Only the bad session said this.", sources=(SUSPECT,))
    both = make_learning("Both said this.", sources=(SUSPECT, OTHER))
    neither = make_learning("The other said this.", sources=(OTHER,))
    rejected = replace_fields(make_learning("Gone anyway.", sources=(SUSPECT,)), status=Status.REJECTED)
    for learning in (alone, both, neither, rejected):
        place(machine, learning)
    assert run(machine, "sync", "--kb", "kb").returncode == 0
    before = git(machine.root, "rev-parse", "HEAD")
    shown = json.loads(run(machine, "forget", "--session", "bad0", "--dry-run", "--json", "--kb", "kb").stdout)
    assert ([len(shown[name]) for name in ("retired", "lowered")], git(machine.root, "rev-parse", "HEAD")) == (
        [1, 1],
        before,
    )
    done = run(machine, "forget", "--session", "bad0", "--kb", "kb")
    assert done.stdout.splitlines()[-1] == "Forgetting session bad0: 1 learning retired, 1 lowered."
    kept = {entry.learning.id: entry.learning for entry in KnowledgeBase(machine.root).load().entries}
    assert (kept[alone.id].status, kept[alone.id].sources) == (Status.RETIRED, (SUSPECT,))
    assert (kept[both.id].status, kept[both.id].sources) == (Status.UNREVIEWED, (OTHER,))
    assert (kept[neither.id], kept[rejected.id]) == (neither, rejected)


def test_a_forgotten_session_does_not_teach_it_again(machine: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    assert run(machine, "sync", "--kb", "kb").returncode == 0
    assert run(machine, "forget", "--machine", "laptop", "--extractor", "heuristic", "--kb", "kb").returncode == 0
    for state in machine.environment.data_dir.glob("*.sqlite"):
        state.unlink()
    assert run(machine, "sync", "--kb", "kb").returncode == 0
    assert [item.status for item in machine.learnings().values()] == [Status.RETIRED]


def hand_on(machine: Machine, device: str, session: str, project: str = "o.r") -> str:
    path = handoff_path(project, device)
    handoff = Handoff(device, AT, (Section("Current task", f"Ship it from {device}."),), session=session)
    (machine.root / path).parent.mkdir(parents=True, exist_ok=True)
    (machine.root / path).write_text(write_handoff(handoff), encoding="utf-8")
    return path


def test_handoffs_of_the_session_go_with_it_and_others_stay(machine: Machine) -> None:
    gone = hand_on(machine, "laptop", "bad0bad0")
    kept = [hand_on(machine, "desk", "good1234"), hand_on(machine, "laptop", "", "o.other")]
    broken = machine.root / handoff_path("o.r", "phone")
    broken.write_text("no handoff")
    git(machine.root, "add", "--all")
    git(machine.root, "commit", "--quiet", "-m", "handoffs")
    done = run(machine, "forget", "--session", "bad0bad0-1111-2222", "--dry-run", "--json", "--kb", "kb")
    assert json.loads(done.stdout)["handoffs"] == [gone]
    assert run(machine, "forget", "--extractor", "heuristic", "--kb", "kb").stdout.endswith(
        "0 learnings retired, 0 lowered.\n"
    )
    assert (machine.root / gone).is_file()
    done = run(machine, "forget", "--session", "bad0", "--kb", "kb")
    assert done.stdout.splitlines() == [
        f"removed: {gone}",
        "Forgetting session bad0: 0 learnings retired, 0 lowered, 1 handoff removed.",
    ]
    assert not (machine.root / gone).exists()
    assert all((machine.root / path).is_file() for path in [*kept, broken])
    assert git(machine.root, "status", "--porcelain") == ""
    run(machine, "forget", "--machine", "desk", "--kb", "kb")
    assert [(machine.root / path).is_file() for path in kept] == [False, True]


def test_forgetting_nothing_in_particular_is_refused(machine: Machine) -> None:
    done = run(machine, "forget", "--kb", "kb")
    assert (done.returncode, "give --session, --machine or --extractor" in done.stderr) == (1, True)
