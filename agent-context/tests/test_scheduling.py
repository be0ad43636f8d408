"""Schedules, set up through stand-ins for systemctl, launchctl and crontab that remember what they were told."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
from test_cli import run

from agent_context.changes import Change
from agent_context.errors import AgentContextError
from agent_context.scheduling import (
    LOG_BYTES,
    Call,
    Job,
    carry_out,
    choose_method,
    find_methods,
    plan_removal,
    plan_schedule,
    write_log,
)

if TYPE_CHECKING:
    from pathlib import Path

    from samples import Machine

    from agent_context.scheduling import Method, MethodName

JOB = Job(("/opt/a b/python", "-m", "x", "100%", "$HOME"), 30, {"PATH": '/usr/bin:/o"dd'})
SYSTEMCTL = """\
#!/bin/sh
echo "$@" >> "$CALLS"
case "$*" in
    *is-enabled*) test -e "$CALLS.enabled" ;;
    "--user enable"*) touch "$CALLS.enabled" ;;
    "--user disable"*) rm -f "$CALLS.enabled" ;;
esac
"""
LAUNCHCTL = """\
#!/bin/sh
echo "$@" >> "$CALLS"
case "$1" in
    print) test -e "$CALLS.loaded" ;;
    bootstrap) test ! -e "$CALLS.loaded" && touch "$CALLS.loaded" ;;
    bootout) rm "$CALLS.loaded" ;;
esac
"""
CRONTAB = """\
#!/bin/sh
case "$1" in
    -l) cat "$CALLS.cron" 2>/dev/null || { echo "no crontab for ada" >&2; exit 1; } ;;
    -r) rm "$CALLS.cron" ;;
    -) cat > "$CALLS.cron" ;;
esac
"""
PROGRAMS: dict[MethodName, tuple[str, str]] = {
    "systemd": ("systemctl", SYSTEMCTL),
    "launchd": ("launchctl", LAUNCHCTL),
    "cron": ("crontab", CRONTAB),
}


def put_program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-ins write what they were told; nothing else is on PATH but a shell's tools."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "cat", "rm", "touch", "test", "echo", "env", "nice"):
        (folder / name).symlink_to(f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return tmp_path / "calls"


def offer(calls: Path, *names: MethodName) -> dict[MethodName, Method]:
    for name in names:
        put_program(calls.parent / "bin", *PROGRAMS[name])
    folders = {"systemd": calls.parent / "systemd" / "user", "launchd": calls.parent / "Library" / "LaunchAgents"}
    return find_methods(folders)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def told(calls: Path) -> list[str]:
    return calls.read_text().splitlines()


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_a_schedule_is_set_up_once_changed_and_taken_away_without_a_trace(calls: Path, name: MethodName) -> None:
    methods = offer(calls, name)
    log = calls.parent / "log" / "schedule.log"
    before = {*calls.parent.rglob("*")} | {calls}
    assert choose_method(methods) == name
    assert methods[name].installed() is None
    carry_out(plan_schedule(methods, name, JOB))
    assert methods[name].installed() == 30
    assert plan_schedule(methods, name, JOB) == []
    carry_out(plan_schedule(methods, name, Job(JOB.command, 120, JOB.variables)))
    assert methods[name].installed() == 120
    write_log(log, "ran")
    carry_out(plan_removal(methods, log))
    assert methods[name].installed() is None
    assert plan_removal(methods, log) == []
    assert {*calls.parent.rglob("*")} <= before


def test_a_systemd_timer_says_how_often_and_runs_below_everything_else(calls: Path) -> None:
    methods = offer(calls, "systemd")
    carry_out(plan_schedule(methods, "systemd", JOB))
    folder = calls.parent / "systemd" / "user"
    service = (folder / "agent-context-sync.service").read_text().splitlines()
    assert 'ExecStart="/opt/a b/python" "-m" "x" "100%%" "$$HOME"' in service
    assert 'Environment="PATH=/usr/bin:/o\\"dd"' in service
    assert {"Type=oneshot", "Nice=10", "IOSchedulingClass=idle"} <= {*service}
    assert "OnUnitInactiveSec=30min" in (folder / "agent-context-sync.timer").read_text().splitlines()
    assert told(calls)[-3:] == [
        "--user daemon-reload",
        "--user enable agent-context-sync.timer",
        "--user restart agent-context-sync.timer",
    ]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here to ask")
def test_systemd_reads_the_units_without_complaint(
    tmp_path: Path, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out(plan_schedule(offer(calls, "systemd"), "systemd", Job((sys.executable, "100% $HOME"), 30, JOB.variables)))
    units = sorted((tmp_path / "systemd" / "user").iterdir())
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    done = subprocess.run(["systemd-analyze", "verify", "--user", *units], capture_output=True, text=True, check=False)
    # It reads the user's other units as well, and may complain about these.
    about_ours = [line for line in done.stderr.splitlines() if "agent-context" in line]
    assert (done.returncode, about_ours) == (0, [])


def test_a_launchd_agent_replaces_the_loaded_one(calls: Path) -> None:
    methods = offer(calls, "launchd")
    carry_out(plan_schedule(methods, "launchd", JOB))
    carry_out(plan_schedule(methods, "launchd", Job(JOB.command, 60, JOB.variables)))
    path = calls.parent / "Library" / "LaunchAgents" / "local.agent-context-sync.plist"
    agent = plistlib.loads(path.read_bytes())
    assert (agent["StartInterval"], agent["ProgramArguments"]) == (3600, list(JOB.command))
    assert (agent["EnvironmentVariables"], agent["Nice"], agent["LowPriorityIO"]) == (JOB.variables, 10, True)
    domain = f"gui/{os.getuid()}"
    assert told(calls)[-2:] == [f"bootout {domain}/local.agent-context-sync", f"bootstrap {domain} {path}"]


def test_the_line_of_cron_leaves_the_others_alone_and_does_what_it_says(calls: Path) -> None:
    methods = offer(calls, "cron")
    table = calls.with_name("calls.cron")
    table.write_text("# mine\n0 4 * * * backup\n")
    put_program(calls.parent / "bin", "print words", '#!/bin/sh\necho "$1 $WHERE" >> "$CALLS"\n')
    job = Job((str(calls.parent / "bin" / "print words"), "100% $HOME"), 15, {"WHERE": "here it is"})
    carry_out(plan_schedule(methods, "cron", job))
    lines = table.read_text().splitlines()
    assert lines[:2] == ["# mine", "0 4 * * * backup"]
    times, _, command = lines[2].partition(" nice ")
    assert times == "*/15 * * * *"
    # cron makes a line break of every % that no backslash stands before, and gives the rest to sh
    assert "%" not in command.replace("\\%", "")
    subprocess.run(["sh", "-c", f"nice {command}".replace("\\%", "%")], check=True)
    assert told(calls) == ["100% $HOME here it is"]
    carry_out(plan_removal(methods, calls.parent / "no.log"))
    assert table.read_text() == "# mine\n0 4 * * * backup\n"


@pytest.mark.parametrize("minutes", [7, 45, 90, 300])
def test_cron_is_not_asked_for_what_it_cannot_do_evenly(calls: Path, minutes: int) -> None:
    with pytest.raises(AgentContextError, match=f"every {minutes} minutes evenly"):
        plan_schedule(offer(calls, "cron"), "cron", Job(("x",), minutes, {}))


@pytest.mark.parametrize(
    ("minutes", "times"), [(5, "*/5 * * * *"), (60, "0 */1 * * *"), (240, "0 */4 * * *"), (1440, "0 0 * * *")]
)
def test_cron_runs_as_often_as_asked(calls: Path, minutes: int, times: str) -> None:
    (step,) = plan_schedule(offer(calls, "cron"), "cron", Job(("x",), minutes, {}))
    assert isinstance(step, Call)
    assert step.stdin.startswith(f"{times} nice ")


def test_a_crontab_that_cannot_be_read_is_never_written(calls: Path) -> None:
    methods = offer(calls, "cron")
    put_program(calls.parent / "bin", "crontab", '#!/bin/sh\necho "not allowed" >&2\nexit 1\n')
    with pytest.raises(AgentContextError, match="cannot be read: not allowed"):
        plan_schedule(methods, "cron", JOB)


def test_another_method_takes_the_place_of_the_first(calls: Path) -> None:
    methods = offer(calls, "systemd", "cron")
    carry_out(plan_schedule(methods, "cron", JOB))
    carry_out(plan_schedule(methods, choose_method(methods), JOB))
    assert {name: method.installed() for name, method in methods.items()} == {
        "launchd": None,
        "systemd": 30,
        "cron": None,
    }


def test_where_the_program_refuses_the_files_are_as_they_were(calls: Path) -> None:
    methods = offer(calls, "systemd")
    put_program(
        calls.parent / "bin",
        "systemctl",
        '#!/bin/sh\ncase "$*" in *"enable "*) echo "Failed to connect to bus" >&2; exit 1 ;; esac\n',
    )
    with pytest.raises(AgentContextError, match="did not succeed: Failed to connect to bus") as caught:
        carry_out(plan_schedule(methods, "systemd", JOB))
    assert "--method" in caught.value.hint
    assert everything(calls.parent / "systemd") == {}
    assert methods["systemd"].installed() is None


def test_without_any_of_them_watch_is_named(calls: Path) -> None:
    with pytest.raises(AgentContextError) as caught:
        choose_method(offer(calls))
    assert "agent-context watch" in caught.value.hint


def test_a_plan_is_files_and_programs(calls: Path) -> None:
    steps = plan_schedule(offer(calls, "systemd"), "systemd", JOB)
    assert [type(step) for step in steps] == [Change, Change, Call, Call, Call]
    assert everything(calls.parent / "systemd") == {}


def test_the_log_stays_small(tmp_path: Path) -> None:
    log = tmp_path / "log" / "schedule.log"
    for number in range(2500):
        write_log(log, f"{number:05d} " + "x" * 300)
    sizes = [path.stat().st_size for path in log.parent.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) <= LOG_BYTES + 307
    assert log.read_text().splitlines()[-1].startswith("02499 ")


def installed_units(machine: Machine) -> dict[str, bytes]:
    return everything(machine.folder / "xdg" / "systemd")


def test_from_the_command_line_nothing_is_done_without_consent(
    machine: Machine, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(calls, "systemd")
    monkeypatch.setenv("PATH", f"{calls.parent / 'bin'}:/usr/bin")
    shown = run(machine, "schedule", "install", "--every", "2h", "--dry-run", "--kb", "kb")
    assert shown.returncode == 0, shown.stderr
    assert f"write {machine.folder / 'xdg' / 'systemd' / 'user' / 'agent-context-sync.timer'}\n" in shown.stdout
    assert "    OnUnitInactiveSec=120min\n" in shown.stdout
    assert "run systemctl --user enable agent-context-sync.timer\n" in shown.stdout
    refused = run(machine, "schedule", "install", "--kb", "kb", stdin="n\n")
    assert (refused.returncode, refused.stdout.endswith("Nothing was changed.\n")) == (1, True)
    assert run(machine, "schedule", "install", "--kb", "kb").returncode == 130
    assert installed_units(machine) == {}
    assert run(machine, "schedule", "install", "--kb", "kb", "--yes").returncode == 0
    units = installed_units(machine)
    assert len(units) == 2
    again = run(machine, "schedule", "install", "--kb", "kb", "--yes")
    assert (again.returncode, again.stdout) == (0, "It stands so already, nothing to do.\n")
    assert msgspec.json.decode(run(machine, "schedule", "show", "--json").stdout)["every_minutes"] == {"systemd": 30}
    assert run(machine, "schedule", "remove", "--dry-run").returncode == 0
    assert installed_units(machine) == units
    assert run(machine, "schedule", "remove", "--yes").returncode == 0
    assert run(machine, "schedule", "show").stdout.startswith("Nothing is scheduled; ")
    assert not (machine.folder / "xdg" / "systemd").exists()


@pytest.mark.parametrize("every", ["4m", "25h", "30", "-5m", "half an hour"])
def test_an_interval_that_is_none_is_refused(machine: Machine, every: str) -> None:
    done = run(machine, "schedule", "install", f"--every={every}", "--kb", "kb", "--dry-run")
    assert (done.returncode, f"{every} is no interval from 5m to 24h" in done.stderr) == (2, True)


def test_what_the_timer_starts_syncs_and_leaves_one_line(
    machine: Machine, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(calls, "systemd")
    monkeypatch.setenv("PATH", f"{calls.parent / 'bin'}:/usr/bin")
    run(machine, "schedule", "install", "--kb", "kb", "--yes")
    service = next(data.decode() for path, data in installed_units(machine).items() if path.endswith(".service"))
    (command,) = [line for line in service.splitlines() if line.startswith("ExecStart=")]
    words = command.removeprefix('ExecStart="').removesuffix('"').split('" "')
    assert words[:4] == [sys.executable, "-P", "-m", "agent_context"]
    done = run(machine, *words[4:])
    assert (done.returncode, done.stdout) == (0, "")
    shown = run(machine, "schedule", "show").stdout.splitlines()
    assert shown[0].startswith("Every 30 minutes by systemd; the log: ")
    assert len(shown) == 2
    assert " ok: " in shown[1]
