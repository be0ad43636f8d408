"""Pull requests of GitHub and Gitea (one shape) and merge requests of GitLab, by REST calls of whatever way."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from agent_context.forges.forge import ForgeError, PullRequest, Request, RequestState, choose_request

if TYPE_CHECKING:
    from agent_context.forges.address import Address
    from agent_context.forges.calls import Call

PAGE = 50
COMMIT = re.compile(r"[0-9a-f]{40}")
URL = re.compile(r"https?://[\x21-\x7e]{1,1000}")
NAME = re.compile(r"[\w.@\[\]-]{1,100}")


class PullRequests:
    """GitHub's pull requests, and Gitea's and Forgejo's, which have the same form."""

    def __init__(self, call: Call, address: Address) -> None:
        self._call = call
        self._path = address.path
        self._is_github = address.kind == "github"

    def find(self, branch: str) -> PullRequest | None:
        """Return the branch's open pull request, else its newest; None for none. A fork's is not ours."""
        query = {"state": "all", "sort": "recentupdate", "limit": PAGE}
        if self._is_github:
            owner = self._path.split("/")[0]
            query = {
                "state": "all",
                "head": f"{owner}:{branch}",
                "sort": "created",
                "direction": "desc",
                "per_page": PAGE,
            }
        items = _list(self._call("GET", f"repos/{self._path}/pulls?{urlencode(query)}"))
        chosen = choose_request([_read_pull(item) for item in items if self._is_ours(item, branch)])
        if chosen is None or chosen.state is RequestState.OPEN or chosen.by or not self._is_github:
            return chosen
        return self._with_decider(chosen)

    def push_options(self, request: Request) -> tuple[str, ...]:  # noqa: ARG002 - other ways need it
        """Return nothing: the pull request is opened by a call."""
        return ()

    def publish(self, request: Request, known: PullRequest | None, said: str) -> PullRequest:  # noqa: ARG002 - the same
        """Open the pull request, or bring the open one up to date."""
        text = {"title": request.title, "body": request.body}
        if known is not None and known.state is RequestState.OPEN:
            return _read_pull(_dict(self._call("PATCH", f"repos/{self._path}/pulls/{known.number}", text)))
        body = {**text, "head": request.branch, "base": request.target}
        return _read_pull(_dict(self._call("POST", f"repos/{self._path}/pulls", body)))

    def _is_ours(self, item: dict[str, Any], branch: str) -> bool:
        """Tell whether it is of our branch; Gitea keeps a deleted one's name in the label alone."""
        head = _inner(item, "head")
        names = {str(head.get("ref")), str(head.get("label")).split(":")[-1]}
        home = str(_inner(head, "repo").get("full_name", self._path))
        return branch in names and home.lower() == self._path.lower()

    def _with_decider(self, chosen: PullRequest) -> PullRequest:
        """Return it with who closed it, which GitHub tells of the issue behind it alone."""
        with suppress(ForgeError):
            issue = _dict(self._call("GET", f"repos/{self._path}/issues/{chosen.number}"))
            return replace(chosen, by=_word(_inner(issue, "closed_by").get("login")))
        return chosen


class MergeRequests:
    """GitLab's merge requests."""

    def __init__(self, call: Call, address: Address) -> None:
        self._call = call
        self._project = f"projects/{quote(address.path, safe='')}/merge_requests"

    def find(self, branch: str) -> PullRequest | None:
        """Return the branch's open merge request, else its newest; None for none. A fork's is not ours."""
        query = {"source_branch": branch, "state": "all", "order_by": "created_at", "sort": "desc", "per_page": PAGE}
        items = _list(self._call("GET", f"{self._project}?{urlencode(query)}"))
        ours = [item for item in items if item.get("source_project_id") == item.get("target_project_id")]
        return choose_request([_read_merge_request(item) for item in ours])

    def push_options(self, request: Request) -> tuple[str, ...]:  # noqa: ARG002 - other ways need it
        """Return nothing: the merge request is opened by a call."""
        return ()

    def publish(self, request: Request, known: PullRequest | None, said: str) -> PullRequest:  # noqa: ARG002 - the same
        """Open the merge request, or bring the open one up to date."""
        text = {"title": request.title, "description": request.body}
        if known is not None and known.state is RequestState.OPEN:
            return _read_merge_request(_dict(self._call("PUT", f"{self._project}/{known.number}", text)))
        body = {**text, "source_branch": request.branch, "target_branch": request.target}
        return _read_merge_request(_dict(self._call("POST", self._project, body)))


def _read_pull(item: dict[str, Any]) -> PullRequest:
    merged = bool(item.get("merged") or item.get("merged_at"))
    state = RequestState.MERGED if merged else RequestState.OPEN if item.get("state") == "open" else RequestState.CLOSED
    return PullRequest(
        url=_url(item.get("html_url")),
        number=_number(item.get("number")),
        state=state,
        merged_as=_commit(item.get("merge_commit_sha")) if merged else "",
        head=_commit(_inner(item, "head").get("sha")),
        by=_word(_inner(item, "merged_by").get("login")),
    )


def _read_merge_request(item: dict[str, Any]) -> PullRequest:
    states = {"merged": RequestState.MERGED, "opened": RequestState.OPEN, "locked": RequestState.OPEN}
    state = states.get(str(item.get("state")), RequestState.CLOSED)
    commits = [_commit(item.get(key)) for key in ("merge_commit_sha", "squash_commit_sha", "sha")]
    people = [_inner(item, key).get("username") for key in ("merge_user", "merged_by", "closed_by")]
    return PullRequest(
        url=_url(item.get("web_url")),
        number=_number(item.get("iid")),
        state=state,
        merged_as=next(filter(None, commits), "") if state is RequestState.MERGED else "",
        head=commits[-1],
        by=_word(next(filter(None, people), "")),
    )


def _list(answer: object) -> list[dict[str, Any]]:
    if not isinstance(answer, list):
        raise ForgeError("the forge's list of pull requests is none")
    return [item for item in answer if isinstance(item, dict)]


def _dict(answer: object) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise ForgeError("the forge's pull request is none")
    return answer


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _inner(item: dict[str, Any], key: str) -> dict[str, Any]:
    """Return an object within an object; an empty one where the forge gives none."""
    value = item.get(key)
    return value if isinstance(value, dict) else {}


def _commit(value: object) -> str:
    return value if isinstance(value, str) and COMMIT.fullmatch(value) else ""


def _url(value: object) -> str:
    return value if isinstance(value, str) and URL.fullmatch(value) else ""


def _word(value: object) -> str:
    """Return a person's name on the forge, which is going to stand in a file."""
    return value if isinstance(value, str) and NAME.fullmatch(value) else ""
