"""Machines describe themselves in git: who they are, when they synced, how far behind they are."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from samples import Machine, git, make_learning

from agent_context import __version__
from agent_context.frontmatter import write_learning
from agent_context.git import Repository
from agent_context.knowledge import KnowledgeBase
from agent_context.layout import learning_path
from agent_context.learning import utc
from agent_context.machines import (
    Described,
    describe_machine,
    find_namesake,
    list_machines,
    machine_file_for,
    machine_path,
    merge_described,
    read_described,
)
from agent_context.trailers import trailers

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_800_000_000.0
HOUR = 3600


def describe(machine: Machine, now: float = NOW) -> Described:
    commit = Repository(machine.root).tip() or ""
    return describe_machine(machine.environment, now, commit, {"claude_code": 3, "codex": 0})


def commit_description(machine: Machine, now: float = NOW) -> None:
    """Do what a sync does at its end."""
    path = machine_path(machine.environment.machine)
    repository = Repository(machine.root)
    files = machine_file_for(describe(machine, now), repository.read_file(repository.tip(), path), riding=True)
    message = f"machine: here\n\n{trailers(machine.environment.machine)}"
    repository.commit_files(dict(files), message, machine.environment.machine)


def test_a_machine_describes_itself_without_paths_or_users(machine: Machine, home: Path) -> None:
    ((path, data),) = machine_file_for(describe(machine), None, riding=False).items()
    assert path == "tooling/machines/laptop.toml"
    table = tomllib.loads(data.decode())
    assert (table["name"], table["version"], table["synced"]) == ("laptop", __version__, utc(NOW))
    assert table["agents"] == {"claude_code": 3}
    assert table["commit"] == git(machine.root, "rev-parse", "HEAD")
    assert str(home.parent) not in data.decode()
    assert table.keys() - {"clients"} == {"name", "instance", "platform", "version", "synced", "commit", "agents"}


@pytest.mark.parametrize(("hours", "riding", "due"), [(23, False, False), (25, False, True), (1, True, True)])
def test_it_is_refreshed_with_a_commit_that_happens_anyway_else_once_a_day(
    machine: Machine, hours: int, riding: bool, due: bool
) -> None:
    (previous,) = machine_file_for(describe(machine), None, riding=False).values()
    later = describe(machine, NOW + hours * HOUR)
    assert bool(machine_file_for(later, previous, riding=riding)) is due


def test_a_clock_that_was_wrong_is_mended_by_the_next_commit(machine: Machine) -> None:
    (previous,) = machine_file_for(describe(machine, NOW + 900 * HOUR), None, riding=False).values()
    assert machine_file_for(describe(machine), previous, riding=False) == {}
    ((_, data),) = machine_file_for(describe(machine), previous, riding=True).items()
    assert f'synced = "{utc(NOW)}"' in data.decode()


def test_two_machines_of_one_name_are_noticed_by_both(machine: Machine, other: Machine) -> None:
    twin = replace(other.environment, machine="laptop")
    (first,) = machine_file_for(describe(machine), None, riding=False).values()
    assert find_namesake(machine.environment, first) == ""
    assert find_namesake(machine.environment, None) == ""
    words = find_namesake(twin, first)
    assert words.startswith(f"another machine named laptop synced here at {utc(NOW)} (")
    assert "agent-context config set" in words
    (second,) = machine_file_for(describe(Machine(other.folder, twin), NOW + 1), first, riding=True).values()
    assert find_namesake(machine.environment, second) != ""
    assert merge_described(first, second) == second
    assert merge_described(second, first) == second
    assert merge_described(b"<<<", first) == first


def test_the_list_shows_last_sync_version_and_lag(machine: Machine, other: Machine) -> None:
    commit_description(machine, NOW)
    machine.sync()
    other.sync()
    commit_description(other, NOW + HOUR)
    learning = make_learning()
    files: dict[str, bytes | None] = {learning_path("o.r", learning): write_learning(learning).encode()}
    Repository(other.root).commit_files(files, f"add\n\n{trailers('desktop')}", "desktop")
    other.sync()
    machine.sync()
    known = list_machines(KnowledgeBase(machine.root), machine.environment)
    assert [(item.name, item.here, item.behind, item.version) for item in known] == [
        ("desktop", False, 0, __version__),
        ("laptop", True, 3, __version__),
    ]
    assert known[0].synced == utc(NOW + HOUR)
    assert known[0].agents == {"claude_code": 3}


def test_a_machine_without_a_file_is_known_by_its_commits_and_a_broken_file_is_passed_over(machine: Machine) -> None:
    files: dict[str, bytes | None] = {
        "tooling/machines/vm.toml": b"not toml",
        "tooling/machines/new.toml": b'name = "new"\ninstance = "1"\ncommit = "0000"\nmore = 1\n',
    }
    Repository(machine.root).commit_files(files, f"x\n\n{trailers('vm')}", "vm")
    known = {item.name: item for item in list_machines(KnowledgeBase(machine.root), machine.environment)}
    assert set(known) == {"vm", "new"}
    assert (known["vm"].behind, known["vm"].version, known["new"].behind) == (0, "", None)


def test_listing_makes_nothing(machine: Machine) -> None:
    list_machines(KnowledgeBase(machine.root), machine.environment)
    assert not machine.environment.data_dir.exists()


def test_a_file_of_a_newer_program_reads() -> None:
    assert read_described(b'name = "m"\ninstance = "i"\nnew = [1]\n') == Described("m", "i")
    assert read_described(b"\xff") is None
