"""Real clones, a real bare remote, real git: what a user relies on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock
from samples import LESSON, OTHER_LESSON, Machine, git, make_learning, replace_fields, tool_result, user, write_session

from agent_context.archive import Archive
from agent_context.errors import AgentContextError, NeedsPersonError
from agent_context.frontmatter import write_learning
from agent_context.git import Repository
from agent_context.knowledge import KnowledgeBase
from agent_context.learning import Status, utc
from agent_context.syncing import sync as sync_module

FOLDER = "projects/o.r/2026-03"
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
SETPRIV = shutil.which("setpriv")
# How to run a program so that the modes of files hold for it: root loses the right to pass over them.
NOT_ROOT_HOLDS = [] if not IS_ROOT else [SETPRIV, "--bounding-set=-dac_override,-dac_read_search"] if SETPRIV else None

# A sync that dies after the worktree was written and before the index and the branch have moved.
DIES_HALF_WAY = (
    "import os, sys\n"
    "from agent_context.git import repository\n"
    "repository.Repository._write_index = lambda self, changes: os._exit(9)\n"
    "sys.argv = ['agent-context', *sys.argv[1:]]\n"
    "from agent_context.__main__ import main; sys.exit(main())\n"
)


def head(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD")


def run_program(machine: Machine, program: list[str]) -> subprocess.CompletedProcess[str]:
    home = {"HOME": str(machine.folder), "CLAUDE_CONFIG_DIR": str(machine.environment.claude_dir)}
    command = [*program, "sync", "--kb", str(machine.root)]
    return subprocess.run(command, env={**os.environ, **home}, capture_output=True, text=True, check=False)


def only_path(machine: Machine) -> str:
    (path,) = machine.learnings()
    return path


def test_a_session_becomes_a_pushed_learning_and_a_snippet(machine: Machine, remote: Path) -> None:
    checkout = machine.checkout()
    machine.teach(LESSON, cwd=checkout)
    report = machine.sync()
    assert (report.found, report.read, report.candidates, len(report.learned)) == (1, 1, 1, 1)
    assert (report.pushed, report.unpushed, report.waiting, report.exit_code) == (1, 0, "", 0)
    ((path, learning),) = machine.learnings().items()
    assert path == f"{FOLDER}/never-run-fly-deploy-directly-always-use-make-{learning.id}.md"
    assert (learning.claim, learning.status, learning.evidence) == (LESSON, Status.UNREVIEWED, (LESSON,))
    assert (learning.sources[0].machine, learning.sources[0].session) == ("laptop", "s1")
    assert head(machine.root) == git(remote, "rev-parse", "main")
    assert git(machine.root, "status", "--porcelain") == ""
    snippet = (checkout / ".claude/rules/agent-context.md").read_text()
    assert "Never run `fly deploy` directly" in snippet
    assert git(checkout, "status", "--porcelain") == ""
    assert (
        machine.root / "projects/o.r/project.toml"
    ).read_text() == 'name = "o/r"\nremotes = [\n    "github.com/o/r",\n]\n'


def test_the_commit_says_where_it_comes_from(machine: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    machine.sync()
    message = git(machine.root, "log", "-1", "--format=%B")
    sync = machine.root.parent / "data" / "journal.jsonl"
    identity = json.loads(sync.read_text())["sync"]
    assert message == (
        f"learn: 1 learning in o.r\n\nMachine: laptop\nSync: {identity}\nSessions: 1\nExtractor: heuristic"
    )


def test_a_second_sync_with_nothing_new_makes_no_commit(machine: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    machine.sync()
    before = head(machine.root)
    report = machine.sync()
    assert (report.read, report.skipped, report.learned, report.pushed, report.snippets) == (
        0,
        {"read before": 1},
        [],
        0,
        [],
    )
    assert head(machine.root) == before


def test_a_dry_run_changes_nothing_and_shows_all(machine: Machine) -> None:
    checkout = machine.checkout()
    machine.teach(LESSON, cwd=checkout)
    before = sorted(str(path) for path in machine.folder.rglob("*"))
    report = machine.sync(dry_run=True)
    assert [learned.claim for learned in report.learned] == [LESSON]
    assert sorted(str(path) for path in machine.folder.rglob("*")) == before
    assert machine.sync().pushed == 1


def test_a_session_still_being_written_waits(machine: Machine) -> None:
    checkout = machine.checkout()
    path = machine.teach(LESSON, cwd=checkout, age=5)
    assert machine.sync().skipped == {"still being written": 1}
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert len(machine.sync().learned) == 1


def test_a_session_that_vanished_unread_is_named_as_lost(machine: Machine) -> None:
    path = machine.teach(LESSON, age=5)
    machine.sync()
    path.unlink()
    assert machine.sync().lost == [f"{path}: gone before it was read"]
    assert machine.sync().lost == []


def test_a_session_that_grew_is_read_again_without_doubling(machine: Machine) -> None:
    checkout = machine.checkout()
    machine.teach(LESSON, cwd=checkout)
    machine.sync()
    machine.teach(LESSON, OTHER_LESSON, cwd=checkout)
    report = machine.sync()
    assert ([learned.claim for learned in report.learned], report.dropped) == ([OTHER_LESSON], [])


def test_a_fork_and_a_renamed_file_hold_nothing_new(machine: Machine) -> None:
    path = machine.teach(LESSON, cwd=machine.checkout())
    machine.sync()
    shutil.copy2(path, path.with_name("fork.jsonl"))
    path.rename(path.with_name("renamed.jsonl"))
    report = machine.sync()
    assert (report.found, report.read, report.skipped) == (2, 0, {"nothing new since it was read": 2})


def test_sessions_are_copied_before_their_agent_deletes_them(machine: Machine) -> None:
    path = machine.teach(LESSON, cwd=machine.checkout())
    text = path.read_bytes()
    assert machine.sync().archived == 1
    path.unlink()
    archive = Archive(machine.environment.data_dir / "archive")
    (copy,) = archive.copies()
    assert (copy.read, b"".join(archive.lines(copy))) == (True, text)
    assert machine.sync().archived == 0
    assert "archive" not in git(machine.root, "ls-files")


def test_a_week_in_which_nothing_could_be_read_is_an_error(machine: Machine) -> None:
    folder = machine.environment.claude_dir / "projects" / "p"
    write_session(folder / "new-format.jsonl", "<session><words>of an unknown format</words></session>")
    write_session(folder / "opened-only.jsonl", {"type": "file-history-snapshot"})
    report = machine.sync()
    assert report.exit_code == 1
    assert report.silence == "nothing could be captured from any session of the last 7 days: 1 not a transcript"
    assert machine.sync().silence == report.silence
    machine.teach(LESSON)
    assert (machine.sync().silence, machine.sync().exit_code) == ("", 0)


def test_a_deleted_state_costs_only_time(machine: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    machine.sync()
    before = head(machine.root)
    shutil.rmtree(machine.environment.data_dir)
    report = machine.sync()
    assert (report.read, [dropped.reason for dropped in report.dropped]) == (1, ["exact duplicate"])
    assert head(machine.root) == before


def test_a_clone_made_anew_reads_again_what_it_lost(machine: Machine, remote: Path) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    git(machine.root, "remote", "remove", "origin")
    machine.sync()
    shutil.rmtree(machine.root)
    git(machine.folder, "clone", "--quiet", str(remote), "kb")
    assert [learned.claim for learned in machine.sync().learned] == [LESSON]


def test_what_a_checkouts_rule_files_say_is_not_learned_again(machine: Machine) -> None:
    checkout = machine.checkout()
    (checkout / "CLAUDE.md").write_text(f"# Rules\n\n- {OTHER_LESSON}\n")
    machine.teach(LESSON, OTHER_LESSON, cwd=checkout)
    report = machine.sync()
    assert [learned.claim for learned in report.learned] == [LESSON]
    assert [(item.reason, item.detail) for item in report.dropped] == [
        ("already written in a rule file", "CLAUDE.md (the same words)")
    ]


def test_two_machines_meet_in_one_project_without_loss_or_doubling(machine: Machine, other: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    other.teach(LESSON, OTHER_LESSON, cwd=other.checkout("https://github.com/O/R"))
    machine.sync()
    report = other.sync()
    assert (report.brought_in, report.pushed, [item.reason for item in report.dropped]) == (1, 1, ["exact duplicate"])
    machine.sync()
    assert head(machine.root) == head(other.root)
    assert sorted(learning.claim for learning in machine.learnings().values()) == sorted([LESSON, OTHER_LESSON])


def test_learnings_made_apart_are_replayed_in_a_line(machine: Machine, other: Machine, remote: Path) -> None:
    git(other.root, "remote", "set-url", "origin", str(remote.parent / "away.git"))
    other.teach(OTHER_LESSON, cwd=other.checkout())
    report = other.sync()
    assert (report.failed, report.unpushed, report.exit_code) == (True, 1, 1)
    assert "the remote does not answer" in report.waiting
    machine.teach(LESSON, cwd=machine.checkout())
    machine.sync()
    git(other.root, "remote", "set-url", "origin", str(remote))
    assert (other.sync().pushed, git(other.root, "log", "--merges", "--oneline")) == (1, "")
    machine.sync()
    assert head(machine.root) == head(other.root) == git(remote, "rev-parse", "main")
    assert len(machine.learnings()) == 2


def test_the_same_learning_made_apart_is_one_with_both_sources(machine: Machine, other: Machine, remote: Path) -> None:
    git(other.root, "remote", "set-url", "origin", str(remote.parent / "away.git"))
    for one, name in ((other, "s2"), (machine, "s1")):
        one.teach(LESSON, cwd=one.checkout(), name=name)
        one.sync()
    git(other.root, "remote", "set-url", "origin", str(remote))
    other.sync()
    (learning,) = other.learnings().values()
    assert [(source.machine, source.session) for source in learning.sources] == [("desktop", "s2"), ("laptop", "s1")]


def test_a_commit_of_the_users_own_is_merged_not_rewritten(machine: Machine, other: Machine) -> None:
    (machine.root / "notes.txt").write_text("mine")
    git(machine.root, "add", "notes.txt")
    git(machine.root, "commit", "--quiet", "-m", "my own commit")
    mine = head(machine.root)
    other.teach(LESSON, cwd=other.checkout())
    other.sync()
    assert machine.sync().pushed == 3  # with the merge, and what the machine says of itself
    assert mine in git(machine.root, "log", "--format=%H").split()


def test_without_a_remote_it_commits_and_says_what_waits(machine: Machine) -> None:
    git(machine.root, "remote", "remove", "origin")
    machine.teach(LESSON, cwd=machine.checkout())
    report = machine.sync()
    assert (len(report.learned), report.pushed, report.failed, report.exit_code) == (1, 0, False, 0)
    assert report.waiting.startswith("this clone has no remote")
    assert report.unpushed == 2


def test_the_public_template_is_never_pushed_to(machine: Machine) -> None:
    settings = machine.root / "agent-context.toml"
    settings.write_text('template = "example.com/owner/template"\n' + settings.read_text())
    git(machine.root, "config", "url.file:///.insteadOf", "https://example.com/")
    git(machine.root, "remote", "set-url", "origin", "https://example.com/owner/template.git")
    machine.teach(LESSON, cwd=machine.checkout())
    git(
        machine.root,
        "config",
        f"url.{machine.root.parent.parent / 'remote.git'}.insteadOf",
        "https://example.com/owner/template.git",
    )
    report = machine.sync()
    assert (len(report.learned), report.pushed) == (1, 0)
    assert "the public template, which is never pushed to" in report.waiting


def test_an_empty_remote_receives_everything(machine: Machine, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "empty.git")
    git(machine.root, "remote", "set-url", "origin", str(tmp_path / "empty.git"))
    machine.teach(LESSON, cwd=machine.checkout())
    assert machine.sync().pushed == 2


def test_a_remote_with_another_history_blocks_the_push_alone(machine: Machine, tmp_path: Path) -> None:
    from samples import bare_remote  # noqa: PLC0415 - only here

    (tmp_path / "again").mkdir()
    found = bare_remote(tmp_path / "again")
    git(tmp_path / "again/seed", "commit", "--quiet", "--allow-empty", "--amend", "-m", "another")
    git(tmp_path / "again/seed", "push", "--quiet", "--force", str(found), "main")
    git(machine.root, "remote", "set-url", "origin", str(found))
    machine.teach(LESSON, cwd=machine.checkout())
    report = machine.sync()
    assert (len(report.learned), report.pushed, report.exit_code) == (1, 0, 3)
    assert "the remote has another history than this clone" in report.blocked[0]


def test_an_edit_by_hand_is_committed_as_the_users_and_travels(machine: Machine, other: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    machine.sync()
    path = only_path(machine)
    file = machine.root / path
    file.write_text(file.read_text().replace("status: unreviewed", "status: accepted"))
    report = machine.sync()
    assert (report.edits, report.pushed) == ([path], 1)
    other.sync()
    assert other.learnings()[path].status is Status.ACCEPTED


def test_an_edit_that_does_not_read_stays_uncommitted_and_the_rest_goes_on(machine: Machine) -> None:
    checkout = machine.checkout()
    machine.teach(LESSON, cwd=checkout)
    machine.sync()
    path = only_path(machine)
    broken = (machine.root / path).read_text().replace("kind: ", "kind: joke #")
    (machine.root / path).write_text(broken)
    machine.teach(OTHER_LESSON, cwd=checkout, name="s2")
    report = machine.sync()
    assert report.exit_code == 3
    assert report.problems[0].startswith(f"{path}:3: kind: Invalid enum value 'joke'")
    assert len([problem for problem in report.problems if path in problem]) == 1
    assert ([learned.claim for learned in report.learned], report.pushed) == ([OTHER_LESSON], 1)
    assert (machine.root / path).read_text() == broken


def test_a_broken_file_from_another_machine_is_named_and_the_rest_goes_on(machine: Machine, other: Machine) -> None:
    (other.root / FOLDER).mkdir(parents=True)
    (other.root / FOLDER / "broken-0123456789.md").write_text("---\nnonsense\n")
    git(other.root, "add", ".")
    git(other.root, "commit", "--quiet", "-m", "broken")
    git(other.root, "push", "--quiet")
    machine.teach(LESSON, cwd=machine.checkout())
    report = machine.sync()
    assert (report.brought_in, len(report.learned), report.pushed, report.exit_code) == (1, 1, 1, 3)
    hint = "close it with a line of three dashes"
    assert report.problems == [f"{FOLDER}/broken-0123456789.md:3: the front matter does not end ({hint})"]


def test_a_deleted_learning_comes_back_as_rejected_and_is_not_learned_again(machine: Machine, other: Machine) -> None:
    checkout = machine.checkout()
    machine.teach(LESSON, cwd=checkout)
    machine.sync()
    path = only_path(machine)
    (machine.root / path).unlink()
    machine.sync()
    learning = machine.learnings()[path]
    assert learning.status is Status.REJECTED
    assert learning.status_note is not None
    assert learning.status_note.reason == "the file was deleted"
    other.teach(LESSON, cwd=other.checkout())
    assert [dropped.reason for dropped in other.sync().dropped] == ["rejected before"]
    assert not (checkout / ".claude/rules/agent-context.md").exists()


def test_a_secret_keeps_its_learning_out_and_the_report_does_not_repeat_it(machine: Machine) -> None:
    secret = "ghp_" + "a1B2c3D4" * 4 + "e5F6"
    machine.teach(
        f"Always use the token {secret} for the deploy of the staging app.", OTHER_LESSON, cwd=machine.checkout()
    )
    report = machine.sync()
    assert [learned.claim for learned in report.learned] == [OTHER_LESSON]
    assert len(report.dropped) == 1
    assert report.dropped[0].reason.startswith("secret: ")
    assert secret[6:] not in repr(report)
    assert subprocess.run(["grep", "-r", secret, str(machine.root)], check=False, capture_output=True).returncode == 1


def test_a_secret_in_an_edit_by_hand_stays_uncommitted(machine: Machine) -> None:
    secret = "ghp_" + "a1B2c3D4" * 4 + "e5F6"
    (machine.root / "patterns/note.txt").write_text(f"token {secret}\n")
    report = machine.sync()
    assert (report.edits, report.exit_code) == ([], 3)
    assert report.problems[0].startswith("patterns/note.txt:1: secret: ")
    assert secret not in report.problems[0]


def test_an_uncommitted_edit_in_the_way_of_the_remote_loses_nothing(machine: Machine, other: Machine) -> None:
    (other.root / "mkdocs.yml").write_text("site_name: theirs\n")
    git(other.root, "commit", "--quiet", "-am", "theirs")
    git(other.root, "push", "--quiet")
    (machine.root / "mkdocs.yml").write_text("site_name: mine, not committed\n")
    machine.teach(LESSON, cwd=machine.checkout())
    report = machine.sync()
    assert (report.exit_code, len(report.learned), report.pushed) == (3, 1, 0)
    assert "mkdocs.yml has changes that are not committed" in report.blocked[0]
    assert (machine.root / "mkdocs.yml").read_text() == "site_name: mine, not committed\n"


def test_two_edits_of_one_claim_are_both_kept_and_block_nothing(machine: Machine, other: Machine) -> None:
    learning = make_learning("Use make.", id="0123456789")
    path = f"{FOLDER}/use-make-0123456789.md"
    (machine.root / FOLDER).mkdir(parents=True)
    (machine.root / path).write_text(write_learning(learning))
    machine.sync()
    other.sync()
    for one, claim in ((machine, "Use make always."), (other, "Use just instead.")):
        (one.root / path).write_text(write_learning(replace_fields(learning, claim=claim)))
    other.teach(LESSON, cwd=other.checkout())
    machine.sync()
    report = other.sync()
    assert (report.exit_code, len(report.learned), report.unpushed) == (0, 1, 0)
    machine.sync()
    for one in (machine, other):
        merged = one.learnings()[path]
        texts = {text for conflict in merged.conflicts for text in conflict.versions}
        assert {merged.claim, *texts} == {"Use make always.", "Use just instead."}
        assert git(one.root, "status", "--porcelain") == ""
    assert git(machine.root, "rev-parse", "HEAD") == git(other.root, "rev-parse", "HEAD")


def test_another_sync_under_way_is_waited_for_and_then_named(machine: Machine) -> None:
    settings = machine.root / "agent-context.toml"
    settings.write_text(settings.read_text().replace("[sync]\n", "[sync]\nlock_seconds = 0\n"))
    with FileLock(Repository(machine.root).lock_path), pytest.raises(AgentContextError, match="another agent-context"):
        machine.sync()


def test_a_detached_head_needs_a_person(machine: Machine) -> None:
    git(machine.root, "checkout", "--quiet", "--detach")
    with pytest.raises(NeedsPersonError):
        machine.sync()


def test_bad_session_files_cost_themselves_alone(machine: Machine) -> None:
    checkout = machine.checkout()
    folder = machine.environment.claude_dir / "projects" / "p"
    good = machine.teach(LESSON, cwd=checkout)
    torn = write_session(
        folder / "torn.jsonl", user(OTHER_LESSON), '{"type":"user","message":{"role":"us', cwd=str(checkout)
    )
    (folder / "binary.jsonl").write_bytes(bytes(range(256)) * 99)
    (folder / "unreadable.jsonl").mkdir()
    only_tools = write_session(folder / "tools.jsonl", tool_result("x"), cwd=str(checkout))
    for path in (folder / "binary.jsonl", folder / "unreadable.jsonl"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    report = machine.sync()
    assert sorted(learned.claim for learned in report.learned) == sorted([LESSON, OTHER_LESSON])
    assert (report.found, report.read, report.broken_lines) == (5, 3, 1)
    assert report.skipped == {"not a transcript": 1, "unreadable: Is a directory": 1}
    assert report.lost == [
        f"{folder / 'binary.jsonl'}: not a transcript",
        f"{folder / 'unreadable.jsonl'}: unreadable: Is a directory",
    ]
    assert good.exists()
    assert torn.exists()
    assert only_tools.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full or a small file system; limits by RLIMIT_FSIZE")
def test_a_full_disk_is_an_error_that_loses_nothing(machine: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    before = head(machine.root)
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60, 60)); sys.argv = ['agent-context', *sys.argv[1:]];"
        "from agent_context.__main__ import main; sys.exit(main())"
    )
    done = run_program(machine, [sys.executable, "-c", script])
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Next step: " in done.stderr
    assert "Traceback" not in done.stderr
    assert head(machine.root) == before
    assert len(machine.sync().learned) == 1


@pytest.mark.skipif(NOT_ROOT_HOLDS is None, reason="root obeys no mode here, and setpriv is not there to make it")
def test_a_folder_that_cannot_be_written_is_an_error_that_loses_nothing(machine: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    before = head(machine.root)
    (machine.root / "projects").chmod(0o555)
    done = run_program(machine, [*(NOT_ROOT_HOLDS or []), sys.executable, "-m", "agent_context"])
    (machine.root / "projects").chmod(0o755)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "projects/o.r" in done.stderr
    assert "Next step: " in done.stderr
    assert head(machine.root) == before
    assert machine.sync().pushed == 1
    assert [learning.claim for learning in machine.learnings().values()] == [LESSON]


@pytest.mark.skipif(NOT_ROOT_HOLDS is None, reason="root obeys no mode here, and setpriv is not there to make it")
def test_a_session_that_may_not_be_read_is_named_and_read_when_it_may(machine: Machine) -> None:
    path = machine.teach(LESSON, cwd=machine.checkout())
    path.chmod(0)
    done = run_program(machine, [*(NOT_ROOT_HOLDS or []), sys.executable, "-m", "agent_context"])
    path.chmod(0o644)
    assert f"lost: {path}: unreadable: Permission denied" in done.stdout.replace("\n", "")
    assert len(machine.sync().learned) == 1


def test_a_killed_sync_is_finished_by_the_next(machine: Machine, remote: Path) -> None:
    """Kill after the worktree was written and before the branch moved: the files are there, the commit is not."""
    machine.teach(LESSON, cwd=machine.checkout())
    assert run_program(machine, [sys.executable, "-c", DIES_HALF_WAY]).returncode == 9
    assert len(machine.learnings()) == 1
    report = machine.sync()
    assert (report.pushed, report.exit_code, len(machine.learnings())) == (2, 0, 1)
    assert head(machine.root) == git(remote, "rev-parse", "main")
    assert git(machine.root, "status", "--porcelain") == ""


def test_racing_machines_all_arrive(tmp_path: Path, remote: Path) -> None:
    machines = [Machine.join(tmp_path, remote, f"m{number}") for number in range(4)]
    running = []
    for number, one in enumerate(machines):
        one.teach(
            f"From now on always run check number {number} before the release of part {number}.", cwd=one.checkout()
        )
        home = {"HOME": str(one.folder), "CLAUDE_CONFIG_DIR": str(one.environment.claude_dir)}
        home["AGENT_CONTEXT_MACHINE"] = f"m{number}"
        command = [sys.executable, "-m", "agent_context", "sync", "--kb", str(one.root)]
        running.append(
            subprocess.Popen(command, env={**os.environ, **home}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        )
    assert [(one.wait(), (one.stdout and one.stdout.close()))[0] for one in running] == [0, 0, 0, 0]
    for one in machines:
        one.sync()
    assert {head(one.root) for one in machines} == {git(remote, "rev-parse", "main")}
    assert len(machines[0].learnings()) == 4


def test_settings_of_the_machine_remember_checkouts(machine: Machine) -> None:
    checkout = machine.checkout()
    machine.teach(LESSON, cwd=checkout)
    machine.sync()
    assert f'"{checkout}" = "o.r"' in machine.environment.machine_file.read_text()
    shutil.move(checkout, checkout.parent / "moved")
    machine.teach(OTHER_LESSON, cwd=checkout, name="s2")
    report = machine.sync()
    assert ([learned.project for learned in report.learned], report.guessed) == (["o.r"], {})


def test_utc_is_written_without_fractions() -> None:
    assert utc(1_700_000_000.9) == "2023-11-14T22:13:20Z"


def test_snippets_can_be_switched_off(machine: Machine) -> None:
    checkout = machine.checkout()
    settings = machine.root / "agent-context.toml"
    settings.write_text(settings.read_text().replace("[snippet]\n", "[snippet]\ninstall = false\n"))
    machine.teach(LESSON, cwd=checkout)
    assert machine.sync().snippets == []
    assert not (checkout / ".claude").exists()


def test_the_machines_name_is_in_every_source(machine: Machine) -> None:
    renamed = Machine(machine.folder, replace(machine.environment, machine="büro"))
    renamed.teach(LESSON, cwd=renamed.checkout())
    renamed.sync()
    (learning,) = renamed.learnings().values()
    assert learning.sources[0].machine == "büro"


def plant(remote: Path, entries: dict[str, bytes]) -> None:
    """Commit a tree on the remote that git itself would refuse to make: names with `..`, `.git` and slashes."""
    old = git(remote, "rev-parse", "main")
    raw = b""
    for line in git(remote, "ls-tree", old).splitlines():
        mode, _, blob, name = line.replace("\t", " ").split(" ", 3)
        raw += f"{mode.lstrip('0')} {name}".encode() + b"\0" + bytes.fromhex(blob)
    for name, data in entries.items():
        blob = subprocess.run(
            ["git", "hash-object", "-w", "--stdin"], cwd=remote, input=data, capture_output=True, check=True
        )
        raw += f"100755 {name}".encode() + b"\0" + bytes.fromhex(blob.stdout.decode().strip())
    made = subprocess.run(
        ["git", "hash-object", "-w", "-t", "tree", "--literally", "--stdin"],
        cwd=remote,
        input=raw,
        capture_output=True,
        check=True,
    )
    commit = git(remote, "commit-tree", made.stdout.decode().strip(), "-p", old, "-m", "planted")
    git(remote, "update-ref", "refs/heads/main", commit)


@pytest.mark.parametrize("name", ["../escaped.txt", ".git/hooks/post-checkout", ".GIT", "a/../../b", "x\\y"])
def test_a_planted_path_writes_nothing_anywhere(machine: Machine, remote: Path, name: str) -> None:
    plant(remote, {name: b"#!/bin/sh\n"})
    machine.teach(LESSON, cwd=machine.checkout())
    before = sorted(str(path) for path in machine.folder.rglob("*") if "objects" not in path.parts)
    report = machine.sync()
    assert (report.exit_code in (1, 3), report.pushed, len(report.learned)) == (True, 0, 1)
    made = {str(path) for path in machine.folder.rglob("*") if "objects" not in path.parts} - set(before)
    assert [path for path in made if path.endswith(("escaped.txt", "post-checkout", ".GIT", "/b", "y"))] == []


def test_a_planted_path_is_refused_even_when_git_let_it_in(machine: Machine, remote: Path) -> None:
    plant(remote, {".git": b"x"})
    git(machine.root, "-c", "fetch.fsckObjects=false", "fetch", "--quiet")
    report = machine.sync()
    assert report.exit_code in (1, 3)
    with pytest.raises(AgentContextError, match="which no honest commit has"):
        Repository(machine.root).move_to(git(machine.root, "rev-parse", "origin/main"))


def test_a_missing_folder_is_no_rejection_of_all_in_it(machine: Machine) -> None:
    lessons = [
        f"From now on always run check number {number} before the release of part {number}." for number in range(7)
    ]
    checkout = machine.checkout()
    for number, lesson in enumerate(lessons):
        machine.teach(lesson, name=f"s{number}", cwd=checkout)
    machine.sync()
    before = machine.learnings()
    shutil.rmtree(machine.root / "projects/o.r")
    report = machine.sync()
    assert (report.exit_code, report.rejected) == (3, [])
    assert report.problems[0].startswith("7 learnings are missing")
    git(machine.root, "restore", "projects")
    assert machine.learnings() == before


def test_a_moved_learning_is_named_and_nothing_is_committed(machine: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    machine.sync()
    path, tip = only_path(machine), head(machine.root)
    (machine.root / path).rename(machine.root / "patterns" / Path(path).name)
    report = machine.sync()
    assert (report.exit_code, head(machine.root)) == (3, tip)
    assert report.problems == [
        f"patterns/{Path(path).name}: was moved from {path}; a learning's path never changes (move it back)"
    ]


def test_a_move_cut_short_is_finished_not_read_as_deletions(machine: Machine, other: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    machine.sync()
    other.sync()
    path = only_path(machine)
    git(other.root, "rm", "--quiet", path)
    git(other.root, "commit", "--quiet", "-m", "removed on purpose, with others")
    git(other.root, "push", "--quiet")
    assert run_program(machine, [sys.executable, "-c", DIES_HALF_WAY]).returncode == 9
    assert not (machine.root / path).exists()
    report = machine.sync()
    assert (report.edits, report.exit_code) == ([], 0)


def test_a_learning_deleted_in_a_commit_stays_rejected(machine: Machine, other: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    machine.sync()
    other.sync()
    path = only_path(machine)
    git(other.root, "rm", "--quiet", path)
    git(other.root, "commit", "--quiet", "-m", "not so")
    git(other.root, "push", "--quiet")
    report = machine.sync()
    assert (report.rejected, machine.learnings()[path].status) == ([path], Status.REJECTED)
    other.sync()
    other.teach(LESSON, cwd=other.checkout())
    assert [dropped.reason for dropped in other.sync().dropped] == ["rejected before"]


def test_a_remote_that_was_rewound_is_not_pushed_forward_again(machine: Machine, other: Machine, remote: Path) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    machine.sync()
    other.sync()
    git(remote, "update-ref", "refs/heads/main", git(remote, "rev-parse", "main~2"))
    for _ in range(2):
        report = other.sync()
        assert (report.exit_code, report.pushed) == (3, 0)
        assert "the remote's history was rewritten" in report.blocked[0]
    assert git(remote, "rev-list", "--count", "main") == "1"


def test_a_review_does_not_let_a_secret_through(machine: Machine) -> None:
    from agent_context.review.reviewing import decide  # noqa: PLC0415 - only here

    machine.teach(LESSON, cwd=machine.checkout())
    machine.sync()
    path = only_path(machine)
    with (machine.root / path).open("a") as file:
        file.write("\n> token ghp_" + "a1B2c3D4" * 4 + "e5F6\n")
    identity = machine.learnings()[path].id
    with pytest.raises(AgentContextError, match="secret: "):
        decide(KnowledgeBase(machine.root), machine.environment, (identity,), Status.ACCEPTED, "ok")


def test_leftovers_of_editors_and_links_are_not_committed(machine: Machine) -> None:
    for name in (".x.md.abc.tmp", "backup.md~", ".DS_Store"):
        (machine.root / "projects" / name).write_text("x")
    (machine.root / "projects/link").symlink_to("/etc/hostname")
    report = machine.sync()
    assert (report.edits, report.exit_code) == ([], 0)
    git(machine.root, "add", "projects/link")
    git(machine.root, "commit", "--quiet", "-m", "a link")
    assert machine.sync().exit_code == 0


def test_another_branch_is_not_pushed(machine: Machine) -> None:
    git(machine.root, "switch", "--quiet", "-c", "experiment")
    with pytest.raises(NeedsPersonError, match="the branch experiment is checked out"):
        machine.sync()


def test_odd_files_of_this_machine_cost_themselves_alone(machine: Machine) -> None:
    checkout = machine.checkout()
    folder = machine.environment.claude_dir / "projects" / "p"
    machine.teach(LESSON, cwd=checkout)
    os.mkfifo(folder / "pipe.jsonl")
    late = machine.teach(OTHER_LESSON, name="late", cwd=checkout)
    os.utime(late, (2**40, 2**40))
    (folder / "dangling.jsonl").symlink_to("/nowhere")
    (checkout / ".git/info/exclude").write_bytes("für".encode("latin-1"))
    report = machine.sync()
    assert sorted(learned.claim for learned in report.learned) == sorted([LESSON, OTHER_LESSON])
    assert report.skipped["not a regular file"] == 1
    assert (checkout / ".git/info/exclude").read_bytes().startswith("für\n".encode("latin-1"))


def test_a_damaged_state_costs_one_run_at_the_most(machine: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    machine.sync()
    (state,) = machine.environment.data_dir.glob("*.sqlite")
    data = bytearray(state.read_bytes())
    data[4096 : 4096 + 2000] = os.urandom(2000)
    state.write_bytes(bytes(data))
    with suppress(AgentContextError):
        machine.sync()
    assert machine.sync().exit_code == 0


def test_more_than_a_session_may_teach_is_said_not_hidden(machine: Machine) -> None:
    lessons = [
        f"From now on always run check number {number} before the release of part {number}." for number in range(8)
    ]
    machine.teach(*lessons[:5], cwd=machine.checkout())
    assert len(machine.sync().learned) == 5
    machine.teach(*lessons, cwd=machine.folder / "work/r")
    assert [learned.claim for learned in machine.sync().learned] == lessons[5:]
    other = machine.teach(
        *(lesson.replace("check", "probe") for lesson in lessons), name="s2", cwd=machine.folder / "work/r"
    )
    report = machine.sync()
    assert (len(report.learned), [item.reason for item in report.dropped]) == (5, ["too many of one session"] * 3)
    assert other.exists()


def test_codex_sessions_are_read_beside_those_of_claude_code(machine: Machine) -> None:
    checkout = machine.checkout()
    folder = machine.environment.agent_homes["codex"] / "sessions" / "2026" / "03" / "01"
    folder.mkdir(parents=True)
    lines = (
        {"type": "session_meta", "payload": {"id": "0c", "cwd": str(checkout), "originator": "codex_cli_rs"}},
        {
            "type": "response_item",
            "payload": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": OTHER_LESSON}]},
        },
    )
    stamped = [json.dumps({"timestamp": "2026-03-01T10:00:00.000Z", **line}) for line in lines]
    path = folder / "rollout-2026-03-01T10-00-00-0197a000-0000-7000-8000-000000000001.jsonl"
    path.write_text("\n".join(stamped) + "\n")
    os.utime(path, (1_772_359_200, 1_772_359_200))
    machine.teach(LESSON, cwd=checkout)
    report = machine.sync()
    assert (report.found, report.read) == (2, 2)
    assert sorted(learned.claim for learned in report.learned) == sorted([LESSON, OTHER_LESSON])


def test_an_interruption_keeps_what_was_done_and_leaves_the_rest_for_the_next(machine: Machine) -> None:
    checkout = machine.checkout()
    machine.teach(LESSON, name="s1", cwd=checkout)
    machine.teach(OTHER_LESSON, name="s2", cwd=checkout)

    def interrupt(done: int, due: int) -> None:
        if (done, due) == (1, 2):
            raise KeyboardInterrupt

    report = sync_module.sync(
        KnowledgeBase(machine.root), machine.environment, sync_module.SyncOptions(progress=interrupt)
    )
    assert (report.interrupted, report.exit_code, report.pushed) == (True, 130, 0)
    assert [learned.claim for learned in report.learned] == [LESSON]
    report = machine.sync()
    assert ([learned.claim for learned in report.learned], report.pushed) == ([OTHER_LESSON], 2)


def test_unread_sessions_are_named_with_the_days_they_have_left(machine: Machine) -> None:
    path = machine.teach(LESSON, age=5)
    report = machine.sync()
    assert [(item.path, item.days_left) for item in report.unread] == [(str(path), 29)]
