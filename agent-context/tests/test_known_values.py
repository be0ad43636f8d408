"""What this machine knows for its own is read once, kept as hashes, and costs nothing where it cannot be read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from samples import git

from agent_context.config import load_settings
from agent_context.known_values import load_guard, load_identity, load_known_values
from agent_context.screening.personal import Identity

if TYPE_CHECKING:
    from pathlib import Path

VALUE = "kT9wq2" + "ZZpL8vR4"
FILES = {
    "known-netrc": (".netrc", f"machine api.acme.dev login bot password {VALUE}\n"),
    "known-aws": (".aws/credentials", f"[default]\naws_secret_access_key = {VALUE}\n"),
    "known-npm": (".npmrc", f"//registry.npmjs.org/:_authToken={VALUE}\n"),
    "known-gh": (".config/gh/hosts.yml", f"github.com:\n    oauth_token: {VALUE}\n    user: jane\n"),
    "known-docker": (".docker/config.json", f'{{"auths": {{"r.io": {{"registrytoken": "{VALUE}"}}}}}}'),
    "known-git": (".git-credentials", f"https://jane:{VALUE}@github.com\n"),
}


@pytest.mark.parametrize(("rule", "where"), FILES.items())
def test_a_value_of_a_credential_file_is_known(home: Path, rule: str, where: tuple[str, str]) -> None:
    path = home / where[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(where[1])
    assert [hit.rule for hit in load_known_values(b"salt").find(f"it said {VALUE}!")] == [rule]


def test_a_secret_variable_is_known_and_another_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_TOKEN", VALUE)
    monkeypatch.setenv("ACME_REGION", "eu-west-9-zone-4")
    known = load_known_values(b"salt")
    assert [hit.rule for hit in known.find(f"{VALUE} in eu-west-9-zone-4")] == ["known-variable"]


def test_another_place_for_a_file_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own").write_text(FILES["known-netrc"][1])
    monkeypatch.setenv("NETRC", str(tmp_path / "own"))
    assert len(load_known_values(b"salt").find(VALUE)) == 1


def test_what_cannot_be_read_costs_nothing(home: Path) -> None:
    (home / ".netrc").mkdir()
    (home / ".npmrc").write_bytes(b"\xff\xfe" + os.urandom(64))
    (home / ".git-credentials").symlink_to(home / "gone")
    assert load_known_values(b"salt").find(VALUE) == []


def test_who_works_here_is_what_account_and_git_say(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "jdoe7")
    assert load_identity(tmp_path) == Identity("jdoe7", (str(home),), ("testhost",), ("Ada",), ("ada@example.com",))
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "config", "user.email", "jane@acme.io")
    assert load_identity(tmp_path).emails == ("jane@acme.io",)


def test_without_git_settings_nobody_is_named(home: Path, tmp_path: Path) -> None:
    (home / ".gitconfig").unlink()
    assert load_identity(tmp_path).names == ()


def test_the_guard_takes_the_settings_and_the_machine(home: Path, tmp_path: Path) -> None:
    (home / ".netrc").write_text(FILES["known-netrc"][1])
    (tmp_path / "agent-context.toml").write_text('[privacy]\nmode = "strict"\ncustomers = ["Globex"]\n')
    guard = load_guard(load_settings(tmp_path), tmp_path)
    text = f"Globex at {home}/x on 51.159.136.32 with {VALUE}"
    assert guard.clean(text) == "<customer> at ~/x on <ip> with [redacted:known-netrc]"
