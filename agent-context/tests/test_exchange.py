"""What a sync does with a remote and a clone in every condition that was seen in the wild. Real git, real remotes."""

from __future__ import annotations

import http.server
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock
from samples import Machine, git, make_learning

from agent_context.errors import AgentContextError, NeedsPersonError, RepositoryError
from agent_context.frontmatter import write_learning
from agent_context.git import Repository, Trouble, diagnose, find_leftovers, find_locks, locked
from agent_context.reports import SyncReport
from agent_context.syncing.exchange import TRAILER, Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "projects/o.r/2026-03/use-make-0123456789.md"
LEARNING = write_learning(make_learning("Use make.", id="0123456789")).encode()


def exchange(machine: Machine, **more: Any) -> SyncReport:
    """Bring in and push, as sync does."""
    repository = Repository(machine.root)
    report = SyncReport(machine.environment.machine, str(machine.root), "")
    with locked(repository, 5):
        branch = repository.branch()
        name = machine.environment.machine
        work = Exchange(repository, branch, repository.remote(branch), name, "", report, **more)
        work.bring_in()
        work.push()
    return report


def add(machine: Machine, path: str = PATH, data: bytes = LEARNING) -> str:
    """Commit a file as this program does."""
    name = machine.environment.machine
    return Repository(machine.root).commit_files({path: data}, f"add: {path}\n\n{TRAILER}{name}\n", name)


def head(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD")


def write_hook(git_dir: Path, name: str, text: str) -> None:
    hook = git_dir / "hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{text}\n")
    hook.chmod(0o755)


@contextmanager
def serve_status(code: int) -> Iterator[str]:
    """A web server that answers everything with one status."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code)
            self.send_header("Content-Length", "0")
            if code == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="kb"')
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/kb.git"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# The remote


def test_refused_credentials_are_told_from_a_remote_that_is_away(machine: Machine) -> None:
    add(machine)
    with serve_status(401) as url:
        git(machine.root, "remote", "set-url", "origin", url)
        report = exchange(machine)
    assert (report.failed, report.unpushed, report.exit_code) == (True, 1, 1)
    assert report.waiting.startswith("the remote refuses this machine's credentials: fatal: could not read Username")
    next_step = f"Next step: log in until this works without a question: git -C {machine.root} fetch origin"
    assert next_step in report.waiting
    report = exchange(machine)
    assert report.waiting.startswith("the remote does not answer: fatal: unable to access")
    assert "it all waits here and goes with the next sync" in report.waiting


def test_a_server_without_the_repository_is_told(machine: Machine) -> None:
    with serve_status(404) as url:
        git(machine.root, "remote", "set-url", "origin", url)
        report = exchange(machine)
    assert report.waiting.startswith("the remote does not answer as a git repository: fatal: repository")
    assert f"git -C {machine.root} remote -v" in report.waiting


@pytest.mark.parametrize(
    ("words", "trouble"),
    [
        ("git@github.com: Permission denied (publickey).", Trouble.CREDENTIALS),
        ("remote: Permission to o/r.git denied to ada.; fatal: returned error: 403", Trouble.CREDENTIALS),
        ("Host key verification failed.; fatal: Could not read from remote repository.", Trouble.HOST_KEY),
        ("ssh: Could not resolve hostname kb: Name or service not known", Trouble.UNREACHABLE),
        ("fatal: no answer within 300 seconds", Trouble.UNREACHABLE),
        ("ERROR: Repository not found.", Trouble.ABSENT),
        ("! [remote rejected] 1234 -> main (protected branch hook declined)", Trouble.REFUSED),
        ("error: Unable to create '/r/HEAD.lock': File exists.", Trouble.LOCKED),
    ],
)
def test_what_gits_words_mean(words: str, trouble: Trouble) -> None:
    assert diagnose(words, pushing=True) is trouble


def test_a_remote_that_always_moves_on_ends_in_a_message_not_in_a_loop(machine: Machine, remote: Path) -> None:
    moves_on = 'git update-ref refs/heads/main $(git commit-tree -p main -m other "main^{tree}")'
    write_hook(remote, "update", f"unset GIT_QUARANTINE_PATH; {moves_on}; exit 0")
    add(machine)
    report = exchange(machine, tries=3)
    assert (report.retries, report.pushed, report.unpushed, report.failed) == (3, 0, 1, True)
    assert report.waiting.startswith("others pushed first, 4 times in a row: ")
    assert report.brought_in == 3
    (remote / "hooks/update").unlink()
    assert exchange(machine).pushed == 1


def test_a_branch_that_the_server_protects_is_told_with_its_words(machine: Machine, remote: Path) -> None:
    write_hook(remote, "pre-receive", "echo 'main is protected, open a pull request' >&2; exit 1")
    add(machine)
    report = exchange(machine)
    assert (report.retries, report.pushed, report.failed) == (0, 0, True)
    assert report.waiting.startswith("the remote refused them: ")
    assert "remote: main is protected, open a pull request" in report.waiting


def test_a_force_pushed_remote_waits_for_a_person_and_the_named_way_out_works(
    machine: Machine, other: Machine, remote: Path
) -> None:
    add(machine)
    exchange(machine)
    seen = head(machine.root)
    git(other.root, "commit", "--quiet", "--allow-empty", "-m", "instead")
    git(other.root, "push", "--quiet", "--force", str(remote), "HEAD:main")
    mine = add(machine, "patterns/mine.txt", b"mine\n")
    report = exchange(machine)
    assert (report.exit_code, report.pushed, head(machine.root)) == (3, 0, mine)
    (message,) = report.blocked
    assert f"it no longer has {seen[:12]}" in message
    git(machine.root, "fetch", "--quiet", "origin")
    git(machine.root, "rebase", "--quiet", "--onto", "origin/main", seen[:12])
    assert exchange(machine).pushed == 1
    assert git(remote, "log", "--format=%s", "main").split("\n")[:2] == ["add: patterns/mine.txt", "instead"]


def test_a_remote_made_anew_is_told_from_one_that_was_rewritten(machine: Machine, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "fresh")
    git(tmp_path / "fresh", "commit", "--quiet", "--allow-empty", "-m", "a new beginning")
    git(machine.root, "remote", "set-url", "origin", str(tmp_path / "fresh"))
    add(machine)
    before = head(machine.root)
    report = exchange(machine)
    assert (report.exit_code, head(machine.root)) == (3, before)
    assert "the remote has another history than this clone, with no commit in common" in report.blocked[0]


def test_a_stale_lock_in_a_remote_on_this_disk_is_named_and_found(machine: Machine, remote: Path) -> None:
    lock = remote / "HEAD.lock"
    lock.touch()
    (remote / "objects/tmp_objdir-incoming-x1").mkdir()
    old = time.time() - 2 * 86_400
    for path in (lock, remote / "objects/tmp_objdir-incoming-x1"):
        os.utime(path, (old, old))
    add(machine)
    report = exchange(machine)
    assert (report.failed, report.pushed) == (True, 0)
    assert report.waiting.startswith("a lock is in the way: ")
    assert report.waiting.endswith(f"see that no git is running there, then remove {remote}/./HEAD.lock")
    found = find_leftovers(f"file://{remote}")
    assert [(item.path, item.blocks) for item in found] == [
        (lock, True),
        (remote / "objects/tmp_objdir-incoming-x1", False),
    ]
    assert find_leftovers(str(remote)) == found
    assert find_leftovers("https://example.com/kb.git") == []
    lock.unlink()
    assert exchange(machine).pushed == 1


def test_a_lock_that_is_in_use_is_no_leftover(remote: Path) -> None:
    lock = remote / "refs/heads/main.lock"
    with lock.open("w"):
        os.utime(lock, (1, 1))
        script = f"import time; f = open({str(lock)!r}); print('open', flush=True); time.sleep(60)"
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as holder:
            assert holder.stdout is not None
            holder.stdout.readline()
            held = find_leftovers(str(remote))
            holder.kill()
    assert held == ([] if sys.platform == "linux" else held)
    assert [item.path for item in find_leftovers(str(remote))] == [lock]


# Hooks of the clone


def test_the_clones_pre_push_hook_is_asked_and_what_it_says_is_passed_on(machine: Machine, remote: Path) -> None:
    write_hook(machine.root / ".git", "pre-push", "echo asked > hooked; echo 'not on a Friday' >&2; exit 1")
    add(machine)
    report = exchange(machine)
    assert (report.failed, report.pushed, report.unpushed) == (True, 0, 1)
    assert report.waiting.startswith("the pre-push hook of this clone refused: not on a Friday")
    write_hook(machine.root / ".git", "pre-push", "exit 0")
    assert exchange(machine).pushed == 1
    assert head(machine.root) == git(remote, "rev-parse", "main")


def test_a_hook_that_hangs_or_asks_is_cut_off_with_all_it_started(machine: Machine) -> None:
    write_hook(machine.root / ".git", "pre-push", "read answer < /dev/tty && touch woke; sleep 5; touch woke")
    add(machine)
    started = time.monotonic()
    report = exchange(machine, seconds=1)
    assert time.monotonic() - started < 4
    assert (report.failed, report.unpushed) == (True, 1)
    assert "no answer within 1 seconds" in report.waiting
    time.sleep(5.5 - (time.monotonic() - started))
    assert not (machine.root / "woke").exists()


def test_what_a_hook_leaves_in_the_background_holds_nothing_up(machine: Machine) -> None:
    write_hook(machine.root / ".git", "pre-push", "sleep 20 & exit 0")
    add(machine)
    started = time.monotonic()
    assert exchange(machine).pushed == 1
    assert time.monotonic() - started < 15


# The clone


def test_the_lock_is_not_handed_to_what_git_starts(machine: Machine) -> None:
    write_hook(machine.root / ".git", "pre-push", "ls -l /proc/self/fd > fds; exit 0")
    add(machine)
    exchange(machine)
    assert "agent-context.lock" not in (machine.root / "fds").read_text()


@pytest.mark.parametrize("name", ["index.lock", "HEAD.lock", "refs/heads/main.lock", "refs/remotes/origin/main.lock"])
def test_a_stale_lock_of_a_killed_git_is_removed(machine: Machine, other: Machine, name: str) -> None:
    add(other)
    exchange(other)
    lock = machine.root / ".git" / name
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    os.utime(lock, (time.time() - 3600,) * 2)
    git_dir = machine.root / ".git"
    assert [item.path for item in find_locks(git_dir, git_dir)] == [lock]
    assert exchange(machine).brought_in == 1
    assert not lock.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only /proc tells who is at work")
def test_the_lock_of_a_git_at_work_stays(machine: Machine) -> None:
    editor = machine.folder / "editor"
    editor.write_text("#!/bin/sh\nsleep 300\n")
    editor.chmod(0o755)
    (machine.root / "mkdocs.yml").write_text("site_name: mine\n")
    command = ["git", "-c", f"core.editor={editor}", "commit", "-a"]
    with subprocess.Popen(command, cwd=machine.root, start_new_session=True, stdout=subprocess.DEVNULL) as writing:
        lock = machine.root / ".git/index.lock"
        while not lock.exists():
            time.sleep(0.01)
        os.utime(lock, (1, 1))
        Repository(machine.root).recover()
        there = lock.exists()
        os.killpg(writing.pid, 9)
    assert there
    os.utime(lock, (1, 1))
    Repository(machine.root).recover()
    assert not lock.exists()


def test_leftovers_of_our_own_are_cleared_away(machine: Machine) -> None:
    git_dir = machine.root / ".git"
    (git_dir / "agent-context.tmp").mkdir()
    (git_dir / "agent-context.tmp/tmp123").write_bytes(b"half a fi")
    (git_dir / "index.lock").write_bytes(b"agent-context\n")
    pack = git_dir / "objects/pack/pack_git2_abc"
    pack.write_bytes(b"PACK")
    os.utime(pack, (1, 1))
    exchange(machine)
    assert list((git_dir / "agent-context.tmp").iterdir()) == []
    assert not (git_dir / "index.lock").exists()
    assert not pack.exists()


def test_only_one_at_a_time(machine: Machine) -> None:
    with (
        FileLock(Repository(machine.root).lock_path),
        pytest.raises(AgentContextError, match="another agent-context has been at work"),
        locked(Repository(machine.root), 0),
    ):
        pass


def test_a_shallow_clone_works_like_any_other(machine: Machine, tmp_path: Path, remote: Path) -> None:
    add(machine)
    exchange(machine)
    (tmp_path / "shallow").mkdir()
    git(tmp_path / "shallow", "clone", "--quiet", "--depth=1", f"file://{remote}", "kb")
    shallow = Machine(tmp_path / "shallow", Machine.settle(tmp_path / "shallow", "shallow"))
    add(shallow, "patterns/s.txt", b"s\n")
    assert exchange(shallow).pushed == 1
    add(machine, "patterns/m.txt", b"m\n")
    exchange(machine)
    add(shallow, "patterns/s2.txt", b"s\n")
    report = exchange(shallow)
    assert (report.brought_in, report.pushed, report.blocked) == (1, 1, [])
    assert head(shallow.root) == git(remote, "rev-parse", "main")


def test_a_shallow_clone_that_lacks_the_common_commit_says_how_to_get_it(
    machine: Machine, tmp_path: Path, remote: Path
) -> None:
    (tmp_path / "shallow").mkdir()
    git(tmp_path / "shallow", "clone", "--quiet", "--depth=1", f"file://{remote}", "kb")
    shallow = Machine(tmp_path / "shallow", Machine.settle(tmp_path / "shallow", "shallow"))
    for number in range(3):
        add(machine, f"patterns/{number}.txt", b"m\n")
    exchange(machine)
    add(shallow, "patterns/s.txt", b"s\n")
    git(shallow.root, "fetch", "--quiet", "--depth=1", "origin")
    report = exchange(shallow)
    assert report.exit_code == 3
    assert f"git -C {shallow.root} fetch --unshallow origin" in report.blocked[0]
    git(shallow.root, "fetch", "--quiet", "--unshallow", "origin")
    assert exchange(shallow).pushed == 1


def test_a_partial_clone_gets_what_it_lacks_through_git(machine: Machine, tmp_path: Path, remote: Path) -> None:
    git(remote, "config", "uploadpack.allowFilter", "true")
    git(remote, "config", "uploadpack.allowAnySHA1InWant", "true")
    add(machine, PATH, LEARNING.replace(b"Use make.", b"Use it."))
    first = add(machine)
    exchange(machine)
    (tmp_path / "partial").mkdir()
    git(tmp_path / "partial", "clone", "--quiet", "--filter=blob:none", f"file://{remote}", "kb")
    partial = Machine(tmp_path / "partial", Machine.settle(tmp_path / "partial", "partial"))
    add(machine, "patterns/m.txt", b"m\n")
    exchange(machine)
    add(partial, "patterns/p.txt", b"p\n")
    report = exchange(partial)
    assert (report.brought_in, report.pushed) == (1, 1)
    assert (partial.root / "patterns/m.txt").read_bytes() == b"m\n"
    old = git(machine.root, "rev-parse", f"{first}~1")
    assert Repository(partial.root).removed_between(old, first) == {}
    assert (Repository(partial.root).read_file(old, PATH) or b"").endswith(b"Use it.\n")


@pytest.mark.parametrize(
    ("setup", "message", "way"),
    [
        (["config", "extensions.refStorage", "reftable"], "its refs as a reftable", "refs migrate --ref-format=files"),
        (["update-index", "--split-index"], "has a split index", "update-index --no-split-index"),
    ],
)
def test_a_repository_that_pygit2_cannot_read_says_what_it_is_and_the_way_out(
    machine: Machine, setup: list[str], message: str, way: str
) -> None:
    git(machine.root, "config", "core.repositoryFormatVersion", "1")
    git(machine.root, *setup)
    with pytest.raises(RepositoryError, match=message) as caught:
        exchange(machine)
    assert caught.value.hint == f"git -C {machine.root} {way}"


def test_a_sha256_repository_says_that_nothing_converts_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "kb")
    with pytest.raises(RepositoryError, match="names its objects by sha256") as caught:
        Repository(tmp_path / "kb")
    assert "agent-context init DIR" in caught.value.hint


def test_a_bare_repository_is_named(remote: Path) -> None:
    with pytest.raises(RepositoryError, match="is a bare repository"):
        Repository(remote)


@pytest.mark.parametrize("sparse", [["--no-cone", "projects"], ["--cone", "--sparse-index", "projects"]])
def test_a_sparse_checkout_changes_nothing_and_says_so(machine: Machine, sparse: list[str]) -> None:
    git(machine.root, "sparse-checkout", "set", *sparse)
    before = head(machine.root)
    with pytest.raises(NeedsPersonError, match="sparse checkout"):
        exchange(machine)
    with pytest.raises(NeedsPersonError, match="sparse checkout"):
        add(machine)
    assert head(machine.root) == before
    git(machine.root, "sparse-checkout", "disable")
    add(machine)
    assert exchange(machine).pushed == 1


def test_a_rebase_or_merge_under_way_is_named_with_the_way_to_end_it(machine: Machine, other: Machine) -> None:
    add(other, "patterns/x.txt", b"theirs\n")
    exchange(other)
    (machine.root / "patterns/x.txt").write_text("mine\n")
    git(machine.root, "add", ".")
    git(machine.root, "commit", "--quiet", "-m", "mine")
    git(machine.root, "fetch", "--quiet")
    for command, what in ((["rebase", "origin/main"], "a rebase"), (["merge", "origin/main"], "a merge")):
        assert subprocess.run(["git", *command], cwd=machine.root, check=False, capture_output=True).returncode != 0
        status = git(machine.root, "status", "--porcelain")
        for change in (exchange, add):
            with pytest.raises(NeedsPersonError, match=f"{what} is under way") as caught:
                change(machine)
        assert f"git {command[0]} --abort" in caught.value.hint
        assert git(machine.root, "status", "--porcelain") == status
        git(machine.root, command[0], "--abort")


def test_a_detached_head_and_another_branch_change_nothing(machine: Machine) -> None:
    git(machine.root, "checkout", "--quiet", "--detach")
    with pytest.raises(NeedsPersonError, match="no branch is checked out"):
        add(machine)
    git(machine.root, "switch", "--quiet", "-c", "mine")
    with pytest.raises(NeedsPersonError, match="the branch mine is checked out") as caught:
        add(machine)
    assert caught.value.hint == "sync works on that one: git switch main"
    assert git(machine.root, "status", "--porcelain") == ""


def test_what_a_person_has_staged_is_neither_lost_nor_committed(machine: Machine, other: Machine, remote: Path) -> None:
    add(other)
    exchange(other)
    (machine.root / "notes.txt").write_text("draft\n")
    (machine.root / "mkdocs.yml").write_text("site_name: staged\n")
    git(machine.root, "add", "notes.txt", "mkdocs.yml")
    (machine.root / "mkdocs.yml").write_text("site_name: newer, not staged\n")
    before = git(machine.root, "diff", "--cached")
    add(machine, "patterns/m.txt", b"m\n")
    report = exchange(machine)
    assert (report.brought_in, report.pushed) == (1, 1)
    assert git(machine.root, "diff", "--cached") == before
    assert git(machine.root, "status", "--porcelain").split("\n") == ["MM mkdocs.yml", "A  notes.txt"]
    assert "notes.txt" not in git(remote, "ls-tree", "-r", "--name-only", "main")


def test_a_half_staged_edit_waits_for_its_person(machine: Machine) -> None:
    add(machine)
    file = machine.root / PATH
    file.write_bytes(LEARNING.replace(b"Use make.", b"Use make first."))
    git(machine.root, "add", PATH)
    assert list(Repository(machine.root).edited_files(["projects"])) == [PATH]
    file.write_bytes(LEARNING.replace(b"Use make.", b"Use make first and last."))
    repository = Repository(machine.root)
    assert repository.edited_files(["projects"]) == {}
    assert repository.half_staged_files(["projects"]) == [PATH]


def test_a_link_and_a_submodule_planted_in_projects_are_not_written_out(
    machine: Machine, other: Machine, tmp_path: Path
) -> None:
    add(machine, "projects/o.r/2026-03/turned.txt", b"a file\n")
    exchange(machine)
    exchange(other)
    secret = tmp_path / "secret"
    secret.write_text("mine")
    (other.root / "projects/link").symlink_to(secret)
    (other.root / "projects/o.r/2026-03/turned.txt").unlink()
    (other.root / "projects/o.r/2026-03/turned.txt").symlink_to(secret)
    git(other.root, "add", "projects")
    git(other.root, "update-index", "--add", "--cacheinfo", f"160000,{head(other.root)},projects/module")
    git(other.root, "commit", "--quiet", "-m", "planted")
    git(other.root, "push", "--quiet")
    add(machine)
    report = exchange(machine)
    assert (report.brought_in, report.pushed, report.exit_code) == (1, 1, 0)
    assert not os.path.lexists(machine.root / "projects/link")
    assert not os.path.lexists(machine.root / "projects/o.r/2026-03/turned.txt")
    assert list((machine.root / "projects/module").iterdir()) == []
    assert git(machine.root, "status", "--porcelain") == ""
    assert [note.partition(", which")[0] for note in report.notes] == [
        "projects/link came in as a symbolic link",
        "projects/module came in as a submodule",
        "projects/o.r/2026-03/turned.txt came in as a symbolic link",
    ]
    git(machine.root, "rm", "--quiet", "--cached", "projects/link", "projects/module")
    git(machine.root, "commit", "--quiet", "-m", "out with them")
    assert exchange(machine).pushed == 1
    git(other.root, "pull", "--quiet")
    assert not os.path.lexists(other.root / "projects/link")


def test_a_link_that_git_wrote_follows_the_remote(machine: Machine, other: Machine) -> None:
    (other.root / "AGENTS.md").symlink_to("mkdocs.yml")
    git(other.root, "add", "AGENTS.md")
    git(other.root, "commit", "--quiet", "-m", "a link")
    git(other.root, "push", "--quiet")
    git(machine.root, "pull", "--quiet")
    assert (machine.root / "AGENTS.md").is_symlink()
    (other.root / "AGENTS.md").unlink()
    (other.root / "AGENTS.md").write_text("a file now\n")
    git(other.root, "commit", "--quiet", "-am", "no link")
    git(other.root, "push", "--quiet")
    exchange(machine)
    assert not (machine.root / "AGENTS.md").is_symlink()
    assert (machine.root / "AGENTS.md").read_text() == "a file now\n"
    assert (machine.root / "mkdocs.yml").read_text() != "a file now\n"
    assert git(machine.root, "status", "--porcelain") == ""


def test_a_linked_worktree_is_a_knowledge_base_like_any_other(machine: Machine, tmp_path: Path, remote: Path) -> None:
    git(machine.root, "checkout", "--quiet", "--detach")
    git(machine.root, "worktree", "add", "--quiet", str(tmp_path / "tree" / "kb"), "main")
    linked = Machine(tmp_path / "tree", Machine.settle(tmp_path / "tree", "linked"))
    assert Repository(linked.root).lock_path == Repository(machine.root).lock_path
    add(linked)
    assert exchange(linked).pushed == 1
    assert git(remote, "rev-parse", "main") == head(linked.root)
    assert git(linked.root, "status", "--porcelain") == ""


def test_a_branch_without_an_upstream_goes_to_origin(machine: Machine, remote: Path) -> None:
    git(machine.root, "branch", "--unset-upstream")
    add(machine)
    assert exchange(machine).pushed == 1
    assert head(machine.root) == git(remote, "rev-parse", "main")


def test_several_remotes_and_none_named_is_said(machine: Machine) -> None:
    git(machine.root, "remote", "rename", "origin", "home")
    git(machine.root, "remote", "add", "work", "/nowhere")
    git(machine.root, "branch", "--unset-upstream")
    report = exchange(machine)
    assert "of several, name one: git branch --set-upstream-to REMOTE/BRANCH" in report.waiting


def test_a_folder_in_the_way_of_a_file_stops_the_move_with_all_as_it_was(machine: Machine, other: Machine) -> None:
    for path in ("patterns/a.txt", "patterns/z"):
        add(other, path, b"theirs\n")
    exchange(other)
    (machine.root / "patterns/z").mkdir()
    (machine.root / "patterns/z/mine.txt").write_text("mine")
    before = head(machine.root)
    report = exchange(machine)
    assert "patterns/z comes in as a file, and a folder is there" in report.blocked[0]
    assert head(machine.root) == before
    assert git(machine.root, "status", "--porcelain", "-uall") == "?? patterns/z/mine.txt"
    assert not (machine.root / ".git/agent-context.moving").exists()


def test_a_commit_made_by_another_program_meanwhile_is_never_dropped(machine: Machine) -> None:
    repository = Repository(machine.root)
    newer = repository.commit_files({"patterns/a.txt": b"a\n"}, "a", "m")
    git(machine.root, "reset", "--quiet", "--hard", "HEAD~1")
    theirs = git(machine.root, "commit-tree", "-p", "HEAD", "-m", "theirs", "HEAD^{tree}")
    index = machine.root / ".git/index"

    class Late(Repository):
        def _write_index(self, changes: Any) -> None:
            git(machine.root, "update-ref", "refs/heads/main", theirs)
            super()._write_index(changes)

    with pytest.raises(RepositoryError, match="the branch could not be moved"):
        Late(machine.root).move_to(newer)
    assert head(machine.root) == theirs
    assert index.exists()


def test_two_programs_do_not_lose_each_others_index_entries(machine: Machine) -> None:
    add_one = "echo $i > s$i; until git add s$i 2>/dev/null; do :; done"
    script = f"cd {machine.root}; for i in $(seq 40); do {add_one}; done"
    with subprocess.Popen(["sh", "-c", script]) as adding:
        for number in range(15):
            add(machine, f"patterns/{number}.txt", b"x\n")
    assert adding.returncode == 0
    staged = [line for line in git(machine.root, "status", "--porcelain").split("\n") if line.startswith("A  s")]
    assert len(staged) == 40
    assert len(git(machine.root, "ls-files", "patterns").split()) == 16


# Durability


def test_a_commit_is_one_pack_and_no_loose_object(machine: Machine) -> None:
    objects = machine.root / ".git/objects"
    packs = len(list(objects.glob("pack/*.pack")))
    files: dict[str, bytes | None] = {f"patterns/{number}.txt": b"%d\n" % number for number in range(20)}
    Repository(machine.root).commit_files(files, "twenty", "m")
    assert len(list(objects.glob("pack/*.pack"))) == packs + 1
    assert [path for path in objects.glob("??/*") if path.is_file()] == []
    assert git(machine.root, "fsck", "--strict") == ""


def test_objects_lie_on_the_disk_before_the_branch_names_them(machine: Machine) -> None:
    before = head(machine.root)

    class Watched(Repository):
        def _write_index(self, changes: Any) -> None:
            kinds = git(self.root, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)").split()
            assert (head(self.root), kinds.count("commit")) == (before, 2)
            super()._write_index(changes)

    assert Watched(machine.root).commit_files({"patterns/a.txt": b"a\n"}, "a", "m") == head(machine.root)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace tells what reached the disk, and is not installed")
def test_what_the_branch_will_name_is_on_the_disk_before_it_moves(machine: Machine) -> None:
    script = (
        "from pathlib import Path; from agent_context.git import Repository; "
        f"Repository(Path({str(machine.root)!r})).commit_files({{'patterns/a.txt': b'a'}}, 'a', 'm')"
    )
    trace = machine.folder / "trace"
    watch = ["strace", "-f", "-y", "-o", str(trace), "-e", "trace=fsync,rename,renameat,renameat2"]
    done = subprocess.run([*watch, sys.executable, "-c", script], check=False, capture_output=True)
    if done.returncode != 0 and not trace.exists():
        pytest.skip("strace may not trace here")
    lines = trace.read_text().splitlines()
    moved = next(number for number, line in enumerate(lines) if line.endswith('/.git/refs/heads/main") = 0'))
    synced = [line.partition("<")[2].partition(">")[0] for line in lines[:moved] if " fsync(" in line]
    written = ("/pack_git2_", "/agent-context.moving.draft", "/agent-context.tmp/tmp", "/refs/heads/main.lock")
    assert [sign for sign in written if not any(sign in path for path in synced)] == []


def test_house_is_kept_when_it_is_due(machine: Machine) -> None:
    for number in range(52):
        add(machine, f"patterns/{number}.txt", b"%d\n" % number)
    packs = machine.root / ".git/objects/pack"
    assert len(list(packs.glob("*.pack"))) > 50
    exchange(machine)
    assert len(list(packs.glob("*.pack"))) < 5
    assert git(machine.root, "fsck", "--strict") == ""


# Signing


@pytest.fixture
def ssh_signing(machine: Machine, home: Path) -> Path:
    key = home / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = key.with_suffix(".pub").read_text().split()
    (home / "signers").write_text(f"ada@example.com {public[0]} {public[1]}\n")
    for name, value in (
        ("gpg.format", "ssh"),
        ("user.signingKey", str(key)),
        ("commit.gpgSign", "true"),
        ("gpg.ssh.allowedSignersFile", str(home / "signers")),
    ):
        git(machine.root, "config", name, value)
    return key


def test_commits_are_signed_with_ssh_where_the_user_signs(machine: Machine, other: Machine, ssh_signing: Path) -> None:
    add(machine)
    git(machine.root, "verify-commit", "HEAD")
    add(other, "patterns/o.txt", b"o\n")
    exchange(other)
    assert exchange(machine).pushed == 1
    git(machine.root, "verify-commit", "HEAD")
    assert git(machine.root, "log", "-1", "--format=%an <%ae> %s") == f"Ada <ada@example.com> add: {PATH}"
    ssh_signing.unlink()
    before = head(machine.root)
    with pytest.raises(RepositoryError, match="the commit could not be signed") as caught:
        add(machine, "patterns/x.txt", b"x\n")
    assert f"git -C {machine.root} config commit.gpgsign false" in caught.value.hint
    assert (head(machine.root), git(machine.root, "status", "--porcelain")) == (before, "")


@pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
def test_commits_are_signed_with_gpg_where_the_user_signs(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(f"/tmp/agent-context-gpg-{os.getpid()}")  # noqa: S108 - gpg-agent's socket needs a short path
    folder.mkdir(mode=stat.S_IRWXU)
    monkeypatch.setenv("GNUPGHOME", str(folder))
    try:
        quiet = ["gpg", "--batch", "--quiet", "--passphrase", ""]
        subprocess.run([*quiet, "--quick-gen-key", "Ada <ada@example.com>"], check=True, capture_output=True)
        git(machine.root, "config", "commit.gpgSign", "true")
        git(machine.root, "config", "user.signingKey", "ada@example.com")
        add(machine)
        git(machine.root, "verify-commit", "HEAD")
    finally:
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=False, capture_output=True)
        shutil.rmtree(folder)
