"""Pull requests by git alone: GitLab's push options, AGit's review refs, and the page that opens one by hand.

None of these can say later what became of the request; that is read from what arrived on main.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from agent_context.forges.forge import ForgeError, PullRequest, Request, RequestState
from agent_context.git.refs import push_for_review

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.forges.address import Address

LONGEST_OPTION = 60_000  # a line of git's protocol holds 65,516 bytes
REQUEST_PAGE = re.compile(r"https?://\S+?/(?:merge_requests|pulls)/(\d+)")


class GitLabPush:
    """GitLab opens a merge request, or changes its text, when the push says so."""

    def __init__(self, address: Address) -> None:
        self._page = ComparePage(address)

    def find(self, branch: str) -> PullRequest | None:  # noqa: ARG002 - nobody to ask
        """Return None: a push cannot ask."""
        return None

    def push_options(self, request: Request) -> tuple[str, ...]:
        """Return what opens the merge request with the push itself."""
        return (
            "merge_request.create",
            f"merge_request.target={request.target}",
            f"merge_request.title={request.title}",
            f"merge_request.description={_one_line(request.body)}",
        )

    def publish(self, request: Request, known: PullRequest | None, said: str) -> PullRequest:
        """Return the merge request that the push has opened, as the server named it."""
        return _find_page(said) or self._page.publish(request, known, said)


class AGit:
    """Gitea, Forgejo and Codeberg make a pull request of what is pushed to `refs/for/<target>`, one for each topic.

    The branch is pushed too: it is how other machines know what is proposed.
    """

    def __init__(self, root: Path, remote: str) -> None:
        self._root = root
        self._remote = remote

    def find(self, branch: str) -> PullRequest | None:  # noqa: ARG002 - nobody to ask
        """Return None: a push cannot ask."""
        return None

    def push_options(self, request: Request) -> tuple[str, ...]:  # noqa: ARG002 - other ways need it
        """Return nothing: the branch's own push opens no pull request."""
        return ()

    def publish(self, request: Request, known: PullRequest | None, said: str) -> PullRequest:  # noqa: ARG002 - the same
        """Push for review. Raise ForgeError where the server takes none."""
        summary = request.body.split("\n", 1)[0]
        options = (f"topic={request.branch}", f"title={request.title}", f"description={summary}", "force-push=true")
        sent = push_for_review(self._root, self._remote, request.commit, f"refs/for/{request.target}", options)
        if not sent.accepted:
            raise ForgeError(f"the server takes no push for review: {sent.reason}")
        return _find_page(sent.said) or PullRequest("", state=RequestState.UNKNOWN)


class ComparePage:
    """Opens nothing: gives the address of the page on which a person does."""

    def __init__(self, address: Address | None) -> None:
        self._address = address

    def find(self, branch: str) -> PullRequest | None:  # noqa: ARG002 - nobody to ask
        """Return None: a page cannot be asked."""
        return None

    def push_options(self, request: Request) -> tuple[str, ...]:  # noqa: ARG002 - other ways need it
        """Return nothing."""
        return ()

    def publish(self, request: Request, known: PullRequest | None, said: str) -> PullRequest:  # noqa: ARG002 - the same
        """Return the page that opens the pull request."""
        return PullRequest(self._find_url(request), state=RequestState.UNKNOWN)

    def _find_url(self, request: Request) -> str:
        if self._address is None or not self._address.kind:
            return ""
        home = f"{self._address.base}/{self._address.path}"
        if self._address.kind == "gitlab":
            query = {"merge_request[source_branch]": request.branch, "merge_request[target_branch]": request.target}
            return f"{home}/-/merge_requests/new?{urlencode(query)}"
        return f"{home}/compare/{quote(request.target)}...{quote(request.branch)}"


def _find_page(said: str) -> PullRequest | None:
    found = REQUEST_PAGE.search(said)
    return PullRequest(found[0], int(found[1])) if found else None


def _one_line(body: str) -> str:
    """Return Markdown as a push option: without line breaks, which GitLab (from 15.0) writes as a backslash and an n.

    Such a pair in the text itself is taken apart, so that no quoted words can begin a line of their own.
    """
    return body.replace("\\n", "\\ n").replace("\n", "\\n").encode()[:LONGEST_OPTION].decode(errors="ignore")
