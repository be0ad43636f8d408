"""Killed at any step, with a person's edits around: the benchmarks' own runs, shortened."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from samples import git

from agent_context.git import Repository, Step
from agent_context.git.moving import Move

if TYPE_CHECKING:
    from types import ModuleType

    from samples import Machine

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
# Where each of these was last reached: in the middle of the sync's own commit, or of what the remote brought.
TRIED = (Step.FILE_WRITTEN, Step.INDEX_WRITTEN, Step.PUSHED)


def load_benchmark(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.real
def test_a_sync_killed_at_its_delicate_steps_is_mended_by_the_next(tmp_path: Path) -> None:
    crash = load_benchmark("crash")
    crash.lay_out(tmp_path / "start")
    shutil.copytree(tmp_path / "start", tmp_path / "whole", symlinks=True)
    _, steps = crash.sync(tmp_path / "whole")
    expected = crash.describe(tmp_path / "whole")
    assert expected["pushed"] is True
    assert expected["staged"].count("+++ b/staged.txt") == 1
    assert set(steps) == set(Step)
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for step in TRIED:
        number = len(steps) - steps[::-1].index(step)
        assert crash.kill_and_mend(tmp_path, number, step, expected, rows) == []
    assert {step: (row["killed"], row["mended"]) for step, row in rows.items()} == dict.fromkeys(TRIED, (1, 1))


@pytest.mark.real
def test_clones_killed_at_random_lose_and_double_nothing() -> None:
    command = [sys.executable, str(BENCHMARKS / "contention.py"), "--clones", "3", "--syncs", "4", "--engines", "ours"]
    more = ["--only", "file-kill", "--kill-every", "0.4", "--limit", "5"]
    done = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    row = [cell.strip() for cell in done.stdout.splitlines()[-1].split("|")[1:-1]]
    assert (row[:2], row[3], row[8:11], row[12:]) == (["file-kill", "ours"], "12", ["0", "0", "0"], ["yes", "yes"])


def test_a_move_is_finished_wherever_it_was_cut_off(machine: Machine) -> None:
    """Cut off after the index was written: what it removed is not there any more, and that is no error."""
    repository = Repository(machine.root)
    repository.commit_files({"patterns/a.txt": b"a\n", "patterns/b.txt": b"b\n"}, "two", "m")
    old = repository.tip()
    new = repository.commit_files({"patterns/a.txt": None, "patterns/b.txt": b"B\n"}, "one", "m")
    git(machine.root, "update-ref", "refs/heads/main", old or "")
    Move(old, new).note(repository.git_dir)
    Repository(machine.root).recover()
    assert (git(machine.root, "rev-parse", "HEAD"), git(machine.root, "status", "--porcelain")) == (new, "")


@pytest.mark.parametrize("text", ["", "half a li"])
def test_a_note_that_does_not_read_is_dropped(machine: Machine, text: str) -> None:
    note = machine.root / ".git/agent-context.moving"
    note.write_text(text)
    Repository(machine.root).recover()
    assert not note.exists()
    assert git(machine.root, "status", "--porcelain") == ""


def test_a_move_of_a_persons_own_edits_is_finished_with_them(machine: Machine) -> None:
    repository = Repository(machine.root)
    old = repository.commit_files({"patterns/a.txt": b"a\n"}, "a", "m")
    new = repository.commit_files({"patterns/a.txt": b"edited and stamped\n"}, "edit", "m")
    git(machine.root, "reset", "--quiet", "--hard", old)
    (machine.root / "patterns/a.txt").write_bytes(b"edited\n")
    Move(old, new, {"patterns/a.txt": repository.blob_id(b"edited\n")}).note(repository.git_dir)
    Repository(machine.root).recover()
    assert (machine.root / "patterns/a.txt").read_bytes() == b"edited and stamped\n"
    assert git(machine.root, "status", "--porcelain") == ""
