"""Somebody's work in a checkout of a project: what is changed and not pushed there, and a copy of it as a commit.

The checkout is its user's: its index, its files and its branches stay as they are, whatever is done here.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_context.errors import RepositoryError
from agent_context.git.author import read_author
from agent_context.git.history import Altered, History
from agent_context.git.program import last_words, run
from agent_context.git.refs import Sent, push_ref

SECONDS = 60
FETCH_SECONDS = 30
MOST_COMMITS = 200
MOST_COUNTED = 1_000_000  # bytes of a new file whose lines are counted


@dataclass(frozen=True, slots=True)
class Touched:
    """A file that differs from a commit. Line counts are None for what is no text; `state` is git's letter."""

    path: str
    added: int | None
    removed: int | None
    state: str = "M"


@dataclass(frozen=True, slots=True)
class Work:
    """How a checkout stands: `head` is 40 hex digits or empty, `upstream` a ref or empty.

    `dirty` are the files not committed, each after git's letter; `unpushed` the commits that no remote has (in `wip/`
    they are only copies), newest first, as hash and subject; `behind` counts what the upstream has and HEAD lacks, as
    of the last fetch.
    """

    top: Path
    branch: str
    head: str
    upstream: str
    remote: str
    dirty: tuple[str, ...]
    unpushed: tuple[str, ...]
    behind: int


def read_work(top: Path) -> Work:
    """Return how a checkout stands. Raise RepositoryError where git cannot tell."""
    told = _ask(top, "status", "--porcelain=v2", "-z", "--branch", "--untracked-files=all", "--no-renames")
    heads: dict[str, str] = {}
    dirty = []
    for line in told.split("\0"):
        kind, _, rest = line.partition(" ")
        if kind == "#":
            name, _, value = rest.partition(" ")
            heads[name] = value
        elif kind in ("1", "u"):
            states, *_, path = rest.split(" ", 9 if kind == "u" else 7)
            dirty.append(f"{states.strip('.')[:1]} {path}")
        elif kind == "?":
            dirty.append(f"? {rest}")
    head = heads.get("branch.oid", "").replace("(initial)", "")
    branch = heads.get("branch.head", "").replace("(detached)", "")
    upstream, counts = heads.get("branch.upstream", ""), heads.get("branch.ab", "+0 -0").split()
    copies = () if branch.startswith("wip/") else ("--exclude=*/wip/*",)
    unpushed = list_commits(top, head, "--not", *copies, "--remotes") if head else ()
    return Work(top, branch, head, upstream, _find_remote(top, branch), tuple(dirty), unpushed, int(counts[1][1:]))


def list_commits(top: Path, *wanted: str) -> tuple[str, ...]:
    """Return commits, newest first, as hash and subject; none for what git does not know."""
    done = run(
        top,
        "log",
        "--no-show-signature",
        "--format=%H %s",
        f"--max-count={MOST_COMMITS}",
        *wanted,
        "--",
        seconds=SECONDS,
    )
    return tuple(done.stdout.splitlines()) if done.returncode == 0 else ()


def count_lines(top: Path, base: str) -> list[Touched]:
    """Return the files that differ between a commit and the worktree, new ones too, with the lines of each."""
    options = ("--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules", "-z")
    states = _ask(top, "diff", "--name-status", *options, base, "--").split("\0")
    letters = dict(zip(states[1::2], states[::2], strict=False))
    found = []
    for line in _ask(top, "diff", "--numstat", *options, base, "--").split("\0"):
        if line:
            added, removed, path = line.split("\t", 2)
            found.append(Touched(path, _number(added), _number(removed), letters.get(path, "M")[:1]))
    new = _ask(top, "ls-files", "--others", "--exclude-standard", "-z").split("\0")
    return found + [Touched(path, _count_file(top / path), 0, "A") for path in new if path]


def has_commit(top: Path, commit: str) -> bool:
    """Tell whether a checkout's repository has a commit."""
    return bool(commit) and run(top, "cat-file", "-e", f"{commit}^{{commit}}", seconds=SECONDS).returncode == 0


def find_fork(top: Path, one: str, other: str) -> str:
    """Return the commit that two come from, empty for none."""
    return run(top, "merge-base", one, other, seconds=SECONDS).stdout.strip()


def fetch_work(top: Path, remote: str) -> str:
    """Bring the branches of a project's remote into `refs/remotes`. Returns why not, or nothing."""
    words = ("fetch", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance", "--quiet", remote)
    done = run(top, *words, seconds=FETCH_SECONDS, options=())  # how strictly objects are checked is the user's choice
    return "" if done.returncode == 0 else last_words(done.stderr)


def copy_work(top: Path, message: str, machine: str) -> str:
    """Return a commit on top of HEAD that holds the worktree as it is, HEAD itself where nothing is changed there.

    It is made with an index of its own: what the user has staged stays staged, no ref moves. What git ignores is left
    out. Raise RepositoryError where git cannot make it.
    """
    head = _ask(top, "rev-parse", "--verify", "--quiet", "HEAD").strip()
    index = Path(_ask(top, "rev-parse", "--path-format=absolute", "--git-path", "index").strip())
    with tempfile.TemporaryDirectory(prefix="agent-context-") as folder:
        own = Path(folder) / "index"
        if index.is_file():
            shutil.copyfile(index, own)
        variables = {"GIT_INDEX_FILE": str(own)}
        _ask(top, "-c", "advice.addEmbeddedRepo=false", "add", "--all", "--", ".", **variables)
        tree = _ask(top, "write-tree", **variables).strip()
    if tree == _ask(top, "rev-parse", f"{head}^{{tree}}").strip():
        return head
    author = read_author(top)
    name, email = author.name or f"agent-context on {machine}", author.email or f"agent-context@{machine}.invalid"
    person = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", name), ("EMAIL", email))
    }
    return _ask(top, "commit-tree", "-p", head, "-m", message, tree, **person).strip()


def commit_work(top: Path, message: str) -> str:
    """Commit all that is changed in a checkout on its own branch, as its user does. Returns why not, or nothing."""
    run(top, "add", "--all", seconds=SECONDS)
    done = run(top, "commit", "--quiet", "--message", message)
    return "" if done.returncode == 0 else last_words(done.stdout + done.stderr)


def read_from_remote(top: Path, path: str, branches: str) -> list[str]:
    """Return a file's text from the branch that is followed and from the remote's branches of a pattern, as fetched."""
    listed = run(top, "for-each-ref", "--format=%(refname)", f"refs/remotes/*/{branches}", seconds=SECONDS)
    refs = (*listed.stdout.split(), "@{upstream}")
    shown = [run(top, "cat-file", "blob", f"{ref}:{path}", seconds=SECONDS) for ref in refs]
    return [done.stdout for done in shown if done.returncode == 0]


def alterations_to_push(top: Path, commit: str, remote: str) -> dict[str, list[Altered]]:
    """Return what each commit that the remote lacks changes, by commit."""
    listed = _ask(top, "rev-list", "--no-merges", commit, "--not", f"--remotes={remote}").split()
    history = History(top)
    return {name: history.alterations(name) for name in listed}


def push_work(top: Path, remote: str, branch: str, commit: str) -> Sent:
    """Push a commit to a branch of the remote that this machine alone writes, whatever it held before."""
    ref = f"refs/heads/{branch}"
    told = run(top, "ls-remote", remote, ref, seconds=FETCH_SECONDS)
    if told.returncode != 0:
        return Sent(accepted=False, reason=last_words(told.stderr))
    return push_ref(top, remote, ref, commit, expected=told.stdout.partition("\t")[0].strip() or None)


def _find_remote(top: Path, branch: str) -> str:
    names = _ask(top, "remote").split()
    named = run(top, "config", "--get", f"branch.{branch}.remote", seconds=SECONDS).stdout.strip() if branch else ""
    if named in names:
        return named
    return "origin" if "origin" in names else names[0] if len(names) == 1 else ""


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _count_file(path: Path) -> int | None:
    """Return the lines of a new file; None for what is no text, or beyond measure."""
    try:
        if path.is_symlink() or path.stat().st_size > MOST_COUNTED:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    return None if b"\0" in data else data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


def _ask(top: Path, *arguments: str, **variables: Any) -> str:  # noqa: ANN401 - variables of the environment, all text
    done = run(top, *arguments, seconds=SECONDS, GIT_OPTIONAL_LOCKS="0", **variables)
    if done.returncode != 0:
        raise RepositoryError(
            f"git {arguments[0]} says nothing of {top}: {last_words(done.stderr)}",
            hint=f"see what git says: git -C {top} status",
        )
    return done.stdout
