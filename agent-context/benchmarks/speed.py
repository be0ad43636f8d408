"""Time what people wait for, as ratios measured side by side in one run (the machine is noisy, ratios hold).

    python agent-context/benchmarks/speed.py --sessions DIR [--runs N]

1. Reading sessions (DIR/machines/soph) against merely decoding each of their lines with msgspec, in CPU seconds.
2. `agent-context --version` against `python -c pass`, whole processes, wall seconds.
3. A sync with nothing new against `git fetch`, on the same clone, whole processes, wall seconds.

Of each pair the runs alternate; the figure is the ratio of the medians, with both medians beside it.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_context.transcripts.claude_code import find, read

if TYPE_CHECKING:
    from collections.abc import Callable


def decode_lines(paths: list[Path]) -> None:
    """Decode each line as a raw object and let it go."""
    for path in paths:
        with path.open("rb") as file:
            for line in file:
                try:
                    msgspec.json.decode(line)
                except msgspec.DecodeError:
                    continue


def read_sessions(paths: list[Path]) -> None:
    """Read each file as a session and let it go."""
    for path in paths:
        read(path)


def alternate(first: Callable[[], float], second: Callable[[], float], runs: int) -> tuple[float, float]:
    """Run both in turn and return the median seconds of each."""
    pairs = [(first(), second()) for _ in range(runs)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def cpu(function: Callable[[list[Path]], None], paths: list[Path]) -> Callable[[], float]:
    """Return a function that measures the CPU seconds of one call."""

    def measured() -> float:
        start = time.process_time()
        function(paths)
        return time.process_time() - start

    return measured


def wall(command: list[str], home: Path, cwd: Path) -> Callable[[], float]:
    """Return a function that measures the wall seconds of one process."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "CLAUDE_CONFIG_DIR": str(home / ".claude")}

    def measured() -> float:
        start = time.perf_counter()
        subprocess.run(command, env=environment, cwd=cwd, check=True, capture_output=True)
        return time.perf_counter() - start

    return measured


def report(name: str, ours: float, theirs: float, against: str) -> None:
    """Print one pair."""
    print(f"{name}: {ours * 1000:.0f} ms, {against}: {theirs * 1000:.0f} ms, ratio {ours / theirs:.2f}")


def measure_sync(sessions: Path, folder: Path, runs: int) -> None:
    """Set up one machine that has read everything, then time a sync with nothing new."""
    program = [sys.executable, "-m", "agent_context"]
    git = shutil.which("git") or "git"
    for command in (
        [*program, "init", "seed"],
        [git, "clone", "--quiet", "--bare", "seed", "remote.git"],
        [git, "clone", "--quiet", "remote.git", "kb"],
    ):
        wall(command, folder, folder)()
    shutil.copytree(sessions / "machines" / "soph" / ".claude", folder / ".claude")
    sync = wall([*program, "sync", "--kb", "kb"], folder, folder)
    sync()
    ours, theirs = alternate(sync, wall([git, "-C", "kb", "fetch", "--quiet"], folder, folder), runs)
    report("sync with nothing new (56 sessions)", ours, theirs, "git fetch")


def main() -> None:
    """Measure all three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=15)
    given = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {given.runs} runs each")
    paths = list(find(given.sessions / "machines" / "soph" / ".claude"))
    size = sum(path.stat().st_size for path in paths) / 1e6
    ours, theirs = alternate(cpu(read_sessions, paths), cpu(decode_lines, paths), given.runs)
    report(f"reading {len(paths)} sessions, {size:.0f} MB", ours, theirs, "msgspec decode alone")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        installed = Path(sys.executable).with_name("agent-context")
        program = [str(installed)] if installed.exists() else [sys.executable, "-m", "agent_context"]
        version = wall([*program, "--version"], folder, folder)
        ours, theirs = alternate(version, wall([sys.executable, "-c", "pass"], folder, folder), given.runs)
        report("agent-context --version", ours, theirs, "python -c pass")
        measure_sync(given.sessions, folder, given.runs)


if __name__ == "__main__":
    main()
