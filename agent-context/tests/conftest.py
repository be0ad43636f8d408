"""Every test gets a home, an identity and a machine of its own; the real home and the network raise."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from tempfile import gettempdir

import pygit2
import pytest
from pygit2.enums import ConfigLevel
from samples import Machine, bare_remote

REAL_HOME = Path(os.path.expanduser("~"))  # noqa: PTH111 - before HOME is another
FORBIDDEN = tuple(
    str(REAL_HOME / name) for name in (".claude", ".claude.json", ".config", ".gitconfig", ".local/share/agent-context")
)
LOOPBACK = ("127.", "::1", "localhost")


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("open", "os.listdir", "os.scandir", "sqlite3.connect") and arguments:
        path = arguments[0]
        if isinstance(path, str | bytes | os.PathLike) and os.fsdecode(path).startswith(FORBIDDEN):
            raise AssertionError(f"a test touches the real home: {os.fsdecode(path)}")
    if event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise AssertionError(f"a test reaches the network: {address}")


sys.addaudithook(_guard)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home with nothing of the real one left in the environment."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in list(os.environ):
        if name.startswith(("XDG_", "GIT_", "CLAUDE", "CODEX", "ANTHROPIC", "AGENT_CONTEXT")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(folder / ".gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    # Where Kingfisher is installed, its rules are compiled once (4 s) and not for every test's home.
    monkeypatch.setenv("KF_RULE_CACHE_DIR", str(Path(gettempdir()) / f"agent-context-tests-{os.getuid()}"))
    (folder / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"
        # Nothing here outlives a power cut.
        "[core]\n\tfsync = none\n"
    )
    # libgit2 looked for the home when it was loaded; from here on it looks in this one.
    pygit2.settings.search_path[ConfigLevel.GLOBAL] = str(folder)
    pygit2.settings.search_path[ConfigLevel.XDG] = str(folder / ".config" / "git")
    monkeypatch.setattr(socket, "gethostname", lambda: "testhost")
    return folder


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A bare remote that holds an empty knowledge base."""
    return bare_remote(tmp_path)


@pytest.fixture
def machine(tmp_path: Path, remote: Path) -> Machine:
    """One machine with a clone of the remote."""
    return Machine.join(tmp_path, remote, "laptop")


@pytest.fixture
def other(tmp_path: Path, remote: Path) -> Machine:
    """A second machine with a clone of the same remote."""
    return Machine.join(tmp_path, remote, "desktop")
