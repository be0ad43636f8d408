"""What the screen was not sure of waits on this machine alone until a person decides."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest
from samples import AT, Machine, git
from test_cli import run

from agent_context.errors import AgentContextError
from agent_context.knowledge import KnowledgeBase
from agent_context.known_values import load_guard
from agent_context.learning import Candidate, Finding, Kind, Quote, Speaker, Status
from agent_context.quarantine import Held, Quarantine, hold_back
from agent_context.review.quarantining import release

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

CLAIM = "The staging box is reached only by way of the jump host."
SECRET = "Wq7xRk2" + "vTz9Lm4Yd8Ns3"
WITH_SECRET = f'Set api_token = "{SECRET}" on staging.'


def candidate(claim: str = CLAIM) -> Candidate:
    return Candidate("s1", AT, claim, Kind.GOTCHA, (Quote(claim, Speaker.USER),))


def held(claim: str = CLAIM, at: str = AT, project: str = "o.r") -> Held:
    finding = Finding("secret", "named-secret", "likely", 1, 18, len(SECRET), "Wq7x… (20 characters)")
    return hold_back(candidate(claim), [finding], project, at)


def store(machine: Machine) -> Quarantine:
    return Quarantine(machine.environment.data_dir, machine.root)


def hold_for(machine: Machine, item: Held) -> subprocess.CompletedProcess[str]:
    """Put one where the program run by `run` looks for it, and list."""
    data_dir = machine.folder / ".local" / "share" / "agent-context"
    Quarantine(data_dir, machine.root).put(item)
    return run(machine, "quarantine", "list", "--kb", str(machine.root))


def test_what_is_held_is_read_back(machine: Machine) -> None:
    assert store(machine).put(held())
    assert store(machine).list() == [held()]
    assert store(machine).find(held().id[:5]) == held()
    assert held().reason == "secret: named-secret"


def test_its_user_alone_can_read_it_and_git_does_not_see_it(machine: Machine) -> None:
    store(machine).put(held())
    assert stat.S_IMODE(store(machine).path_of(held().id).stat().st_mode) == 0o600
    assert stat.S_IMODE(store(machine).folder.stat().st_mode) == 0o700
    assert git(machine.root, "status", "--short") == ""


def test_the_same_words_are_held_once(machine: Machine) -> None:
    assert store(machine).put(held())
    assert not store(machine).put(held(at="2026-04-01T00:00:00Z"))
    assert store(machine).put(held(project="a.b"))
    assert len(store(machine).list()) == 2


def test_what_was_dropped_does_not_come_back(machine: Machine) -> None:
    store(machine).put(held())
    store(machine).drop(held())
    assert not store(machine).put(held())
    assert store(machine).list() == []
    assert SECRET not in (store(machine).folder / "dropped").read_text()


def test_age_and_number_are_bounded(machine: Machine) -> None:
    for day in range(1, 7):
        store(machine).put(held(f"Claim number {day} of them.", f"2026-03-0{day}T00:00:00Z"))
    assert store(machine).prune("2026-03-02T00:00:00Z") == 1
    assert store(machine).prune("", most=3) == 2
    assert [item.at[:10] for item in store(machine).list()] == ["2026-03-04", "2026-03-05", "2026-03-06"]


def test_a_file_that_does_not_read_costs_itself_alone(machine: Machine) -> None:
    store(machine).put(held())
    (store(machine).folder / "0000.json").write_text("{")
    assert store(machine).list() == [held()]


def test_an_unknown_id_says_where_ids_are(machine: Machine) -> None:
    with pytest.raises(AgentContextError, match="no candidates in quarantine have an id that begins with 00"):
        store(machine).find("00")


def test_two_knowledge_bases_have_their_own(machine: Machine, tmp_path: Path) -> None:
    store(machine).put(held())
    assert Quarantine(machine.environment.data_dir, tmp_path / "other").list() == []


def test_what_is_released_is_an_accepted_learning(machine: Machine) -> None:
    knowledge_base = KnowledgeBase(machine.root)
    store(machine).put(held())
    guard = load_guard(knowledge_base.settings, machine.root)
    learned = release(knowledge_base, machine.environment, store(machine), held(), guard)
    assert machine.learnings()[learned.path].status is Status.ACCEPTED
    assert store(machine).list() == []
    assert git(machine.root, "status", "--short") == ""


def test_what_is_known_already_stays_held(machine: Machine) -> None:
    knowledge_base = KnowledgeBase(machine.root)
    guard = load_guard(knowledge_base.settings, machine.root)
    store(machine).put(held())
    release(knowledge_base, machine.environment, store(machine), held(), guard)
    store(machine).put(held())
    with pytest.raises(AgentContextError, match="exact duplicate"):
        release(KnowledgeBase(machine.root), machine.environment, store(machine), held(), guard)
    assert store(machine).list() == [held()]


def test_what_was_found_in_it_is_allowed_by_hash_with_the_reason(machine: Machine) -> None:
    knowledge_base = KnowledgeBase(machine.root)
    before = (machine.root / "agent-context.toml").read_text()
    store(machine).put(held(WITH_SECRET))
    guard = load_guard(knowledge_base.settings, machine.root)
    learned = release(knowledge_base, machine.environment, store(machine), held(WITH_SECRET), guard, "a sample value")
    settings = KnowledgeBase(machine.root).settings
    assert [item.reason for item in settings.allow] == ["a sample value"]
    assert (machine.root / "agent-context.toml").read_text().startswith(before.rstrip())
    assert load_guard(settings, machine.root).find(WITH_SECRET) == []
    assert machine.learnings()[learned.path].claim == WITH_SECRET
    assert git(machine.root, "status", "--short") == ""


def test_a_settings_file_that_lists_allowances_in_one_line_is_left_alone(machine: Machine) -> None:
    path = machine.root / "agent-context.toml"
    path.write_text('allow = [{pattern = "x", reason = "y"}]\n' + path.read_text())
    git(machine.root, "commit", "--quiet", "-am", "allow")
    knowledge_base = KnowledgeBase(machine.root)
    store(machine).put(held(WITH_SECRET))
    guard = load_guard(knowledge_base.settings, machine.root)
    with pytest.raises(AgentContextError, match="cannot take an"):
        release(knowledge_base, machine.environment, store(machine), held(WITH_SECRET), guard)
    assert git(machine.root, "status", "--short") == ""


def test_the_list_shows_no_secret(machine: Machine) -> None:
    done = hold_for(machine, held(WITH_SECRET))
    assert done.stdout == (
        f"{held(WITH_SECRET).id}  o.r  secret: named-secret\n"
        '    Set api_token = "[redacted:named-secret]" on staging.\n'
        "1 candidate in quarantine.\n"
    )
    shown = run(machine, "quarantine", "show", held(WITH_SECRET).id[:4], "--kb", str(machine.root))
    listed = run(machine, "quarantine", "list", "--json", "--kb", str(machine.root))
    assert json.loads(listed.stdout)[0]["candidate"]["session"] == "s1"
    assert shown.returncode == listed.returncode == 0
    assert SECRET not in done.stdout + shown.stdout + shown.stderr + listed.stdout


def test_a_person_releases_and_drops_by_id(machine: Machine) -> None:
    hold_for(machine, held())
    hold_for(machine, held("Another claim that waits for somebody."))
    released = run(machine, "quarantine", "release", held().id, "--kb", str(machine.root))
    assert (released.returncode, released.stdout.split()[0]) == (0, held().id)
    assert run(machine, "quarantine", "drop", "--kb", str(machine.root)).returncode == 2
    dropped = run(machine, "quarantine", "drop", "--all", "--kb", str(machine.root))
    assert dropped.stdout == "Dropped 1 candidate.\n"
    assert run(machine, "quarantine", "list", "--kb", str(machine.root)).stdout == "0 candidates in quarantine.\n"
    assert run(machine, "quarantine", "show", "00", "--kb", str(machine.root)).returncode == 1
