"""log, undo, restore, purge, machines, pull, push and diff as a person runs them."""

from __future__ import annotations

import json
import re

from samples import Machine, git, make_learning
from test_cli import run
from test_history import FIRST, SECOND, SYNC, commit, path_of

from agent_context.learning import Status


def test_the_log_is_one_line_a_commit_with_the_sync_to_undo(machine: Machine) -> None:
    commit(machine, FIRST, SECOND)
    line = run(machine, "log", "--kb", "kb").stdout.splitlines()[0]
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d  laptop  {SYNC}  learned 2 in o\.r", line)
    verbose = run(machine, "log", "--kb", "kb", "--verbose", "--limit", "1").stdout
    assert f"    learned: {path_of(FIRST)}\n      {FIRST.claim}\n" in verbose
    (logged,) = json.loads(run(machine, "log", "--kb", "kb", "--json", "--machine", "laptop").stdout)
    assert (logged["syncs"], [change["claim"] for change in logged["changes"]]) == ([SYNC], [FIRST.claim, SECOND.claim])
    assert run(machine, "log", "--kb", "kb", "--machine", "nobody").stdout == "Nothing of that kind happened here.\n"
    assert run(machine, "log", "--kb", "kb", "--since", "nonsense").returncode == 1


def test_undo_says_what_it_did_and_how_to_take_it_back(machine: Machine) -> None:
    commit(machine, FIRST)
    dry = run(machine, "undo", "--kb", "kb", "--dry-run").stdout
    assert dry == (
        f"Sync {SYNC}: 1 learning would be retired, 0 files would be as before\n  retired: {path_of(FIRST)}\n"
    )
    lines = run(machine, "undo", "--kb", "kb").stdout.splitlines()
    assert lines[0] == f"Sync {SYNC}: 1 learning retired, 0 files as before"
    again = lines[-1].rsplit(maxsplit=1)[-1]
    assert run(machine, "undo", again, "--kb", "kb").returncode == 0
    assert [item.status for item in machine.learnings().values()] == [Status.UNREVIEWED]
    done = run(machine, "undo", "ffffff", "--kb", "kb")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        "Error: no sync and no commit here is named ffffff",
    )


def test_restore_and_purge_from_the_shell(machine: Machine) -> None:
    commit(machine, FIRST)
    old = git(machine.root, "rev-parse", "HEAD")
    commit(machine, SECOND, sync="b" * 10)
    shown = json.loads(run(machine, "restore", old, "--kb", "kb", "--dry-run", "--json").stdout)
    assert (shown["retired"], shown["commit"]) == ([path_of(SECOND)], "")
    done = run(machine, "restore", "yesterday", "--kb", "kb")
    assert (done.returncode, "the knowledge base begins after yesterday" in done.stderr) == (1, True)
    assert run(machine, "restore", old, "--kb", "kb").returncode == 0
    assert run(machine, "purge", SECOND.id, "--kb", "kb", stdin="n\n").returncode == 130
    assert len(machine.learnings()) == 2
    done = run(machine, "purge", SECOND.id, "--kb", "kb", "--yes")
    assert (done.returncode, "1 file removed. The history still holds them." in done.stdout) == (0, True)
    assert list(machine.learnings()) == [path_of(FIRST)]


def test_machines_pull_push_and_diff_from_the_shell(machine: Machine, other: Machine) -> None:
    commit(machine, FIRST)
    assert run(machine, "diff", "--kb", "kb").stdout.splitlines() == [
        "Here: 1 commit to push, 1 file changed",
        f"  new      o.r  {FIRST.claim}",
        "In the remote: 0 commits to bring in, 0 files changed",
    ]
    assert "Pushed      1 commit to " in run(machine, "push", "--kb", "kb").stdout
    assert "Brought in  1 commit from the remote" in run(other, "pull", "--kb", "kb").stdout
    assert run(other, "pull", "--kb", "kb").stdout == "Nothing to exchange: here and the remote are the same.\n"
    assert re.fullmatch(
        r"laptop  \d{4}-\d\d-\d\d \d\d:\d\d  0 commits behind\n", run(other, "machines", "--kb", "kb").stdout
    )


def test_stats_takes_days_and_dates(machine: Machine) -> None:
    commit(machine, make_learning())
    assert run(machine, "sync", "--kb", "kb").returncode == 0
    summary = json.loads(run(machine, "stats", "--json", "--since", "2").stdout)
    assert (summary["syncs"], summary["success"]) == (1, 1.0)
    assert json.loads(run(machine, "stats", "--json", "--since", "2100-01-01").stdout)["syncs"] == 0
    lines = run(machine, "stats", "--since", "3 weeks ago").stdout.splitlines()
    assert re.fullmatch(r"Syncs +1 since \d{4}-\d\d-\d\d, 100% without trouble", lines[0])
