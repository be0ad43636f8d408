"""The audit log, undo, restore and purge, on real clones that sync through a bare remote."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from samples import LESSON, Machine, git, make_learning, replace_fields

from agent_context.errors import AgentContextError, NeedsPersonError
from agent_context.frontmatter import write_learning
from agent_context.git import Repository, init_repository
from agent_context.git.history import History
from agent_context.history.log import Changed, Wanted, read_log
from agent_context.history.rollback import find_purged, purge, restore, undo
from agent_context.knowledge import KnowledgeBase
from agent_context.layout import learning_path
from agent_context.learning import Kind, Learning, Status, utc
from agent_context.review.reviewing import decide
from agent_context.trailers import trailers

if TYPE_CHECKING:
    from pathlib import Path

SYNC = "0a1b2c3d4e"
FIRST = make_learning("Deploy with `make deploy`.")
SECOND = make_learning("Prices are integer cents.")
THIRD = make_learning("The queue is drained before a release.")


def path_of(learning: Learning) -> str:
    return learning_path("o.r", learning)


def commit(machine: Machine, *learnings: Learning, sync: str = SYNC, subject: str = "learn", **more: bytes) -> str:
    """Commit learnings (and files at the top) as a sync of this machine does."""
    files: dict[str, bytes | None] = {path_of(item): write_learning(item).encode() for item in learnings}
    message = f"{subject}: {len(files)}\n\n{trailers(machine.environment.machine, sync=sync)}"
    return Repository(machine.root).commit_files({**files, **more}, message, machine.environment.machine)


def backdate(machine: Machine, moment: datetime) -> None:
    """Make the last commit one of that time."""
    os.environ["GIT_COMMITTER_DATE"] = moment.isoformat()
    try:
        git(machine.root, "commit", "--quiet", "--amend", "--no-edit", "--date", moment.isoformat())
    finally:
        del os.environ["GIT_COMMITTER_DATE"]


def statuses(machine: Machine) -> dict[str, Status]:
    return {learning.id: learning.status for learning in machine.learnings().values()}


def kb(machine: Machine) -> KnowledgeBase:
    return KnowledgeBase(machine.root)


def test_the_log_says_when_where_and_what(machine: Machine) -> None:
    commit(machine, FIRST, SECOND)
    decide(kb(machine), machine.environment, (FIRST.id,), Status.ACCEPTED, "seen")
    (machine.root / "agent-context.toml").write_text("[sync]\npush = false\n")
    git(machine.root, "commit", "--quiet", "-am", "by hand")
    log = read_log(kb(machine), Wanted())
    assert [(item.machine, item.syncs, item.summary) for item in log[:3]] == [
        ("", (), "settings"),
        ("laptop", (), "reviewed 1 in o.r"),
        ("laptop", (SYNC,), "learned 2 in o.r"),
    ]
    assert log[0].author == "Ada"
    assert log[1].changes == (Changed("reviewed", "o.r", path_of(FIRST), FIRST.claim),)
    assert all(abs(datetime.fromisoformat(item.at).timestamp() - time.time()) < 60 for item in log)


def test_the_log_is_narrowed_by_machine_project_time_and_number(machine: Machine) -> None:
    commit(machine, FIRST)
    backdate(machine, datetime.now(UTC) - timedelta(days=9))
    commit(machine, SECOND, sync="b" * 10)
    message = f"learn\n\n{trailers('desktop', sync='c' * 10)}"
    data = write_learning(THIRD).encode()
    Repository(machine.root).commit_files({"patterns/a-1111111111.md": data}, message, "laptop")
    syncs = {
        name: [item.syncs[:1] for item in read_log(kb(machine), wanted)]
        for name, wanted in {
            "laptop": Wanted(machine="laptop"),
            "desktop": Wanted(machine="desktop"),
            "o.r": Wanted(project="o.r"),
            "patterns": Wanted(project="patterns"),
            "since": Wanted(machine="laptop", since=time.time() - 86_400),
            "limit": Wanted(limit=1),
        }.items()
    }
    assert syncs == {
        "laptop": [("b" * 10,), (SYNC,)],
        "desktop": [("c" * 10,)],
        "o.r": [("b" * 10,), (SYNC,)],
        "patterns": [("c" * 10,)],
        "since": [("b" * 10,)],
        "limit": [("c" * 10,)],
    }


def test_a_merge_is_logged_as_one_and_its_commits_themselves(machine: Machine, other: Machine) -> None:
    commit(other, FIRST)
    other.sync()
    (machine.root / "README.md").write_text("mine\n")
    git(machine.root, "add", "README.md")
    git(machine.root, "commit", "--quiet", "-m", "by hand")
    machine.sync()
    assert [item.summary for item in read_log(kb(machine), Wanted(limit=3))].count("merged") == 1
    # What a machine says of itself belongs to no sync that could be undone.
    assert [item.syncs for item in read_log(kb(machine), Wanted(machine="desktop"))] == [(), (SYNC,)]


def test_undo_retires_what_a_sync_learned_on_every_machine(machine: Machine, other: Machine) -> None:
    commit(machine, FIRST, SECOND)
    machine.sync()
    other.sync()
    rollback = undo(kb(machine), machine.environment)
    assert sorted(rollback.retired) == sorted([path_of(FIRST), path_of(SECOND)])
    assert (rollback.subject, rollback.reverted, rollback.kept) == (SYNC, [], [])
    machine.sync()
    other.sync()
    assert statuses(other) == {FIRST.id: Status.RETIRED, SECOND.id: Status.RETIRED}
    note = other.learnings()[path_of(FIRST)].status_note
    assert note is not None
    assert (note.by, note.reason) == ("laptop", f"sync {SYNC} was undone")
    assert git(machine.root, "log", "-1", "--format=%B").splitlines() == [
        f"undo: sync {SYNC}: 2 retired",
        "",
        "Machine: laptop",
        f"Sync: {rollback.sync}",
        f"Undoes: {SYNC}",
    ]
    assert read_log(kb(machine), Wanted(limit=1))[0].summary == f"undid {SYNC}: reviewed 2 in o.r"


def test_what_was_undone_does_not_come_back_from_the_same_sessions(machine: Machine, other: Machine) -> None:
    for clone in (machine, other):
        clone.teach(LESSON, cwd=clone.checkout())
    machine.sync()
    undo(kb(machine), machine.environment, git(machine.root, "rev-parse", "HEAD"))
    machine.sync()
    next(machine.environment.data_dir.glob("*.sqlite")).unlink()
    assert (machine.sync().learned, other.sync().learned) == ([], [])
    assert list(statuses(other).values()) == [Status.RETIRED]


def test_an_undo_is_undone_by_its_own_id_to_the_same_bytes(machine: Machine) -> None:
    commit(machine, FIRST)
    before = git(machine.root, "rev-parse", "HEAD^{tree}")
    rollback = undo(kb(machine), machine.environment)
    again = undo(kb(machine), machine.environment, rollback.sync[:6])
    assert again.reverted == [path_of(FIRST)]
    assert git(machine.root, "rev-parse", "HEAD^{tree}") == before
    assert git(machine.root, "status", "--porcelain") == ""


def test_undo_without_a_name_goes_one_further_back_each_time(machine: Machine) -> None:
    commit(machine, FIRST, sync="a" * 10)
    commit(machine, SECOND, sync="b" * 10)
    subjects = [undo(kb(machine), machine.environment) for _ in range(2)]
    assert [item.subject for item in subjects] == ["b" * 10, "a" * 10]
    with pytest.raises(AgentContextError, match="no sync of laptop is in effect here"):
        undo(kb(machine), machine.environment)
    undo(kb(machine), machine.environment, subjects[1].sync)
    assert undo(kb(machine), machine.environment).subject == "a" * 10


def test_undo_without_a_name_passes_over_a_sync_that_only_described_its_machine(machine: Machine) -> None:
    commit(machine, FIRST)
    files: dict[str, bytes | None] = {"tooling/machines/laptop.toml": b'name = "laptop"\ninstance = "1"\n'}
    Repository(machine.root).commit_files(files, f"machine: here\n\n{trailers('laptop', sync='b' * 10)}", "laptop")
    assert undo(kb(machine), machine.environment).subject == SYNC


def test_what_was_changed_since_stays_and_is_named(machine: Machine) -> None:
    commit(machine, FIRST, SECOND, THIRD)
    decide(kb(machine), machine.environment, (FIRST.id,), Status.ACCEPTED, "seen")
    edited = replace_fields(SECOND, tags=("money",))
    commit(machine, edited, subject="edit", sync="")
    rollback = undo(kb(machine), machine.environment)
    assert statuses(machine) == {FIRST.id: Status.ACCEPTED, SECOND.id: Status.RETIRED, THIRD.id: Status.RETIRED}
    assert machine.learnings()[path_of(SECOND)].tags == ("money",)
    assert rollback.kept == [
        f"{path_of(FIRST)}: its status changed since",
        f"{path_of(SECOND)}: its text was edited since and stays",
    ]


def test_an_edit_is_reverted_field_by_field_around_later_ones(machine: Machine) -> None:
    commit(machine, FIRST, sync="")
    edited = replace_fields(FIRST, kind=Kind.WORKFLOW, tags=("deploy", "fly"), claim="Deploy with `make ship`.")
    old = path_of(FIRST)
    Repository(machine.root).commit_files(
        {old: write_learning(edited).encode()}, f"edit\n\n{trailers('laptop', sync=SYNC)}", "laptop"
    )
    later = replace_fields(edited, tags=("deploy", "fly", "later"), why=("Since then.",), claim="Deploy: `make it`.")
    Repository(machine.root).commit_files({old: write_learning(later).encode()}, "edit by hand", "laptop")
    rollback = undo(kb(machine), machine.environment, SYNC)
    (learning,) = machine.learnings().values()
    assert (learning.kind, learning.tags, learning.why) == (Kind.GOTCHA, ("deploy", "later"), ("Since then.",))
    assert learning.claim == "Deploy: `make it`."
    assert (rollback.reverted, rollback.kept) == ([old], [f"{old}: its claim changed since"])


def test_other_files_are_reverted_by_line_and_new_ones_stay(machine: Machine) -> None:
    lines = [f"line {number}" for number in range(12)]
    repository = Repository(machine.root)

    def write(name: str, texts: list[str], sync: str = "") -> None:
        data = ("\n".join(texts) + "\n").encode()
        repository.commit_files({name: data}, f"edit\n\n{trailers('laptop', sync=sync)}", "laptop")

    write("tooling/skills/s/SKILL.md", lines)
    write("tooling/skills/s/SKILL.md", ["changed", *lines[1:]], SYNC)
    write("tooling/new.toml", ["a = 1"], SYNC)
    write("tooling/skills/s/SKILL.md", ["changed", *lines[1:11], "since"])
    rollback = undo(kb(machine), machine.environment)
    assert (machine.root / "tooling/skills/s/SKILL.md").read_text().splitlines() == [*lines[:11], "since"]
    assert rollback.kept == ["tooling/new.toml: stays: a new file is not removed"]


def test_a_dry_run_and_an_edit_in_the_way_change_nothing(machine: Machine) -> None:
    commit(machine, FIRST)
    before = git(machine.root, "rev-parse", "HEAD")
    assert undo(kb(machine), machine.environment, dry_run=True).retired == [path_of(FIRST)]
    (machine.root / path_of(FIRST)).write_text("half an edit")
    with pytest.raises(NeedsPersonError, match="has changes that are not committed"):
        undo(kb(machine), machine.environment)
    assert (machine.root / path_of(FIRST)).read_text() == "half an edit"
    assert git(machine.root, "rev-parse", "HEAD") == before


def test_a_sync_is_undone_by_a_commit_of_it_and_unknown_names_are_refused(machine: Machine) -> None:
    made = commit(machine, FIRST)
    with pytest.raises(AgentContextError, match="no sync and no commit here is named ffff"):
        undo(kb(machine), machine.environment, "ffff")
    assert undo(kb(machine), machine.environment, made[:8]).subject == SYNC


def test_a_squash_of_many_syncs_is_undone_as_the_one_commit_it_is(machine: Machine) -> None:
    message = f"Learnings (#3)\n\n* learn: 1\n\n{trailers('laptop', sync='a' * 10)}\n* learn: 1\n\n"
    message += trailers("desktop", sync="b" * 10, sessions=2)
    files: dict[str, bytes | None] = {path_of(item): write_learning(item).encode() for item in (FIRST, SECOND)}
    made = Repository(machine.root).commit_files(files, message, "laptop")
    assert read_log(kb(machine), Wanted(machine="desktop"))[0].syncs == ("a" * 10, "b" * 10)
    assert len(undo(kb(machine), machine.environment, made).retired) == 2


def test_an_undo_and_an_acceptance_elsewhere_meet_without_conflict(machine: Machine, other: Machine) -> None:
    commit(machine, FIRST)
    machine.sync()
    other.sync()
    undo(kb(machine), machine.environment)
    decide(kb(other), other.environment, (FIRST.id,), Status.ACCEPTED, "seen")
    assert (machine.sync().exit_code, other.sync().exit_code, machine.sync().exit_code) == (0, 0, 0)
    assert statuses(machine) == statuses(other)


def age(machine: Machine) -> str:
    """Three days ago FIRST and SECOND are there, today FIRST is rejected, SECOND edited, THIRD is new."""
    commit(machine, FIRST, SECOND)
    backdate(machine, datetime.now(UTC) - timedelta(days=3))
    old = git(machine.root, "rev-parse", "HEAD")
    decide(kb(machine), machine.environment, (FIRST.id,), Status.REJECTED, "wrong")
    commit(machine, replace_fields(SECOND, tags=("money",)), THIRD, sync="b" * 10)
    return old


@pytest.mark.parametrize("how", ["commit", "date", "words"])
def test_restore_brings_back_what_was_and_retires_what_is_younger(machine: Machine, how: str) -> None:
    old = age(machine)
    two_days_ago = (datetime.now().astimezone() - timedelta(days=2)).date().isoformat()
    rollback = restore(
        kb(machine), machine.environment, {"commit": old[:9], "date": two_days_ago, "words": "2 days ago"}[how]
    )
    assert sorted(rollback.reverted) == sorted([path_of(FIRST), path_of(SECOND)])
    assert rollback.retired == [path_of(THIRD)]
    assert machine.learnings() == {
        path_of(FIRST): FIRST,
        path_of(SECOND): SECOND,
        path_of(THIRD): replace_fields(
            THIRD, status=Status.RETIRED, status_note=machine.learnings()[path_of(THIRD)].status_note
        ),
    }
    undo(kb(machine), machine.environment, rollback.sync)
    assert statuses(machine)[THIRD.id] is Status.UNREVIEWED
    assert statuses(machine)[FIRST.id] is Status.REJECTED


def test_restore_brings_deleted_files_back_but_not_purged_ones(machine: Machine) -> None:
    commit(machine, FIRST, SECOND)
    old = git(machine.root, "rev-parse", "HEAD")
    purge(kb(machine), machine.environment, [FIRST.id])
    git(machine.root, "rm", "--quiet", path_of(SECOND))
    git(machine.root, "commit", "--quiet", "-m", "oops")
    rollback = restore(kb(machine), machine.environment, old)
    assert list(machine.learnings()) == [path_of(SECOND)]
    assert rollback.kept == [f"{path_of(FIRST)}: was purged since and stays gone"]


def test_restore_of_one_project_leaves_the_others_and_what_machines_say(machine: Machine) -> None:
    pattern = write_learning(THIRD).encode()
    commit(machine, FIRST)
    old = git(machine.root, "rev-parse", "HEAD")
    files: dict[str, bytes | None] = {"patterns/x-1111111111.md": pattern, "tooling/machines/m.toml": b'name = "m"\n'}
    Repository(machine.root).commit_files({**files, path_of(SECOND): write_learning(SECOND).encode()}, "more", "m")
    assert restore(kb(machine), machine.environment, old, "o.r", dry_run=True).retired == [path_of(SECOND)]
    whole = restore(kb(machine), machine.environment, old)
    assert whole.retired == ["patterns/x-1111111111.md", path_of(SECOND)]
    assert (machine.root / "tooling/machines/m.toml").exists()


def test_a_moment_before_the_first_commit_and_nonsense_are_refused(machine: Machine) -> None:
    with pytest.raises(AgentContextError, match="the knowledge base begins after 2001-01-01"):
        restore(kb(machine), machine.environment, "2001-01-01")
    with pytest.raises(AgentContextError, match="'soon' is no moment"):
        restore(kb(machine), machine.environment, "soon")


def test_a_commit_made_before_and_brought_in_after_a_time_was_not_there_yet(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    (tmp_path / "lone").mkdir()
    lone = Machine(tmp_path / "lone", Machine.settle(tmp_path / "lone", "laptop"))
    init_repository(lone.root)
    ids = []
    # The last was made offline six days ago, and replayed on what came two days ago.
    for number, days in enumerate((9, 8, 2, 6)):
        Repository(lone.root).commit_files({f"{number}.md": b"x"}, "x", "m")
        backdate(lone, now - timedelta(days=days))
        ids.append(git(lone.root, "rev-parse", "HEAD"))

    def at(days: int) -> str | None:
        return History(lone.root).commit_at(ids[-1], (now - timedelta(days=days)).timestamp(), now.timestamp())

    assert (at(4), at(0), at(900)) == (ids[1], ids[3], None)


def test_purge_removes_the_file_everywhere_and_is_told_apart_from_a_rejection(machine: Machine, other: Machine) -> None:
    commit(machine, FIRST, SECOND)
    machine.sync()
    other.sync()
    before = Repository(machine.root).tip() or ""
    assert [entry.path for entry in purge(kb(machine), machine.environment, [FIRST.id[:6]])] == [path_of(FIRST)]
    assert list(machine.learnings()) == [path_of(SECOND)]
    assert find_purged(machine.root, before, Repository(machine.root).tip() or "") == {path_of(FIRST)}
    with pytest.raises(AgentContextError, match="no learning has an id"):
        purge(kb(machine), machine.environment, [SECOND.id, FIRST.id])
    assert list(machine.learnings()) == [path_of(SECOND)]


def test_times_in_the_log_are_utc(machine: Machine) -> None:
    commit(machine, FIRST)
    backdate(machine, datetime(2026, 3, 1, 12, 30, tzinfo=UTC))
    assert read_log(kb(machine), Wanted(limit=1))[0].at == utc(datetime(2026, 3, 1, 12, 30, tzinfo=UTC).timestamp())
