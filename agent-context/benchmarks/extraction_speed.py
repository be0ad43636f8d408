"""Time reading and extracting, against raw decoding and against two tools that also read all sessions.

    python agent-context/benchmarks/extraction_speed.py --sessions DIR [--tools DIR] [--runs N]

DIR holds `machines/<name>/.claude`. With --tools, claude-code-log (PyPI) and ccusage (npm, 18.0.11: it needs no native
binary) are installed there once and run in turn with ours, each as a whole process over a fresh copy of the
sessions in a home of its own. They do other work on these files (HTML pages, token counts), so this says what a pass
over them costs, not which tool is better.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from speed import decode_lines

from agent_context.extractors import EXTRACTORS
from agent_context.transcripts.claude_code import find, read
from agent_context.transcripts.session import Session


def extract_all(paths: list[Path]) -> int:
    """Read and extract every session; return the number of candidates."""
    sessions = (read(path) for path in paths)
    return sum(len(EXTRACTORS["heuristic"](item, (), limit=5)) for item in sessions if isinstance(item, Session))


def lay_out(sessions: Path, home: Path) -> None:
    """Give one home all people's sessions."""
    shutil.rmtree(home, ignore_errors=True)
    for machine in sorted((sessions / "machines").iterdir()):
        shutil.copytree(machine / ".claude" / "projects", home / ".claude" / "projects", dirs_exist_ok=True)


def install(tools: Path) -> dict[str, list[str]]:
    """Install the two tools where they are not yet; return their commands."""
    python = tools / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(tools / "venv")], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "claude-code-log"], check=True)
    if not (tools / "node_modules").exists():
        npm = shutil.which("npm") or "npm"
        subprocess.run([npm, "install", "--silent", "--prefix", str(tools), "ccusage@18.0.11"], check=True)
    return {
        "claude-code-log": [str(tools / "venv" / "bin" / "claude-code-log"), "--no-individual-sessions"],
        "ccusage daily --offline": [str(tools / "node_modules" / ".bin" / "ccusage"), "daily", "--offline", "--json"],
    }


def time_process(command: list[str], sessions: Path, home: Path) -> tuple[float, int]:
    """Run one command over a fresh copy; return CPU seconds of it and its children, and its exit code."""
    lay_out(sessions, home)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "CLAUDE_CONFIG_DIR": str(home / ".claude")}
    done = subprocess.run(command, env=environment, cwd=home, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.returncode


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=Path, required=True)
    parser.add_argument("--tools", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    paths = [path for machine in sorted((given.sessions / "machines").iterdir()) for path in find(machine / ".claude")]
    size = sum(path.stat().st_size for path in paths) / 1e6
    ours, raw = [], []
    for _ in range(given.runs):
        for function, seconds in ((extract_all, ours), (decode_lines, raw)):
            start = time.process_time()
            function(paths)
            seconds.append(time.process_time() - start)
    first, second = statistics.median(ours), statistics.median(raw)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"read and extract {len(paths)} files, {size:.0f} MB: {first:.2f} s CPU, {size / first:.0f} MB/s on one core")
    print(f"raw decode of each line: {second:.2f} s CPU, ratio {first / second:.1f}; peak memory {memory:.0f} MB")
    if given.tools is None:
        return
    with tempfile.TemporaryDirectory() as name:
        home = Path(name).resolve() / "home"
        kb = Path(name).resolve() / "kb"
        program = [sys.executable, "-m", "agent_context"]
        subprocess.run(
            [*program, "init", str(kb)], env={"PATH": os.environ["PATH"], "HOME": name}, check=True, capture_output=True
        )
        own = [*program, "sync", "--dry-run", "--kb", str(kb)]
        commands = {"agent-context sync --dry-run": own, **install(given.tools)}
        seconds: dict[str, list[float]] = {tool: [] for tool in commands}
        for _ in range(given.runs):
            for tool, command in commands.items():
                cpu, code = time_process(command, given.sessions, home)
                seconds[tool].append(cpu)
                if code:
                    print(f"{tool} ended with exit code {code}")
        base = statistics.median(seconds["agent-context sync --dry-run"])
        for tool, values in seconds.items():
            median = statistics.median(values)
            print(f"{tool}: {median:.2f} s CPU, {median / base:.1f} times ours")


if __name__ == "__main__":
    main()
