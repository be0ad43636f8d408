"""Let the machine run a sync by itself: a systemd user timer, a launchd agent or a line of cron.

Each method says what is to be written and run; nothing is done before `carry_out`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from agent_context import changes
from agent_context.changes import Change
from agent_context.config import child_environment
from agent_context.errors import AgentContextError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MethodName = Literal["systemd", "launchd", "cron"]
UNIT = "agent-context-sync"
LABEL = f"local.{UNIT}"
NICE = 10
DAY_MINUTES = 24 * 60
HOUR_MINUTES = 60
TIMEOUT_SECONDS = 60
LOG_BYTES = 256_000
CRON_MARK = re.compile(r"# agent-context schedule, every (\d+) minutes$")


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be run how often, and the variables it needs."""

    command: tuple[str, ...]
    minutes: int
    variables: dict[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """One program to be run. Where it need not succeed, how it ends is not looked at."""

    arguments: tuple[str, ...]
    stdin: str = ""
    must: bool = True


Step = Change | Call


class Method(Protocol):
    """One way to have a job run."""

    def is_here(self) -> bool:
        """Tell whether this machine offers it."""

    def installed(self) -> int | None:
        """Return how often, in minutes, a job of ours runs by it; None when there is none."""

    def plan_install(self, job: Job) -> list[Step]:
        """Return the steps that lead to this job; none when it stands."""

    def plan_remove(self) -> list[Step]:
        """Return the steps that leave nothing of ours; none when there is nothing."""


@dataclass(frozen=True, slots=True)
class Systemd:
    """A timer of the user's own systemd; `folder` is where its units lie."""

    folder: Path

    def is_here(self) -> bool:
        """Tell whether the user's manager answers: in a container, or over a bare ssh, it may not."""
        return _succeeds("systemctl", "--user", "show-environment")

    def installed(self) -> int | None:
        """Read the interval out of the timer."""
        found = re.search(r"^OnUnitInactiveSec=(\d+)min$", _read(self._timer), re.MULTILINE)
        return int(found.group(1)) if found else None

    def plan_install(self, job: Job) -> list[Step]:
        """Write service and timer, start the timer."""
        texts = {self._service: _systemd_service(job), self._timer: _systemd_timer(job.minutes)}
        written = changes.plan({path: text.encode() for path, text in texts.items()})
        if not written and _succeeds("systemctl", "--user", "is-enabled", "--quiet", f"{UNIT}.timer"):
            return []
        start = (_systemctl("enable", f"{UNIT}.timer"), _systemctl("restart", f"{UNIT}.timer"))
        return [*written, _systemctl("daemon-reload"), *start]

    def plan_remove(self) -> list[Step]:
        """Stop the timer, take both files away."""
        gone = changes.plan({self._timer: None, self._service: None})
        if not gone:
            return []
        stop = Call(("systemctl", "--user", "disable", "--now", f"{UNIT}.timer"), must=False)
        return [stop, *gone, Call(("systemctl", "--user", "daemon-reload"), must=False)]

    @property
    def _service(self) -> Path:
        return self.folder / f"{UNIT}.service"

    @property
    def _timer(self) -> Path:
        return self.folder / f"{UNIT}.timer"


@dataclass(frozen=True, slots=True)
class Launchd:
    """An agent of macOS's launchd; `folder` is where the user's agents lie."""

    folder: Path

    def is_here(self) -> bool:
        """Tell whether there is a launchctl."""
        return shutil.which("launchctl") is not None

    def installed(self) -> int | None:
        """Read the interval out of the agent."""
        import plistlib  # noqa: PLC0415 - what the hook of a prompt, which writes its log here, does not pay

        try:
            return int(plistlib.loads(_read(self._file).encode())["StartInterval"]) // 60
        except (plistlib.InvalidFileException, KeyError, ValueError):
            return None

    def plan_install(self, job: Job) -> list[Step]:
        """Write the agent, and load it in place of an older one."""
        written = changes.plan({self._file: _launchd_agent(job)})
        if not written and _succeeds("launchctl", "print", f"{self._domain}/{LABEL}"):
            return []
        return [*written, self._unload, Call(("launchctl", "bootstrap", self._domain, str(self._file)))]

    def plan_remove(self) -> list[Step]:
        """Unload the agent, take its file away."""
        gone = changes.plan({self._file: None})
        return [self._unload, *gone] if gone else []

    @property
    def _file(self) -> Path:
        return self.folder / f"{LABEL}.plist"

    @property
    def _domain(self) -> str:
        return f"gui/{os.getuid()}"

    @property
    def _unload(self) -> Call:
        return Call(("launchctl", "bootout", f"{self._domain}/{LABEL}"), must=False)


class Cron:
    """One line in the user's crontab, found again by the comment at its end."""

    def is_here(self) -> bool:
        """Tell whether there is a crontab."""
        return shutil.which("crontab") is not None

    def installed(self) -> int | None:
        """Read the interval out of our line."""
        found = [CRON_MARK.search(line) for line in _read_crontab()] if self.is_here() else []
        return next((int(mark.group(1)) for mark in found if mark), None)

    def plan_install(self, job: Job) -> list[Step]:
        """Put our line at the end, in place of an older one."""
        lines = _read_crontab()
        others = [line for line in lines if not CRON_MARK.search(line)]
        line = _cron_line(job)
        return [] if line in lines else [Call(("crontab", "-"), stdin="\n".join([*others, line]) + "\n")]

    def plan_remove(self) -> list[Step]:
        """Take our line out; a crontab that held nothing else goes away."""
        if self.installed() is None:
            return []
        others = [line for line in _read_crontab() if not CRON_MARK.search(line)]
        if not others:
            return [Call(("crontab", "-r"))]
        return [Call(("crontab", "-"), stdin="\n".join(others) + "\n")]


def find_methods(folders: dict[str, Path]) -> dict[MethodName, Method]:
    """Return every method, the first choice first."""
    return {"launchd": Launchd(folders["launchd"]), "systemd": Systemd(folders["systemd"]), "cron": Cron()}


def choose_method(methods: dict[MethodName, Method]) -> MethodName:
    """Return the first method that this machine offers. Raise AgentContextError when there is none."""
    for name, method in methods.items():
        if method.is_here():
            return name
    raise AgentContextError(
        "this machine has neither launchd nor a systemd for users nor cron",
        hint="let agent-context watch run, or run agent-context sync by whatever starts programs here",
    )


def plan_schedule(methods: dict[MethodName, Method], name: MethodName, job: Job) -> list[Step]:
    """Return the steps to this job by this method, and then to none by the others; empty when all stands so.

    Raise AgentContextError for an interval that the method cannot keep.
    """
    others = [step for other, method in methods.items() if other != name for step in method.plan_remove()]
    return methods[name].plan_install(job) + others


def plan_removal(methods: dict[MethodName, Method], log: Path) -> list[Step]:
    """Return the steps that leave nothing of a schedule on this machine, its log included."""
    steps = [step for method in methods.values() for step in method.plan_remove()]
    return [*steps, *changes.plan({log: None, _older(log): None})]


def carry_out(steps: Sequence[Step]) -> None:
    """Do the steps. Raise AgentContextError, with the files as they were, when a program that must refuses."""
    done: list[Change] = []
    for step in steps:
        if isinstance(step, Change):
            changes.apply([step])
            done.append(step)
            if step.after is None:
                _remove_empty(step.path.parent)
            continue
        problem = _call(step)
        if problem and step.must:
            changes.apply([Change(change.path, change.after, change.before) for change in reversed(done)])
            raise AgentContextError(
                f"{shlex.join(step.arguments)} did not succeed: {problem}",
                hint="nothing is scheduled; mend that, or choose another way: agent-context schedule install --method",
            )


def write_log(log: Path, line: str) -> None:
    """Add a line to the log of scheduled runs; it and the one before it hold 256 kB each, at the most."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.is_file() and log.stat().st_size > LOG_BYTES:
        log.replace(_older(log))
    with log.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def _older(log: Path) -> Path:
    return log.with_name(f"{log.name}.1")


def _systemctl(*arguments: str) -> Call:
    return Call(("systemctl", "--user", *arguments))


def _systemd_service(job: Job) -> str:
    variables = "".join(f"Environment={_systemd_quote(f'{name}={value}')}\n" for name, value in job.variables.items())
    command = " ".join(_systemd_quote(word).replace("$", "$$") for word in job.command)
    return (
        "# Written by agent-context schedule install; agent-context schedule remove takes it away.\n"
        "[Unit]\nDescription=Sync the agent-context knowledge base\n\n"
        f"[Service]\nType=oneshot\nNice={NICE}\nIOSchedulingClass=idle\n{variables}ExecStart={command}\n"
    )


def _systemd_timer(minutes: int) -> str:
    return (
        "# Written by agent-context schedule install; agent-context schedule remove takes it away.\n"
        f"[Unit]\nDescription=Sync the agent-context knowledge base every {minutes} minutes\n\n"
        f"[Timer]\nOnStartupSec=5min\nOnUnitInactiveSec={minutes}min\nRandomizedDelaySec=1min\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )


def _systemd_quote(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _launchd_agent(job: Job) -> bytes:
    import plistlib  # noqa: PLC0415 - as above

    agent: dict[str, Any] = {
        "Label": LABEL,
        "ProgramArguments": list(job.command),
        "EnvironmentVariables": job.variables,
        "StartInterval": job.minutes * 60,
        "RunAtLoad": True,
        "ProcessType": "Background",
        "LowPriorityIO": True,
        "Nice": NICE,
    }
    return plistlib.dumps(agent)


def _cron_line(job: Job) -> str:
    variables = [f"{name}={value}" for name, value in job.variables.items()]
    command = shlex.join(["nice", "-n", str(NICE), "env", *variables, *job.command]).replace("%", "\\%")
    mark = f"# agent-context schedule, every {job.minutes} minutes"
    return f"{_cron_times(job.minutes)} {command} >/dev/null 2>&1 {mark}"


def _cron_times(minutes: int) -> str:
    """Return cron's five fields. Raise AgentContextError for what they cannot say evenly."""
    hours = minutes // HOUR_MINUTES
    if minutes < HOUR_MINUTES and HOUR_MINUTES % minutes == 0:
        return f"*/{minutes} * * * *"
    if minutes % HOUR_MINUTES == 0 and DAY_MINUTES % minutes == 0:
        return f"0 */{hours} * * *" if minutes < DAY_MINUTES else "0 0 * * *"
    raise AgentContextError(
        f"cron cannot run something every {minutes} minutes evenly",
        hint="take a part of an hour (5m, 10m, 15m, 20m, 30m) or of a day (1h, 2h, 3h, 4h, 6h, 8h, 12h, 24h)",
    )


def _read_crontab() -> list[str]:
    """Return the lines of the user's crontab. Raise AgentContextError when it cannot be read, so as not to lose it."""
    done = _run(("crontab", "-l"))
    if done.returncode == 0:
        return done.stdout.splitlines()
    if "no crontab" in done.stderr.lower():
        return []
    raise AgentContextError(
        f"the crontab cannot be read: {done.stderr.strip()}", hint="see that crontab -l works; nothing was changed"
    )


def _succeeds(*arguments: str) -> bool:
    return not _call(Call(arguments))


def _call(call: Call) -> str:
    """Run a program. Returns what went wrong, in its own words, or an empty string."""
    done = _run(call.arguments, call.stdin)
    return "" if done.returncode == 0 else done.stderr.strip() or f"it ended with {done.returncode}"


def _run(arguments: tuple[str, ...], stdin: str = "") -> subprocess.CompletedProcess[str]:
    program = shutil.which(arguments[0])
    if program is None:
        return subprocess.CompletedProcess(arguments, 127, "", f"{arguments[0]} is not installed")
    try:
        return subprocess.run(
            [program, *arguments[1:]],
            input=stdin,
            env=child_environment(LC_ALL="C"),
            capture_output=True,
            check=False,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(arguments, 124, "", f"no answer within {TIMEOUT_SECONDS} seconds")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _remove_empty(folder: Path) -> None:
    """Take away the folders that were made for a file of ours, as far as they are empty."""
    with suppress(OSError):
        for parent in (folder, folder.parent):
            parent.rmdir()
