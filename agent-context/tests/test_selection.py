"""Which projects, sessions and paths are left out."""

from __future__ import annotations

import pytest

from agent_context.claims.selection import find_exclusion, find_glob, is_about_excluded
from agent_context.learning import Candidate, Kind
from agent_context.settings import SyncSettings


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("*.env", "config/prod.env", True),
        ("*.env", ".env", True),
        ("*.env", "config/env.py", False),
        ("**/secrets/**", "infra/secrets/prod/key.pem", True),
        ("**/secrets/**", "secrets/x", True),
        ("**/secrets/**", "/work/acme/secrets", True),
        ("**/secrets/**", "mysecrets/x", False),
        ("secrets", "a/secrets/b/c", True),
        ("secrets/", "a/secrets/b", True),
        ("/work/clients", "/work/clients/acme", True),
        ("/work/clients", "/home/work/clients", False),
        ("work/*/acme", "/work/clients/acme/src", True),
        ("work/*/acme", "/work/a/b/acme", False),
        ("docs/**/draft.md", "docs/draft.md", True),
        ("docs/**/draft.md", "docs/a/b/draft.md", True),
        ("key[0-9].pem", "x/key7.pem", True),
        ("key[!0-9].pem", "x/key7.pem", False),
        ("a?c", "abc", True),
        ("a.c", "abc", False),
        ("clients/**", r"clients\acme\x", True),
        ("~/clients/**", "/home/jane/clients/acme", True),
        ("~/clients/**", "/srv/clients/acme", False),
    ],
)
def test_globs_match_as_in_a_gitignore(glob: str, path: str, *, matches: bool) -> None:
    assert bool(find_glob((glob,), path, home="/home/jane")) is matches


def test_a_session_is_left_out_by_project_id_or_place() -> None:
    sync = SyncSettings(exclude=("acme.*",), exclude_paths=("**/clients/**",), exclude_sessions=("7f3a*", "9b"))
    assert find_exclusion(sync, "acme.shop", "/work/x", "1") == "left out by sync.exclude"
    assert find_exclusion(sync, "o.r", "/work/clients/x", "1") == "left out by sync.exclude_paths"
    assert find_exclusion(sync, "o.r", "/work/x", "7f3a77") == "left out by sync.exclude_sessions"
    assert find_exclusion(sync, "o.r", "/work/x", "9b1") == ""


def test_where_projects_are_named_only_these_are_read() -> None:
    sync = SyncSettings(include=("o.*",), exclude=("o.secret",))
    assert find_exclusion(sync, "o.r", "", "1") == ""
    assert find_exclusion(sync, "a.b", "", "1") == "left out by sync.include"
    assert find_exclusion(sync, "o.secret", "", "1") == "left out by sync.exclude"


def test_a_candidate_about_an_excluded_path_is_one() -> None:
    sync = SyncSettings(exclude_paths=("*.env",))
    about = Candidate("s", "", "Load it first.", Kind.GOTCHA, (), paths=("config/prod.env",))
    assert is_about_excluded(sync, about)
    assert not is_about_excluded(sync, Candidate("s", "", "Load it first.", Kind.GOTCHA, (), paths=("src/env.py",)))
