"""Let many clones sync against one remote as fast as they can, killed at random too, beside a plain git loop.

    python agent-context/benchmarks/contention.py [--clones 8] [--syncs 100] [--only file http file-kill ...]

Each clone is a process that adds a learning, commits and syncs it, and goes on when the sync is acknowledged. Ours is
`Repository.commit_files` and `Exchange`, what every command of the program works with, under the clone's lock; the
plain one is `git add; git commit; git pull --rebase && git push`, tried again at once. With kills, a random clone's
processes (git's too) get SIGKILL at once, again and again, and it is started anew. The remote is a bare repository, by
file:// or by smart http (`git http-backend`). In the scenario `group` one sync carries many learnings. Then every
acknowledged learning is looked for in the remote, once, and all clones are compared byte by byte. A clone is stuck when
nothing of it was acknowledged for long and no more kills came. Exits 1 when a claim about ours does not hold.
"""

from __future__ import annotations

import argparse
import hashlib
import http.server
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from agent_context.frontmatter import write_learning
from agent_context.git import Repository, find_leftovers, locked
from agent_context.layout import learning_path
from agent_context.learning import Kind, Learning, Source, Speaker, Status, learning_id
from agent_context.reports import SyncReport
from agent_context.syncing.exchange import TRAILER, Exchange

LOCK_SECONDS = 60
GRACE_SECONDS = 20  # without a kill and without an acknowledgement: stuck
SCENARIOS = ("file", "http", "file-kill", "http-kill", "group")
ENGINES = ("ours", "plain")
COLUMNS = (
    *("remote", "engine", "kills", "acked", "s", "acked/s", "CPU s per ack", "tried again", "lost", "doubled", "stuck"),
    *("locks removed", "clones alike", "fsck clean"),
)


# One clone's process


@dataclass(slots=True)
class Worker:
    """One clone: adds `syncs` times `group` learnings, each time until it is acknowledged."""

    root: Path
    name: str
    syncs: int
    group: int
    log: IO[str]
    acked: set[int] = field(default_factory=set)

    def learnings(self, number: int) -> dict[str, bytes]:
        """Return the files of one sync, path to bytes."""
        made: dict[str, bytes] = {}
        for part in range(self.group):
            claim = f"Machine {self.name} runs check {number}.{part} before it releases anything."
            at = "2026-03-01T10:00:00Z"
            source = Source(self.name, "0a1b2c3d", at, Speaker.USER, extractor="bench")
            identity = learning_id("o.r", claim)
            learning = Learning(identity, Kind.GOTCHA, Status.UNREVIEWED, at, claim, sources=(source,))
            made[learning_path("o.r", learning)] = write_learning(learning).encode()
        return made

    def note(self, **entry: object) -> None:
        """Write one line of what happened."""
        self.log.write(json.dumps(entry) + "\n")
        self.log.flush()

    def run_ours(self) -> None:
        """Work through it with our engine."""
        for number in range(self.syncs):
            while number not in self.acked:
                report = self.sync_ours(self.learnings(number))
                self.note(retries=report.retries, waiting=report.waiting)
                if not report.waiting and not report.unpushed:
                    self.acked.add(number)
                    self.note(ack=number)
                else:
                    time.sleep(0.2)

    def sync_ours(self, files: dict[str, bytes]) -> SyncReport:
        """Commit what is not committed yet, and exchange."""
        repository = Repository(self.root)
        report = SyncReport(self.name, str(self.root), "")
        with locked(repository, LOCK_SECONDS):
            branch = repository.branch()
            missing = {
                path: data for path, data in files.items() if repository.read_file(repository.tip(), path) is None
            }
            if missing:
                repository.commit_files(dict(missing), f"add: {len(missing)}\n\n{TRAILER}{self.name}\n", self.name)
            exchange = Exchange(repository, branch, repository.remote(branch), self.name, "", report)
            exchange.bring_in()
            exchange.push()
        return report

    def run_plain(self) -> None:
        """Work through it as a plain loop would."""
        for number in range(self.syncs):
            if number in self.acked:
                continue
            files = self.learnings(number)
            for path, data in files.items():
                (self.root / path).parent.mkdir(parents=True, exist_ok=True)
                (self.root / path).write_bytes(data)
            self.git("add", *files)
            self.git("commit", "--quiet", "-m", f"add: {len(files)}", "--", *files)
            while self.git("pull", "--rebase", "--quiet") or self.git("push", "--quiet"):
                self.note(retries=1, waiting="")
            self.note(ack=number)

    def git(self, *arguments: str) -> int:
        """Run git and return its exit code."""
        return subprocess.run(["git", *arguments], cwd=self.root, check=False, capture_output=True).returncode


def be_worker(engine: str, root: str, name: str, syncs: int, group: int) -> None:
    """Be one clone, from where it was killed."""
    path = Path(root).with_suffix(".log")
    entries = read_log(path)
    with path.open("a", encoding="utf-8") as log:
        worker = Worker(Path(root), name, syncs, group, log, {entry["ack"] for entry in entries if "ack" in entry})
        if engine == "ours":
            worker.run_ours()
        else:
            worker.run_plain()


def read_log(path: Path) -> list[dict[str, object]]:
    """Return what a worker wrote; a line cut off by its death is no line."""
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        with suppress(json.JSONDecodeError):
            entries.append(json.loads(line))
    return entries


# The remote


class SmartHttp(http.server.BaseHTTPRequestHandler):
    """git's own http-backend behind Python's own server. `root` is the folder of the repositories."""

    protocol_version = "HTTP/1.1"
    root = ""

    def do_GET(self) -> None:
        """Answer."""
        self.answer(b"")

    def do_POST(self) -> None:
        """Answer, with the body given at once or in chunks."""
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(body)

    def answer(self, body: bytes) -> None:
        """Hand the request to git and its answer back."""
        path, _, query = self.path.partition("?")
        variables = {
            **os.environ,
            "GIT_PROJECT_ROOT": self.root,
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=variables, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line]
        status = next((int(value[:3]) for name, value in fields if name == "Status"), 200)
        self.send_response(status)
        for name, value in fields:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(http.server.ThreadingHTTPServer):
    """A server whose clients are killed."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing: the client is gone."""


def be_server(root: str) -> None:
    """Serve the repositories of a folder, and print the port."""
    SmartHttp.root = root
    server = Server(("127.0.0.1", 0), SmartHttp)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(server.server_address[1], flush=True)
    server.serve_forever()


# The run


@dataclass(slots=True)
class Outcome:
    """What one run came to."""

    acked: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    kills: int = 0
    retries: int = 0
    lost: int = 0
    doubled: int = 0
    stuck: list[str] = field(default_factory=list)
    locks: int = 0
    equal: bool = True
    sound: bool = True


@dataclass(slots=True)
class Run:
    """One engine, one transport: the clones, the remote, the processes."""

    folder: Path
    engine: str
    clones: int
    syncs: int
    group: int
    kill_every: float
    limit: float
    url: str = ""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def remote(self) -> Path:
        """Return the bare repository."""
        return self.folder / "remote.git"

    def root(self, name: str) -> Path:
        """Return a clone."""
        return self.folder / name

    @property
    def names(self) -> list[str]:
        """Return the clones' names."""
        return [f"m{number}" for number in range(self.clones)]

    def lay_out(self) -> None:
        """Make the remote and the clones."""
        git(self.folder, "init", "--quiet", "--bare", "remote.git")
        git(self.remote, "config", "http.receivepack", "true")
        git(self.folder, "clone", "--quiet", str(self.remote), "seed")
        (self.folder / "seed" / "agent-context.toml").write_text("")
        git(self.folder / "seed", "add", ".")
        git(self.folder / "seed", "commit", "--quiet", "-m", "seed")
        git(self.folder / "seed", "push", "--quiet", "origin", "HEAD:main")
        for name in self.names:
            git(self.folder, "clone", "--quiet", self.url, name)

    def start(self, name: str) -> None:
        """Start a clone's process, from where it was."""
        command = [sys.executable, str(Path(__file__).resolve()), "--worker", self.engine, str(self.root(name)), name]
        self.processes[name] = subprocess.Popen(
            [*command, str(self.syncs), str(self.group)],
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / f"{name}.err").open("ab"),
            start_new_session=True,
        )

    def entries(self, name: str) -> list[dict[str, object]]:
        """Return what a clone has noted."""
        return read_log(self.root(name).with_suffix(".log"))

    def acked(self, name: str) -> list[int]:
        """Return the syncs of a clone that were acknowledged."""
        return [int(str(entry["ack"])) for entry in self.entries(name) if "ack" in entry]

    def work(self) -> None:
        """Run until all is acknowledged, or nothing moves any more."""
        started, moved, before = time.monotonic(), time.monotonic(), -1
        next_kill = started + self.kill_every
        for name in self.names:
            self.start(name)
        while True:
            time.sleep(0.1)
            count = sum(len(self.acked(name)) for name in self.names)
            now = time.monotonic()
            if count != before:
                before, moved = count, now
            over = now - started > self.limit
            running = self.restart()
            if not running or now - moved > GRACE_SECONDS + (GRACE_SECONDS if self.kill_every else 0):
                break
            self.clear_remote()
            if self.kill_every and now > next_kill and not over and now - moved < GRACE_SECONDS:
                kill_tree(self.processes[random.choice(running)])  # noqa: S311 - whom to kill is no secret
                self.outcome.kills += 1
                next_kill = now + random.uniform(0.5, 1.5) * self.kill_every  # noqa: S311 - the same
        self.outcome.seconds = moved - started
        for process in self.processes.values():
            kill_tree(process)

    def restart(self) -> list[str]:
        """Start what was killed anew; return the names of those that still have to do."""
        running = []
        for name in self.names:
            code = self.processes[name].poll()
            if code is not None and len(self.acked(name)) < self.syncs:
                self.start(name)
            if self.processes[name].poll() is None:
                running.append(name)
        return running

    def clear_remote(self) -> None:
        """Be the person who removes a lock left in a file:// remote: for ours one that was named, for plain any."""
        named = {
            str(entries[-1].get("waiting", "")).rpartition("then remove ")[2].replace("/./", "/")
            for name in self.names
            if (entries := self.entries(name)) and "a lock is in the way" in str(entries[-1].get("waiting", ""))
        }
        if not named and self.engine == "ours":
            return
        for leftover in find_leftovers(str(self.remote)):
            if leftover.blocks and (self.engine == "plain" or str(leftover.path) in named):
                leftover.path.unlink(missing_ok=True)
                self.outcome.locks += 1

    def judge(self) -> None:
        """Find out what became of every acknowledged learning, and whether all clones are alike and sound."""
        out = self.outcome
        wanted: set[str] = set()
        for name in self.names:
            done = self.acked(name)
            out.acked += len(done) * self.group
            out.retries += sum(int(str(entry.get("retries", 0))) for entry in self.entries(name))
            worker = Worker(self.root(name), name, self.syncs, self.group, sys.stderr)
            for number in done:
                wanted |= worker.learnings(number).keys()
            if len(done) < self.syncs:
                out.stuck.append(describe(self.root(name)))
        added = Counter(git(self.remote, "log", "--format=", "--name-only", "--diff-filter=A", "main").split("\n"))
        present = set(git(self.remote, "ls-tree", "-r", "--name-only", "main").split("\n"))
        out.lost = len(wanted - present)
        out.doubled = sum(count > 1 for path, count in added.items() if path)
        out.sound = fsck(self.remote)
        if self.engine == "ours":
            for name in self.names:
                with (self.folder / "last.log").open("w") as log:
                    Worker(self.root(name), name, 0, 1, log).sync_ours({})
            out.equal = len({digest(self.root(name)) for name in self.names}) == 1
            out.equal = out.equal and all(not git(self.root(name), "status", "--porcelain") for name in self.names)
            out.sound = out.sound and all(fsck(self.root(name)) for name in self.names)


def git(folder: Path, *arguments: str) -> str:
    """Run git and return what it prints; stop when it fails."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"git {' '.join(arguments)} in {folder}: {done.stderr}")
    return done.stdout.strip("\n")


def fsck(folder: Path) -> bool:
    """Tell whether git finds nothing wrong."""
    done = subprocess.run(["git", "fsck", "--strict", "--no-dangling"], cwd=folder, capture_output=True, check=False)
    return done.returncode == 0


def digest(root: Path) -> str:
    """Return a hash over all files of a worktree."""
    total = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file() and ".git" not in path.parts):
        total.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return total.hexdigest()


def describe(root: Path) -> str:
    """Return in a few words what keeps a clone from going on."""
    signs = [
        name for name in ("index.lock", "HEAD.lock", "rebase-merge", "rebase-apply") if (root / ".git" / name).exists()
    ]
    head = subprocess.run(["git", "symbolic-ref", "-q", "HEAD"], cwd=root, check=False, capture_output=True)
    return f"{root.name}: {', '.join([*signs, *(['not on a branch'] if head.returncode else [])]) or 'no sign'}"


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and everything that it has started, in whatever group: each git has a group of its own."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    family = [process.pid]
    for pid in family:
        family += [child for child, parent in parents.items() if parent == pid]
    for pid in family:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def run_scenario(name: str, engine: str, given: argparse.Namespace, folder: Path) -> Outcome:
    """Do one run and return what it came to."""
    folder.mkdir()
    transport, _, kills = name.partition("-")
    group, syncs = (given.group, max(given.syncs // given.group, 1)) if name == "group" else (1, given.syncs)
    run = Run(folder, engine, given.clones, syncs, group, given.kill_every if kills else 0.0, given.limit)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    server = None
    if transport == "http":
        command = [sys.executable, str(Path(__file__).resolve()), "--server", str(folder)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None  # noqa: S101 - a pipe was asked for
        run.url = f"http://127.0.0.1:{int(server.stdout.readline())}/remote.git"
    else:
        run.url = f"file://{run.remote}"
    try:
        run.lay_out()
        run.work()
        run.judge()
    finally:
        if server is not None:
            server.terminate()
            server.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    run.outcome.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return run.outcome


def print_row(name: str, engine: str, out: Outcome) -> None:
    """Print one run as a row."""
    rate = out.acked / out.seconds if out.seconds else 0.0
    cpu = out.cpu / out.acked if out.acked else 0.0
    alike = ("yes" if out.equal else "NO") if engine == "ours" else "-"
    print(
        f"| {name} | {engine} | {out.kills} | {out.acked} | {out.seconds:.0f} | {rate:.1f} | {cpu:.3f} | {out.retries} "
        f"| {out.lost} | {out.doubled} | {len(out.stuck)} | {out.locks} | {alike} | {'yes' if out.sound else 'NO'} |",
        flush=True,
    )


def main() -> None:
    """Run the scenarios asked for, each with both engines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clones", type=int, default=8)
    parser.add_argument("--syncs", type=int, default=100, help="acknowledged syncs of each clone")
    parser.add_argument("--group", type=int, default=20, help="learnings in one commit, in the scenario group")
    parser.add_argument("--kill-every", type=float, default=0.5, help="seconds, on average")
    parser.add_argument("--limit", type=float, default=300, help="seconds of a run after which kills end")
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=SCENARIOS)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--worker", nargs=5, help=argparse.SUPPRESS)
    parser.add_argument("--server", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        engine, root, name, syncs, group = given.worker
        be_worker(engine, root, name, int(syncs), int(group))
        return
    if given.server:
        be_server(given.server)
        return
    print(f"{given.clones} clones, {given.syncs} syncs each, {os.cpu_count()} cores\n")
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder).resolve()
        (home / ".gitconfig").write_text(
            "[user]\nname = bench\nemail = bench@localhost\n[init]\ndefaultBranch = main\n"
        )
        os.environ.update(HOME=str(home), GIT_CONFIG_GLOBAL=str(home / ".gitconfig"), GIT_CONFIG_NOSYSTEM="1")
        for name in given.only:
            for engine in given.engines:
                out = run_scenario(name, engine, given, home / f"{name}-{engine}")
                print_row(name, engine, out)
                if out.stuck:
                    print(f"<!-- stuck: {'; '.join(out.stuck)} -->", flush=True)
                if engine == "ours" and (out.lost or out.doubled or out.stuck or not (out.equal and out.sound)):
                    failed.append(name)
    if failed:
        sys.exit(f"ours failed in {', '.join(failed)}")


if __name__ == "__main__":
    main()
