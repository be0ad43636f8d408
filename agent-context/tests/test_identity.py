from __future__ import annotations

import pytest

from agent_context.identity import (
    cut_worktree,
    directory_name,
    folder_for_local,
    folder_for_remote,
    name_of,
    normalise_remote,
)


@pytest.mark.parametrize(
    "url",
    [
        "git@github.com:Owner/Name.git",
        "https://github.com/owner/name",
        "https://user:token@github.com/owner/name.git/",
        "ssh://git@github.com:22/owner/name.git",
        "git://github.com/owner/name",
    ],
)
def test_every_form_of_an_address_is_one_project(url: str) -> None:
    assert folder_for_remote(normalise_remote(url)) == "owner.name"


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("git@gitlab.com:a/b/c.git", "gitlab.com.a.b.c"),
        ("https://git.example.org/x/y", "git.example.org.x.y"),
        ("work:team/app", "work.team.app"),
        ("git@github.com:../../etc/passwd", "etc.passwd"),
    ],
)
def test_other_hosts_stand_in_front(url: str, folder: str) -> None:
    assert folder_for_remote(normalise_remote(url)) == folder


@pytest.mark.parametrize("url", ["/srv/git/x.git", "file:///srv/git/x.git", "../x", "C:/git/x", "C:\\git\\x"])
def test_a_path_is_never_an_identity(url: str) -> None:
    assert normalise_remote(url) == ""


def test_local_projects_are_told_apart_by_what_they_are() -> None:
    assert folder_for_local("My App", "root:abc") == "local.my-app-a13f"
    assert folder_for_local("My App", "root:abc") != folder_for_local("My App", "root:abd")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/home/a/app/.worktrees/2", "app"),
        ("/home/a/app/.worktrees/feature/x", "app"),
        ("/home/a/app/.claude/worktrees/agent-1", "app"),
        ("/home/a/app/", "app"),
        ("C:\\Users\\a\\app\\.claude\\worktrees\\b", "app"),
        ("C:\\Users\\a\\app", "app"),
    ],
)
def test_worktrees_go_by_their_checkouts_name(path: str, name: str) -> None:
    assert directory_name(path) == name


def test_a_path_outside_worktrees_stays() -> None:
    assert cut_worktree("/home/a/app/src") == "/home/a/app/src"


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("owner.name", "owner/name"),
        ("gitlab.com.a.b", "gitlab.com.a/b"),
        ("local.my-app-1a2b", "my-app"),
        ("plain", "plain"),
    ],
)
def test_folders_have_a_name_for_people(folder: str, name: str) -> None:
    assert name_of(folder) == name
