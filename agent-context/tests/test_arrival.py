from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from program import run_forked
from samples import Machine, assistant, make_learning, user, write_session

from agent_context.archive import ARCHIVE, Archive
from agent_context.changes import write_atomically
from agent_context.delivery.arrival import ProjectArrival, find_arrivals
from agent_context.frontmatter import write_learning
from agent_context.knowledge import KnowledgeBase
from agent_context.layout import learning_path
from agent_context.learning import Learning, Status
from agent_context.snippet import About, Wanted, make_snippet, strip_comments, weigh
from agent_context.transcripts.instructions import Given, Started, read_instructions

if TYPE_CHECKING:
    from pathlib import Path

NOW = "2026-03-02T00:00:00Z"
DEPLOY = make_learning("Deploy with `make deploy`.", status=Status.ACCEPTED)
FONTS = make_learning("Fonts live in the <bucket>.", status=Status.ACCEPTED)
AMOUNTS = make_learning("Amounts are rounded late.", paths=("src/pay/",), status=Status.ACCEPTED)


def given(*learnings: Learning) -> str:
    """What Claude Code sends, and records, of the snippet of these learnings."""
    weighed = [weigh(item, "o.r", About(), NOW) for item in learnings]
    return strip_comments(make_snippet(weighed, Wanted(1500, scoped=False)).text)


def instructions(*texts: str) -> dict[str, Any]:
    files = [{"path": f"/r/{number}.md", "type": "Project", "content": text} for number, text in enumerate(texts)]
    return {"type": "attachment", "attachment": {"type": "instructions", "files": files}}


def nested(text: str) -> dict[str, Any]:
    content = {"path": "/r/rule.md", "type": "Project", "content": text, "globs": ["src/pay/"]}
    return {"type": "attachment", "attachment": {"type": "nested_memory", "path": "/r/rule.md", "content": content}}


def bash(command: str) -> dict[str, Any]:
    return assistant({"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": command}})


def known(machine: Machine, *learnings: Learning) -> Path:
    """A checkout, and a knowledge base that has these learnings of it."""
    for learning in learnings:
        write_atomically(machine.root / learning_path("o.r", learning), write_learning(learning).encode())
    return machine.checkout()


def session(machine: Machine, cwd: Path, name: str, *records: dict[str, Any]) -> Path:
    path = machine.environment.claude_dir / "projects" / "p" / f"{name}.jsonl"
    return write_session(path, user("hello"), *records, cwd=str(cwd))


def arrivals(machine: Machine, now: str = NOW) -> ProjectArrival:
    (found,) = find_arrivals(KnowledgeBase(machine.root), machine.environment, "o.r", now, days=90)
    return found


def test_what_reached_which_session_is_told_and_what_never_did_is_named(machine: Machine) -> None:
    checkout = known(machine, DEPLOY, FONTS, AMOUNTS)
    session(machine, checkout, "s1", instructions("# Mine", given(DEPLOY)), bash("make deploy"), nested(given(AMOUNTS)))
    session(machine, checkout, "s2", instructions(given(DEPLOY, make_learning("Gone since."))))
    session(machine, checkout, "old", assistant("Done."))
    session(machine, machine.folder, "elsewhere", instructions(given(FONTS)))
    found = arrivals(machine)
    assert (found.sessions, found.telling, len(found.reached)) == (3, 2, 2)
    assert [(item.session, item.ids, item.unknown) for item in found.reached] == [
        ("s1", {DEPLOY.id, AMOUNTS.id}, 0),
        ("s2", {DEPLOY.id}, 1),
    ]
    reach = {item.id: (item.sessions, item.last, item.used, item.why) for item in found.learnings}
    assert reach == {
        DEPLOY.id: (2, "2026-03-01T10:00:00Z", 1, ""),
        AMOUNTS.id: (1, "2026-03-01T10:00:00Z", None, ""),
        FONTS.id: (0, "", None, "never: it is given, but no session tells of it"),
    }


def test_what_is_long_unused_is_named(machine: Machine) -> None:
    checkout = known(machine, DEPLOY)
    for number in range(5):
        session(machine, checkout, f"s{number}", instructions(given(DEPLOY)))
    assert arrivals(machine).learnings[0].why == "unused: none of 5 sessions took up what it names"
    later = arrivals(machine, "2026-07-01T00:00:00Z").learnings[0]
    assert later.why == "long unused: it reached no session for 121 days"


def test_subagents_and_archived_copies_count_once(machine: Machine) -> None:
    checkout = known(machine, DEPLOY, AMOUNTS)
    path = session(machine, checkout, "s1", instructions(given(DEPLOY)))
    helper = path.with_suffix("") / "subagents" / "agent-1.jsonl"
    write_session(helper, user("look"), nested(given(AMOUNTS)), cwd=str(checkout))
    gone = session(machine, checkout, "s2", instructions(given(DEPLOY)))
    archive = Archive(machine.environment.data_dir / ARCHIVE)
    for file in (path, gone):
        archive.keep("claude_code", file, read=True)
    gone.unlink()
    found = arrivals(machine)
    assert [(item.session, item.ids) for item in found.reached] == [
        ("s1", {DEPLOY.id, AMOUNTS.id}),
        ("s2", {DEPLOY.id}),
    ]


def test_codex_and_hooks_record_it_their_own_way_and_what_is_broken_is_passed_over() -> None:
    message = {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "AGENTS.md instructions x"}],
    }
    hook = {"type": "hook_additional_context", "content": ["told"], "hookName": "SessionStart"}
    lines = [
        b'{"cwd":"/w\\u00e9/\\"r","timestamp":"2026-03-01T10:00:00.5Z"}\n',
        json.dumps({"type": "response_item", "payload": message, "timestamp": "2026-03-01T10:01:00Z"}).encode(),
        json.dumps({"type": "attachment", "attachment": hook}).encode(),
        b'{"attachment":{"type":"instructions","files":[1,{"content":5}]}}',
        b'{"attachment":{"type":"instructions","files"',
        b'["instructions"]',
        b'"nested_memory"\xff',
    ]
    assert list(read_instructions(lines)) == [
        Started('/w\u00e9/"r', "2026-03-01T10:00:00Z"),
        Given("", "AGENTS.md instructions x", "2026-03-01T10:01:00Z"),
        Given("", "told", ""),
    ]


def test_the_command_tells_it(machine: Machine) -> None:
    checkout = known(machine, DEPLOY, FONTS)
    session(machine, checkout, "s1", instructions(given(DEPLOY)), bash("make deploy"))
    variables = {
        **os.environ,
        "XDG_CONFIG_HOME": str(machine.folder / "xdg"),
        "CLAUDE_CONFIG_DIR": str(machine.environment.claude_dir),
    }
    done = run_forked(
        ["arrived", "o.r", "--sessions", "--days", "99999", "--kb", str(machine.root)], machine.folder, variables, ""
    )
    assert done.stdout.splitlines()[:1] == [
        "o.r: 1 session here, learnings reached 1 (1 of them say which files they loaded)"
    ]
    assert f"{DEPLOY.id}  reached 1 session, last 2026-03-01, named in 1: Deploy with `make deploy`." in done.stdout
    assert f"{FONTS.id}  never: it is given, but no session tells of it: Fonts live" in done.stdout
