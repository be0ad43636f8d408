"""Five machines, one project, one bare remote: sync each, then all again, and see that nothing is lost or doubled.

    python agent-context/benchmarks/five_machines.py --sessions DIR [--without-checkouts] [--keep DIR]

DIR holds `machines/<name>/.claude`. Each machine gets its own HOME, configuration and clone. The whole run is done
twice from nothing; both must end with the same learnings. Exits 1 when a claim does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

MACHINES = ("soph", "alex", "gtrrz-victor", "dip", "paul")
REMOTE = "git@github.com:entireio/cli.git"
ROUNDS = 2


def run(arguments: list[str], home: Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program with a home of its own and nothing else of this machine's environment."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        **variables,
    }
    return subprocess.run(arguments, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def git(cwd: Path, *arguments: str) -> str:
    """Run git and return what it prints; stop the benchmark when it fails."""
    done = run(["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", *arguments], cwd, cwd)
    if done.returncode != 0:
        sys.exit(f"git {' '.join(arguments)}: {done.stderr}")
    return done.stdout.strip()


def lay_out(sessions: Path, folder: Path, *, checkouts: bool) -> dict[str, Path]:
    """Make the bare remote and one clone a machine; with `checkouts` a stand-in of the project for the paths of others.

    The sessions' real paths do not exist here, so the stand-in is a mapping of every working directory seen.
    """
    program = [sys.executable, "-m", "agent_context"]
    seed = folder / "seed"
    done = run([*program, "init", str(seed)], folder, folder)
    if done.returncode != 0:
        sys.exit(done.stderr)
    git(folder, "clone", "--quiet", "--bare", str(seed), str(folder / "remote.git"))
    clones = {}
    for machine in MACHINES:
        home = folder / machine
        home.mkdir()
        git(home, "clone", "--quiet", str(folder / "remote.git"), str(home / "kb"))
        shutil.copytree(sessions / "machines" / machine / ".claude", home / ".claude")
        if checkouts:
            make_checkouts(home)
        clones[machine] = home / "kb"
    return clones


def make_checkouts(home: Path) -> None:
    """Give each working directory that the sessions name a stand-in inside this home, and point the sessions there."""
    made: set[str] = set()
    for file in sorted((home / ".claude" / "projects").rglob("*.jsonl")):
        text = file.read_bytes()
        stat = file.stat()
        for line in text.splitlines():
            position = line.find(b'"cwd":"/Users/')
            if position >= 0:
                made.add(line[position + 7 : line.find(b'"', position + 7)].decode())
        file.write_bytes(text.replace(b'"cwd":"/Users/', f'"cwd":"{home}/Users/'.encode()))
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    for cwd in sorted(made, key=len):
        folder = Path(f"{home}{cwd}")
        folder.mkdir(parents=True, exist_ok=True)
        inside = run(["git", "rev-parse", "--git-dir"], home, folder)
        if inside.returncode != 0:
            git(folder, "init", "--quiet")
            git(folder, "remote", "add", "origin", REMOTE)


def sync(machine: str, home: Path) -> dict[str, object]:
    """Sync one machine and return its report."""
    done = run(
        [sys.executable, "-m", "agent_context", "sync", "--json", "--kb", str(home / "kb")],
        home,
        home,
        CLAUDE_CONFIG_DIR=str(home / ".claude"),
        AGENT_CONTEXT_MACHINE=machine,
    )
    if done.returncode != 0:
        sys.exit(f"{machine}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr}")
    report: dict[str, object] = json.loads(done.stdout)
    return report


def one_run(sessions: Path, folder: Path, *, checkouts: bool) -> dict[str, str]:
    """Do all rounds from nothing, check what must hold, and return path to blob of every learning on the remote."""
    clones = lay_out(sessions, folder, checkouts=checkouts)
    learned: Counter[str] = Counter()
    for number in range(1, ROUNDS + 1):
        print(f"round {number}")
        for machine in MACHINES:
            report = sync(machine, folder / machine)
            new = list(report["learned"])  # type: ignore[call-overload]
            learned.update(f"{item['project']}/{item['id']}" for item in new)
            dropped = Counter(item["reason"] for item in report["dropped"])  # type: ignore[attr-defined]
            print(
                f"  {machine:13} found {report['found']:3} read {report['read']:3} candidates {report['candidates']:3} "
                f"new {len(new):3} dropped {dict(dropped)} brought in {report['brought_in']} pushed {report['pushed']} "
                f"{report['seconds']} s"
            )
    for machine in MACHINES:
        sync(machine, folder / machine)
    tips = {git(clone, "rev-parse", "HEAD") for clone in clones.values()} | {
        git(folder / "remote.git", "rev-parse", "HEAD")
    }
    listing = git(folder / "remote.git", "ls-tree", "-r", "HEAD", "projects")
    files = {
        line.split("\t")[1]: line.split()[2]
        for line in listing.splitlines()
        if line.endswith(".md") and "README" not in line
    }
    unclean = [machine for machine, clone in clones.items() if git(clone, "status", "--porcelain")]
    projects = Counter(path.split("/")[1] for path in files)
    print(f"  projects: {dict(projects)}")
    print(f"  learnings acknowledged {len(learned)}, on the remote {len(files)}")
    claims = {
        "all clones and the remote are at one commit": len(tips) == 1,
        "no learning was acknowledged twice": all(count == 1 for count in learned.values()),
        "every learning acknowledged is on the remote, and no other": len(files) == len(learned),
        "every clone is clean": not unclean,
    }
    for claim, holds in claims.items():
        print(f"  {'yes' if holds else 'NO '} {claim}")
    if not all(claims.values()):
        sys.exit(1)
    return files


def main() -> None:
    """Run everything twice and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=Path, required=True)
    parser.add_argument("--without-checkouts", action="store_true", help="leave the sessions' paths as they are: gone")
    parser.add_argument("--keep", type=Path, help="an empty folder to work in, kept afterwards")
    given = parser.parse_args()
    results = []
    for number in (1, 2):
        print(f"run {number}")
        if given.keep:
            folder = given.keep / f"run{number}"
            folder.mkdir(parents=True)
            results.append(one_run(given.sessions, folder, checkouts=not given.without_checkouts))
        else:
            with tempfile.TemporaryDirectory() as name:
                results.append(one_run(given.sessions, Path(name).resolve(), checkouts=not given.without_checkouts))
    same = results[0] == results[1]
    print(f"{'yes' if same else 'NO '} both runs ended with the same {len(results[0])} learnings, byte for byte")
    if not same:
        sys.exit(1)


if __name__ == "__main__":
    main()
