"""The plugin's hooks, run as Claude Code runs them, and what becomes of what they note."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from click.testing import CliRunner
from samples import LESSON, OTHER_LESSON, Machine, make_learning
from test_scheduling import put_program
from test_server import put

from agent_context.commands.face import Face
from agent_context.commands.hook import command
from agent_context.errors import AgentContextError
from agent_context.hooking import HookCall, answer, remind
from agent_context.knowledge import KnowledgeBase
from agent_context.learning import Status, utc
from agent_context.spool import clear_spool, note_nothing, take_spool

if TYPE_CHECKING:
    from agent_context.config import Environment

PLUGIN = Path(__file__).parent.parent / "plugin"
SHELLS = [name for name in ("sh", "dash", "bash", "busybox") if shutil.which(name)]


def fire(
    home: Path, event: str, said: bytes | str | None = None, shell: str = "sh", **more: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a hook with this on stdin; by default a session's usual JSON."""
    if said is None:
        said = json.dumps({"session_id": "s1", "transcript_path": "/p/s1.jsonl", "cwd": "/"}, separators=(",", ":"))
    words = ("busybox", "sh") if shell == "busybox" else (shell,)
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **more}
    data = said.encode() if isinstance(said, str) else said
    return subprocess.run(
        [*words, PLUGIN / "hooks" / "hook.sh", event],
        cwd=more.get("PWD"),
        input=data,
        env=environment,
        capture_output=True,
        check=False,
    )


def folder(home: Path) -> Path:
    """Where hooks of this home write."""
    return home / ".local" / "share" / "agent-context" / "hooks"


def events(home: Path) -> list[str]:
    """The events in the spool, in order."""
    spool = folder(home) / "spool"
    return [line.split("\t")[1] for line in spool.read_text().splitlines()] if spool.exists() else []


def decisions(home: Path) -> list[str]:
    """What the log says was decided."""
    return [line.split(" ", 1)[1] for line in (folder(home) / "log").read_text().splitlines()]


@pytest.mark.parametrize("shell", SHELLS)
def test_an_event_is_one_line_and_stops_are_noted_once(home: Path, shell: str) -> None:
    for event in ("stop", "stop", "pre-compact", "session-end", "stop"):
        done = fire(home, event, shell=shell)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert events(home) == ["stop", "pre-compact", "session-end"]
    assert decisions(home) == [
        "stop: noted /p/s1.jsonl",
        "stop: nothing: noted before",
        "pre-compact: noted /p/s1.jsonl",
        "session-end: noted /p/s1.jsonl",
        "stop: nothing: noted before",
    ]
    assert (folder(home) / "spool").stat().st_mode & 0o077 == 0


def test_sessions_that_end_at_once_are_all_noted(home: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        paths = [f"/p/{'x' * 200}{number}.jsonl" for number in range(32)]
        list(pool.map(lambda path: fire(home, "session-end", json.dumps({"transcript_path": path})), paths))
    assert set(take_spool(home / ".local/share/agent-context")) == {Path(path).name for path in paths}


def test_a_session_that_we_started_ourselves_is_passed_over(home: Path) -> None:
    for event in ("session-start", "user-prompt-submit", "stop", "pre-compact", "session-end"):
        assert fire(home, event, AGENT_CONTEXT_CHILD="1").stdout == b""
    assert events(home) == []
    assert set(decisions(home)) == {
        f"{event}: nothing: a session that agent-context itself started"
        for event in ("session-start", "user-prompt-submit", "stop", "pre-compact", "session-end")
    }


@pytest.mark.parametrize(
    ("said", "noted"),
    [
        (b"", False),
        (b"not json", False),
        (b'{"session_id":"s1"}', False),
        (b'{"transcript_path": "/a b/s1.jsonl"}', True),
        (b'{"last_assistant_message":"\\"transcript_path\\":\\"/x\\"","transcript_path":"/p/s1.jsonl"}', True),
        (b'{"transcript_path":"/p/s1.jsonl","last_assistant_message":"' + b"x" * 3_000_000 + b'"}', True),
        (b'{"last_assistant_message":"' + b"x" * 3_000_000 + b'"}', False),
        (b"\xff\xfe\0{", False),
    ],
)
def test_any_input_ends_well_and_soon(home: Path, said: bytes, noted: bool) -> None:
    started = time.monotonic()
    done = fire(home, "session-end", said)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert time.monotonic() - started < 1
    assert list(take_spool(home / ".local/share/agent-context")) == (["s1.jsonl"] if noted else [])


def test_without_a_place_to_write_a_hook_says_nothing(home: Path) -> None:
    (home / ".local").write_text("a file where a folder should be")
    for event in ("session-end", "stop", "session-start", "no-such-hook"):
        done = fire(home, event)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_spool_and_log_stay_small(home: Path) -> None:
    folder(home).mkdir(parents=True)
    (folder(home) / "spool").write_text("x\n" * 32_001)
    (folder(home) / "log").write_text("y\n" * 128_001)
    fire(home, "session-end")
    assert (folder(home) / "spool").stat().st_size == 64_002
    assert decisions(home) == ["session-end: nothing: the spool is full until the next sync"]
    assert (folder(home) / "log.1").stat().st_size == 256_002


@pytest.mark.parametrize("name", ["s 1.jsonl", 'quo"te.jsonl', "snow☃.jsonl", "back\\slash.jsonl"])
def test_a_path_comes_back_as_it_was(home: Path, name: str) -> None:
    said = json.dumps({"transcript_path": f"/p/{name}"}, ensure_ascii=False, separators=(",", ":"))
    fire(home, "stop", said)
    assert take_spool(home / ".local/share/agent-context") == ({name: 0.0} if '"' not in name else {})


def note(environment: Environment, *lines: str) -> None:
    """Put lines into this machine's spool."""
    spool = environment.data_dir / "hooks" / "spool"
    spool.parent.mkdir(parents=True, exist_ok=True)
    spool.write_text("".join(f"{line}\n" for line in lines))


def test_a_session_that_ended_is_read_by_the_next_sync_at_once(machine: Machine) -> None:
    checkout = machine.checkout()
    ended = machine.teach(LESSON, name="s1", cwd=checkout, age=2)
    machine.teach(OTHER_LESSON, name="s2", cwd=checkout, age=2)
    note(machine.environment, f"{utc(time.time())}\tsession-end\t{ended}", "broken", "\t\t", "when\tstop\t/x")
    assert machine.sync(dry_run=True).read == 1
    report = machine.sync()
    assert (report.read, report.skipped) == (1, {"still being written": 1})
    assert [learning.claim for learning in machine.learnings().values()] == [LESSON]
    assert take_spool(machine.environment.data_dir) == {}
    assert not (machine.environment.data_dir / "hooks" / "spool.reading").exists()


def test_a_session_that_goes_on_after_its_end_is_still_being_written(machine: Machine) -> None:
    path = machine.teach(LESSON, cwd=machine.checkout(), age=2)
    note(machine.environment, f"{utc(time.time() - 30)}\tsession-end\t{path}")
    assert machine.sync().read == 0


def test_noted_sessions_are_read_first(machine: Machine) -> None:
    checkout = machine.checkout()
    paths = [machine.teach(f"{LESSON} {name}", name=name, cwd=checkout) for name in ("a", "b", "c")]
    note(machine.environment, f"{utc(time.time())}\tstop\t{paths[2]}")
    assert [item.session for item in machine.sync().dropped] == ["a", "b"]  # they say what c said before them


def test_a_sync_that_is_interrupted_keeps_what_was_noted(machine: Machine) -> None:
    note(machine.environment, f"{utc(0)}\tstop\t/p/a.jsonl")
    data = machine.environment.data_dir
    assert take_spool(data) == {"a.jsonl": 0.0}
    note(machine.environment, f"{utc(0)}\tstop\t/p/b.jsonl")
    assert take_spool(data) == {"a.jsonl": 0.0, "b.jsonl": 0.0}
    clear_spool(data)
    assert take_spool(data) == {}
    clear_spool(data)


def test_a_start_adds_the_rules_only_where_they_are_missing_or_stale(machine: Machine) -> None:
    checkout = machine.checkout()
    machine.teach(LESSON, cwd=checkout)
    machine.sync()
    knowledge_base = KnowledgeBase(machine.root)
    call = HookCall("s2", str(checkout))

    assert remind(knowledge_base, machine.environment, call) == ""
    rules = checkout / ".claude" / "rules" / "agent-context.md"
    written = rules.read_text()
    rules.unlink()
    said = remind(knowledge_base, machine.environment, call)
    assert "always use `make deploy`" in said
    assert "they do not instruct" in said
    assert not rules.exists()

    rules.write_text(written)
    put(machine, make_learning("Tests need a running database.", status=Status.ACCEPTED))
    assert "running database" in remind(knowledge_base, machine.environment, call)
    assert remind(knowledge_base, machine.environment, HookCall("s2", str(machine.folder))) == ""
    other = machine.checkout("git@github.com:o/unknown.git", "unknown")
    assert remind(knowledge_base, machine.environment, HookCall("s2", str(other))) == ""


def test_the_answer_is_in_the_clients_form(machine: Machine) -> None:
    checkout = machine.checkout()
    put(machine, make_learning("Tests need a running database.", status=Status.ACCEPTED))
    said = msgspec.json.encode(HookCall("s", str(checkout)))
    told = answer(KnowledgeBase(machine.root), machine.environment, "session-start", said)
    encoded = json.loads(msgspec.json.encode(told))
    assert encoded.keys() == {"hookEventName", "additionalContext"}
    assert encoded["hookEventName"] == "SessionStart"
    with pytest.raises(AgentContextError, match="no JSON of its own"):
        answer(KnowledgeBase(machine.root), machine.environment, "session-start", b"{")


def test_what_the_program_says_is_passed_on_and_its_failures_are_not(home: Path) -> None:
    folder(home).mkdir(parents=True)
    program = home / "program"
    (folder(home) / "program").write_text(f"{program}\n")
    put_program(home, "program", '#!/bin/sh\necho "$* $(cat)"\n')
    assert fire(home, "session-start", '{"cwd": "/"}').stdout == b'hook session-start {"cwd": "/"}\n'
    put_program(home, "program", "#!/bin/sh\necho no knowledge base here >&2\nexit 3\n")
    done = fire(home, "session-start", "{}")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert "no knowledge base here\n" in (folder(home) / "log").read_text()
    assert (folder(home) / "log").read_text().endswith("session-start: failed with 3\n")


def test_the_command_prints_what_the_session_is_told_and_logs_it(
    machine: Machine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout, other = machine.checkout(), machine.checkout("git@github.com:o/unknown.git", "unknown")
    put(machine, make_learning("Tests need a running database.", status=Status.ACCEPTED))
    monkeypatch.setenv("AGENT_CONTEXT_KB", str(machine.root))
    monkeypatch.chdir(checkout)
    said = json.dumps({"cwd": str(checkout), "source": "startup"})
    done = CliRunner().invoke(command, ["session-start"], input=said, obj=Face(), catch_exceptions=False)
    text = json.loads(done.stdout)["hookSpecificOutput"]["additionalContext"]
    assert "running database" in text

    monkeypatch.chdir(other)
    for variables in ({}, {"AGENT_CONTEXT_CHILD": "1"}):
        done = CliRunner().invoke(command, ["session-start"], "{}", variables, obj=Face(), catch_exceptions=False)
        assert done.stdout == ""
    assert decisions(home) == [f"session-start: told {len(text)} characters", "session-start: nothing to tell"]
    assert (folder(home) / "nothing").read_text() == f"{other}\n"


def test_a_start_with_all_in_place_starts_no_program(machine: Machine, home: Path) -> None:
    checkout, other = machine.checkout(), machine.checkout("git@github.com:o/unknown.git", "unknown")
    data = machine.folder / "agent-context"
    machine.environment = replace(machine.environment, data_dir=data)
    (data / "hooks").mkdir(parents=True)
    machine.teach(LESSON, cwd=checkout)

    def start(place: Path) -> str:
        fire(home, "session-start", "{}", PATH="/usr/bin:/bin", XDG_DATA_HOME=str(machine.folder), PWD=str(place))
        return (data / "hooks" / "log").read_text().splitlines()[-1].split(": ", 1)[1]

    assert start(checkout) == "failed with 127"
    machine.sync()
    assert start(checkout) == "nothing: all is in place"
    assert start(other) == "failed with 127"
    note_nothing(data, other)
    note_nothing(data, checkout)
    assert start(other) == "nothing: all is in place"
    rules = checkout / ".claude" / "rules" / "agent-context.md"
    rules.rename(rules.with_suffix(".kept"))
    assert start(checkout) == "failed with 127"
    rules.with_suffix(".kept").rename(rules)
    later = time.time() + 2
    branch = machine.root / ".git" / "refs" / "heads" / "main"
    os.utime(branch, (later, later))
    assert start(checkout) == "failed with 127"
    os.utime(data / "hooks" / "handed", (later, later))
    assert start(other) == "nothing: all is in place"
    machine.sync()
    assert start(other) == "failed with 127"


def test_a_prompt_starts_nothing_while_no_other_session_is_open(home: Path) -> None:
    sessions = home / ".claude" / "sessions"
    sessions.mkdir(parents=True)
    (sessions / "1.json").write_text("{}")
    assert fire(home, "user-prompt-submit", PATH="/usr/bin:/bin").stdout == b""
    (sessions / "2.json").write_text("{}")
    fire(home, "user-prompt-submit", PATH="/usr/bin:/bin")
    assert decisions(home)[0] == "user-prompt-submit: nothing: alone here"
    assert "failed with 127" in decisions(home)[-1]


def test_the_launcher_looks_past_itself(home: Path) -> None:
    launcher = PLUGIN / "bin" / "agent-context"
    (home / "bin").mkdir()
    own = home / "bin" / "agent-context"

    def launch(path: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": path, "HOME": str(home)}
        return subprocess.run([launcher, "a", "b c"], env=environment, capture_output=True, text=True, check=False)

    alone = launch(f"{launcher.parent}:/usr/bin:/bin")
    assert (alone.returncode, alone.stdout) == (127, "")
    assert "make install" in alone.stderr
    own.write_text('#!/bin/sh\necho "$2"\n')
    own.chmod(0o755)
    assert launch(f"{launcher.parent}:{own.parent}:/usr/bin:/bin").stdout == "b c\n"


def test_every_hook_that_the_plugin_names_is_one_that_is_answered() -> None:
    named = json.loads((PLUGIN / "hooks" / "hooks.json").read_text())["hooks"]
    script = (PLUGIN / "hooks" / "hook.sh").read_text()
    for entries in named.values():
        for entry in entries:
            for hook in entry["hooks"]:
                assert hook["command"] == "sh"
                assert hook["args"][0] == "${CLAUDE_PLUGIN_ROOT}/hooks/hook.sh"
                assert hook["args"][1] in script
                assert hook["timeout"] <= 10
