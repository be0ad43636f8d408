"""Find out which project a session belongs to: by its checkout where that exists, else by what is known of its path."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from agent_context.git import find_root_commit, locate_checkout
from agent_context.identity import (
    cut_worktree,
    directory_name,
    folder_for_local,
    folder_for_remote,
    normalise_remote,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent_context.git import Checkout
    from agent_context.settings import MachineSettings
    from agent_context.transcripts.session import Session


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session belongs. `how` says what told us; `guessed` asks a person to map the path."""

    folder: str
    remote: str
    how: str
    guessed: bool = False


@dataclass(slots=True)
class Projects:
    """Resolves working directories to projects and remembers what git said: `checkouts` is path to project folder."""

    own: MachineSettings
    remotes: Mapping[str, str] = field(default_factory=dict)
    checkouts: dict[str, str] = field(default_factory=dict)
    _seen: dict[str, Checkout | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start from what this machine knew before."""
        self.checkouts = dict(self.own.checkouts)

    def place(self, session: Session) -> Place:
        """Return the session's project: by git, else known path, pull request, mapping, directory name."""
        return (
            self._by_git(session.cwd)
            or self._by_path(session.cwd, self.checkouts, "known before")
            or self._by_pull_request(session)
            or self._by_path(session.cwd, self.own.mappings, "mapped")
            or self._by_name(session.cwd or session.path.parent.name)
        )

    def locate(self, cwd: str) -> Checkout | None:
        """Return the checkout of a directory, asking git once for each."""
        if cwd not in self._seen:
            path = Path(cwd)
            self._seen[cwd] = locate_checkout(path) if path.is_absolute() and path.is_dir() else None
        return self._seen[cwd]

    def find(self, cwd: str) -> Place | None:
        """Return the project of a directory as far as git, this machine's memory or a mapping tell it."""
        known = self.own.mappings | self.checkouts
        return self._by_git(cwd) or self._by_path(cwd, known, "known before")

    def _by_git(self, cwd: str) -> Place | None:
        checkout = self.locate(cwd) if cwd else None
        if checkout is None:
            return None
        place = identify(checkout, self.remotes)
        self.checkouts[str(checkout.top)] = place.folder
        return place

    def _by_path(self, cwd: str, known: dict[str, str], how: str) -> Place | None:
        """Return the project of the nearest folder above that is known, worktrees counting as their checkout."""
        for path in (cwd, cut_worktree(cwd)) if cwd else ():
            for folder in (path, *(str(parent) for parent in Path(path).parents)):
                if folder in known:
                    return Place(known[folder], "", how)
        return None

    def _by_pull_request(self, session: Session) -> Place | None:
        """Return the one repository that the session opened pull requests in; its path is known from then on."""
        remotes = {f"{request.host}/{request.repository}".lower() for request in session.pull_requests}
        if len(remotes) != 1:
            return None
        remote = remotes.pop()
        place = Place(self.remotes.get(remote) or folder_for_remote(remote), remote, "pull request")
        if session.cwd:
            self.checkouts[cut_worktree(session.cwd)] = place.folder
        return place

    def _by_name(self, cwd: str) -> Place:
        name = directory_name(cwd)
        return Place(folder_for_local(name, f"directory:{name.lower()}"), "", "directory name", guessed=True)


def identify(checkout: Checkout, remotes: Mapping[str, str] = MappingProxyType({})) -> Place:
    """Return a checkout's project: by its remote, else by its root commit, else by its directory's name.

    `remotes` is what the knowledge base's project files say; it comes before the name made from the remote.
    """
    remote = normalise_remote(checkout.remote)
    if remote:
        return Place(remotes.get(remote) or folder_for_remote(remote), remote, "git remote")
    root = find_root_commit(checkout)
    name = checkout.common_dir.parent.name
    if root:
        known = f"root:{root}"
        return Place(remotes.get(known) or folder_for_local(name, known), known, "root commit")
    return Place(folder_for_local(name, f"directory:{name.lower()}"), "", "directory name")
