"""Time what a person waits for because of us in a session: each hook of the plugin, and the MCP server's first answer.

    python agent-context/benchmarks/hooks.py [--runs N]

Whole processes, wall milliseconds, in turn with `python -c pass` in each round; what holds on another machine
is the ratio of the medians. Beside the hooks stands what they might have been: the same line written by a Python script
that imports next to nothing (`-S -E`). Home, knowledge base and checkouts are made here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from agent_context.founding import found_knowledge_base

PLUGIN = Path(__file__).parent.parent / "plugin"
PROGRAM = Path(sys.executable).with_name("agent-context")
LEARNING = "Never run `fly deploy` directly, use `make deploy`: it runs the migrations first."
IN_PYTHON = """\
import json, os, sys, time
if not os.environ.get("AGENT_CONTEXT_CHILD"):
    path = json.load(sys.stdin)["transcript_path"]
    with open(os.environ["HOME"] + "/spool", "a") as spool:
        spool.write(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) + "\\tsession-end\\t" + path + "\\n")
"""
FULL = 32_000  # half of what a spool may hold
SESSION = "0a1b2c3d-0000-4000-8000-000000000000"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "b", "version": "1"}},
}


@dataclass(frozen=True, slots=True)
class Case:
    """One process to time: its words and what it is given."""

    name: str
    words: tuple[str, ...]
    stdin: bytes = b""
    more: tuple[tuple[str, str], ...] = ()
    cwd: Path | None = None


def lay_out(folder: Path) -> tuple[Path, Path, dict[str, str]]:
    """Make a home, a knowledge base with one learning, and a checkout; return both checkouts and the environment."""
    home, root = folder / "home", folder / "kb"
    home.mkdir()
    known = ("PATH", "TMPDIR", "KF_RULE_CACHE_DIR")
    environment = {name: os.environ[name] for name in known if name in os.environ}
    environment |= {"HOME": str(home), "AGENT_CONTEXT_KB": str(root), "GIT_CONFIG_GLOBAL": str(home / ".gitconfig")}
    (home / ".gitconfig").write_text("[user]\n\tname = B\n\temail = b@example.com\n[init]\n\tdefaultBranch = main\n")
    os.environ.update(environment)
    found_knowledge_base(root, "", "bench")
    served, bare = folder / "served", folder / "bare"
    for checkout in (served, bare):
        subprocess.run(["git", "init", "--quiet", str(checkout)], check=True)
        address = f"git@github.com:o/{checkout.name}.git"
        subprocess.run(["git", "-C", str(checkout), "remote", "add", "origin", address], check=True)
        add = [PROGRAM, "add", LEARNING, "--project", f"o.{checkout.name}"]
        subprocess.run(add, check=True, env=environment, capture_output=True)
    hooks = home / ".local" / "share" / "agent-context" / "hooks"
    hooks.mkdir(parents=True, exist_ok=True)
    (hooks / "program").write_text(f"{PROGRAM}\n")
    (folder / "busy" / "sessions").mkdir(parents=True)
    for number in range(2):
        (folder / "busy" / "sessions" / f"{number}.json").write_text("{}")
    session = home / ".claude" / "projects" / "p" / "s.jsonl"
    session.parent.mkdir(parents=True)
    said = {
        "type": "user",
        "uuid": "u",
        "sessionId": "s",
        "cwd": str(served),
        "message": {"role": "user", "content": "Hi"},
    }
    session.write_text(json.dumps(said) + "\n")
    os.utime(session, (1, 1))
    subprocess.run([PROGRAM, "sync"], check=True, env=environment, capture_output=True)  # writes the rules of `served`
    return served, bare, environment


def list_cases(served: Path, bare: Path) -> list[Case]:
    """Return what is timed, the baseline first."""
    hook = ("sh", str(PLUGIN / "hooks" / "hook.sh"))
    told = {"session_id": SESSION, "transcript_path": f"/p/{SESSION}.jsonl", "cwd": str(served), "reason": "other"}
    said = json.dumps(told).encode()
    beside = (("CLAUDE_CONFIG_DIR", str(served.parent / "busy")),)
    long = said[:-1] + b', "last_assistant_message": "' + b"x" * 100_000 + b'"}'
    starts = {where: json.dumps({"cwd": str(where), "source": "startup"}).encode() for where in (served, bare)}
    return [
        Case("`python -c pass`", (sys.executable, "-c", "pass")),
        Case("SessionEnd: noted", (*hook, "session-end"), said),
        Case("PreCompact: noted", (*hook, "pre-compact"), said),
        Case("Stop: noted before, 100 kB given", (*hook, "stop"), long),
        Case("any, in a session of our own", (*hook, "stop"), said, (("AGENT_CONTEXT_CHILD", "1"),)),
        Case("UserPromptSubmit: alone here", (*hook, "user-prompt-submit"), said),
        Case("UserPromptSubmit: another session open", (*hook, "user-prompt-submit"), said, beside, cwd=served),
        Case("SessionStart: rules in place", (*hook, "session-start"), starts[served], cwd=served),
        Case("SessionStart: rules missing, told", (*hook, "session-start"), starts[bare], cwd=bare),
        Case("not taken: SessionEnd in Python (`-S -E`)", (sys.executable, "-S", "-E", "-c", IN_PYTHON), said),
        Case("MCP: started, first answer, ended", (str(PROGRAM), "mcp"), json.dumps(INITIALIZE).encode() + b"\n"),
    ]


def wall(case: Case, environment: dict[str, str], spool: Path) -> float:
    """Return the milliseconds of one process; the spool is kept from filling."""
    if spool.exists() and spool.stat().st_size > FULL:
        spool.write_bytes(b"")
    started = time.perf_counter()
    done = subprocess.run(
        case.words,
        input=case.stdin,
        env={**environment, **dict(case.more)},
        cwd=case.cwd,
        capture_output=True,
        check=False,
    )
    taken = (time.perf_counter() - started) * 1000
    if done.returncode:
        raise SystemExit(f"{case.name}: {done.stderr.decode()}")
    return taken


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=21)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        served, bare, environment = lay_out(Path(folder))
        cases = list_cases(served, bare)
        spool = Path(folder) / "home" / ".local" / "share" / "agent-context" / "hooks" / "spool"
        times: dict[str, list[float]] = {case.name: [] for case in cases}
        for number in range(arguments.runs + 1):
            for case in cases:
                taken = wall(case, environment, spool)
                if number:  # the first round warms the disk
                    times[case.name].append(taken)
    base = statistics.median(times[cases[0].name])
    print(
        f"{platform.machine()}, Python {platform.python_version()}, {os.cpu_count()} cores, {arguments.runs} rounds\n"
    )
    print("| process | median ms | slowest ms | against `python -c pass` |\n|---|--:|--:|--:|")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"| {name} | {median:.1f} | {max(taken):.1f} | {median / base:.2f} |")


if __name__ == "__main__":
    main()
