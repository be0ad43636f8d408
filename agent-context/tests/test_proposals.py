"""Pull-request mode on real bare remotes: a reviewer works with git as a forge does, several machines propose."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from samples import AT, Machine, git, make_learning, replace_fields

from agent_context.forges import PullRequest, RequestState
from agent_context.frontmatter import parse_learning, write_learning
from agent_context.git import Repository
from agent_context.knowledge import KnowledgeBase
from agent_context.layout import learning_path
from agent_context.learning import Learning, Source, Speaker, Status, StatusNote
from agent_context.proposal import Remark
from agent_context.reports import Dropped, SyncReport
from agent_context.review.proposals import Proposals
from agent_context.review.verdicts import Verdicts
from agent_context.syncing.exchange import Exchange
from agent_context.waiting import REF, Proposal, load_waiting

if TYPE_CHECKING:
    from pathlib import Path

NOW = "2026-03-02T10:00:00Z"
SETTINGS = 'review = "pull-request"\n\n[proposals]\nper_request = 3\n'
BRANCH = "proposals/laptop"


def accepted(claim: str, machine: str = "laptop", **fields: object) -> Learning:
    source = Source(machine, "0a1b2c3d", AT, Speaker.USER, extractor="heuristic")
    learning = make_learning(claim, status=Status.ACCEPTED, sources=(source,), evidence=(claim,))
    return replace_fields(learning, **fields)


def path_of(claim: str) -> str:
    return learning_path("o.r", accepted(claim))


@dataclass
class Turn:
    """What one sync does with proposals, step by step."""

    machine: Machine
    report: SyncReport = field(init=False)
    proposals: Proposals = field(init=False)
    exchange: Exchange = field(init=False)

    def __post_init__(self) -> None:
        name = self.machine.environment.machine
        self.report = SyncReport(name, str(self.machine.root), "")
        repository = Repository(self.machine.root)
        branch = repository.branch()
        remote = repository.remote(branch)
        self.exchange = Exchange(repository, branch, remote, name, "", self.report)
        self.proposals = Proposals(KnowledgeBase(self.machine.root), repository, branch, remote, name, self.report)

    def begin(self) -> Turn:
        self.proposals.ask()
        self.exchange.bring_in()
        self.proposals.take_stock(NOW)
        return self

    def learn(
        self, *learnings: Learning, remarks: dict[str, Remark] | None = None, dropped: tuple[Dropped, ...] = ()
    ) -> Turn:
        files: dict[str, bytes | None] = {
            learning_path("o.r", item): write_learning(item).encode() for item in learnings
        }
        files |= KnowledgeBase(self.machine.root).project_file_for("o.r", "github.com/o/r") if learnings else {}
        rest = self.proposals.add(files, remarks or {}, dropped)
        if rest:
            repository = self.proposals.repository
            repository.commit_files(rest, "learn: confirmed\n\nMachine: laptop\n", "laptop")
        return self

    def end(self) -> SyncReport:
        self.proposals.send()
        return self.report


def turn(machine: Machine, *learnings: Learning) -> SyncReport:
    return Turn(machine).begin().learn(*learnings).end()


@dataclass
class Reviewer:
    """A person with a clone of their own, who also stands for the forge's merge button."""

    folder: Path

    def look(self, branch: str = BRANCH) -> None:
        git(self.folder, "fetch", "--quiet", "--prune", "origin")
        git(self.folder, "checkout", "--quiet", "-B", "review", f"origin/{branch}")

    def send(self, message: str, branch: str = BRANCH) -> None:
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "--quiet", "-m", message)
        git(self.folder, "push", "--quiet", "origin", f"HEAD:{branch}")

    def merge(self, how: str = "merge", branch: str = BRANCH, *, delete: bool = False, message: str = "") -> None:
        git(self.folder, "fetch", "--quiet", "--prune", "origin")
        git(self.folder, "checkout", "--quiet", "-B", "main", "origin/main")
        if how == "merge":
            git(self.folder, "merge", "--quiet", "--no-ff", "-m", "Merge pull request #1", f"origin/{branch}")
        elif how == "squash":
            git(self.folder, "merge", "--quiet", "--squash", f"origin/{branch}")
            git(self.folder, "commit", "--quiet", "-m", message or "Knowledge (#1)")
        else:
            git(self.folder, "checkout", "--quiet", "-B", "rebased", f"origin/{branch}")
            git(self.folder, "rebase", "--quiet", "--force-rebase", "main")
            git(self.folder, "checkout", "--quiet", "main")
            git(self.folder, "merge", "--quiet", "--ff-only", "rebased")
        git(self.folder, "push", "--quiet", "origin", "main")
        if delete:
            git(self.folder, "push", "--quiet", "origin", f":{branch}")

    def change_main(self, name: str = "README.md", text: str = "Something else.\n") -> None:
        git(self.folder, "fetch", "--quiet", "origin")
        git(self.folder, "checkout", "--quiet", "-B", "main", "origin/main")
        (self.folder / name).write_text(text)
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "--quiet", "-m", "main: something else")
        git(self.folder, "push", "--quiet", "origin", "main")


@pytest.fixture
def reviewer(tmp_path: Path, remote: Path) -> Reviewer:
    git(tmp_path, "clone", "--quiet", str(remote), "reviewer")
    folder = tmp_path / "reviewer"
    git(folder, "config", "user.name", "Grace")
    (folder / "agent-context.toml").write_text(SETTINGS)
    git(folder, "commit", "--quiet", "-am", "settings: pull requests")
    git(folder, "push", "--quiet", "origin", "main")
    return Reviewer(folder)


@pytest.fixture
def laptop(reviewer: Reviewer, machine: Machine) -> Machine:  # noqa: ARG001 - it has pushed the settings
    git(machine.root, "pull", "--quiet")
    return machine


@pytest.fixture
def desktop(reviewer: Reviewer, other: Machine) -> Machine:  # noqa: ARG001 - the same
    git(other.root, "pull", "--quiet")
    return other


def names(folder: Path, ref: str) -> list[str]:
    return [
        path
        for path in git(folder, "ls-tree", "-r", "--name-only", ref).splitlines()
        if path.startswith("projects/o.r/2")
    ]


def on_remote(remote: Path, path: str, ref: str = BRANCH) -> Learning:
    return parse_learning(git(remote, "show", f"{ref}:{path}") + "\n", path)


def waiting(machine: Machine) -> list[str]:
    return sorted(path for path in load_waiting(Repository(machine.root)).files if path.endswith(".md"))


ONE, TWO, THREE, FOUR = "Prices are cents.", "Ids are ULIDs.", "Deploy with make.", "Logs go to stderr."


def test_new_learnings_wait_and_become_one_commit_on_top_of_main(laptop: Machine, remote: Path) -> None:
    before = git(remote, "rev-parse", "main")
    report = turn(laptop, accepted(ONE), accepted(TWO))
    assert (report.proposed, report.queued, report.failed, report.problems) == (2, 0, False, [])
    assert git(remote, "rev-parse", "main") == before == git(laptop.root, "rev-parse", "main")
    assert git(remote, "rev-parse", f"{BRANCH}^") == before
    assert names(remote, BRANCH) == sorted([path_of(ONE), path_of(TWO)])
    assert on_remote(remote, path_of(ONE)).status is Status.ACCEPTED
    assert "projects/o.r/project.toml" in git(remote, "ls-tree", "-r", "--name-only", BRANCH)
    assert git(laptop.root, "status", "--porcelain") == ""
    assert waiting(laptop) == sorted([path_of(ONE), path_of(TWO)])


def test_the_commit_says_where_it_comes_from(laptop: Machine, remote: Path) -> None:
    turn(laptop, accepted(ONE))
    message = git(remote, "log", "-1", "--format=%B", BRANCH)
    mark = message.split("Proposal: ")[1][:16]
    assert message == f"propose: Knowledge from laptop: 1 learning in o.r\n\nProposal: {mark}\nMachine: laptop"


def test_a_second_sync_without_news_pushes_nothing(laptop: Machine, remote: Path) -> None:
    turn(laptop, accepted(ONE))
    tip = git(remote, "rev-parse", BRANCH)
    report = turn(laptop)
    assert (git(remote, "rev-parse", BRANCH), report.proposed) == (tip, 1)


def test_the_branch_follows_main(laptop: Machine, reviewer: Reviewer, remote: Path) -> None:
    turn(laptop, accepted(ONE))
    reviewer.change_main()
    turn(laptop, accepted(TWO))
    assert git(remote, "rev-parse", f"{BRANCH}^") == git(remote, "rev-parse", "main")
    assert names(remote, BRANCH) == sorted([path_of(ONE), path_of(TWO)])


def test_the_best_ranked_go_first_and_the_rest_waits(laptop: Machine, reviewer: Reviewer, remote: Path) -> None:
    said = Source("laptop", "s", AT, Speaker.ASSISTANT)
    late = accepted(ONE, created="2026-03-05T10:00:00Z")
    report = turn(
        laptop,
        late,
        accepted(TWO, sources=(said,)),
        accepted(THREE),
        accepted(FOUR, evidence=()),
        accepted("Tests are real."),
    )
    assert (report.proposed, report.queued) == (3, 2)
    assert names(remote, BRANCH) == sorted([learning_path("o.r", late), path_of(THREE), path_of("Tests are real.")])
    reviewer.merge()
    report = turn(laptop)
    assert (report.proposed, report.queued) == (2, 0)
    assert git(remote, "diff", "--name-only", "main", BRANCH).split() == sorted([path_of(TWO), path_of(FOUR)])


def test_what_is_being_reviewed_is_not_pushed_out_by_better_ones(laptop: Machine, remote: Path) -> None:
    said = Source("laptop", "s", AT, Speaker.ASSISTANT)
    turn(laptop, *(accepted(claim, sources=(said,)) for claim in (ONE, TWO, THREE)))
    turn(laptop, accepted(FOUR))
    assert names(remote, BRANCH) == sorted(path_of(claim) for claim in (ONE, TWO, THREE))


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
@pytest.mark.parametrize("delete", [False, True])
def test_what_is_merged_is_accepted(laptop: Machine, reviewer: Reviewer, remote: Path, how: str, delete: bool) -> None:
    turn(laptop, accepted(ONE), accepted(TWO))
    reviewer.change_main()
    reviewer.merge(how, delete=delete)
    report = turn(laptop)
    assert {path: item.status for path, item in laptop.learnings().items()} == {
        path_of(ONE): Status.ACCEPTED,
        path_of(TWO): Status.ACCEPTED,
    }
    assert (waiting(laptop), report.rejected, report.notes, report.proposed) == ([], [], [], 0)
    assert git(laptop.root, "rev-parse", "main") == git(remote, "rev-parse", "main")
    assert git(remote, "for-each-ref", "refs/heads/proposals") == ""


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
@pytest.mark.parametrize("delete", [False, True])
def test_a_file_deleted_in_review_is_rejected_everywhere(
    laptop: Machine, desktop: Machine, reviewer: Reviewer, remote: Path, how: str, delete: bool
) -> None:
    turn(laptop, accepted(ONE), accepted(TWO))
    reviewer.look()
    (reviewer.folder / path_of(TWO)).unlink()
    reviewer.send("review: not this one")
    reviewer.merge(how, delete=delete)
    report = turn(laptop)
    learning = laptop.learnings()[path_of(TWO)]
    assert (report.rejected, learning.status) == ([path_of(TWO)], Status.REJECTED)
    by = "a reviewer" if delete else "Grace"
    what = "not taken in" if delete else "deleted in review of"
    assert learning.status_note == StatusNote(by, NOW, f"{what} {BRANCH}")
    assert (waiting(laptop), report.proposed, report.pull_request) == ([], 0, "")
    assert on_remote(remote, path_of(TWO)).status is Status.REJECTED
    known = Turn(desktop).begin().proposals.known()
    assert [(item.path, item.learning.status, item.machine) for item in known] == [
        (path_of(TWO), Status.REJECTED, "laptop")
    ]


def test_a_status_set_to_rejected_is_a_rejection_with_the_reviewers_note(
    laptop: Machine, reviewer: Reviewer, remote: Path
) -> None:
    turn(laptop, accepted(ONE), accepted(TWO))
    reviewer.look()
    note = StatusNote("Grace", AT, "true only once")
    rejected = replace_fields(accepted(TWO), status=Status.REJECTED, status_note=note)
    (reviewer.folder / path_of(TWO)).write_text(write_learning(rejected))
    reviewer.send("review: rejected")
    turn(laptop)
    assert laptop.learnings()[path_of(TWO)].status_note == note
    assert names(remote, BRANCH) == sorted([path_of(ONE), path_of(TWO)])
    assert on_remote(remote, path_of(TWO)).status is Status.REJECTED
    reviewer.merge()
    turn(laptop)
    assert on_remote(remote, path_of(TWO), "main").status is Status.REJECTED
    assert git(laptop.root, "rev-parse", "main") == git(remote, "rev-parse", "main")


def test_an_edit_in_review_is_what_is_proposed_from_then_on(laptop: Machine, reviewer: Reviewer, remote: Path) -> None:
    turn(laptop, accepted(ONE))
    reviewer.look()
    better = replace_fields(accepted(ONE), claim="Prices are integer cents.")
    (reviewer.folder / path_of(ONE)).write_text(write_learning(better))
    reviewer.send("review: clearer")
    tip = git(remote, "rev-parse", BRANCH)
    turn(laptop)
    assert git(remote, "rev-parse", BRANCH) == tip, "what is on the branch is right already"
    turn(laptop, accepted(TWO))
    assert on_remote(remote, path_of(ONE)) == better
    assert "Co-authored-by: Grace <ada@example.com>" in git(remote, "log", "-1", "--format=%B", BRANCH)
    reviewer.merge("squash")
    turn(laptop)
    assert laptop.learnings()[path_of(ONE)] == better
    assert waiting(laptop) == []


def test_other_changes_by_a_reviewer_go_along_and_touch_no_machine_before_they_are_merged(
    laptop: Machine, reviewer: Reviewer, remote: Path
) -> None:
    turn(laptop, accepted(ONE))
    reviewer.look()
    (reviewer.folder / "agent-context.toml").write_text("[extraction]\nextractor = 'anthropic'\n")
    (reviewer.folder / "patterns/README.md").unlink()
    reviewer.send("review: other things")
    turn(laptop, accepted(TWO))
    assert (laptop.root / "agent-context.toml").read_text() == SETTINGS
    assert (laptop.root / "patterns/README.md").exists()
    assert "anthropic" in git(remote, "show", f"{BRANCH}:agent-context.toml")
    assert "patterns/README.md" not in git(remote, "ls-tree", "-r", "--name-only", BRANCH)
    reviewer.merge()
    turn(laptop, accepted(THREE))
    assert "anthropic" in (laptop.root / "agent-context.toml").read_text()
    assert git(remote, "diff", "--name-only", "main", BRANCH) == path_of(THREE)


def test_a_branch_brought_up_to_date_by_the_forge_is_still_ours(laptop: Machine, reviewer: Reviewer) -> None:
    turn(laptop, accepted(ONE), accepted(TWO))
    reviewer.change_main()
    reviewer.look()
    git(reviewer.folder, "rebase", "--quiet", "origin/main")
    (reviewer.folder / path_of(TWO)).unlink()
    git(reviewer.folder, "commit", "--quiet", "-a", "--amend", "--no-edit")
    git(reviewer.folder, "push", "--quiet", "--force", "origin", f"HEAD:{BRANCH}")
    report = turn(laptop)
    assert (report.problems, report.rejected) == ([], [path_of(TWO)])


def test_a_deleted_branch_with_nothing_arrived_is_no_rejection(laptop: Machine, remote: Path) -> None:
    turn(laptop, accepted(ONE))
    git(remote, "update-ref", "-d", f"refs/heads/{BRANCH}")
    report = turn(laptop, accepted(TWO))
    assert [note.split(":")[0] for note in report.notes] == [
        f"the branch {BRANCH} was deleted on the remote, and nothing of it arrived"
    ]
    assert (report.rejected, waiting(laptop)) == ([], sorted([path_of(ONE), path_of(TWO)]))
    assert git(remote, "for-each-ref", "refs/heads/proposals") == ""


def test_two_machines_propose_on_branches_of_their_own(laptop: Machine, desktop: Machine, remote: Path) -> None:
    turn(laptop, accepted(ONE))
    theirs = Turn(desktop).begin()
    assert [(item.learning.claim, item.machine) for item in theirs.proposals.known()] == [(ONE, "laptop")]
    theirs.learn(accepted(TWO, "desktop")).end()
    assert names(remote, "proposals/desktop") == [path_of(TWO)]
    assert names(remote, BRANCH) == [path_of(ONE)]


def test_the_same_learning_arriving_by_another_machine_is_no_verdict_on_the_rest(
    laptop: Machine, desktop: Machine, reviewer: Reviewer
) -> None:
    turn(laptop, accepted(ONE), accepted(TWO))
    turn(desktop, accepted(ONE, "desktop"))
    reviewer.merge("squash", "proposals/desktop")
    report = turn(laptop)
    assert (report.rejected, waiting(laptop)) == ([], [path_of(TWO)])


def test_a_rejection_on_one_machine_ends_the_waiting_on_another(
    laptop: Machine, desktop: Machine, reviewer: Reviewer
) -> None:
    turn(laptop, accepted(ONE))
    turn(desktop, accepted(ONE, "desktop"))
    reviewer.look()
    (reviewer.folder / path_of(ONE)).unlink()
    reviewer.send("review: no")
    turn(laptop)
    report = turn(desktop)
    assert (waiting(desktop), report.proposed) == ([], 0)


def test_a_remote_that_refuses_pushes_to_main_still_gets_everything(
    laptop: Machine, reviewer: Reviewer, remote: Path
) -> None:
    hook = remote / "hooks/pre-receive"
    hook.write_text('#!/bin/sh\nwhile read old new ref; do [ "$ref" != refs/heads/main ] || exit 1; done\n')
    hook.chmod(0o755)
    turn(laptop, accepted(ONE), accepted(TWO))
    reviewer.look()
    (reviewer.folder / path_of(TWO)).unlink()
    reviewer.send("review: not this one")
    hook.chmod(0o644)
    reviewer.merge("squash")
    hook.chmod(0o755)
    report = turn(laptop, accepted(THREE))
    assert (report.failed, report.rejected) == (False, [path_of(TWO)])
    assert git(remote, "diff", "--name-only", "main", BRANCH).split() == sorted([path_of(TWO), path_of(THREE)])
    hook.chmod(0o644)
    reviewer.merge("squash")
    turn(laptop)
    assert {item.claim: item.status for item in laptop.learnings().values()} == {
        ONE: Status.ACCEPTED,
        TWO: Status.REJECTED,
        THREE: Status.ACCEPTED,
    }
    assert git(laptop.root, "rev-parse", "main") == git(remote, "rev-parse", "main")


def test_a_confirmation_goes_along(laptop: Machine, reviewer: Reviewer, remote: Path) -> None:
    turn(laptop, accepted(ONE))
    reviewer.merge()
    more = Source("laptop", "another", NOW, Speaker.USER)
    known = laptop_learning = replace_fields(accepted(ONE), sources=(*accepted(ONE).sources, more))
    first = Turn(laptop).begin().learn(known)
    report = first.end()
    assert (report.proposed, report.pull_request) == (0, "")
    assert on_remote(remote, path_of(ONE)) == laptop_learning


def test_a_push_that_was_not_noted_is_recognised(laptop: Machine, remote: Path) -> None:
    turn(laptop, accepted(ONE))
    before = load_waiting(Repository(laptop.root)).ledger.proposed
    turn(laptop, accepted(TWO))
    stock = load_waiting(Repository(laptop.root))
    stock.note(planned=stock.ledger.proposed, proposed=before, previous=None)
    stock.save()
    report = turn(laptop)
    assert (report.problems, report.proposed) == ([], 2)
    assert names(remote, BRANCH) == sorted([path_of(ONE), path_of(TWO)])


def test_another_clone_on_the_same_branch_is_named_and_nothing_is_overwritten(
    laptop: Machine, desktop: Machine, remote: Path
) -> None:
    turn(laptop, accepted(ONE))
    git(desktop.root, "checkout", "--quiet", "-B", "x", "origin/main")
    git(desktop.root, "commit", "--quiet", "--allow-empty", "-m", "another machine's")
    git(desktop.root, "push", "--quiet", "--force", "origin", f"HEAD:{BRANCH}")
    tip = git(remote, "rev-parse", BRANCH)
    report = turn(laptop, accepted(TWO))
    assert [problem.split(";")[0] for problem in report.problems] == [f"another clone pushes to {BRANCH}"]
    assert git(remote, "rev-parse", BRANCH) == tip
    assert waiting(laptop) == sorted([path_of(ONE), path_of(TWO)])


def test_a_push_between_look_and_push_is_not_overwritten(laptop: Machine, reviewer: Reviewer, remote: Path) -> None:
    turn(laptop, accepted(ONE))
    late = Turn(laptop).begin().learn(accepted(TWO))
    reviewer.look()
    (reviewer.folder / path_of(ONE)).unlink()
    reviewer.send("review: just now")
    tip = git(remote, "rev-parse", BRANCH)
    report = late.end()
    assert report.notes == [f"{BRANCH} was changed on the remote meanwhile; the next sync takes that in"]
    assert git(remote, "rev-parse", BRANCH) == tip
    report = turn(laptop)
    assert (report.rejected, names(remote, BRANCH)) == ([path_of(ONE)], sorted([path_of(ONE), path_of(TWO)]))


def test_a_clone_that_lost_what_waited_takes_its_branch_over(laptop: Machine, remote: Path) -> None:
    turn(laptop, accepted(ONE))
    git(laptop.root, "update-ref", "-d", REF)
    report = turn(laptop, accepted(TWO))
    assert (report.problems, names(remote, BRANCH)) == ([], sorted([path_of(ONE), path_of(TWO)]))


def test_what_joined_after_the_merge_is_not_turned_down_with_it(
    laptop: Machine, reviewer: Reviewer, remote: Path
) -> None:
    turn(laptop, accepted(ONE), accepted(TWO))
    late = Turn(laptop).begin().learn(accepted(THREE))
    reviewer.merge("squash")
    late.end()
    report = turn(laptop)
    assert (report.rejected, waiting(laptop)) == ([], [path_of(THREE)])
    assert git(remote, "diff", "--name-only", "main", BRANCH) == path_of(THREE)


def verdicts(machine: Machine, word: PullRequest | None) -> Verdicts:
    """Read verdicts as the next sync would, with this word of the forge."""
    step = Turn(machine)
    step.exchange.bring_in()
    stock = step.proposals.waiting
    repository = step.proposals.repository
    git(machine.root, "fetch", "--quiet", "--prune", "origin")
    tip = stock.refs.tip(f"refs/remotes/origin/{BRANCH}")
    main = repository.remote_tip("origin", "main") or ""
    found = Verdicts(step.proposals.knowledge_base, repository, stock, BRANCH, main, tip, word, NOW)
    found.read()
    return found


def test_the_forges_word_that_it_was_closed_turns_all_down(laptop: Machine) -> None:
    turn(laptop, accepted(ONE), accepted(TWO))
    word = PullRequest("https://forge.example/o/r/pulls/7", 7, RequestState.CLOSED, by="grace")
    found = verdicts(laptop, word)
    assert sorted(found.files) == sorted([path_of(ONE), path_of(TWO)])
    note = parse_learning((found.files[path_of(ONE)] or b"").decode(), "x.md").status_note
    assert note == StatusNote("grace", NOW, "not taken in https://forge.example/o/r/pulls/7")
    assert found.ledger.decided == 7


def test_an_older_pull_request_of_the_branch_decides_nothing(laptop: Machine) -> None:
    turn(laptop, accepted(ONE))
    stock = load_waiting(Repository(laptop.root))
    stock.note(decided=7)
    stock.save()
    found = verdicts(laptop, PullRequest("https://forge.example/o/r/pulls/7", 7, RequestState.CLOSED))
    assert (found.files, found.held) == ({}, "")


def test_an_open_pull_request_keeps_all_waiting_though_some_have_arrived(laptop: Machine, reviewer: Reviewer) -> None:
    turn(laptop, accepted(ONE), accepted(TWO))
    reviewer.look()
    git(reviewer.folder, "checkout", "--quiet", "main")
    git(reviewer.folder, "checkout", "--quiet", "review", "--", path_of(ONE))
    git(reviewer.folder, "commit", "--quiet", "-m", "main: one of them by hand")
    git(reviewer.folder, "push", "--quiet", "origin", "HEAD:main")
    found = verdicts(laptop, PullRequest("https://forge.example/o/r/pulls/7", 7, RequestState.OPEN))
    assert (found.files, sorted(found.waiting.files)[:1]) == ({}, [path_of(TWO)])


def test_a_merge_that_main_does_not_show_yet_is_waited_for(laptop: Machine) -> None:
    turn(laptop, accepted(ONE))
    found = verdicts(laptop, PullRequest("https://f.example/1", 1, RequestState.MERGED, merged_as="1" * 40))
    assert (found.files, found.held) == ({}, "https://f.example/1 is merged, which main does not show yet")


def test_the_version_that_the_pull_request_held_is_the_one_decided_on(laptop: Machine, remote: Path) -> None:
    turn(laptop, accepted(ONE))
    first = git(remote, "rev-parse", BRANCH)
    turn(laptop, accepted(TWO))
    found = verdicts(laptop, PullRequest("https://f.example/1", 1, RequestState.CLOSED, head=first))
    assert sorted(found.files) == [path_of(ONE)]


def test_what_waits_survives_in_the_clones_own_ref(laptop: Machine) -> None:
    remark = Remark("contradicts", "3f9c2a71b0", "Prices are floats.", "cents, floats")
    dropped = Dropped("o.r", "s", "exact duplicate", "x (the same words)", "Deploy with make.")
    Turn(laptop).begin().learn(accepted(ONE), remarks={path_of(ONE): remark}, dropped=(dropped,))
    again = load_waiting(Repository(laptop.root))
    assert (again.ledger.remarks, again.ledger.counts) == ({path_of(ONE): remark}, {"exact duplicate": 1})
    assert waiting(laptop) == [path_of(ONE)]
    assert git(laptop.root, "rev-list", "--count", REF) == "1"


def test_a_crash_after_a_rejection_was_committed_changes_nothing(laptop: Machine, reviewer: Reviewer) -> None:
    turn(laptop, accepted(ONE), accepted(TWO))
    saved = git(laptop.root, "rev-parse", REF)
    reviewer.look()
    (reviewer.folder / path_of(TWO)).unlink()
    reviewer.send("review: no")
    Turn(laptop).begin()
    git(laptop.root, "update-ref", REF, saved)
    report = turn(laptop)
    assert (report.rejected, waiting(laptop)) == ([], [path_of(ONE)])
    assert laptop.learnings()[path_of(TWO)].status is Status.REJECTED


def test_a_machine_with_another_name_begins_a_branch_of_its_own(laptop: Machine, remote: Path) -> None:
    turn(laptop, accepted(ONE))
    object.__setattr__(laptop.environment, "machine", "tower")
    turn(laptop)
    assert names(remote, "proposals/tower") == [path_of(ONE)]


def test_an_unreachable_remote_keeps_all_waiting(laptop: Machine, remote: Path) -> None:
    remote.rename(remote.with_suffix(".away"))
    report = turn(laptop, accepted(ONE))
    assert (report.failed, waiting(laptop)) == (True, [path_of(ONE)])
    remote.with_suffix(".away").rename(remote)
    assert turn(laptop).proposed == 1


def test_the_ledger_keeps_pushed_commits_from_being_collected(laptop: Machine, remote: Path) -> None:
    turn(laptop, accepted(ONE))
    tip = git(remote, "rev-parse", BRANCH)
    git(remote, "update-ref", "-d", f"refs/heads/{BRANCH}")
    turn(laptop)
    git(laptop.root, "reflog", "expire", "--expire=now", "--all")
    subprocess.run(["git", "gc", "--quiet", "--prune=now"], cwd=laptop.root, check=True)
    stock = load_waiting(Repository(laptop.root))
    assert isinstance(stock.ledger.proposed, Proposal)
    assert git(laptop.root, "cat-file", "-t", tip) == "commit"


def test_what_was_turned_down_in_other_words_is_proposed_no_more(laptop: Machine, remote: Path) -> None:
    turn(laptop, accepted(ONE), accepted(TWO))
    step = Turn(laptop).begin()
    twin = "3f9c2a71b0 (words 0.93)"
    step.proposals.forget_rejected(lambda project, learning: twin if (project, learning.claim) == ("o.r", TWO) else "")
    report = step.end()
    assert [(item.claim, item.reason, item.detail) for item in report.dropped] == [
        (TWO, "rejected since in other words", twin)
    ]
    assert names(remote, BRANCH) == [path_of(ONE)]


def test_files_of_one_machine_are_read_from_its_branch_until_they_are_on_main(
    laptop: Machine, desktop: Machine, remote: Path
) -> None:
    repository = Repository(laptop.root)
    repository.commit_files({"tooling/machines/laptop.toml": b'name = "laptop"\n'}, "machine\n", "laptop")
    report = turn(laptop)
    assert (report.notes, report.pull_request) == ([], ""), "nobody is asked to review that alone"
    assert "tooling/machines/laptop.toml" in git(remote, "ls-tree", "-r", "--name-only", BRANCH)
    assert Turn(desktop).begin().proposals.of_machines() == {"tooling/machines/laptop.toml": b'name = "laptop"\n'}


def test_a_branch_that_cannot_be_deleted_after_the_merge_brings_nothing_back(
    laptop: Machine, reviewer: Reviewer, remote: Path
) -> None:
    hook = remote / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\nwhile read old new ref; do case $new in 000000*) exit 1;; esac; done\n")
    hook.chmod(0o755)
    turn(laptop, accepted(ONE), accepted(TWO))
    reviewer.look()
    (reviewer.folder / path_of(TWO)).unlink()
    reviewer.send("review: no")
    turn(laptop)
    reviewer.merge("squash")
    for _ in range(3):
        report = turn(laptop)
        assert (report.problems, report.proposed, waiting(laptop)) == ([], 0, [])
    assert on_remote(remote, path_of(TWO), "main").status is Status.REJECTED
    turn(laptop, accepted(THREE))
    assert git(remote, "diff", "--name-only", "main", BRANCH) == path_of(THREE)


def test_an_encrypted_learning_is_proposed_without_a_word_of_it(laptop: Machine, remote: Path) -> None:
    path = "projects/o.r/2026-03/3f9c2a71b0.md.age"
    step = Turn(laptop).begin()
    step.proposals.add({path: b"age-encryption.org/v1\n..."}, {}, ())
    assert step.end().proposed == 1
    assert git(remote, "diff", "--name-only", "main", BRANCH) == path


def test_a_name_that_no_honest_commit_has_on_another_s_branch_costs_that_branch_alone(
    laptop: Machine, reviewer: Reviewer
) -> None:
    blob = git(reviewer.folder, "hash-object", "-w", "agent-context.toml")
    made = subprocess.run(
        ["git", "mktree"],
        cwd=reviewer.folder,
        input=f"100644 blob {blob}\ta\\b.md\n",
        capture_output=True,
        text=True,
        check=True,
    )
    commit = git(reviewer.folder, "commit-tree", "-p", "origin/main", "-m", "odd", made.stdout.strip())
    git(reviewer.folder, "push", "--quiet", "origin", f"{commit}:refs/heads/proposals/odd")
    report = turn(laptop, accepted(ONE))
    assert (report.proposed, report.failed) == (1, False)
