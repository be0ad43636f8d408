"""Time what the number of learnings costs: a merge, a commit, a clone. Made-up learnings, nothing is read from outside.

    python agent-context/benchmarks/merge_cost.py [--sizes 1000 10000 100000] [--runs N]

1. Two sides that each added 20 learnings and edited 20 others: our merge of the trees against `git merge-tree
   --write-tree` without renames, on the same commits. The trees must be the same.
2. The same where both sides edited the same 20, which git leaves in conflict: ours alone, as a multiple of the first.
3. Adding 20 learnings to a clone and committing them, worktree and index included, against `git add` and `git commit`.
4. The size of a clone: what git transfers and keeps, and the files.

CPU seconds (user and system, children included), the runs of a pair in turn, medians. Ours is counted within the
running program, git's as whole processes, as sync would start them.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import resource
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pygit2
from pygit2.enums import FileMode

from agent_context.frontmatter import write_learning
from agent_context.git import Repository
from agent_context.git.trees import TreeMerge, edit_tree
from agent_context.layout import learning_path
from agent_context.learning import Kind, Learning, Source, Speaker, Status, learning_id, utc
from agent_context.review.resolution import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_context.git.trees import Node

WORDS = ("deploy", "cache", "voucher", "price", "test", "branch", "token", "cursor", "queue", "server", "window")
PROJECTS = 20
FIVE_YEARS = 5 * 365 * 86400
START = 1_600_000_000
NEWS = 20
NO_RENAMES = ("-c", "merge.renames=false", "-c", "merge.directoryRenames=false")


@dataclass(frozen=True, slots=True)
class Merge:
    """A base commit and two sides."""

    base: str
    ours: str
    theirs: str


def make_learning(chance: random.Random, at: int) -> tuple[str, Learning]:
    """Return a learning of some 700 bytes with its path."""
    project = f"acme.project-{chance.randrange(PROJECTS)}"
    claim = " ".join(chance.choices(WORDS, k=14)).capitalize() + f" {chance.randrange(10**9)}."
    source = Source(
        chance.choice(["laptop", "vm"]), f"{chance.randrange(16**8):08x}", utc(at), Speaker.USER, extractor="x"
    )
    why = tuple(" ".join(chance.choices(WORDS, k=20)) + "." for _ in range(2))
    quote = (" ".join(chance.choices(WORDS, k=16)),)
    learning = Learning(
        learning_id(project, claim),
        Kind.GOTCHA,
        Status.ACCEPTED,
        utc(at),
        claim,
        sources=(source,),
        why=why,
        evidence=quote,
    )
    return learning_path(project, learning), learning


def write(learning: Learning) -> bytes:
    """Return a learning's file."""
    return write_learning(learning).encode()


def edit(learning: Learning, machine: str) -> bytes:
    """Return the learning's file after a machine confirmed it and reviewed its tags."""
    source = Source(machine, "0" * 8, utc(START + FIVE_YEARS), Speaker.USER)
    return write(msgspec.structs.replace(learning, tags=(machine,), sources=(*learning.sources, source)))


def git(folder: Path, *arguments: str, data: bytes = b"") -> str:
    """Run git and return what it prints."""
    identity = {f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **identity}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, input=data, capture_output=True, check=True)
    return done.stdout.decode().strip()


def found(folder: Path, learnings: dict[str, Learning]) -> str:
    """Make a bare repository that holds the learnings in one commit, packed. Returns the commit."""
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", ".")
    parts = [b"commit refs/heads/main\ncommitter x <x@example.com> 0 +0000\ndata 4\nbase\n"]
    for path, learning in learnings.items():
        data = write(learning)
        parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data))
    git(folder, "fast-import", "--quiet", data=b"".join(parts))
    git(folder, "repack", "--quiet", "-a", "-d")
    return git(folder, "rev-parse", "main")


def branch(folder: Path, base: str, files: dict[str, bytes]) -> str:
    """Return a commit with these files on top of the base."""
    repo = pygit2.Repository(str(folder))
    person = pygit2.Signature("x", "x@example.com", 0, 0)
    tree = edit_tree(repo, repo[base].peel(pygit2.Tree).id, files)
    return str(repo.create_commit(None, person, person, "side", tree, [base]))


def diverge(folder: Path, base: str, learnings: dict[str, Learning], chance: random.Random, *, apart: bool) -> Merge:
    """Make two sides that each add and edit; `apart`: not the same learnings."""
    edited = chance.sample(sorted(learnings), 2 * NEWS)
    tips = []
    for number, machine in enumerate(("laptop", "vm")):
        mine = edited[number * NEWS : (number + 1) * NEWS] if apart else edited[:NEWS]
        files = {path: edit(learnings[path], machine) for path in mine}
        files |= {path: write(new) for path, new in (make_learning(chance, START + FIVE_YEARS) for _ in range(NEWS))}
        tips.append(branch(folder, base, files))
    return Merge(base, *tips)


def cpu() -> float:
    """Return the CPU seconds of this process and of its ended children so far."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(item.ru_utime + item.ru_stime for item in used)


def timed(function: Callable[[], str]) -> tuple[float, str]:
    """Return the CPU seconds of a call, and what it returned."""
    start = cpu()
    result = function()
    return cpu() - start, result


def merge_ours(folder: Path, merge: Merge) -> str:
    """Merge in memory, with nothing cached from before. Returns the tree."""
    repo = pygit2.Repository(str(folder))

    def node(commit: str) -> Node:
        return repo[commit].peel(pygit2.Tree).id, FileMode.TREE

    merged = TreeMerge(repo, resolve).merge_trees(node(merge.base), node(merge.ours), node(merge.theirs))
    return str(merged[0]) if merged else ""


def merge_git(folder: Path, merge: Merge) -> str:
    """Let git merge. Returns the tree."""
    return git(folder, *NO_RENAMES, "merge-tree", "--write-tree", merge.ours, merge.theirs)


def commit_ours(root: Path, files: dict[str, bytes]) -> str:
    """Add the learnings as `sync` does."""
    return Repository(root).commit_files(files, "sync\n\nMachine: x\n", "x")


def commit_git(root: Path, files: dict[str, bytes]) -> str:
    """Add the learnings as a person would."""
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    git(root, "add", "--", *files)
    return git(root, "commit", "--quiet", "-m", "sync")


def time_commit(commit: Callable[[Path, dict[str, bytes]], str], clone: Path, chance: random.Random) -> float:
    """Return the CPU seconds of adding new learnings."""
    files = {path: write(new) for path, new in (make_learning(chance, START + FIVE_YEARS) for _ in range(NEWS))}
    return timed(lambda: commit(clone, files))[0]


def measure(size: int, runs: int, folder: Path) -> str:
    """Measure one size and return its row."""
    chance = random.Random(size)  # noqa: S311 - made-up words
    learnings = dict(make_learning(chance, START + chance.randrange(FIVE_YEARS)) for _ in range(size))
    bare, clone = folder / "bare.git", folder / "clone"
    bare.mkdir()
    base = found(bare, learnings)
    apart = diverge(bare, base, learnings, chance, apart=True)
    together = diverge(bare, base, learnings, chance, apart=False)
    ours, theirs, both, commits, plain = [], [], [], [], []
    for _ in range(runs):
        (seconds, tree), (other, expected) = (
            timed(lambda: merge_ours(bare, apart)),
            timed(lambda: merge_git(bare, apart)),
        )
        if tree != expected:
            raise AssertionError(f"{size}: our tree {tree} is not git's {expected}")
        ours.append(seconds)
        theirs.append(other)
        both.append(timed(lambda: merge_ours(bare, together))[0])
    git(folder, "clone", "--quiet", "--no-local", str(bare), str(clone))
    sizes = [sum(file.stat().st_size for file in top.rglob("*") if file.is_file()) for top in (clone / ".git", clone)]
    for _ in range(runs):
        commits.append(time_commit(commit_ours, clone, chance))
        plain.append(time_commit(commit_git, clone, chance))
    a, b, c, d, e = (statistics.median(times) * 1000 for times in (ours, theirs, both, commits, plain))
    megabytes = [sizes[0] / 1e6, (sizes[1] - sizes[0]) / 1e6]
    return (
        f"| {size:,} | {a:.1f} ms | {b:.1f} ms | {a / b:.2f} | {c / a:.1f}x | {d:.0f} ms | {e:.0f} ms | {d / e:.2f} "
        f"| {megabytes[0]:.1f} MB + {megabytes[1]:.1f} MB |"
    )


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--runs", type=int, default=7)
    given = parser.parse_args()
    version = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {version}, {given.runs} runs\n")
    print("| learnings | merge | git merge-tree | ratio | same 20 | commit 20 | git add, commit | ratio | clone |")
    print("|" + "---|" * 9)
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as name:
            print(measure(size, given.runs, Path(name).resolve()), flush=True)


if __name__ == "__main__":
    main()
