"""What sight of the sessions beside a session costs: a hook call, list_sessions, a server's memory; and eight servers.

    python agent-context/benchmarks/live.py [--sessions 50] [--megabytes 10] [--ended 1000] [--folder DIR]

Made-up sessions in a temporary home, each open and of so many megabytes, of records as Claude Code 2.1.329 writes them:
tool results, copies of requests, an edit every 130 kB, one in ten of them of a file that all sessions edit (with
--crowded all of them). Times are of whole processes where a process is started, medians of five else, beside the start
of Python and a read of all the bytes in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from live_samples import SOURCE, Worker
from samples import Machine, assistant, git, user, write_session
from test_live_messages import WRITE

from agent_context.founding import found_knowledge_base
from agent_context.knowledge import KnowledgeBase
from agent_context.live.board import open_board
from agent_context.live.cards import Shelf
from agent_context.live.messages import Inbox
from agent_context.live.telling import BUDGET_SECONDS, tell
from agent_context.settings import SyncSettings

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = 40
SERVERS = 8
MESSAGES = 25
MOST_CALLS = 99
NOISE = {"type": "api-request-blob", "hash": "x", "message": "copied request text " * 3_000}
OUTPUT = user([{"type": "tool_result", "tool_use_id": "t", "content": "line of output\n" * 3_000}])
ASK = """
import asyncio, os, sys, time
from mcp import Client, StdioServerParameters
async def ask():
    words = ["-m", "agent_context", "mcp", "--kb", sys.argv[1]]
    server = StdioServerParameters(command=sys.executable, args=words, env=dict(os.environ))
    async with Client(server, read_timeout_seconds=300) as client:
        for _ in range(2):
            start = time.perf_counter()
            await client.call_tool("list_sessions", {})
            print(time.perf_counter() - start, flush=True)
        input()
asyncio.run(ask())
"""


def make_file(path: Path) -> Path:
    """Write a file of some 400 lines with one that the sessions change."""
    path.write_text(f"{SOURCE * 10}\n\ndef mark():\n    mark = 0\n    return mark\n\n\n{SOURCE * 10}")
    return path


def fill(worker: Worker, shared: list[Path], megabytes: float, every: int) -> None:
    """Write one session of this size; one edit in `every` is of a shared file."""
    number = sum(worker.session.encode())
    own = [make_file(worker.cwd / f"own{worker.session[:8]}{place}.py") for place in range(5)]
    worker.say("Mend the shop, item by item, and keep the tests green")
    answer = assistant({"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "make test"}})
    while not worker.transcript.exists() or worker.transcript.stat().st_size < megabytes * 1e6:
        number += 1
        file = own[number % len(own)] if number % every else shared[number // every % len(shared)]
        worker.write(NOISE, answer, OUTPUT)
        worker.say(f"Go on with {number}")
        old = file.read_text().partition("    mark = ")[2].partition("\n")[0]
        worker.edit(file, f"    mark = {old}\n", f"    mark = {int(old) + 1}\n")


def time_it(function: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure(function: Callable[[], object], times: int = 5) -> float:
    """Return the median of the seconds that some calls take."""
    return statistics.median(time_it(function) for _ in range(times))


def run_hook(machine: Machine, worker: Worker, variables: dict[str, str]) -> float:
    """Return the seconds of one call of the hook, as a process."""
    call = json.dumps({"session_id": worker.session, "cwd": str(worker.cwd), "hook_event_name": "UserPromptSubmit"})
    words = [sys.executable, "-m", "agent_context", "hook", "user-prompt-submit"]
    start = time.perf_counter()
    subprocess.run(words, input=call.encode(), env=variables, cwd=machine.folder, check=True, capture_output=True)
    return time.perf_counter() - start


def time_server(machine: Machine, variables: dict[str, str]) -> tuple[float, float, float]:
    """Return the seconds of two calls of list_sessions, and the most memory of the server in MB."""
    words = [sys.executable, "-c", ASK, str(machine.root)]
    with subprocess.Popen(
        words, env=variables, cwd=machine.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        cold, warm = (float(process.stdout.readline()) for _ in range(2)) if process.stdout else (0.0, 0.0)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        status = Path(f"/proc/{children[0]}/status").read_text()
        memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        process.communicate("\n")
    return cold, warm, memory / 1024


def write_at_once(machine: Machine) -> tuple[int, int, int]:
    """Return how many messages eight processes wrote, and how many of them were lost and read twice."""
    command = [sys.executable, "-c", WRITE, str(machine.environment.data_dir)]
    processes = [
        subprocess.Popen([*command, f"w{number}", str(MESSAGES)], stdout=subprocess.PIPE, text=True)
        for number in range(SERVERS)
    ]
    said = Counter(line for process in processes for line in process.communicate()[0].splitlines())
    said.update(message.text for message in Inbox(Shelf(machine.environment.data_dir), "all").take())
    expected = {f"w{number} {index}" for number in range(SERVERS) for index in range(MESSAGES)}
    return len(expected), len(expected - set(said)), sum(count > 1 for count in said.values())


def show(what: str, seconds: float, start: float) -> None:
    """Print one line of the table."""
    print(f"| {what} | {seconds * 1000:,.0f} ms | {seconds / start:.1f} |", flush=True)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--megabytes", type=float, default=10)
    parser.add_argument("--ended", type=int, default=1000)
    parser.add_argument("--crowded", action="store_true")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name).resolve()
        environment = Machine.settle(folder, "laptop")
        machine = Machine(folder, environment)
        found_knowledge_base(machine.root, "", "laptop")
        report(machine, given)


def report(machine: Machine, given: argparse.Namespace) -> None:
    """Make the sessions, and print what each thing takes."""
    checkout = machine.checkout()
    files = [make_file(checkout / f"shop{number}.py") for number in range(FILES)]
    workers = [Worker(machine, checkout) for _ in range(given.sessions)]
    for worker in workers:
        fill(worker, files, given.megabytes, 1 if given.crowded else 10)
    size = sum(worker.transcript.stat().st_size for worker in workers) / 1e6
    edits = sum(line.count('"structuredPatch"') for worker in workers for line in worker.transcript.open())
    print(f"{given.sessions} open sessions, {size:,.0f} MB, {edits:,} edits, {FILES} files that all edit\n")
    variables = {
        "HOME": str(machine.folder),
        "PATH": os.environ["PATH"],
        "CLAUDE_CONFIG_DIR": str(machine.environment.claude_dir),
        "XDG_DATA_HOME": str(machine.folder / "xdg"),
        "AGENT_CONTEXT_KB": str(machine.root),
    }
    words = [sys.executable, "-c", "pass"]
    start = measure(lambda: subprocess.run(words, check=True))
    print("| what | time | times the start of Python |")
    print("|---|---|---|")
    show("start of Python", start, start)
    show("read of all bytes", measure(lambda: [worker.transcript.read_bytes() for worker in workers], 1), start)
    selection, knowledge_base, own = SyncSettings(), KnowledgeBase(machine.root), workers[0]
    calls = [run_hook(machine, own, variables)]
    show("hook, the first call ever (process)", calls[0], start)
    while (
        len(list((machine.folder / "xdg/agent-context/live/cards").glob("*"))) < given.sessions
        and len(calls) < MOST_CALLS
    ):
        calls.append(run_hook(machine, own, variables))
    calls += [run_hook(machine, own, variables) for _ in range(5)]
    print(f"(cards of all sessions after {len(calls) - 5} calls, the longest {max(calls) * 1000:,.0f} ms)")
    show("hook, warm (process)", statistics.median(calls[-5:]), start)
    while time_it(lambda: tell(knowledge_base, machine.environment, own.session, "")) > BUDGET_SECONDS:
        pass
    show("hook, warm, our part", measure(lambda: tell(knowledge_base, machine.environment, own.session, "")), start)
    shutil.rmtree(machine.environment.data_dir / "live")
    show("board, cold", measure(lambda: open_board(machine.environment, selection), 1), start)
    show("board, warm", measure(lambda: open_board(machine.environment, selection)), start)
    for worker in workers:
        worker.say("One more thing")
    show(
        "board, each session grown by two records",
        measure(lambda: open_board(machine.environment, selection), 1),
        start,
    )
    shutil.rmtree(machine.folder / "xdg/agent-context/live")
    cold, warm, memory = time_server(machine, variables)
    show("list_sessions over MCP, cold", cold, start)
    show("list_sessions over MCP, warm", warm, start)
    for number in range(given.ended):
        path = machine.environment.claude_dir / "projects" / f"p{number % 20}" / f"ended-{number}.jsonl"
        write_session(path, *(user("x" * 500) for _ in range(20)), cwd=str(checkout), age=100)
    show(
        f"hook, warm, our part, {given.ended:,} ended sessions beside",
        measure(lambda: tell(knowledge_base, machine.environment, own.session, "")),
        start,
    )
    show(
        f"board, warm, {given.ended:,} ended sessions beside",
        measure(lambda: open_board(machine.environment, selection)),
        start,
    )
    kept = sum(path.stat().st_size for path in (machine.environment.data_dir / "live").rglob("*") if path.is_file())
    own_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nmemory of a server after two calls: {memory:.0f} MB (of this benchmark: {own_memory:.0f} MB)")
    print(f"kept in the data folder: {kept / 1e6:.1f} MB")
    written, lost, twice = write_at_once(machine)
    print(f"{SERVERS} processes at once: {written} messages written, {lost} lost, {twice} read twice")
    git(checkout, "status", "--short")


if __name__ == "__main__":
    main()
