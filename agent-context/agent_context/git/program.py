"""Run the `git` program for what goes over the network: it alone honours everybody's ssh, proxies and credentials."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, TYPE_CHECKING

from agent_context.config import child_environment
from agent_context.errors import RepositoryError

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_SECONDS = 300
NO_ANSWER = 124  # what timeout(1) ends with
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
# Housekeeping would outlive us; malformed objects (a file named .git, say) stay out of the clone; what came is on disk
# before a ref names it (git writes loose objects and refs without fsync unless told).
OPTIONS = (
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "-c",
    "fetch.fsckObjects=true",
    "-c",
    "core.fsync=committed,reference",
    "-c",
    "core.fsyncMethod=batch",
)


class Fetched(StrEnum):
    """How a fetch ended."""

    OK = "ok"
    EMPTY = "the remote has no such branch yet"
    REWOUND = "the remote's history was rewritten"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Pushed:
    """How a push ended: `accepted`; `behind` when the remote has moved on; else refused or unreachable, and why.

    `sent`: the remote was asked; else something on this side (its pre-push hook, say) stopped the push.
    """

    accepted: bool
    behind: bool = False
    reason: str = ""
    sent: bool = True


def fetch(root: Path, remote: str, branch: str, *, seconds: float = TIMEOUT_SECONDS) -> tuple[Fetched, str]:
    """Bring the remote's branch into `refs/remotes`. Returns how it ended and git's last words.

    Not by force: a remote that no longer has what was seen there is told apart from one that has moved on. A partial
    clone gets the new files as well.
    """
    done = run(
        root,
        "fetch",
        "--no-tags",
        "--no-filter",
        "--no-recurse-submodules",
        remote,
        f"refs/heads/{branch}:refs/remotes/{remote}/{branch}",
        seconds=seconds,
    )
    if done.returncode == 0:
        return Fetched.OK, ""
    if "non-fast-forward" in done.stderr:
        return Fetched.REWOUND, ""
    if "couldn't find remote ref" in done.stderr:
        return Fetched.EMPTY, ""
    return Fetched.UNREACHABLE, last_words(done.stderr)


def push(root: Path, remote: str, branch: str, commit: str, *, seconds: float = TIMEOUT_SECONDS) -> Pushed:
    """Push exactly this commit to the remote's branch. Never forces; the clone's pre-push hook has its say."""
    done = run(
        root,
        "push",
        "--porcelain",
        "--recurse-submodules=no",
        remote,
        f"{commit}:refs/heads/{branch}",
        seconds=seconds,
    )
    if done.returncode == 0:
        return Pushed(accepted=True)
    text = done.stdout + done.stderr
    behind = any(
        word in text for word in ("fetch first", "non-fast-forward", "cannot lock ref", "failed to update ref")
    )
    if done.returncode == 1 and "\n!" not in f"\n{done.stdout}" and "fatal:" not in done.stderr:
        said = [line for line in done.stderr.splitlines() if not line.startswith("error: failed to push some refs")]
        return Pushed(accepted=False, reason=" ".join(said[-3:]) or "it did not say why", sent=False)
    return Pushed(accepted=False, behind=behind, reason=last_words(text))


def clone(url: str, target: Path) -> None:
    """Clone a repository. Raise RepositoryError when git refuses."""
    done = run(target.parent, "clone", "--quiet", url, str(target))
    if done.returncode != 0:
        raise RepositoryError(
            f"{url} cannot be cloned: {last_words(done.stderr)}", hint="check the address and your access"
        )


def run(
    root: Path,
    *arguments: str,
    seconds: float = TIMEOUT_SECONDS,
    options: tuple[str, ...] = OPTIONS,
    given: bytes = b"",
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    """Run git in a folder and return its exit code and output, which ends with NO_ANSWER when the time is over.

    It runs in a session of its own: no hook, ssh or helper finds a terminal to ask on, and when we go (time over, ^C)
    the whole group goes. Its output is read from files: what a hook or ssh leaves in the background holds no pipe open.
    """
    program = shutil.which("git")
    if program is None:
        raise RepositoryError("the git program is not installed", hint="install git (2.30 or newer) and run this again")
    command = [program, *options, *arguments]
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        stdin.write(given)
        stdin.seek(0)
        child = subprocess.Popen(
            command,
            cwd=root,
            env=child_environment(without=REPOSITORY_VARIABLES, **VARIABLES, **variables),
            stdin=stdin,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            _wait(child, seconds)
        except subprocess.TimeoutExpired:
            _kill(child)
            err.write(f"\nfatal: no answer within {seconds:.0f} seconds".encode())
        except BaseException:
            _kill(child)
            raise
        code = child.returncode if child.returncode >= 0 else NO_ANSWER
        return subprocess.CompletedProcess(command, code, _text(out), _text(err))


def last_words(text: str) -> str:
    """Return the telling lines of git's output, on one line."""
    lines = [
        line.strip() for line in text.splitlines() if line.strip() and not line.startswith(("To ", "Done", "hint:"))
    ]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "!", "ssh:"))] or lines
    return "; ".join(line.replace("\t", " ") for line in telling[:3])


def _wait(child: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait for a child's end. Raise TimeoutExpired. Python's own wait looks every 50 ms, ten times what git takes."""
    with suppress(AttributeError, OSError):  # no such call, or a system too old for it
        watched = os.pidfd_open(child.pid)
        try:
            poll = select.poll()  # select() takes no number of a file beyond 1,024
            poll.register(watched, select.POLLIN)
            poll.poll(seconds * 1000)
        finally:
            os.close(watched)
        seconds = 0
    child.wait(seconds)


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Kill a child and all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    child.wait()


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
