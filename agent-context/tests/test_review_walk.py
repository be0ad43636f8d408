"""The walk through what waits for review, on a real terminal: keys go in, commits come out."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from samples import Machine, git, make_learning

from agent_context.frontmatter import write_learning
from agent_context.layout import learning_path
from agent_context.learning import Kind, Status

if TYPE_CHECKING:
    from pathlib import Path

pty = pytest.importorskip("pty")
FIRST, SECOND, THIRD = "A first thing to know.", "Because of a second.", "Could be a third."
MENU = "[a]ccept  [e]dit  [r]eject  [s]kip  [q]uit"


@pytest.fixture
def waiting(machine: Machine) -> Machine:
    """A machine with three learnings that wait for review."""
    for claim in (FIRST, SECOND, THIRD):
        learning = make_learning(claim, evidence=(f"said so: {claim}",), why=("A reason.",))
        path = machine.root / learning_path("o.r", learning)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(write_learning(learning))
    git(machine.root, "add", "-A")
    git(machine.root, "commit", "--quiet", "-m", "three")
    return machine


def review(machine: Machine, *keys: str, editor: str = "") -> str:
    """Run the walk on a terminal, answer each question in turn, and return what was shown."""
    ours, theirs = pty.openpty()
    home = {"HOME": str(machine.folder), "AGENT_CONTEXT_MACHINE": "laptop", "TERM": "dumb", "COLUMNS": "200"}
    child = subprocess.Popen(
        [sys.executable, "-m", "agent_context", "review", "--kb", str(machine.root)],
        env={**os.environ, **home, "EDITOR": editor, "VISUAL": ""},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        close_fds=True,
    )
    os.close(theirs)
    shown, seen, left = "", 0, list(keys)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.2)[0]:
            try:
                data = os.read(ours, 65536)
            except OSError:
                break
            if not data:
                break
            shown += data.decode()
        waits = [at for word in (MENU, "Why: ", "Why []: ", "[Y/n]: ") if (at := shown.find(word, seen)) >= 0]
        if waits and left:
            seen = min(waits) + 4
            time.sleep(0.1)
            os.write(ours, left.pop(0).encode())
    child.kill()
    child.wait()
    os.close(ours)
    return shown.replace("\r\n", "\n")


def by_claim(machine: Machine) -> dict[str, tuple[Status, str]]:
    return {
        item.claim: (item.status, item.status_note.reason if item.status_note else "")
        for item in machine.learnings().values()
    }


def test_each_is_shown_with_its_evidence_and_decided_by_a_key(waiting: Machine) -> None:
    shown = review(waiting, "a", "r", "only once\n", "s")
    assert f"  {FIRST}\n    why: A reason.\n    evidence: said so: {FIRST}\n" in shown
    assert "    said by: user on laptop, session 0a1b2c3d, 2026-03-01T10:00:00Z\n" in shown
    assert by_claim(waiting) == {
        FIRST: (Status.ACCEPTED, "accepted in review"),
        SECOND: (Status.REJECTED, "only once"),
        THIRD: (Status.UNREVIEWED, ""),
    }
    assert shown.rstrip().endswith(
        "2 learnings reviewed, 1 learning left. agent-context sync carries this to every machine."
    )
    assert git(waiting.root, "status", "--porcelain") == ""


def test_leaving_keeps_what_was_decided(waiting: Machine) -> None:
    review(waiting, "a", "q")
    assert [status for status, _ in by_claim(waiting).values()].count(Status.ACCEPTED) == 1


def editor(folder: Path, *commands: str) -> str:
    """An editor that changes the file by a Python statement, another one at each call."""
    script, count = folder / "editor.py", folder / "count"
    script.write_text(
        "import pathlib, sys\n"
        f"count, file = pathlib.Path({str(count)!r}), pathlib.Path(sys.argv[1])\n"
        "turn = len(count.read_text()) if count.exists() else 0\n"
        "count.write_text('x' * (turn + 1))\n"
        "text = file.read_text()\n"
        f"file.write_text(eval({list(commands)!r}[turn]))\n"
    )
    return f"{sys.executable} {script}"


def test_an_edit_is_accepted_with_it(waiting: Machine, tmp_path: Path) -> None:
    change = "text.replace('A first thing', 'The first thing')"
    shown = review(waiting, "e", "q", editor=editor(tmp_path, change))
    assert by_claim(waiting)["The first thing to know."] == (Status.ACCEPTED, "edited in review")
    assert "edited, accepted" in shown


def test_a_text_that_does_not_read_is_shown_again(waiting: Machine, tmp_path: Path) -> None:
    break_it = "text.replace('kind: gotcha', 'kind: nonsense')"
    mend_it = "text.replace('kind: nonsense', 'kind: decision')"
    shown = review(waiting, "e", "y\n", "q", editor=editor(tmp_path, break_it, mend_it))
    assert "kind" in shown
    (mended,) = [item for item in waiting.learnings().values() if item.kind is Kind.DECISION]
    assert (mended.claim, mended.status) == (FIRST, Status.ACCEPTED)


def test_another_id_is_refused(waiting: Machine, tmp_path: Path) -> None:
    change = "text.replace('id: ', 'id: 00')"
    shown = review(waiting, "e", "n\n", "q", editor=editor(tmp_path, change))
    assert "stays so" in shown
    assert {status for status, _ in by_claim(waiting).values()} == {Status.UNREVIEWED}


def test_without_a_terminal_the_list_is_printed(waiting: Machine) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agent_context", "review", "--kb", str(waiting.root)],
        env={**os.environ, "HOME": str(waiting.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "3 learnings to review" in done.stdout
