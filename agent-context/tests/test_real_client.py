"""The real Claude Code, from npm, asked by our extractor and talking to our own API on the loopback."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fake_messages_api import KEY, FakeApi, failure, fake_messages_api, text, tool

from agent_context.errors import CapReachedError, ExtractionError
from agent_context.extractors.claude_cli import ClaudeCli
from agent_context.extractors.prompt import SYSTEM
from agent_context.purse import Purse
from agent_context.transcripts.session import Event, EventKind, Session

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

REPOSITORY = Path(__file__).parents[2]
CLIENT = Path(os.environ.get("AGENT_CONTEXT_CLAUDE") or REPOSITORY / ".venv/claude/node_modules/.bin/claude")
HOOKS = ("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd")
LEARNING = {
    "claim": "Deploy with `make deploy`, never with `fly deploy`.",
    "why": "",
    "kind": "workflow",
    "tags": ["deploy"],
    "paths": [],
    "quotes": ["always use make deploy"],
}
SESSION = Session("s1", Path("s1.jsonl"), events=[Event(EventKind.USER, "No, always use make deploy.", "u0", "")])


def answer(value: object) -> dict[str, Any]:
    """A structured answer as the client takes it."""
    return tool("StructuredOutput", value)


@pytest.fixture
def client(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real program; in this home, hooks of its own and instructions that must reach nobody."""
    if not CLIENT.is_file():
        pytest.fail(f"no Claude Code at {CLIENT}: `make test-real` installs it, or set AGENT_CONTEXT_CLAUDE to one")
    for name in list(os.environ):
        if name not in ("HOME", "PATH", "TMPDIR"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", f"/usr/local/bin:/usr/bin:/bin:{os.environ['PATH']}")
    hook = home / "hook.sh"
    hook.write_text(f"#!/bin/sh\ntouch {home}/fired-$1\n")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    hooks = {name: [{"hooks": [{"type": "command", "command": f"{hook} {name}"}]}] for name in HOOKS}
    (home / ".claude").mkdir()
    (home / ".claude" / "settings.json").write_text(json.dumps({"hooks": hooks}))
    (home / ".claude" / "CLAUDE.md").write_text("INSTRUCTION-OF-THE-USER")
    return CLIENT


@contextmanager
def connected(
    monkeypatch: pytest.MonkeyPatch, client: Path, *script: dict[str, Any], purse: Purse | None = None
) -> Iterator[tuple[ClaudeCli, FakeApi]]:
    """An extractor that runs the real client, and the API that the client talks to."""
    with fake_messages_api(*script) as api:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        yield ClaudeCli(purse or Purse(1.0, 5.0), program=str(client), timeout_seconds=60), api


def left_behind(home: Path) -> list[str]:
    """What in this home a hook or a transcript would have made."""
    return sorted(
        str(path.relative_to(home)) for path in home.rglob("*") if "fired" in path.name or "projects" in path.parts
    )


def test_a_learning_comes_back_and_nothing_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, client: Path, home: Path
) -> None:
    with connected(monkeypatch, client, answer({"learnings": [LEARNING]})) as (extractor, api):
        (candidate,) = extractor(SESSION, [], limit=5)
        assert candidate.claim == LEARNING["claim"]
        assert candidate.evidence[0].uuid == "u0"
        assert extractor.purse.spent_usd == pytest.approx((1000 * 0.1 + 100 * 0.5) / 1e6)
        (body,) = api.messages
        assert body["max_tokens"] == 8192
        assert SYSTEM in json.dumps(body["system"], ensure_ascii=False).replace("\\n", "\n").replace('\\"', '"')
        assert "always use make deploy" in json.dumps(body["messages"])
        assert "INSTRUCTION-OF-THE-USER" not in json.dumps(body)
        assert {part["name"] for part in body["tools"]} <= {"StructuredOutput", "DeferredToolPlaceholder"}
    assert left_behind(home) == []
    assert "projects" not in json.loads((home / ".claude.json").read_text())


def test_the_same_client_without_our_switches_fires_hooks_and_writes_a_transcript(
    monkeypatch: pytest.MonkeyPatch, client: Path, home: Path
) -> None:
    with connected(monkeypatch, client, text("Done.")):
        done = subprocess.run([client, "-p", "Say done."], cwd=home, capture_output=True, timeout=60, check=False)
    assert done.stdout.decode().strip() == "Done."
    assert {"fired-SessionStart", "fired-Stop"} <= set(left_behind(home))
    assert any(path.endswith(".jsonl") for path in left_behind(home))


def test_an_answer_that_violates_the_schema_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, client: Path, home: Path
) -> None:
    wrong = answer({"learnings": [{"claim": 5}]})
    with connected(monkeypatch, client, wrong, answer({"learnings": [LEARNING]})) as (extractor, api):
        assert len(extractor(SESSION, [], limit=5)) == 1
        assert len(api.messages) == 2
        assert extractor.purse.spent_usd == pytest.approx(2 * 0.00015)
    assert left_behind(home) == []


def test_a_schema_violated_to_the_end_is_an_error_with_its_cost(
    monkeypatch: pytest.MonkeyPatch, client: Path, home: Path
) -> None:
    with connected(monkeypatch, client, answer({"learnings": 5})) as (extractor, api):
        with pytest.raises(ExtractionError, match="no valid answer within its turns"):
            extractor(SESSION, [], limit=5)
        assert len(api.messages) == 3
        assert extractor.purse.spent_usd == pytest.approx(3 * 0.00015)
    assert left_behind(home) == []


def test_an_answer_without_structure_is_an_error(monkeypatch: pytest.MonkeyPatch, client: Path, home: Path) -> None:
    with connected(monkeypatch, client, text("I found nothing.")) as (extractor, _):
        with pytest.raises(ExtractionError, match=r"without the asked structure: I found nothing\."):
            extractor(SESSION, [], limit=5)
        assert extractor.purse.spent_usd > 0
    assert left_behind(home) == []


def test_a_client_that_is_not_logged_in_is_told_once(monkeypatch: pytest.MonkeyPatch, client: Path, home: Path) -> None:
    with connected(monkeypatch, client) as (extractor, api):
        monkeypatch.delenv("ANTHROPIC_API_KEY")
        for _ in range(2):
            with pytest.raises(ExtractionError, match="claude is not logged in") as caught:
                extractor(SESSION, [], limit=5)
        assert "log in" in caught.value.hint
        assert (extractor.purse.spent_usd, api.messages) == (0.0, [])
    assert left_behind(home) == []


def test_an_overloaded_api_is_asked_again_by_the_client(
    monkeypatch: pytest.MonkeyPatch, client: Path, home: Path
) -> None:
    busy = failure(529, "overloaded_error", "Overloaded", **{"retry-after": "0"})
    with connected(monkeypatch, client, busy, answer({"learnings": [LEARNING]})) as (extractor, api):
        assert len(extractor(SESSION, [], limit=5)) == 1
        assert len(api.messages) == 2
    assert left_behind(home) == []


def test_a_budget_that_is_reached_ends_the_run(monkeypatch: pytest.MonkeyPatch, client: Path) -> None:
    dear = tool("StructuredOutput", {"learnings": 5}, input_tokens=900_000)
    with connected(monkeypatch, client, dear) as (extractor, api):
        with pytest.raises(CapReachedError, match="claude stopped at its budget"):
            extractor(SESSION, [], limit=5)
        assert len(api.messages) == 1
        assert extractor.purse.spent_usd > 0.4


def test_a_cap_is_asked_before_the_client_is_started(monkeypatch: pytest.MonkeyPatch, client: Path) -> None:
    with connected(monkeypatch, client, purse=Purse(0.001, None)) as (extractor, api):
        with pytest.raises(CapReachedError):
            extractor(SESSION, [], limit=5)
        assert api.asked == []
