"""Ways to call a forge's REST interface: by HTTP with a token, or through its own logged-in program.

A token goes to the host of the clone's remote alone, never over a line that others can read, never after a redirect,
and never into a message.
"""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Protocol

from agent_context import __version__
from agent_context.config import child_environment
from agent_context.forges.forge import ForgeError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent_context.forges.address import Address

TIMEOUT_SECONDS = 20
LONGEST_ANSWER = 10_000_000
QUIET = {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "GLAB_CHECK_UPDATE": "false", "NO_COLOR": "1"}


class Call(Protocol):
    """Calls one path below a REST interface's root. Returns the answer's JSON; raises ForgeError."""

    def __call__(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 - any JSON
        """Send the body as JSON, if there is one."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object) -> None:
        """Follow none: the token must not go to another host."""


class HttpCall:
    """Calls by HTTP, with headers that hold the token."""

    def __init__(self, root: str, headers: Mapping[str, str]) -> None:
        self._root = root
        self._headers = {"Accept": "application/json", "User-Agent": f"agent-context/{__version__}", **headers}
        self._opener = urllib.request.build_opener(_NoRedirect)

    def __call__(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 - any JSON
        """Send the body as JSON, if there is one."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {**self._headers, **({"Content-Type": "application/json"} if data else {})}
        request = urllib.request.Request(f"{self._root}/{path}", data, headers, method=method)  # noqa: S310 - http(s) alone
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                return _read_json(answer.read(LONGEST_ANSWER), self._root)
        except urllib.error.HTTPError as error:
            with error:
                said = _find_message(error.read(LONGEST_ANSWER))
            raise ForgeError(f"{self._root} answers {error.code}{said}") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise ForgeError(f"{self._root} does not answer: {getattr(error, 'reason', error)}") from None


class ProgramCall:
    """Calls through a forge's own program, which keeps the login; the body goes in by its standard input."""

    def __init__(self, program: str, arguments: tuple[str, ...], body_arguments: tuple[str, ...], folder: Path) -> None:
        self._program = program
        self._arguments = arguments
        self._body_arguments = body_arguments
        self._folder = folder

    def __call__(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 - any JSON
        """Send the body as JSON, if there is one."""
        given = self._body_arguments if body is not None else ()
        text = json.dumps(body) if body is not None else ""
        said = run_program(
            self._program, ("api", *self._arguments, "--method", method, *given, path), self._folder, text
        )
        return _read_json(said.encode(), self._program)


def call_gh(address: Address, folder: Path) -> Call:
    """Return calls through GitHub's `gh`."""
    return ProgramCall("gh", ("--hostname", address.host), ("--input", "-"), folder)


def call_glab(address: Address, folder: Path) -> Call:
    """Return calls through GitLab's `glab`."""
    body = ("--header", "Content-Type: application/json", "--input", "-")
    return ProgramCall("glab", ("--hostname", address.host), body, folder)


def call_tea(address: Address, folder: Path) -> Call:
    """Return calls through Gitea's `tea`, with the login it has for this host and no other.

    Raise ForgeError where it has none: it would take its default, which is another forge's.
    """
    logins = _read_json(run_program("tea", ("logins", "list", "--output", "json"), folder).encode(), "tea")
    for login in logins if isinstance(logins, list) else ():
        if isinstance(login, dict) and str(login.get("url", "")).rstrip("/").lower() == address.base:
            return ProgramCall("tea", ("--login", str(login.get("name", ""))), ("--data", "@-"), folder)
    raise ForgeError(f"tea has no login for {address.base}")


def run_program(program: str, arguments: tuple[str, ...], folder: Path, text: str = "") -> str:
    """Run a forge's program and return what it prints. Raise ForgeError when it is not there, fails or hangs."""
    path = shutil.which(program)
    if path is None:
        raise ForgeError(f"{program} is not installed")
    try:
        done = subprocess.run(
            [path, *arguments],
            cwd=folder,
            env=child_environment(**QUIET),
            input=text,
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT_SECONDS * 2,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ForgeError(f"{program} did not end: {type(error).__name__}") from None
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise ForgeError(f"{program} ends with {done.returncode}: {'; '.join(lines[:2])[:300]}")
    return done.stdout


def _read_json(data: bytes, who: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(data) if data.strip() else None
    except ValueError:
        raise ForgeError(f"{who} answers with something that is no JSON") from None


def _find_message(data: bytes) -> str:
    """Return what an error's body says, as far as it can be understood."""
    try:
        answer = json.loads(data)
    except ValueError:
        return ""
    if not isinstance(answer, dict):
        return ""
    details = [item.get("message", "") for item in answer.get("errors") or () if isinstance(item, dict)]
    said = "; ".join(str(part) for part in (answer.get("message") or answer.get("error"), *details) if part)
    return f": {said[:300]}" if said else ""
