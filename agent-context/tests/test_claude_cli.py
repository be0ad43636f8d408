"""The user's own `claude -p`, played by a program that ends in every way the real one was seen to end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from agent_context.errors import CapReachedError, ExtractionError
from agent_context.extractors.claude_cli import ClaudeCli, worst_usd
from agent_context.extractors.prompt import SCHEMA, SYSTEM, Dropped
from agent_context.prices import PRICES
from agent_context.purse import Purse
from agent_context.transcripts.session import Event, EventKind, Session

AT = "2026-03-01T10:00:00Z"
LEARNING = {
    "claim": "Deploy with `make deploy`, never with `fly deploy`.",
    "why": "",
    "kind": "workflow",
    "tags": ["deploy"],
    "paths": [],
    "quotes": ["always use make deploy"],
}
SUCCESS = {
    "type": "result",
    "subtype": "success",
    "is_error": False,
    "result": "{}",
    "structured_output": {"learnings": [LEARNING]},
    "total_cost_usd": 0.002,
}
# It notes how it was started, then does what the file beside it says.
STAND_IN = """\
#!{python}
import json, os, pathlib, subprocess, sys, time
here = pathlib.Path(__file__).parent
part = json.loads((here / "part.json").read_text())
note = {{"arguments": sys.argv[1:], "environment": dict(os.environ), "cwd": os.getcwd(), "files": os.listdir(),
        "prompt": sys.stdin.read() if part.get("reads", True) else ""}}
with open(here / "started.jsonl", "a") as file:
    file.write(json.dumps(note) + "\\n")
if part.get("children"):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (here / "pids.tmp").write_text(f"{{os.getpid()}} {{child.pid}}")
    (here / "pids.tmp").rename(here / "pids")
time.sleep(part.get("seconds", 0))
sys.stderr.write(part.get("stderr", ""))
sys.stdout.write(part.get("stdout", ""))
sys.exit(part.get("exit", 0))
"""


class StandIn:
    """A program named claude, the part it plays and the notes it took."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.program = folder / "claude"
        self.program.write_text(STAND_IN.format(python=sys.executable))
        self.program.chmod(0o755)

    def plays(self, result: dict[str, Any] | None = None, **part: Any) -> None:
        """Set what it does when it is run next."""
        if result is not None:
            part["stdout"] = json.dumps(result)
        (self.folder / "part.json").write_text(json.dumps(part))

    @property
    def started(self) -> list[dict[str, Any]]:
        """How it was started, each time."""
        notes = self.folder / "started.jsonl"
        return [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []

    def wait_for_children(self) -> list[int]:
        """The ids of the program and of what it started, as soon as both run."""
        for _ in range(500):
            if (self.folder / "pids").exists():
                return [int(pid) for pid in (self.folder / "pids").read_text().split()]
            time.sleep(0.02)
        raise AssertionError("the stand-in did not start")


@pytest.fixture
def claude(tmp_path: Path) -> StandIn:
    """A stand-in that answers with one learning."""
    stand_in = StandIn(tmp_path / "bin")
    stand_in.plays(SUCCESS)
    return stand_in


def session_of(said: str = "No, always use make deploy here.") -> Session:
    """A session in which a person says this."""
    return Session("s1", Path("s1.jsonl"), started=AT, events=[Event(EventKind.USER, said, "u0", AT)])


def extractor_of(claude: StandIn, purse: Purse | None = None, **more: Any) -> ClaudeCli:
    """An extractor that runs the stand-in."""
    return ClaudeCli(purse or Purse(1.0, 5.0), program=str(claude.program), **more)


def is_alive(pid: int) -> bool:
    """Say whether a process runs; one that ended and waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def all_end(pids: list[int]) -> bool:
    """Say whether all of these end within five seconds."""
    for _ in range(250):
        if not any(map(is_alive, pids)):
            return True
        time.sleep(0.02)
    return False


def test_a_learning_comes_back_with_its_quote_and_its_cost(claude: StandIn) -> None:
    extractor = extractor_of(claude)
    (candidate,) = extractor(session_of(), ["Known."], limit=5)
    assert candidate.claim == LEARNING["claim"]
    assert extractor.purse.spent_usd == 0.002


def test_the_child_gets_the_safe_switches_and_the_prompt_by_stdin(claude: StandIn) -> None:
    extractor = extractor_of(claude, boundary="b0b0", model="claude-haiku-5-5")
    extractor(session_of(), ["Known."], limit=5)
    (note,) = claude.started
    *switches, budget, system = note["arguments"]
    assert switches == [
        "-p",
        "--output-format=json",
        "--tools=",
        "--safe-mode",
        "--strict-mcp-config",
        "--disable-slash-commands",
        "--no-session-persistence",
        "--max-turns=3",
        "--model=claude-haiku-5-5",
        f"--json-schema={json.dumps(SCHEMA)}",
    ]
    assert 0 < float(budget.removeprefix("--max-budget-usd=")) < 0.1
    assert system == f"--system-prompt={SYSTEM}"
    assert "<session-b0b0>\n[user]\n  No, always use make deploy here.\n</session-b0b0>" in note["prompt"]


def test_the_child_runs_in_an_empty_folder_that_is_gone_afterwards(claude: StandIn) -> None:
    extractor_of(claude)(session_of(), [], limit=5)
    (note,) = claude.started
    assert note["files"] == []
    assert not Path(note["cwd"]).exists()
    assert not any((folder / ".git").exists() for folder in Path(note["cwd"]).parents)


def test_the_child_is_marked_and_is_no_part_of_the_session_around_it(
    claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CLAUDECODE", "CLAUDE_CODE_CHILD_SESSION", "CLAUDE_CODE_SESSION_ID", "CLAUDE_CODE_ENTRYPOINT"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", "/somewhere")
    extractor_of(claude)(session_of(), [], limit=5)
    environment = claude.started[0]["environment"]
    assert environment["AGENT_CONTEXT_CHILD"] == "1"
    assert environment["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "8192"
    assert environment["CLAUDE_CONFIG_DIR"] == "/somewhere"
    assert not {"CLAUDECODE", "CLAUDE_CODE_CHILD_SESSION", "CLAUDE_CODE_ENTRYPOINT"} & environment.keys()


def test_a_session_without_words_starts_nothing(claude: StandIn) -> None:
    session = Session("s", Path("s"), events=[Event(EventKind.TOOL_CALL, "Bash: ls", "u", AT)])
    extractor = extractor_of(claude)
    assert extractor(session, [], limit=5) == []
    assert extractor(session_of(), [], limit=0) == []
    assert claude.started == []


def test_an_unsupported_learning_is_dropped_and_counted(claude: StandIn) -> None:
    extractor = extractor_of(claude)
    assert extractor(session_of("Something else was said."), [], limit=5) == []
    assert dict(extractor.dropped) == {Dropped.UNSUPPORTED: 1}


def failed(subtype: str, *errors: str, cost: float | None = 0.001, **more: object) -> dict[str, Any]:
    """A result that is an error."""
    return {"type": "result", "subtype": subtype, "is_error": True, "errors": errors, "total_cost_usd": cost, **more}


@pytest.mark.parametrize(
    ("part", "message", "spent"),
    [
        (
            {"result": failed("error_max_turns", "Reached maximum number of turns (3)"), "exit": 1},
            "no valid answer within its turns: Reached maximum number of turns (3)",
            0.001,
        ),
        (
            {"result": failed("error_max_structured_output_retries", "Failed to provide"), "exit": 1},
            "no answer of the asked shape: Failed to provide",
            0.001,
        ),
        ({"result": failed("error_during_execution"), "exit": 1}, "it failed while it ran", 0.001),
        ({"result": failed("error_of_tomorrow", "strange"), "exit": 1}, "it reports an error: strange", 0.001),
        (
            {"result": failed("success", result="API Error: 529 overloaded", cost=0), "exit": 1},
            "it reports an error: API Error: 529 overloaded",
            0.0,
        ),
        (
            {"result": {"subtype": "success", "result": "I found nothing.", "total_cost_usd": 0.001}},
            "without the asked structure: I found nothing.",
            0.001,
        ),
        (
            {"result": {**SUCCESS, "structured_output": {"learnings": 5}}},
            "not of the asked shape",
            0.002,
        ),
        ({"stdout": "Welcome to Claude"}, "no JSON result: Welcome to Claude", None),
        ({"stdout": '{"subtype": 5}'}, "no JSON result", None),
        ({"stdout": "", "exit": 3}, "no JSON result: nothing, exit code 3", None),
        ({"stdout": '{"type": "resul', "exit": 1}, "no JSON result", None),
        ({"stdout": "", "stderr": "Segmentation fault\nmore", "exit": 139}, "no JSON result: Segmentation fault", None),
    ],
)
def test_every_failure_is_told_with_its_cost_and_a_next_step(
    claude: StandIn, part: dict[str, Any], message: str, spent: float | None
) -> None:
    claude.plays(**part)
    extractor = extractor_of(claude)
    with pytest.raises(ExtractionError) as caught:
        extractor(session_of(), [], limit=5)
    assert message in caught.value.message
    assert caught.value.hint
    if spent is None:  # nobody can tell
        assert extractor.purse.spent_usd > 0.002
    else:
        assert extractor.purse.spent_usd == spent
    claude.plays(SUCCESS)
    assert len(extractor(session_of(), [], limit=5)) == 1


@pytest.mark.parametrize(
    ("part", "message", "hint"),
    [
        (
            {"result": failed("success", result="Not logged in · Please run /login", cost=0), "exit": 1},
            "claude is not logged in",
            "log in",
        ),
        (
            {"stdout": "", "stderr": "error: unknown option '--safe-mode'\n(Did you mean?)\n", "exit": 1},
            "claude would not start: error: unknown option '--safe-mode'",
            "update Claude Code",
        ),
    ],
)
def test_what_would_meet_every_session_is_met_once_and_costs_nothing(
    claude: StandIn, part: dict[str, Any], message: str, hint: str
) -> None:
    claude.plays(**part)
    extractor = extractor_of(claude)
    for _ in range(3):
        with pytest.raises(ExtractionError, match=message) as caught:
            extractor(session_of(), [], limit=5)
        assert hint in caught.value.hint
    assert (len(claude.started), extractor.purse.spent_usd) == (1, 0.0)


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    extractor = ClaudeCli(Purse(1.0, None), program=str(tmp_path / "claude"))
    with pytest.raises(ExtractionError, match="claude is not installed") as caught:
        extractor(session_of(), [], limit=5)
    assert "install Claude Code" in caught.value.hint
    assert extractor.purse.left_usd() == 1.0


def test_a_program_that_cannot_be_run_is_an_error(claude: StandIn) -> None:
    claude.program.write_text("#!/no/such/interpreter\n")
    extractor = extractor_of(claude)
    with pytest.raises(ExtractionError, match="would not start"):
        extractor(session_of(), [], limit=5)
    assert extractor.purse.spent_usd == 0.0


def test_a_cap_is_asked_before_the_program_is_started(claude: StandIn) -> None:
    with pytest.raises(CapReachedError):
        extractor_of(claude, Purse(0.001, None))(session_of(), [], limit=5)
    assert claude.started == []


def test_a_budget_that_the_program_reached_ends_the_run(claude: StandIn) -> None:
    claude.plays(failed("error_max_budget_usd", "Reached maximum budget ($0.02)", cost=0.021), exit=1)
    extractor = extractor_of(claude)
    with pytest.raises(CapReachedError, match=r"claude stopped at its budget: Reached maximum budget"):
        extractor(session_of(), [], limit=5)
    assert extractor.purse.spent_usd == 0.021


def test_an_unknown_model_gets_what_the_purse_has_left(claude: StandIn) -> None:
    extractor = extractor_of(claude, Purse(0.5, None, allow_unpriced=True), model="mine")
    extractor(session_of(), [], limit=5)
    assert "--max-budget-usd=0.4900" in claude.started[0]["arguments"]
    assert extractor.purse.spent_usd == 0.002
    with pytest.raises(ExtractionError, match="price of the model mine"):
        extractor_of(claude, model="mine")(session_of(), [], limit=5)


def test_without_a_cap_and_a_price_there_is_no_budget(claude: StandIn) -> None:
    extractor_of(claude, Purse(None, None, allow_unpriced=True), model="mine")(session_of(), [], limit=5)
    assert not any(argument.startswith("--max-budget-usd") for argument in claude.started[0]["arguments"])


def test_the_worst_case_of_a_full_prompt_stays_in_the_cheap_tier() -> None:
    worst = worst_usd(PRICES["claude-haiku-5-5"], 75_000)
    assert worst is not None
    assert worst < 0.07
    assert worst_usd(None, 1) is None


def test_a_child_that_takes_too_long_ends_with_all_that_it_started(claude: StandIn) -> None:
    claude.plays(children=True, seconds=600)
    extractor = extractor_of(claude, timeout_seconds=1.0)
    with pytest.raises(ExtractionError, match="did not answer within 1 seconds"):
        extractor(session_of(), [], limit=5)
    assert all_end(claude.wait_for_children())
    assert extractor.purse.spent_usd > 0.002  # nobody can tell


def test_what_a_child_leaves_running_ends_with_it(claude: StandIn) -> None:
    claude.plays(SUCCESS, children=True)
    extractor = extractor_of(claude, timeout_seconds=1.0)
    with pytest.raises(ExtractionError, match="did not answer"):  # what it left keeps its output open
        extractor(session_of(), [], limit=5)
    assert all_end(claude.wait_for_children())


def test_a_stop_ends_every_child_and_lets_no_other_begin(claude: StandIn) -> None:
    claude.plays(children=True, seconds=600)
    extractor = extractor_of(claude)
    errors: list[ExtractionError] = []

    def run() -> None:
        try:
            extractor(session_of(), [], limit=5)
        except ExtractionError as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    pids = claude.wait_for_children()
    extractor.stop()
    for thread in threads:
        thread.join(10)
    assert [error.message for error in errors] == ["interrupted"] * 3
    assert all_end(pids)
    started = len(claude.started)
    with pytest.raises(ExtractionError, match="interrupted"):
        extractor(session_of(), [], limit=5)
    assert len(claude.started) == started


CALLER = """\
import sys
from pathlib import Path
from agent_context.extractors.claude_cli import ClaudeCli
from agent_context.purse import Purse
from agent_context.transcripts.session import Event, EventKind, Session
session = Session("s", Path("s"), events=[Event(EventKind.USER, "No, never.", "u", "")])
try:
    ClaudeCli(Purse(1.0, None), program=sys.argv[1])(session, [], limit=5)
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_an_interruption_leaves_no_orphan(claude: StandIn) -> None:
    claude.plays(children=True, seconds=600)
    path = os.pathsep.join(entry for entry in sys.path if entry)
    with subprocess.Popen(
        [sys.executable, "-c", CALLER, str(claude.program)],
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    ) as caller:
        pids = claude.wait_for_children()
        caller.send_signal(signal.SIGINT)
        assert caller.wait(10) == 130
    assert all_end(pids)


def test_a_child_that_reads_nothing_of_a_long_prompt_is_heard(claude: StandIn) -> None:
    claude.plays(failed("success", result="Not logged in · Please run /login", cost=0), exit=1, reads=False)
    session = session_of("No. " + "always " * 500)
    session.events *= 40
    with pytest.raises(ExtractionError, match="not logged in"):
        extractor_of(claude)(session, [], limit=5)
