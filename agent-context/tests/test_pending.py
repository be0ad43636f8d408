"""What a person at one machine sees and decides of what waits: the commands proposals, rejected, reconsider."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from samples import Machine, git
from test_cli import run
from test_proposals import (
    BRANCH,
    FOUR,
    ONE,
    THREE,
    TWO,
    Reviewer,
    Turn,
    accepted,
    desktop,
    laptop,
    names,
    on_remote,
    path_of,
    reviewer,
    turn,
    waiting,
)

from agent_context.git import Repository
from agent_context.knowledge import KnowledgeBase
from agent_context.learning import Status
from agent_context.review.pending import forget_waiting, list_rejected, reconsider, release_waiting

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["desktop", "laptop", "reviewer"]  # fixtures


def show(machine: Machine, *arguments: str) -> str:
    done = run(machine, *arguments, "--kb", "kb")
    assert done.returncode == 0, done.stderr
    return done.stdout


def reject_in_review(reviewer: Reviewer, claim: str) -> None:
    reviewer.look()
    (reviewer.folder / path_of(claim)).unlink()
    reviewer.send("review: no")


def test_what_waits_is_shown_by_where_it_stands(laptop: Machine, desktop: Machine) -> None:
    claims = (ONE, TWO, THREE, FOUR)
    turn(laptop, *(accepted(claim) for claim in claims))
    turn(desktop, accepted("Tests are real.", "desktop"))
    turn(laptop)
    shown = show(laptop, "proposals")
    order = [accepted(claim).id for claim in sorted(claims, key=path_of)]
    first, rest = shown.split("Queued until that is decided: 1 learning")
    assert first.startswith(f"Proposed on {BRANCH}: 3 learnings")
    assert sum(identity in first for identity in order) == 3
    assert sum(identity in rest for identity in order) == 1
    assert "Proposed by other machines: 1 learning" in rest
    assert f"{accepted('Tests are real.').id}  o.r  desktop" in rest
    states = [item["state"] for item in json.loads(show(laptop, "proposals", "--json"))["pending"]]
    assert sorted(states) == ["elsewhere", "proposed", "proposed", "proposed", "queued"]


def test_nothing_waits_at_first(laptop: Machine) -> None:
    assert show(laptop, "proposals") == "Nothing waits to be proposed.\n"
    assert show(laptop, "rejected") == "0 learnings rejected\n"


def test_the_person_turns_down_before_anybody_reviews(laptop: Machine, remote: Path) -> None:
    turn(laptop, accepted(ONE), accepted(TWO))
    show(laptop, "proposals", "--reject", accepted(TWO).id[:6], "--reason", "only once")
    assert waiting(laptop) == [path_of(ONE)]
    turn(laptop)
    assert on_remote(remote, path_of(TWO)).status is Status.REJECTED
    (rejection,) = json.loads(show(laptop, "rejected", "--json"))
    assert (rejection["reason"], rejection["by"], rejection["where"]) == ("only once", "laptop", "here")


def test_a_deleted_branch_is_proposed_again_when_the_person_says_so(laptop: Machine, remote: Path) -> None:
    turn(laptop, accepted(ONE))
    git(remote, "update-ref", "-d", f"refs/heads/{BRANCH}")
    assert "was deleted on the remote" in turn(laptop).notes[0]
    assert "once more" in show(laptop, "proposals", "--again")
    assert "was deleted" not in "".join(turn(laptop).notes)
    assert names(remote, BRANCH) == [path_of(ONE)]


def test_a_rejection_is_listed_with_its_reason_here_and_where_it_is_still_to_come(
    laptop: Machine, desktop: Machine, reviewer: Reviewer
) -> None:
    turn(laptop, accepted(ONE), accepted(TWO))
    reject_in_review(reviewer, TWO)
    turn(laptop)
    turn(desktop)
    shown = show(laptop, "rejected")
    assert f"{accepted(TWO).id}  o.r  2026-03-02  Grace: deleted in review of {BRANCH}" in shown
    assert f"  {TWO}" in shown
    assert f"on {BRANCH}, not on main yet" in show(desktop, "rejected")
    assert show(desktop, "rejected", "--project", "x.y") == "0 learnings rejected\n"


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_a_rejection_taken_back_is_proposed_anew_and_arrives(
    laptop: Machine, reviewer: Reviewer, remote: Path, how: str, merged: bool
) -> None:
    turn(laptop, accepted(ONE), accepted(TWO))
    reject_in_review(reviewer, TWO)
    turn(laptop)
    if merged:
        reviewer.merge(how)
        turn(laptop)
    assert "waits to be proposed" in show(
        laptop, "reconsider", accepted(TWO).id[:6], "--reason", "it is true after all"
    )
    assert show(laptop, "rejected") == "0 learnings rejected\n"
    turn(laptop)
    assert on_remote(remote, path_of(TWO)).status is Status.ACCEPTED
    reviewer.merge(how)
    turn(laptop)
    assert {item.claim: item.status for item in laptop.learnings().values()} == {
        ONE: Status.ACCEPTED,
        TWO: Status.ACCEPTED,
    }
    assert (waiting(laptop), git(laptop.root, "rev-parse", "main")) == ([], git(remote, "rev-parse", "main"))


def test_a_rejection_that_is_only_on_another_machine_s_branch_can_be_taken_back(
    laptop: Machine, desktop: Machine, reviewer: Reviewer, remote: Path
) -> None:
    turn(laptop, accepted(ONE), accepted(TWO))
    reject_in_review(reviewer, TWO)
    turn(laptop)
    turn(desktop)
    show(desktop, "reconsider", accepted(TWO).id)
    turn(desktop)
    assert on_remote(remote, path_of(TWO), "proposals/desktop").status is Status.ACCEPTED


def test_in_direct_mode_a_rejection_taken_back_is_unreviewed(machine: Machine) -> None:
    show(machine, "add", ONE, "--project", "o.r")
    (learning,) = machine.learnings().values()
    show(machine, "review", "--reject", learning.id)
    assert "unreviewed: " in show(machine, "reconsider", learning.id)
    assert next(iter(machine.learnings().values())).status is Status.UNREVIEWED


def test_an_id_that_is_none_is_named(laptop: Machine) -> None:
    done = run(laptop, "reconsider", "zz", "--kb", "kb")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        "Error: no rejected learning has an id that begins with zz",
    )
    assert run(laptop, "proposals", "--reject", "--kb", "kb").returncode == 2


def test_what_waits_becomes_unreviewed_when_the_mode_is_direct_again(laptop: Machine) -> None:
    turn(laptop, accepted(ONE))
    repository = Repository(laptop.root)
    knowledge_base = KnowledgeBase(laptop.root)
    repository.commit_files(release_waiting(knowledge_base, repository), "learn: 1 learning\n", "laptop")
    forget_waiting(repository)
    assert [item.status for item in laptop.learnings().values()] == [Status.UNREVIEWED]
    assert waiting(laptop) == []


def test_a_hand_edit_goes_along_and_the_squash_leaves_no_commit_of_ours(
    laptop: Machine, reviewer: Reviewer, remote: Path
) -> None:
    turn(laptop, accepted(ONE))
    reviewer.merge()
    turn(laptop)
    file = laptop.root / path_of(ONE)
    file.write_text(file.read_text().replace(ONE, "Prices are integer cents."))
    git(laptop.root, "commit", "--quiet", "-am", "clearer")
    report = turn(laptop)
    assert (report.proposed, len(report.notes)) == (0, 1), "a person is asked to open a pull request"
    assert on_remote(remote, path_of(ONE)).claim == "Prices are integer cents."
    reviewer.merge("squash")
    turn(laptop)
    assert git(laptop.root, "rev-parse", "main") == git(remote, "rev-parse", "main")


def test_reconsidering_twice_changes_nothing_more(laptop: Machine, reviewer: Reviewer) -> None:
    turn(laptop, accepted(TWO))
    reject_in_review(reviewer, TWO)
    step = Turn(laptop).begin()
    step.end()
    assert [item.learning.claim for item in list_rejected(KnowledgeBase(laptop.root), laptop.environment)] == [TWO]
    reconsider(KnowledgeBase(laptop.root), laptop.environment, (accepted(TWO).id,), "yes")
    assert list_rejected(KnowledgeBase(laptop.root), laptop.environment) == []
