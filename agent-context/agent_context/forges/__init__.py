"""The family of ways to a forge, behind one Protocol: its own program, its REST interface, a push, a person's page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.config import find_forge_token
from agent_context.forges.address import Address, ForgeKind, parse_address
from agent_context.forges.calls import HttpCall, call_gh, call_glab, call_tea
from agent_context.forges.forge import Forge, ForgeError, PullRequest, Request, RequestState
from agent_context.forges.pushing import AGit, ComparePage, GitLabPush
from agent_context.forges.rest import MergeRequests, PullRequests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["FORGES", "Chosen", "Forge", "ForgeError", "PullRequest", "Request", "RequestState", "choose_forge"]


@dataclass(frozen=True, slots=True)
class Remote:
    """A clone's remote: the clone's folder, the remote's name, and where it lies on the web, if that can be told."""

    root: Path
    name: str
    address: Address


def _open_gh(remote: Remote) -> Forge:
    return PullRequests(call_gh(remote.address, remote.root), remote.address)


def _open_glab(remote: Remote) -> Forge:
    return MergeRequests(call_glab(remote.address, remote.root), remote.address)


def _open_tea(remote: Remote) -> Forge:
    return PullRequests(call_tea(remote.address, remote.root), remote.address)


def _open_rest(remote: Remote) -> Forge:
    """Return calls with the token that the environment has for this forge. Raise ForgeError for none."""
    address = remote.address
    if not address.is_private:
        raise ForgeError(f"no token is sent to {address.base}, which others can read on the way")
    token = find_forge_token(address.kind, address.host)
    if not token:
        raise ForgeError(f"the environment has no token for {address.host}")
    if address.kind == "gitlab":
        return MergeRequests(HttpCall(f"{address.base}/api/v4", {"Authorization": f"Bearer {token}"}), address)
    if address.kind == "gitea":
        return PullRequests(HttpCall(f"{address.base}/api/v1", {"Authorization": f"token {token}"}), address)
    root = "https://api.github.com" if address.host == "github.com" else f"{address.base}/api/v3"
    return PullRequests(HttpCall(root, {"Authorization": f"Bearer {token}"}), address)


def _open_gitlab_push(remote: Remote) -> Forge:
    return GitLabPush(remote.address)


def _open_agit(remote: Remote) -> Forge:
    return AGit(remote.root, remote.name)


def _open_page(remote: Remote) -> Forge:
    return ComparePage(remote.address)


# In the order in which they are tried: who can say later what became of a request comes first.
FORGES: dict[str, tuple[tuple[ForgeKind, ...], Callable[[Remote], Forge]]] = {
    "gh": (("github",), _open_gh),
    "glab": (("gitlab",), _open_glab),
    "tea": (("gitea",), _open_tea),
    "rest": (("github", "gitlab", "gitea"), _open_rest),
    "gitlab-push": (("gitlab",), _open_gitlab_push),
    "agit": (("gitea",), _open_agit),
    "url": (("github", "gitlab", "gitea", ""), _open_page),
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The way that works, the pull request that it found for the branch, and why each way before it did not."""

    forge: Forge
    name: str
    found: PullRequest | None
    passed: tuple[str, ...]

    @property
    def can_tell(self) -> bool:
        """Tell whether the forge can be asked what became of a pull request."""
        return isinstance(self.forge, PullRequests | MergeRequests)


def choose_forge(wanted: str, urls: list[str], root: Path, name: str, branch: str) -> Chosen:
    """Return the first way to the forge of these addresses that answers; `wanted` names one, or is `auto`.

    The last resort, the page that a person opens, always works.
    """
    address = next((found for url in urls if (found := parse_address(url)) is not None), None)
    if address is None:
        return Chosen(ComparePage(None), "url", None, ("the remote is on no forge",))
    if not address.kind and wanted in FORGES:
        address = Address(_infer_kind(wanted, address.host), address.base, address.host, address.path)
    passed: list[str] = []
    for way, (kinds, open_way) in FORGES.items():
        if address.kind in kinds and (wanted in ("auto", way) or way == "url"):
            try:
                forge = open_way(Remote(root, name, address))
                return Chosen(forge, way, forge.find(branch), tuple(passed))
            except ForgeError as error:
                passed.append(error.message)
    raise AssertionError("BUG: the page always works")


def _infer_kind(way: str, host: str) -> ForgeKind:
    """Return which forge a host is whose name does not tell: that of the way named for it, else of the only token."""
    kinds = FORGES[way][0]
    if len(kinds) > 1:
        kinds = tuple(kind for kind in kinds if find_forge_token(kind, host))
    return kinds[0] if len(kinds) == 1 else ""
