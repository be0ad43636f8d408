"""Kill a sync at every step of its work, with uncommitted edits around, and see that the next one mends everything.

    python agent-context/benchmarks/crash.py [--every N] [--first N] [--keep DIR]

A machine has edits of all kinds that are not committed (sound, broken, staged, outside the knowledge), a commit that
was never pushed and a session to learn from; its remote has edits, deletions and additions. One sync is let through,
and its steps are noted (agent_context.git.steps). Then for each step a fresh copy of the same machine is killed there
by SIGKILL, looked at, synced again, and compared with the one that was let through. Exits 1 when a claim does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from itertools import zip_longest
from pathlib import Path
from typing import Any

PROJECT = "projects/o.r"
FOLDER = f"{PROJECT}/2026-03"
LESSONS = (
    "Never run `fly deploy` directly, always use `make deploy` because it runs the migrations first.",
    "In this project we store all prices as integer cents, never as floats.",
)
SETTINGS = "[consolidation]\nencoder = 'none'\n\n[snippet]\ninstall = false\n"
# What a person has in the worktree before the sync, by path: none of these words may ever be gone.
EDITS = {
    f"{FOLDER}/number-1-0000000001.md": "An edit that reads.",
    f"{FOLDER}/number-2-0000000002.md": "An edit of what the remote edits too.",
    f"{FOLDER}/number-3-0000000003.md": "kind: broken on purpose",
    f"{FOLDER}/mine-00000000aa.md": "Written by hand, never committed.",
    "mkdocs.yml": "# an edit outside the knowledge",
    "staged.txt": "staged by hand",
    "scratch.txt": "in nobody's way",
}
MOST_SHOWN = 5
OF_THE_MOMENT = (" at: ", "created: ", "instance = ", "synced = ", "commit = ")  # lines that differ from run to run
LEFTOVERS = ("index.lock", "HEAD.lock", "MERGE_HEAD", "rebase-merge", "rebase-apply", "agent-context.moving")


def learning(number: int, **more: str) -> str:
    """Return the file of a made-up learning."""
    fields = {
        "id": f"{number:010x}",
        "kind": "gotcha",
        "tags": "[deploy]",
        "status": "unreviewed",
        "created": "2026-03-01T10:00:00Z",
        "sources": "\n  - {machine: seed, session: 0a1b2c3d, at: 2026-03-01T10:00:00Z, speaker: user}",
        **more,
    }
    body = fields.pop("body", "")
    head = "\n".join(f"{key}: {value}" for key, value in fields.items()).replace(": \n", ":\n")
    return f"---\n{head}\n---\nCheck number {number} comes before part {number}.\n{body}"


def environment(home: Path) -> dict[str, str]:
    """Return the environment of one machine, with nothing of this one's but PATH."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "CLAUDE_CONFIG_DIR": str(home / ".claude"),
        "AGENT_CONTEXT_MACHINE": home.name,
    }


def git(folder: Path, home: Path, *arguments: str) -> str:
    """Run git and return what it prints; stop when it fails."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment(home), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"git {' '.join(arguments)} in {folder}: {done.stderr}")
    return done.stdout.strip("\n")


def write(root: Path, files: dict[str, str]) -> None:
    """Write files below a folder."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def lay_out(case: Path) -> None:
    """Make the machine to be killed, its remote, and what another machine has pushed meanwhile."""
    victim, other = case / "victim", case / "other"
    for home in (victim, other):
        home.mkdir(parents=True)
        (home / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.com\n[init]\ndefaultBranch = main\n")
    program = [sys.executable, "-m", "agent_context", "init", str(case / "seed")]
    subprocess.run(program, env=environment(victim), check=True, capture_output=True)
    seed = case / "seed"
    write(seed, {f"{FOLDER}/number-{n}-{n:010x}.md": learning(n) for n in range(8)})
    write(
        seed,
        {f"{PROJECT}/project.toml": 'name = "o/r"\nremotes = ["github.com/o/r"]\n', "agent-context.toml": SETTINGS},
    )
    git(seed, other, "add", "-A")
    git(seed, other, "commit", "--quiet", "-m", "seed")
    git(case, other, "clone", "--quiet", "--bare", "seed", "remote.git")
    for home in (victim, other):
        git(home, home, "clone", "--quiet", "../remote.git", "kb")
        git(home / "kb", home, "remote", "set-url", "origin", "../../remote.git")
    change_remote(other)
    prepare_victim(victim)
    shutil.rmtree(seed)


def change_remote(other: Path) -> None:
    """Let another machine edit, delete and add."""
    root = other / "kb"
    write(root, {f"{FOLDER}/number-{n}-{n:010x}.md": learning(n) for n in range(100, 105)})
    write(root, {f"{FOLDER}/number-2-0000000002.md": learning(2, status="accepted")})
    write(root, {f"{FOLDER}/number-4-0000000004.md": learning(4, tags="[deploy, theirs]"), "theirs.txt": "theirs\n"})
    (root / f"{FOLDER}/number-5-0000000005.md").unlink()
    git(root, other, "add", "-A")
    git(root, other, "commit", "--quiet", "-m", "theirs")
    git(root, other, "push", "--quiet", "origin", "main")


def prepare_victim(victim: Path) -> None:
    """Give the machine an unpushed commit, edits of all kinds, and a session."""
    root = victim / "kb"
    write(root, {f"{FOLDER}/number-200-00000000c8.md": learning(200)})
    git(root, victim, "add", FOLDER)
    git(root, victim, "commit", "--quiet", "-m", "add: number 200\n\nMachine: victim")
    write(
        root,
        {
            f"{FOLDER}/number-1-0000000001.md": learning(1, body="\nAn edit that reads.\n"),
            f"{FOLDER}/number-2-0000000002.md": learning(2, body="\nAn edit of what the remote edits too.\n"),
            f"{FOLDER}/number-3-0000000003.md": learning(3, kind="broken on purpose"),
            f"{FOLDER}/mine-00000000aa.md": learning(0xAA, body="\nWritten by hand, never committed.\n"),
            "mkdocs.yml": (root / "mkdocs.yml").read_text(encoding="utf-8") + "# an edit outside the knowledge\n",
            "staged.txt": "staged by hand\n",
            "scratch.txt": "in nobody's way\n",
        },
    )
    git(root, victim, "add", "staged.txt")
    lines = []
    for number, text in enumerate(LESSONS):
        stamp = f"2026-03-01T10:0{number}:00.000Z"
        record = {"uuid": f"u{number}", "sessionId": "s1", "timestamp": stamp, "cwd": "", "isSidechain": False}
        lines.append(json.dumps({**record, "type": "user", "message": {"role": "user", "content": text}}))
        answer = {"role": "assistant", "content": [{"type": "text", "text": "Done."}]}
        lines.append(json.dumps({**record, "uuid": f"a{number}", "type": "assistant", "message": answer}))
    session = victim / ".claude" / "projects" / "p" / "s1.jsonl"
    write(session.parent, {session.name: "\n".join(lines) + "\n"})
    os.utime(session, (1_772_359_200, 1_772_359_200))


def be_child(kill_at: int, steps_file: str) -> None:
    """Sync, as the program does; note each step, and die at the one told."""
    from agent_context.__main__ import main  # noqa: PLC0415 - the parent does without
    from agent_context.git.steps import EVENT  # noqa: PLC0415 - the same

    reached: list[str] = []

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        if event == EVENT:
            reached.append(arguments[0])
            if len(reached) == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(listen)
    sys.argv = ["agent-context", "sync", "--json", "--kb", "kb"]
    try:
        code = main()
    except SystemExit as done:
        code = int(done.code or 0)
    Path(steps_file).write_text("\n".join(reached), encoding="utf-8")
    sys.exit(code)


def sync(case: Path, kill_at: int = 0) -> tuple[int, list[str]]:
    """Sync the machine of a case; return the exit code (negative: killed) and the steps it reached."""
    steps = case / "steps"
    steps.unlink(missing_ok=True)
    command = [sys.executable, str(Path(__file__).resolve()), "--child", str(kill_at), str(steps)]
    home = case / "victim"
    done = subprocess.run(command, cwd=home, env=environment(home), capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3, -signal.SIGKILL):
        sys.exit(f"exit {done.returncode} after a kill at step {kill_at}:\n{done.stdout}\n{done.stderr}")
    return done.returncode, steps.read_text(encoding="utf-8").splitlines() if steps.is_file() else []


def find_losses(case: Path) -> list[str]:
    """Return the edits whose words are gone from the worktree, and signs of a half-done merge. None may ever be."""
    home = case / "victim"
    root = home / "kb"
    losses = [
        f"{path}: {words!r} is gone"
        for path, words in EDITS.items()
        if not (root / path).is_file() or words not in (root / path).read_text(encoding="utf-8")
    ]
    half = [
        name
        for name in ("MERGE_HEAD", "rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD")
        if (root / ".git" / name).exists()
    ]
    unmerged = [line for line in git(root, home, "status", "--porcelain").splitlines() if "U" in line[:2]]
    marks = [str(file) for file in (root / PROJECT).rglob("*.md") if "<<<<<<<" in file.read_text(encoding="utf-8")]
    return losses + [f"half done: {item}" for item in (*half, *unmerged, *marks)]


def describe(case: Path) -> dict[str, object]:
    """Return all that a finished sync must leave alike, times and commit ids left out."""
    home = case / "victim"
    root = home / "kb"
    files = {}
    for path in git(root, home, "ls-tree", "-r", "--name-only", "HEAD").splitlines():
        text = git(root, home, "show", f"HEAD:{path}")
        files[path] = "\n".join(line for line in text.splitlines() if not any(sign in line for sign in OF_THE_MOMENT))
    return {
        "files": files,
        "status": sorted(git(root, home, "status", "--porcelain", "-uall").splitlines()),
        "staged": git(root, home, "diff", "--cached"),
        "not staged": git(root, home, "diff"),
        "pushed": git(root, home, "rev-parse", "HEAD") == git(case / "remote.git", home, "rev-parse", "main"),
        "subjects": sorted(git(root, home, "log", "--format=%s").splitlines()),
        "merges": git(root, home, "log", "--merges", "--oneline"),
        "fsck": git(root, home, "fsck", "--strict", "--no-dangling"),
        "left": [name for name in LEFTOVERS if (root / ".git" / name).exists()]
        + [str(path) for path in (root / ".git" / "agent-context.tmp").glob("*")],
    }


def compare(expected: dict[str, object], found: dict[str, object]) -> list[str]:
    """Return what differs, a line each; commits may be cut otherwise: an interrupted one is finished, or made again."""
    return [
        f"{key}: expected {str(first)[:200]}, found {str(second)[:200]}"
        for key in expected
        if key != "subjects"
        for first, second in zip_longest(list_items(expected[key]), list_items(found[key]))
        if first != second
    ][:MOST_SHOWN]


def list_items(value: object) -> list[object]:
    """Return a value's parts, to be compared one by one."""
    if isinstance(value, dict):
        return sorted(value.items())
    return list(value) if isinstance(value, list) else str(value).splitlines()


def main() -> None:
    """Let one through, kill one at each step, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="kill at every Nth step only")
    parser.add_argument("--first", type=int, default=1, help="begin with this step")
    parser.add_argument("--keep", type=Path, help="an empty folder to work in, kept afterwards")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        be_child(int(given.child[0]), given.child[1])
    with tempfile.TemporaryDirectory() as name:
        folder = given.keep or Path(name).resolve()
        folder.mkdir(exist_ok=True)
        lay_out(folder / "start")
        shutil.copytree(folder / "start", folder / "whole", symlinks=True)
        code, steps = sync(folder / "whole")
        expected = describe(folder / "whole")
        print(f"A sync has {len(steps)} steps. Let through, it ends with exit code {code}.\n", flush=True)
        rows: dict[str, Counter[str]] = defaultdict(Counter)
        problems: list[str] = []
        started = time.monotonic()
        for number in range(given.first, len(steps) + 1, given.every):
            problems += kill_and_mend(folder, number, steps[number - 1], expected, rows)
        print_table(rows)
        kills = sum(row["killed"] for row in rows.values())
        mended = sum(row["mended"] for row in rows.values())
        print(f"\n{mended} of {kills} mended, {len(problems)} problems, {time.monotonic() - started:.0f} s")
        print("\n".join(problems))
    if problems or mended != kills:
        sys.exit(1)


def kill_and_mend(
    folder: Path, number: int, step: str, expected: dict[str, object], rows: dict[str, Counter[str]]
) -> list[str]:
    """Kill a fresh copy at one step, sync again, and count what became of it. Returns what is wrong."""
    case = folder / f"step{number}"
    shutil.copytree(folder / "start", case, symlinks=True)
    code, _ = sync(case, number)
    rows[step]["killed"] += code == -signal.SIGKILL
    losses = find_losses(case)
    sync(case)
    losses += find_losses(case)
    differences = compare(expected, describe(case))
    rows[step]["lost"] += bool(losses)
    rows[step]["mended"] += not losses and not differences
    shutil.rmtree(case)
    return [f"step {number} ({step}): {item}" for item in losses + differences]


def print_table(rows: dict[str, Counter[str]]) -> None:
    """Print the steps in the order in which they came."""
    print("| killed right after | times | mended by the next sync | lost or half done |")
    print("|---|---|---|---|")
    for step, row in rows.items():
        print(f"| {step} | {row['killed']} | {row['mended']} | {row['lost']} |")


if __name__ == "__main__":
    main()
