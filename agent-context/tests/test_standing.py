"""What `status` and `doctor` say of real clones in every state."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest
from filelock import FileLock
from samples import LESSON, Machine, git, make_learning, replace_fields
from test_cli import run

from agent_context.examination import Examined, Health, examine
from agent_context.frontmatter import write_learning
from agent_context.git import Repository
from agent_context.journal import Entry, Journal
from agent_context.knowledge import KnowledgeBase
from agent_context.layout import learning_path
from agent_context.learning import Conflict, Learning, utc
from agent_context.machines import describe_machine, machine_file_for
from agent_context.review.standing import take_standing
from agent_context.trailers import trailers

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.config import Environment

FIRST = make_learning("Deploy with `make deploy`.")


def kb(machine: Machine) -> KnowledgeBase:
    return KnowledgeBase(machine.root)


def put(machine: Machine, learning: Learning) -> None:
    name = machine.environment.machine
    data = write_learning(learning).encode()
    Repository(machine.root).commit_files({learning_path("o.r", learning): data}, f"x\n\n{trailers(name)}", name)


def subjects(machine: Machine, environment: Environment | None = None) -> dict[str, Examined]:
    return {item.subject: item for item in examine(kb(machine), environment or machine.environment)}


def test_status_shows_what_waits_and_who_synced_when(machine: Machine, other: Machine) -> None:
    put(other, FIRST)
    other.sync()
    machine.sync()
    put(machine, replace_fields(FIRST, conflicts=(Conflict("claim", ("Deploy by hand.",)),)))
    put(machine, make_learning("Prices are integer cents."))
    (machine.root / "projects/o.r/notes.md").write_text("half")
    machine.teach(LESSON)
    standing = take_standing(kb(machine), machine.environment)
    assert (standing.statuses, standing.projects, standing.sessions_unread) == ({"unreviewed": 2}, 1, 1)
    assert (standing.ahead, standing.behind) == (2, 0)
    assert standing.conflicts == [f"{FIRST.id} claim"]
    assert standing.uncommitted == ["projects/o.r/notes.md"]
    assert len(standing.problems) == 1
    assert {item.name: item.behind for item in standing.machines} == {"laptop": 0, "desktop": 3}


def test_status_fits_80_columns_and_one_screen(machine: Machine) -> None:
    for number in range(40):
        (machine.root / f"projects/file{number}.md").write_text("half")
    put(machine, FIRST)
    lines = run(machine, "status", "--kb", "kb").stdout.splitlines()
    assert len(lines) <= 24
    own = [line for line in lines if str(machine.folder.parent) not in line]  # the paths of this test are long
    assert max(len(line) for line in own) <= 80
    assert "Review       1 learning unreviewed: agent-context review" in lines
    assert any(line.endswith("… and 35 more (--json names them all)") for line in lines)


def test_status_in_json_has_every_count(machine: Machine) -> None:
    standing = json.loads(run(machine, "status", "--kb", "kb", "--json").stdout)
    assert (standing["conflicts"], standing["quarantined"], standing["withheld"], standing["proposed"]) == ([], 0, 0, 0)


def test_a_sound_clone_is_good_all_over(machine: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    machine.sync()
    found = subjects(machine)
    assert {name for name, item in found.items() if item.health is not Health.GOOD} == set()
    assert {"agent-context", "extras", "remote", "clock", "last sync", "schedule", "client hooks"} <= found.keys()


def test_a_remote_that_is_gone_is_broken_and_says_what_to_do(machine: Machine) -> None:
    git(machine.root, "remote", "set-url", "origin", str(machine.folder / "gone.git"))
    found = subjects(machine)["remote"]
    assert (found.health, found.remedy != "") == (Health.BROKEN, True)


def test_a_commit_from_the_future_is_told_by_its_hours(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"{int(time.time()) + 7200} +0000")
    git(machine.root, "commit", "--quiet", "--allow-empty", "-m", "early")
    found = subjects(machine)["clock"]
    assert (found.health, found.seen) == (Health.POOR, "the newest commit is 2.0 hours in the future")


def test_a_held_lock_is_told(machine: Machine) -> None:
    with FileLock(Repository(machine.root).lock_path):
        assert subjects(machine)["lock"].health is Health.POOR
    assert subjects(machine)["lock"].health is Health.GOOD


@pytest.mark.parametrize(
    ("entry", "health"),
    [
        (Entry("", "", exit_code=0), Health.GOOD),
        (Entry("", "", exit_code=1, waiting="the remote does not answer"), Health.POOR),
        (Entry("2026-01-01T00:00:00Z", ""), Health.POOR),
    ],
)
def test_the_last_sync_is_judged_by_its_end_and_its_age(machine: Machine, entry: Entry, health: Health) -> None:
    assert subjects(machine)["last sync"].seen == "none on this machine yet"
    journal = Journal(machine.environment.data_dir)
    journal.append(msgspec.structs.replace(entry, at=entry.at or utc(time.time()), knowledge_base=str(machine.root)))
    journal.append(Entry(utc(time.time()), "/another"))
    assert subjects(machine)["last sync"].health is health


def test_two_machines_of_one_name_are_told(machine: Machine, other: Machine) -> None:
    twin = replace(other.environment, machine="laptop")
    described = describe_machine(twin, time.time(), "", {})
    files = dict(machine_file_for(described, None, riding=True))
    Repository(machine.root).commit_files(files, "x", "laptop")
    machine.environment.data_dir.mkdir(parents=True, exist_ok=True)
    (machine.environment.data_dir / "instance").write_text("another\n")
    found = examine(kb(machine), machine.environment)
    words = [item.seen for item in found if item.health is Health.POOR and item.subject == "machine name"]
    assert len(words) == 1
    assert "another machine named laptop synced here" in words[0]


def test_an_extra_that_the_settings_ask_for_is_missed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = machine.root / "agent-context.toml"
    settings.write_text('[extraction]\nextractor = "anthropic"\n')
    monkeypatch.setattr("agent_context.examination.EXTRAS", {"llm": "no_such_package_anywhere"})
    found = subjects(machine)["extras"]
    assert (found.health, found.remedy) == (Health.BROKEN, "the extractor needs `llm`: install that extra")


def test_client_hooks_are_seen_in_the_client_settings(machine: Machine) -> None:
    home = machine.environment.claude_dir
    home.mkdir(parents=True)
    (home / "settings.json").write_text('{"hooks": {"SessionEnd": [{"command": "agent-context hook"}]}}')
    assert subjects(machine)["client hooks"].seen == f"named in {home / 'settings.json'}"


def test_doctor_exits_1_when_something_is_broken(machine: Machine, tmp_path: Path) -> None:
    git(machine.root, "remote", "set-url", "origin", str(tmp_path / "gone.git"))
    done = run(machine, "doctor", "--kb", "kb")
    assert done.returncode == 1
    assert "broken  remote" in done.stdout
