from __future__ import annotations

from typing import TYPE_CHECKING

from samples import git

from agent_context.projects import Place, Projects
from agent_context.settings import MachineSettings
from agent_context.transcripts.session import PullRequest, Session

if TYPE_CHECKING:
    from pathlib import Path


def session(cwd: Path | str, *requests: PullRequest) -> Session:
    from pathlib import Path  # noqa: PLC0415 - only the value is needed here

    return Session("s", Path("/sessions/-home-a-app/s.jsonl"), cwd=str(cwd), pull_requests=list(requests))


def test_clones_worktrees_and_folders_below_are_one_project(tmp_path: Path) -> None:
    main = tmp_path / "main"
    main.mkdir()
    git(main, "init", "--quiet")
    git(main, "remote", "add", "origin", "git@github.com:o/r.git")
    git(main, "commit", "--quiet", "--allow-empty", "-m", "x")
    git(main, "worktree", "add", "--quiet", str(main / ".worktrees" / "1"))
    (main / "src").mkdir()
    projects = Projects(MachineSettings())
    places = {projects.place(session(path)) for path in (main, main / "src", main / ".worktrees" / "1")}
    assert places == {Place("o.r", "github.com/o/r", "git remote")}


def test_a_checkout_without_remote_goes_by_its_first_commit(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        git(tmp_path / name, "init", "--quiet")
    git(tmp_path / "one", "commit", "--quiet", "--allow-empty", "-m", "x")
    git(tmp_path / "two", "fetch", "--quiet", str(tmp_path / "one"))
    git(tmp_path / "two", "reset", "--quiet", "--hard", "FETCH_HEAD")
    projects = Projects(MachineSettings())
    one, two = projects.place(session(tmp_path / "one")), projects.place(session(tmp_path / "two"))
    assert (one.how, two.how) == ("root commit", "root commit")
    assert one.folder.rpartition("-")[2] == two.folder.rpartition("-")[2]


def test_a_path_that_is_gone_is_what_it_was_known_as(tmp_path: Path) -> None:
    known = MachineSettings(checkouts={"/gone/app": "o.r"}, mappings={"/gone/app": "mapped.wrong"})
    request = PullRequest("github.com", "other/repo")
    projects = Projects(known)
    assert projects.place(session("/gone/app/src", request)) == Place("o.r", "", "known before")
    assert projects.place(session("/gone/app/.worktrees/2")) == Place("o.r", "", "known before")
    assert projects.place(session(tmp_path / "gone")).guessed


def test_a_pull_request_of_the_session_tells_and_teaches_the_path() -> None:
    projects = Projects(MachineSettings(mappings={"/gone": "mapped"}))
    found = projects.place(session("/gone/app/.worktrees/1", PullRequest("github.com", "O/R")))
    assert found == Place("o.r", "github.com/o/r", "pull request")
    assert projects.place(session("/gone/app/.worktrees/2")) == Place("o.r", "", "known before")


def test_pull_requests_in_two_repositories_tell_nothing() -> None:
    two = (PullRequest("github.com", "o/r"), PullRequest("github.com", "o/other"))
    assert Projects(MachineSettings(mappings={"/gone": "mapped"})).place(session("/gone/app", *two)).how == "mapped"


def test_a_persons_mapping_comes_before_the_directory_name() -> None:
    projects = Projects(MachineSettings(mappings={"/gone": "o.r", "/gone/deeper": "o.deeper"}))
    assert projects.place(session("/gone/app")) == Place("o.r", "", "mapped")
    assert projects.place(session("/gone/deeper/app")) == Place("o.deeper", "", "mapped")


def test_the_directory_name_is_a_guess_that_two_machines_share() -> None:
    here, there = (
        Projects(MachineSettings()).place(session(cwd)) for cwd in ("/home/a/app", "/Users/b/work/app/.worktrees/3")
    )
    assert here == there
    assert (here.folder.startswith("local.app-"), here.guessed) == (True, True)
