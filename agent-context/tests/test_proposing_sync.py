from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from samples import LESSON, OTHER_LESSON, Machine, git
from test_proposals import BRANCH, Reviewer, names

from agent_context.knowledge import KnowledgeBase
from agent_context.learning import Status
from agent_context.syncing.halves import push

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.reports import SyncReport


@pytest.fixture
def team(tmp_path: Path, remote: Path) -> tuple[Machine, Machine, Reviewer]:
    """Two machines and a reviewer on one knowledge base that is reviewed by pull request."""
    seed = tmp_path / "seed-settings"
    git(tmp_path, "clone", "--quiet", str(remote), str(seed))
    settings = seed / "agent-context.toml"
    settings.write_text(settings.read_text().replace('review = "direct"', 'review = "pull-request"'))
    git(seed, "commit", "--quiet", "-am", "review by pull request")
    git(seed, "push", "--quiet")
    machines = [Machine.join(tmp_path, remote, name) for name in ("laptop", "desktop")]
    git(tmp_path, "clone", "--quiet", str(remote), "reviewer")
    return machines[0], machines[1], Reviewer(tmp_path / "reviewer")


def test_a_sync_proposes_and_what_a_reviewer_turned_down_comes_back_on_no_machine(
    team: tuple[Machine, Machine, Reviewer], remote: Path
) -> None:
    laptop, desktop, reviewer = team
    checkout, other = laptop.checkout(), desktop.checkout()
    laptop.teach(LESSON, OTHER_LESSON, cwd=checkout)
    report = laptop.sync()
    assert (report.proposed, report.exit_code, len(report.learned), laptop.learnings()) == (2, 0, 2, {})
    again = laptop.sync()
    assert (again.proposed, len(again.learned)) == (2, 0)

    desktop.teach(LESSON, cwd=other)
    assert _reasons(desktop.sync()) == ["exact duplicate"]

    reviewer.look()
    (path,) = [path for path in names(remote, BRANCH) if "fly-deploy" in path]
    (reviewer.folder / path).unlink()
    reviewer.send("no")
    assert laptop.sync().rejected == [path]
    desktop.teach(LESSON.replace("always use", "you should always use"), name="s2", cwd=other)
    assert _reasons(desktop.sync()) == ["rejected before"]

    reviewer.merge("squash")
    laptop.sync()
    desktop.sync()
    assert sorted(item.status for item in desktop.learnings().values()) == [Status.ACCEPTED, Status.REJECTED]
    desktop.teach(LESSON, name="s3", cwd=other)
    assert _reasons(desktop.sync()) == ["rejected before"]


def test_a_push_by_itself_proposes_and_sees_the_merge(team: tuple[Machine, Machine, Reviewer], remote: Path) -> None:
    laptop, _, reviewer = team
    git(laptop.root, "remote", "set-url", "origin", "/nowhere.git")
    laptop.teach(LESSON, cwd=laptop.checkout())
    assert laptop.sync().queued == 1
    git(laptop.root, "remote", "set-url", "origin", str(remote))
    assert push(KnowledgeBase(laptop.root), laptop.environment).proposed == 1
    reviewer.look()
    reviewer.merge("squash")
    report = push(KnowledgeBase(laptop.root), laptop.environment)
    assert (report.proposed, report.exit_code) == (0, 0)
    assert [item.status for item in laptop.learnings().values()] == [Status.ACCEPTED]


def test_a_clone_made_anew_reads_again_what_waited(team: tuple[Machine, Machine, Reviewer], remote: Path) -> None:
    laptop, _, _ = team
    laptop.teach(LESSON, cwd=laptop.checkout())
    git(laptop.root, "remote", "set-url", "origin", "/nowhere.git")
    assert laptop.sync().queued == 1
    laptop.root.rename(laptop.folder / "lost")
    git(laptop.folder, "clone", "--quiet", str(remote), "kb")
    assert laptop.sync().proposed == 1


def test_what_waited_is_committed_unreviewed_when_the_mode_changes(team: tuple[Machine, Machine, Reviewer]) -> None:
    laptop, _, _ = team
    laptop.teach(LESSON, cwd=laptop.checkout())
    laptop.sync()
    settings = laptop.root / "agent-context.toml"
    settings.write_text(settings.read_text().replace('"pull-request"', '"direct"'))
    git(laptop.root, "commit", "--quiet", "-am", "review directly")
    report = laptop.sync()
    assert report.exit_code == 0
    assert [item.status for item in laptop.learnings().values()] == [Status.UNREVIEWED]


def test_a_dry_run_proposes_nothing(team: tuple[Machine, Machine, Reviewer], remote: Path) -> None:
    laptop, _, _ = team
    laptop.teach(LESSON, cwd=laptop.checkout())
    before = git(remote, "for-each-ref")
    report = laptop.sync(dry_run=True)
    assert (len(report.learned), git(remote, "for-each-ref")) == (1, before)
    assert laptop.sync().proposed == 1
    assert len(laptop.sync(dry_run=True).learned) == 0


def _reasons(report: SyncReport) -> list[str]:
    return [dropped.reason for dropped in report.dropped]
