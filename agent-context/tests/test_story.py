from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from samples import AT, LESSON, git, make_learning, replace_fields
from test_cli import run

from agent_context.changes import write_atomically
from agent_context.errors import AgentContextError
from agent_context.frontmatter import write_learning
from agent_context.history.story import describe_changes
from agent_context.knowledge import KnowledgeBase
from agent_context.learning import Confirmed, Conflict, Source, Speaker, Status, StatusNote

if TYPE_CHECKING:
    from samples import Machine

    from agent_context.learning import Learning


def test_the_whole_story_is_told(machine: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    machine.sync()
    ((path, learning),) = machine.learnings().items()
    assert run(machine, "review", "--accept", learning.id, "--reason", "checked", "--kb", "kb").returncode == 0
    newer = make_learning("Deploy from CI alone.", supersedes=(learning.id,))
    file = machine.root / path.replace(learning.id, newer.id)
    file.write_text(write_learning(newer))
    git(machine.root, "add", ".")
    git(machine.root, "commit", "--quiet", "-m", "by hand")
    story = json.loads(run(machine, "why", learning.id[:6], "--json", "--kb", "kb").stdout)
    assert (story["path"], story["learning"]["status"], story["sessions"]) == (path, "accepted", 1)
    assert [step["subject"].partition(":")[0] for step in story["steps"]] == ["learn", "review"]
    assert story["steps"][0]["machine"] == "laptop"
    assert story["steps"][0]["changes"] == ["born as unreviewed"]
    (reviewed,) = story["steps"][1]["changes"]
    assert reviewed.startswith("status: unreviewed -> accepted (by ")
    assert reviewed.endswith(": checked)")
    assert [(item["id"], item["claim"]) for item in story["superseded_by"]] == [(newer.id, newer.claim)]
    shown = run(machine, "why", learning.id, "--kb", "kb").stdout
    for words in (learning.claim, "confidence 0.9", "the user, read by heuristic", "> Never run", "Superseded by:"):
        assert words in shown
    other = run(machine, "why", newer.id, "--kb", "kb").stdout
    assert f"Supersedes:\n  {learning.id}  " in other


def test_a_learning_written_by_hand_is_said_to_be(machine: Machine) -> None:
    identity = run(machine, "add", "Tests first.", "--project", "o.r", "--kb", "kb").stdout.split()[0]
    assert "  laptop  by hand, the user\n" in run(machine, "why", identity, "--kb", "kb").stdout


def test_what_is_not_here_is_said_to_be(machine: Machine) -> None:
    learning = make_learning("x.", supersedes=("0123456789",), confirmed=(Confirmed("vm", 30),))
    (machine.root / "patterns").mkdir(exist_ok=True)
    (machine.root / f"patterns/x-{learning.id}.md").write_text(write_learning(learning))
    shown = run(machine, "why", learning.id, "--kb", "kb").stdout
    assert "  0123456789 (not here)\n" in shown
    assert "  vm: 30 sessions in all\n" in shown
    assert "said in 31 sessions" in shown
    done = run(machine, "why", "ffffffffff", "--kb", "kb")
    assert (done.returncode, "no learning has an id that begins with ffffffffff" in done.stderr) == (1, True)


class Counting(KnowledgeBase):
    """A knowledge base that notes which files it made learnings of."""

    parsed: tuple[str, ...] = ()

    def parse(self, path: str, data: bytes) -> Learning:
        self.parsed = (*self.parsed, path)
        return super().parse(path, data)


def test_a_learning_is_found_by_its_files_name_and_else_in_its_file(machine: Machine) -> None:
    alike = [make_learning("A."), make_learning("B."), make_learning("C.")]
    lost = replace_fields(make_learning("D."), id="ffffffffff")
    for name, learning in (*((f"x-{item.id}.md", item) for item in alike), ("x-0000000000.md", lost)):
        write_atomically(machine.root / f"projects/o.r/2026-03/{name}", write_learning(learning).encode())
    base = Counting(machine.root)
    assert base.find(alike[1].id).learning == alike[1]
    assert base.find(f"o.r/{alike[1].id[:8]}").learning == alike[1]
    assert len(set(base.parsed)) == 1
    assert base.find("ffffffffff").learning == lost
    for prefix, error in (("0000000000", "no learning has an id"), ("o.q/", "no learning"), ("", "of 4 ids: o.r/")):
        with pytest.raises(AgentContextError, match=error):
            base.find(prefix)


def test_every_change_of_a_learning_is_said_in_words() -> None:
    before = make_learning("Old.", tags=("a",), why=("Because.",))
    source = Source("vm", "s9", AT, Speaker.USER)
    after = replace_fields(
        before,
        claim="New.",
        tags=("b",),
        why=(),
        status=Status.RETIRED,
        status_note=StatusNote("desk", AT, "gone"),
        sources=(source,),
        conflicts=(Conflict("claim", ("New.", "Old.")),),
    )
    assert describe_changes(before, after) == [
        "claim: Old. -> New.",
        f"status: unreviewed -> retired (by desk, {AT}: gone)",
        "tags: + b",
        "tags: - a",
        "why: - Because.",
        "said by vm/s9",
        "no longer lists laptop/0a1b2c3d",
        "open conflicts: 0 -> 1",
    ]
    assert (describe_changes(before, before), describe_changes(before, None)) == ([], ["removed"])
