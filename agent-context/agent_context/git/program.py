"""Run the `git` program for what goes over the network: it alone honours everybody's ssh, proxies and credentials."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from agent_context.config import child_environment
from agent_context.errors import RepositoryError

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_SECONDS = 300
# No prompt can hang a sync; output is the same in every language; a new repository has the formats that pygit2 reads.
VARIABLES = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_DEFAULT_REF_FORMAT": "files",
    "GIT_DEFAULT_HASH": "sha1",
    "LC_ALL": "C",
}
# Set by git for its hooks: they would make git work on another repository than the one meant.
REPOSITORY_VARIABLES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
)
# Housekeeping would outlive us; malformed objects (a file named .git, say) stay out of the clone.
OPTIONS = ("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "fetch.fsckObjects=true")


class Fetched(StrEnum):
    """How a fetch ended."""

    OK = "ok"
    EMPTY = "the remote has no such branch yet"
    REWOUND = "the remote's history was rewritten"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Pushed:
    """How a push ended: `accepted`; `behind` when the remote has moved on; else refused or unreachable, and why."""

    accepted: bool
    behind: bool = False
    reason: str = ""


def fetch(root: Path, remote: str, branch: str) -> tuple[Fetched, str]:
    """Bring the remote's branch into `refs/remotes`. Returns how it ended and git's last words.

    Not by force: a remote that no longer has what was seen there is told apart from one that has moved on.
    """
    done = _run(root, "fetch", "--no-tags", remote, f"refs/heads/{branch}:refs/remotes/{remote}/{branch}")
    if done.returncode == 0:
        return Fetched.OK, ""
    if "non-fast-forward" in done.stderr:
        return Fetched.REWOUND, ""
    if "couldn't find remote ref" in done.stderr:
        return Fetched.EMPTY, ""
    return Fetched.UNREACHABLE, _last_words(done.stderr)


def push(root: Path, remote: str, branch: str, commit: str) -> Pushed:
    """Push exactly this commit to the remote's branch. Never forces."""
    done = _run(root, "push", "--porcelain", "--no-verify", remote, f"{commit}:refs/heads/{branch}")
    if done.returncode == 0:
        return Pushed(accepted=True)
    text = done.stdout + done.stderr
    behind = any(
        word in text for word in ("fetch first", "non-fast-forward", "cannot lock ref", "failed to update ref")
    )
    return Pushed(accepted=False, behind=behind, reason=_last_words(text))


def clone(url: str, target: Path) -> None:
    """Clone a repository. Raise RepositoryError when git refuses."""
    done = _run(target.parent, "clone", "--quiet", url, str(target))
    if done.returncode != 0:
        raise RepositoryError(
            f"{url} cannot be cloned: {_last_words(done.stderr)}", hint="check the address and your access"
        )


def _run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("git")
    if program is None:
        raise RepositoryError("the git program is not installed", hint="install git (2.30 or newer) and run this again")
    command = [program, *OPTIONS, *arguments]
    try:
        return subprocess.run(
            command,
            cwd=root,
            env=child_environment(without=REPOSITORY_VARIABLES, **VARIABLES),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no answer within {TIMEOUT_SECONDS} seconds")


def _last_words(text: str) -> str:
    """Return the telling lines of git's output, on one line."""
    lines = [
        line.strip() for line in text.splitlines() if line.strip() and not line.startswith(("To ", "Done", "hint:"))
    ]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "!", "ssh:"))] or lines
    return "; ".join(line.replace("\t", " ") for line in telling[:3])
