"""Every way to a forge: REST and smart HTTP on the loopback, real push options and review refs, fake programs."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fake_forge import TOKEN, FakeForge, serve
from samples import Machine, git
from test_proposals import BRANCH, ONE, THREE, TWO, Reviewer, accepted, names, on_remote, path_of, turn, waiting

from agent_context.forges import FORGES, ForgeError, PullRequest, Request, RequestState, choose_forge
from agent_context.forges.address import Address, parse_address
from agent_context.forges.calls import HttpCall, call_gh, call_glab, call_tea
from agent_context.forges.pushing import ComparePage, GitLabPush
from agent_context.forges.rest import MergeRequests, PullRequests
from agent_context.git import Repository
from agent_context.learning import Status, StatusNote
from agent_context.waiting import load_waiting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKENS = ("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
TOKENS = (*TOKENS, "GITLAB_TOKEN", "GITEA_TOKEN", "FORGEJO_TOKEN")
NAMED = {"github": "GH_ENTERPRISE_TOKEN", "gitea": "GITEA_TOKEN", "gitlab": "GITLAB_TOKEN"}
SOURCE_AND_TARGET = "merge_request%5Bsource_branch%5D=proposals%2Flaptop&merge_request%5Btarget_branch%5D=main"
REQUEST = Request(BRANCH, "main", "1" * 40, "Knowledge from laptop", "2 learnings to review.\n\nMerge to accept.\n")
FAKE_PROGRAM = """#!{python}
import json, sys
with open({log!r}, "a") as log:
    print(json.dumps([sys.argv[1:], sys.stdin.read()]), file=log)
answers = json.load(open({answers!r}))
for part, answer in answers:
    if part in " ".join(sys.argv[1:]):
        sys.exit(print(json.dumps(answer))) if not isinstance(answer, str) else sys.exit(answer)
sys.exit("nothing to answer")
"""
# As Gitea does: what is pushed to refs/for/main becomes a pull request of its topic, and the server names its page.
PROC_RECEIVE = """#!{python}
import sys
def read():
    size = sys.stdin.buffer.read(4)
    return sys.stdin.buffer.read(int(size, 16) - 4) if size and size != b"0000" else None
def send(data):
    sys.stdout.buffer.write(b"%04x" % (len(data) + 4) + data if data else b"0000")
    sys.stdout.buffer.flush()
def lines():
    while (line := read()) is not None:
        yield line.rstrip(b"\\n")
list(lines())
send(b"version=1\\0push-options")
send(b"")
commands = [line.decode().split(" ") for line in lines()]
options = [line.decode() for line in lines()]
with open({log!r}, "a") as log:
    print(commands, options, file=log)
print("Visit the existing pull request:\\n  https://forge.example/o/r/pulls/5 merges into main", file=sys.stderr)
for old, new, ref in commands:
    send(f"ok {{ref}}\\n".encode())
    send(b"option refname refs/pull/5/head\\n")
send(b"")
"""


@pytest.fixture(autouse=True)
def no_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in TOKENS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def forge(tmp_path: Path, remote: Path) -> Iterator[FakeForge]:
    """A forge that serves the remote as o/r."""
    folder = tmp_path / "forge"
    (folder / "o").mkdir(parents=True)
    remote.rename(folder / "o/r.git")
    remote.symlink_to(folder / "o/r.git")
    git(remote, "config", "http.receivepack", "true")
    with serve(folder) as running:
        yield running


@pytest.fixture
def reviewer(tmp_path: Path, remote: Path, forge: FakeForge) -> Reviewer:  # noqa: ARG001 - it has moved the remote
    git(tmp_path, "clone", "--quiet", str(remote), "reviewer")
    folder = tmp_path / "reviewer"
    git(folder, "config", "user.name", "Grace")
    return Reviewer(folder)


def set_up(reviewer: Reviewer, machine: Machine, forge: FakeForge, way: str) -> None:
    """Choose a way to the forge for all machines, and let this one reach it over HTTP."""
    text = f'review = "pull-request"\n\n[proposals]\nforge = "{way}"\n'
    reviewer.change_main("agent-context.toml", text)
    git(machine.root, "remote", "set-url", "origin", f"{forge.url}/o/r.git")
    git(machine.root, "pull", "--quiet")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("git@github.com:O/r.git", Address("github", "https://github.com", "github.com", "O/r")),
        ("ssh://git@ssh.github.com:443/o/r.git", Address("github", "https://github.com", "github.com", "o/r")),
        (
            "https://u:secret@gitlab.example/a/b/c",
            Address("gitlab", "https://gitlab.example", "gitlab.example", "a/b/c"),
        ),
        ("https://codeberg.org/o/r/", Address("gitea", "https://codeberg.org", "codeberg.org", "o/r")),
        ("http://127.0.0.1:3000/o/r.git", Address("", "http://127.0.0.1:3000", "127.0.0.1:3000", "o/r")),
        (
            "https://forgejo.example:8443/o/r",
            Address("gitea", "https://forgejo.example:8443", "forgejo.example:8443", "o/r"),
        ),
        ("ssh://git@gitea.example:2222/o/r", Address("gitea", "https://gitea.example", "gitea.example", "o/r")),
        ("git@kb:o/r", Address("", "https://kb", "kb", "o/r")),
        ("/srv/git/r.git", None),
        ("file:///srv/git/r.git", None),
        ("C:/work/r", None),
        ("../r.git", None),
    ],
)
def test_a_remote_tells_where_the_repository_is_on_the_web(url: str, expected: Address | None) -> None:
    assert parse_address(url) == expected


@pytest.mark.parametrize("kind", ["github", "gitea", "gitlab"])
def test_one_pull_request_is_opened_kept_up_to_date_and_its_merge_is_seen(
    kind: str, machine: Machine, reviewer: Reviewer, forge: FakeForge, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAMED[kind], TOKEN)
    set_up(reviewer, machine, forge, "rest")
    report = turn(machine, accepted(ONE))
    (pull,) = forge.pulls
    assert (pull["head"], pull["title"]) == (BRANCH, "Knowledge from laptop: 1 learning in o.r")
    assert report.pull_request.startswith(f"{forge.url}/o/r/")
    assert report.notes == []
    report = turn(machine, accepted(TWO))
    assert (len(forge.pulls), forge.pulls[0]["title"]) == (1, "Knowledge from laptop: 2 learnings in o.r")
    assert f"`{TWO}`" in (forge.pulls[0].get("body", "") + forge.pulls[0].get("description", ""))
    calls = len(forge.calls)
    assert turn(machine).pull_request == report.pull_request
    assert [call[0] for call in forge.calls[calls:]] == ["GET"]
    reviewer.look()
    (reviewer.folder / path_of(TWO)).unlink()
    reviewer.send("review: no")
    reviewer.merge("squash", delete=True)
    forge.decide("merged", git(remote, "rev-parse", "main"))
    report = turn(machine)
    assert report.rejected == [path_of(TWO)]
    note = machine.learnings()[path_of(TWO)].status_note
    assert note is not None
    assert (note.by, note.reason) == ("grace", f"not taken in {report_url(forge, kind)}")
    turn(machine, accepted(THREE))
    assert [item["state"] for item in forge.pulls] == ["merged", "open"]


def report_url(forge: FakeForge, kind: str) -> str:
    return f"{forge.url}/o/r/-/merge_requests/1" if kind == "gitlab" else f"{forge.url}/o/r/pulls/1"


@pytest.mark.parametrize("kind", ["github", "gitea", "gitlab"])
def test_closing_it_turns_all_down_and_opens_no_other(
    kind: str, machine: Machine, reviewer: Reviewer, forge: FakeForge, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAMED[kind], TOKEN)
    set_up(reviewer, machine, forge, "rest")
    turn(machine, accepted(ONE), accepted(TWO))
    forge.decide("closed")
    report = turn(machine)
    assert sorted(report.rejected) == sorted([path_of(ONE), path_of(TWO)])
    expected = StatusNote("grace", "2026-03-02T10:00:00Z", f"not taken in {report_url(forge, kind)}")
    assert {item.status_note for item in machine.learnings().values()} == {expected}
    assert (len(forge.pulls), waiting(machine), report.pull_request) == (1, [], "")
    assert names(remote, BRANCH) == sorted([path_of(ONE), path_of(TWO)])
    turn(machine)
    assert len(forge.pulls) == 1


def test_a_pull_request_that_could_not_be_opened_is_opened_by_the_next_sync(
    machine: Machine, reviewer: Reviewer, forge: FakeForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITEA_TOKEN", TOKEN)
    set_up(reviewer, machine, forge, "rest")
    forge.broken = 500
    report = turn(machine, accepted(ONE))
    assert (report.proposed, report.failed, forge.pulls) == (1, False, [])
    forge.broken = 0
    assert turn(machine).pull_request == f"{forge.url}/o/r/pulls/1"


def test_a_clone_that_lost_what_waited_heeds_what_was_decided(
    machine: Machine, reviewer: Reviewer, forge: FakeForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITEA_TOKEN", TOKEN)
    set_up(reviewer, machine, forge, "rest")
    turn(machine, accepted(ONE))
    forge.decide("closed")
    git(machine.root, "update-ref", "-d", "refs/agent-context/waiting")
    report = turn(machine)
    assert (report.rejected, len(forge.pulls)) == ([path_of(ONE)], 1)


@pytest.mark.parametrize("forget", [False, True])
def test_what_was_turned_down_stays_so_while_the_remote_takes_no_push(
    machine: Machine, reviewer: Reviewer, forge: FakeForge, remote: Path, monkeypatch: pytest.MonkeyPatch, forget: bool
) -> None:
    monkeypatch.setenv("GITEA_TOKEN", TOKEN)
    set_up(reviewer, machine, forge, "rest")
    turn(machine, accepted(ONE))
    forge.decide("closed")
    hook = remote / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    assert turn(machine).failed is True
    stock = load_waiting(Repository(machine.root))
    if forget:
        stock.note(planned=None)
        stock.save()
    assert turn(machine).failed is True
    hook.unlink()
    report = turn(machine)
    assert (report.problems, report.failed) == ([], False)
    assert on_remote(remote, path_of(ONE)).status is Status.REJECTED


def test_a_forks_pull_request_of_the_same_branch_name_decides_nothing(forge: FakeForge) -> None:
    forge.pulls.append({"number": 3, "head": BRANCH, "state": "closed", "merged_as": "", "by": ""})
    call = HttpCall(f"{forge.url}/api/v3", {"Authorization": f"Bearer {TOKEN}"})
    address = Address("github", forge.url, forge.url.removeprefix("http://"), "o/r")
    assert PullRequests(call, address).find(BRANCH) is not None
    assert PullRequests(call, replace(address, path="upstream/r")).find(BRANCH) is None


def test_a_wrong_token_is_named_without_showing_it(
    machine: Machine, reviewer: Reviewer, forge: FakeForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITEA_TOKEN", "wrong" + TOKEN + "x")
    set_up(reviewer, machine, forge, "rest")
    report = turn(machine, accepted(ONE))
    assert (report.proposed, report.failed) == (1, False)
    assert any("401: Bad credentials" in note for note in report.notes)
    assert TOKEN not in json.dumps(report.notes)


def test_a_redirect_is_not_followed_with_the_token(forge: FakeForge) -> None:
    forge.redirect = "http://127.0.0.1:9/elsewhere"
    call = HttpCall(f"{forge.url}/api/v1", {"Authorization": f"token {TOKEN}"})
    with pytest.raises(ForgeError, match="answers 307"):
        call("GET", "repos/o/r/pulls")
    assert len(forge.calls) == 1


def test_no_token_goes_over_a_line_that_others_can_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITEA_TOKEN", TOKEN)
    chosen = choose_forge("rest", ["http://gitea.example/o/r"], tmp_path, "origin", BRANCH)
    assert (chosen.name, chosen.passed) == (
        "url",
        ("no token is sent to http://gitea.example, which others can read on the way",),
    )


def test_github_com_s_token_goes_to_no_other_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    chosen = choose_forge("rest", ["https://github.evil.example/o/r"], tmp_path, "origin", BRANCH)
    assert chosen.passed == ("the environment has no token for github.evil.example",)


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("git@github.com:o/r.git", f"https://github.com/o/r/compare/main...{BRANCH}"),
        ("git@codeberg.org:o/r.git", f"https://codeberg.org/o/r/compare/main...{BRANCH}"),
        (
            "git@gitlab.com:a/b/c.git",
            f"https://gitlab.com/a/b/c/-/merge_requests/new?{SOURCE_AND_TARGET}",
        ),
        ("git@kb:o/r.git", ""),
        ("/srv/git/r.git", ""),
    ],
)
def test_without_any_other_way_the_page_is_named(tmp_path: Path, url: str, page: str) -> None:
    chosen = choose_forge("url", [url], tmp_path, "origin", BRANCH)
    assert chosen.forge.publish(REQUEST, None, "") == PullRequest(page, state=RequestState.UNKNOWN)


def test_a_local_remote_has_a_branch_to_open_it_from(machine: Machine, remote: Path) -> None:
    git(machine.root, "commit", "--quiet", "--allow-empty", "-m", "x")
    git(machine.root, "push", "--quiet", "origin", "HEAD:main")
    report = turn(machine, accepted(ONE))
    due = f"a pull request into main is due; open it on your forge, from the branch {BRANCH}"
    assert report.notes == [f"{due} (the remote is on no forge)"]
    assert names(remote, BRANCH) == [path_of(ONE)]


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, *answers: tuple[str, Any]) -> Path:
    """Put a small fake program on the PATH, that records its arguments and input. Returns its log."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    log, table = programs / f"{name}.log", programs / f"{name}.json"
    table.write_text(json.dumps(answers))
    (programs / name).write_text(FAKE_PROGRAM.format(python=sys.executable, log=str(log), answers=str(table)))
    (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    return log


def read_log(log: Path) -> list[tuple[list[str], str]]:
    return [tuple(json.loads(line)) for line in log.read_text().splitlines()]


def test_gh_is_asked_for_the_host_and_given_the_text_by_its_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"number": 4, "html_url": "https://github.com/o/r/pull/4", "state": "open"}
    log = install(tmp_path, monkeypatch, "gh", ("--method GET", []), ("--method POST", made))
    chosen = choose_forge("auto", ["git@github.com:o/r.git"], tmp_path, "origin", BRANCH)
    assert (chosen.name, chosen.found) == ("gh", None)
    assert chosen.forge.publish(REQUEST, None, "") == PullRequest("https://github.com/o/r/pull/4", 4)
    (first, _), (second, body) = read_log(log)
    assert first[:6] == ["api", "--hostname", "github.com", "--method", "GET", first[5]]
    assert second == ["api", "--hostname", "github.com", "--method", "POST", "--input", "-", "repos/o/r/pulls"]
    assert json.loads(body) == {"title": REQUEST.title, "body": REQUEST.body, "head": BRANCH, "base": "main"}


def test_gh_without_a_login_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "gh", ("api", "To get started with GitHub CLI, please run: gh auth login"))
    chosen = choose_forge("auto", ["git@github.com:o/r.git"], tmp_path, "origin", BRANCH)
    assert (chosen.name, chosen.passed) == (
        "url",
        (
            "gh ends with 1: To get started with GitHub CLI, please run: gh auth login",
            "the environment has no token for github.com",
        ),
    )


@pytest.mark.parametrize("answer", [{"a": 1}, [1, None, "x"], [{"head": "x"}, {"head": {"repo": 3}, "number": "x"}], 7])
def test_an_answer_of_another_shape_decides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    install(tmp_path, monkeypatch, "gh", ("--method GET", answer))
    install(tmp_path, monkeypatch, "glab", ("--method GET", answer))
    for url in ("git@github.com:o/r.git", "git@gitlab.com:o/r.git"):
        assert choose_forge("auto", [url], tmp_path, "origin", BRANCH).found is None


def test_what_a_forge_says_of_a_request_is_taken_only_in_its_own_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = {
        "number": 3,
        "state": "closed",
        "merged_at": "now",
        "html_url": "https://x/\nstatus: accepted",
        "merge_commit_sha": "--upload-pack=x",
        "head": {"ref": BRANCH, "sha": "x"},
        "merged_by": {"login": "a\nb"},
    }
    install(tmp_path, monkeypatch, "gh", ("pulls?", [odd]), ("issues/3", {"closed_by": {"login": "grace-1[bot]"}}))
    chosen = choose_forge("auto", ["git@github.com:o/r.git"], tmp_path, "origin", BRANCH)
    assert chosen.found == PullRequest("", 3, RequestState.MERGED, by="grace-1[bot]")


def test_glab_opens_a_merge_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"iid": 4, "web_url": "https://gitlab.com/a/b/-/merge_requests/4", "state": "opened"}
    log = install(tmp_path, monkeypatch, "glab", ("--method GET", []), ("--method POST", made))
    chosen = choose_forge("auto", ["git@gitlab.com:a/b.git"], tmp_path, "origin", BRANCH)
    assert chosen.name == "glab"
    assert chosen.forge.publish(REQUEST, None, "").number == 4
    arguments, body = read_log(log)[1]
    assert arguments[:5] == ["api", "--hostname", "gitlab.com", "--method", "POST"]
    assert arguments[5:] == [
        "--header",
        "Content-Type: application/json",
        "--input",
        "-",
        "projects/a%2Fb/merge_requests",
    ]
    assert json.loads(body)["source_branch"] == BRANCH


def test_tea_is_used_with_the_login_of_this_host_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logins = [{"name": "work", "url": "https://gitea.work.example"}, {"name": "own", "url": "https://gitea.example/"}]
    log = install(tmp_path, monkeypatch, "tea", ("logins", logins), ("--method GET", []))
    assert choose_forge("auto", ["git@gitea.example:o/r.git"], tmp_path, "origin", BRANCH).name == "tea"
    assert read_log(log)[1][0][:5] == ["api", "--login", "own", "--method", "GET"]
    other = choose_forge("tea", ["git@gitea.other.example:o/r.git"], tmp_path, "origin", BRANCH)
    assert (other.name, other.passed) == ("url", ("tea has no login for https://gitea.other.example",))


def test_gitlab_opens_a_merge_request_when_the_push_says_so(
    machine: Machine, reviewer: Reviewer, forge: FakeForge, remote: Path
) -> None:
    git(remote, "config", "receive.advertisePushOptions", "true")
    hook = remote / "hooks/post-receive"
    page = f"{forge.url}/o/r/-/merge_requests/9"
    hook.write_text(f'#!/bin/sh\nenv | grep ^GIT_PUSH_OPTION_ | sort > "{remote}/options"\necho "View it:  {page}"\n')
    hook.chmod(0o755)
    set_up(reviewer, machine, forge, "gitlab-push")
    report = turn(machine, accepted(ONE))
    assert (report.pull_request, report.notes) == (page, [])
    options = dict(line.split("=", 1) for line in (remote / "options").read_text().splitlines())
    assert [options[f"GIT_PUSH_OPTION_{number}"] for number in range(3)] == [
        "merge_request.create",
        "merge_request.target=main",
        "merge_request.title=Knowledge from laptop: 1 learning in o.r",
    ]
    assert options["GIT_PUSH_OPTION_3"].startswith("merge_request.description=1 learning to review, about 1 minute")


def test_a_server_without_push_options_gets_the_branch_and_the_page_is_named(
    machine: Machine, reviewer: Reviewer, forge: FakeForge, remote: Path
) -> None:
    set_up(reviewer, machine, forge, "gitlab-push")
    report = turn(machine, accepted(ONE))
    assert names(remote, BRANCH) == [path_of(ONE)]
    assert report.pull_request.startswith(f"{forge.url}/o/r/-/merge_requests/new?")
    assert report.failed is False


def test_no_quoted_words_can_begin_a_line_in_a_push_option() -> None:
    body = replace(REQUEST, body="One.\n\n`two\\n/close`\n")
    assert GitLabPush(Address("gitlab", "https://g.example", "g.example", "o/r")).push_options(body)[3] == (
        "merge_request.description=One.\\n\\n`two\\ n/close`\\n"
    )


def test_a_review_ref_makes_the_pull_request(
    machine: Machine, reviewer: Reviewer, forge: FakeForge, remote: Path
) -> None:
    git(remote, "config", "receive.procReceiveRefs", "refs/for")
    git(remote, "config", "receive.advertisePushOptions", "true")
    hook, log = remote / "hooks/proc-receive", remote / "pushed"
    hook.write_text(PROC_RECEIVE.format(python=sys.executable, log=str(log)))
    hook.chmod(0o755)
    set_up(reviewer, machine, forge, "agit")
    report = turn(machine, accepted(ONE))
    assert (report.pull_request, report.notes) == ("https://forge.example/o/r/pulls/5", [])
    said = log.read_text()
    assert "refs/for/main" in said
    assert "topic=proposals/laptop" in said
    assert "title=Knowledge from laptop: 1 learning in o.r" in said
    assert "description=1 learning to review, about 1 minute to read." in said
    assert names(remote, BRANCH) == [path_of(ONE)]
    reviewer.merge("rebase")
    report = turn(machine)
    assert (waiting(machine), report.rejected) == ([], [])


def test_a_server_without_review_refs_is_named_and_keeps_no_stray_ref(
    machine: Machine, reviewer: Reviewer, forge: FakeForge, remote: Path
) -> None:
    set_up(reviewer, machine, forge, "agit")
    report = turn(machine, accepted(ONE))
    assert any("takes no push for review" in note for note in report.notes)
    assert "refs/for" not in git(remote, "for-each-ref")
    assert names(remote, BRANCH) == [path_of(ONE)]


def test_every_way_ends_with_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for way in FORGES:
        chosen = choose_forge(way, ["git@elsewhere.example:o/r.git"], tmp_path, "origin", BRANCH)
        assert chosen.name in (way, "url")


def test_calls_and_shapes_are_paired_as_the_forges_are(tmp_path: Path) -> None:
    address = Address("github", "https://github.com", "github.com", "o/r")
    for call in (call_gh(address, tmp_path), call_glab(address, tmp_path)):
        with pytest.raises(ForgeError):
            call("GET", "x")
    with pytest.raises(ForgeError):
        call_tea(address, tmp_path)
    assert MergeRequests(call_glab(address, tmp_path), address).push_options(REQUEST) == ()
    assert ComparePage(None).publish(REQUEST, None, "").url == ""
    assert Status.REJECTED.value == "rejected"
