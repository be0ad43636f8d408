from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from agent_context.transcripts.codex import find, read
from agent_context.transcripts.session import EventKind, Session, Skipped
from agent_context.transcripts.unsupported import GEMINI, OPENCODE

if TYPE_CHECKING:
    from pathlib import Path

NAME = "rollout-2026-03-01T10-00-00-aaaa.jsonl"


def line(kind: str, /, **payload: Any) -> dict[str, Any]:
    return {"timestamp": "2026-03-01T10:00:00.000Z", "type": kind, "payload": payload}


def item(kind: str, **fields: Any) -> dict[str, Any]:
    return line("response_item", type=kind, **fields)


def meta(thread: str = "aaaa", **fields: Any) -> dict[str, Any]:
    return line("session_meta", **{"id": thread, "cwd": "/work/shop", "originator": "codex_cli_rs", **fields})


def message(*texts: str, role: str = "user", **fields: Any) -> dict[str, Any]:
    return item("message", role=role, content=[{"type": "input_text", "text": text} for text in texts], **fields)


def write(path: Path, *lines: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")
    return path


def session_of(folder: Path, *lines: dict[str, Any]) -> Session:
    session = read(write(folder / NAME, *lines))
    assert isinstance(session, Session)
    return session


def said(session: Session) -> list[str]:
    return [event.text for event in session.events if event.kind is EventKind.USER]


def test_words_that_a_rollout_holds_twice_are_taken_once(tmp_path: Path) -> None:
    typed = message("Use pnpm here.", id="msg_1")
    echo = line("event_msg", type="user_message", message="Use pnpm here.", kind="plain")
    echo_since_146 = line(
        "event_msg",
        type="item_completed",
        item={"type": "UserMessage", "id": "u1", "content": [{"type": "text", "text": "Use pnpm here."}]},
    )
    answer = message("Done.", role="assistant", id="msg_2")
    spoken = line("event_msg", type="agent_message", message="Done.")
    session = session_of(tmp_path, meta(), typed, echo, echo_since_146, answer, spoken)
    assert [(event.text, event.uuid) for event in session.events] == [("Use pnpm here.", "msg_1"), ("Done.", "msg_2")]


@pytest.mark.parametrize(
    "text",
    [
        "<environment_context>\n  <cwd>/work/shop</cwd>\n</environment_context>",
        "<user_instructions>\nAlways use tabs.\n</user_instructions>",
        "# AGENTS.md instructions for /work/shop\n\n<INSTRUCTIONS>\nAlways use tabs.\n</INSTRUCTIONS>",
        "<turn_aborted>\nThe turn was interrupted.\n</turn_aborted>",
        "<skill>\n<name>report</name>\nAlways write a report.\n</skill>",
        "<subagent_notification>{}</subagent_notification>",
        "<user_shell_command>\n<command>ls</command>\n</user_shell_command>",
        '<codex_internal_context source="goal">go on</codex_internal_context>',
        '<hook_prompt hook_run_id="h1">Never stop.</hook_prompt>',
        "<recommended_plugins>\nx\n</recommended_plugins>",
        "<external_notes>remember this</external_notes>",
        "<some-later-wrapper>remember this</some-later-wrapper>",
        "<user_action>\n<context>review</context>\n</user_action>",
        "PLEASE IMPLEMENT THIS PLAN:\n# Plan",
        "Warning: apply_patch was requested via exec_command. Use the apply_patch tool instead of exec_command.",
        '<image name="[Image #1]">',
        "</image>",
        "# Context from my IDE setup:\n\n## Active file: a.py\n\n## My request for Codex:\n",
    ],
)
def test_what_codex_wrote_is_nobodys_words(tmp_path: Path, text: str) -> None:
    assert said(session_of(tmp_path, meta(), message(text), message("Hello.", role="assistant"))) == []


def test_codex_says_of_each_part_whose_it_is(tmp_path: Path) -> None:
    kinds = {"content_item_kinds": ["goal.internal_context", "user.text", "unknown", "user.image"]}
    parts = message(
        "Never stop before it works.", "Use pnpm.", "Not npm.", internal_chat_message_metadata_passthrough=kinds
    )
    assert said(session_of(tmp_path, parts)) == ["Use pnpm.\n\nNot npm."]


def test_of_a_prompt_from_an_editor_only_the_request_is_typed(tmp_path: Path) -> None:
    wrapped = (
        "# Context from my IDE setup:\n\n## Open tabs:\n- a.py: a.py\n\n## My request for Codex:\nRename a to b.\n"
    )
    assert said(session_of(tmp_path, message(wrapped))) == ["Rename a to b."]


@pytest.mark.parametrize(
    "record",
    [
        message("Always be brief.", role="developer"),
        message("Always be brief.", role="system"),
        item("agent_message", author="/root", recipient="/root/a", content=[{"type": "input_text", "text": "Go."}]),
        line("inter_agent_communication", author="/root", recipient="/root/a", content="Go."),
        line("compacted", message="A summary.", replacement_history=[message("Use pnpm.")["payload"]]),
        line("world_state", full=True, state={"agents_md": "Always use tabs."}),
        item("reasoning", summary=[{"type": "summary_text", "text": "I think."}]),
        {**message("A summary.", role="assistant"), "metadata": {"compaction_output": True}},
    ],
)
def test_what_is_neither_typed_nor_answered_gives_no_event(tmp_path: Path, record: dict[str, Any]) -> None:
    session = session_of(tmp_path, meta(), record, message("Go on."))
    assert [event.text for event in session.events] == ["Go on."]
    assert session.unknown == {}


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (item("function_call", name="shell", arguments='{"command": ["bash", "-lc", "make test"]}'), "Bash: make test"),
        (item("function_call", name="exec_command", arguments='{"cmd": "make test"}'), "Bash: make test"),
        (item("function_call", name="shell_command", arguments='{"command": "make test"}'), "Bash: make test"),
        (item("local_shell_call", action={"type": "exec", "command": ["ls", "-l"]}), "Bash: ls -l"),
        (
            item("custom_tool_call", name="apply_patch", input="*** Begin Patch\n*** Update File: a.py\n@@"),
            "Edit: a.py",
        ),
        (item("function_call", name="view_image", arguments='{"path": "a.png"}'), "view_image: a.png"),
        (item("function_call", name="odd", arguments="{not json"), "odd: "),
        (item("web_search_call", action={"type": "search", "query": "uv lock"}), "web_search: uv lock"),
    ],
)
def test_tool_calls_read_like_those_of_other_agents(tmp_path: Path, record: dict[str, Any], text: str) -> None:
    (event,) = session_of(tmp_path, meta(), record).events
    assert (event.kind, event.text) == (EventKind.TOOL_CALL, text)


@pytest.mark.parametrize(
    ("output", "failed"),
    [
        ("Exit code: 2\nWall time: 0.1 seconds\nOutput:\nboom", True),
        ("Exit code: 0\nWall time: 0.1 seconds\nOutput:\nExit code: 2", False),
        ("Chunk ID: 1\nWall time: 0.1 seconds\nProcess exited with code 1\nOutput:\nboom", True),
        ("Process running with session ID 4\nOutput:\n", False),
        ('{"output": "boom", "metadata": {"exit_code": 1, "duration_seconds": 0.1}}', True),
        ('{"output": "fine", "metadata": {"exit_code": 0}}', False),
        ('{"output": "fine", "metadata": null}', False),
        ("{not json", False),
        ([{"type": "input_text", "text": "Exit code: 1\nOutput:\n"}], True),
        ({"content": "boom", "success": False}, True),
        ("apply_patch verification failed: no such line", True),
        ("Script failed\nWall time 0.1 seconds\nOutput:\n", True),
        ("Exit code: " + "9" * 5000, False),
        (None, False),
        (7, False),
    ],
)
def test_a_failure_is_told_by_the_header_of_an_output(tmp_path: Path, output: object, failed: bool) -> None:
    session = session_of(tmp_path, meta(), item("function_call_output", call_id="c", output=output))
    assert [event.failed for event in session.events] == [failed]


def test_a_command_inside_a_script_is_an_event_and_one_with_its_own_call_is_not_counted_twice(tmp_path: Path) -> None:
    def ran(call: str, code: int) -> dict[str, Any]:
        command = {"type": "CommandExecution", "id": call, "command": ["bash", "-lc", "make"], "exit_code": code}
        return line("event_msg", type="item_completed", item={**command, "aggregated_output": "out"})

    script = item("custom_tool_call", name="exec", call_id="c1", input="tools.exec_command({cmd: 'make'})")
    call = item("function_call", name="exec_command", call_id="c2", arguments='{"cmd": "ls"}')
    session = session_of(tmp_path, meta(), script, ran("inner", 2), call, ran("c2", 0))
    assert [(event.text, event.uuid, event.failed) for event in session.events] == [
        ("exec: tools.exec_command({cmd: 'make'})", "c1", False),
        ("Bash: make", "inner", False),
        ("out", "inner-output", True),
        ("Bash: ls", "c2", False),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"source": {"subagent": {"thread_spawn": {"parent_thread_id": "bbbb", "depth": 1}}}},
        {"source": {"subagent": "review"}},
        {"source": {"internal": "memory_consolidation"}},
        {"thread_source": "subagent"},
        {"parent_thread_id": "bbbb"},
    ],
)
def test_what_an_agent_asked_of_another_is_no_session(tmp_path: Path, fields: dict[str, Any]) -> None:
    path = write(tmp_path / NAME, meta(**fields), message("prompt of an agent"))
    assert read(path) == Skipped(path, "subagent")


@pytest.mark.parametrize("source", ["cli", "vscode", "exec", {"custom": "app"}, None])
def test_what_a_person_started_is_read(tmp_path: Path, source: object) -> None:
    assert said(session_of(tmp_path, meta(source=source, thread_source="user"), message("hi"))) == ["hi"]


def test_a_fork_repeats_the_ids_of_what_it_copied(tmp_path: Path) -> None:
    copied = [message("Use pnpm."), message("Done.", role="assistant"), message("yes")]
    parent = session_of(tmp_path / "a", meta(), *copied, message("and then"))
    later = [{**each, "timestamp": "2026-04-01T10:00:00.000Z"} for each in copied]
    fork = session_of(
        tmp_path / "b", meta("cccc", forked_from_id="aaaa", cwd="/other"), meta(), *later, message("instead")
    )
    uncopied_meta = session_of(tmp_path / "c", meta("dddd", forked_from_id="aaaa"), *later)
    assert [event.uuid for event in fork.events][:3] == [event.uuid for event in parent.events][:3]
    assert [event.uuid for event in uncopied_meta.events] == [event.uuid for event in parent.events][:3]
    assert fork.events[3].uuid not in {event.uuid for event in parent.events}
    assert fork.cwd == "/other"


def test_the_same_words_in_another_session_have_another_id(tmp_path: Path) -> None:
    one = session_of(tmp_path / "a", meta("aaaa"), message("Use pnpm."))
    two = session_of(tmp_path / "b", meta("bbbb"), message("Use pnpm."))
    assert one.events[0].uuid != two.events[0].uuid


def test_a_session_from_before_records_had_an_envelope_is_read(tmp_path: Path) -> None:
    bare = [
        {"id": "aaaa", "timestamp": "2025-06-01T10:00:00.000Z", "instructions": "Always use tabs."},
        {"record_type": "state"},
        message("<environment_context>\n<cwd>/work/shop</cwd>\n</environment_context>")["payload"],
        message("Use pnpm.")["payload"],
        item("function_call_output", call_id="c", output="Exit code: 1\nOutput:\n")["payload"],
    ]
    session = session_of(tmp_path, *bare)
    assert [(event.text, event.failed) for event in session.events] == [
        ("Use pnpm.", False),
        ("Exit code: 1\nOutput:\n", True),
    ]
    assert (session.cwd, session.unknown) == ("/work/shop", {})


def test_unknown_items_are_counted_by_name(tmp_path: Path) -> None:
    session = session_of(tmp_path, meta(), message("hi"), item("brand_new"), line("event_msg", type="brand_new"))
    assert session.unknown == {"response_item brand_new": 1}


def test_a_compressed_rollout_reads_like_the_plain_one(tmp_path: Path) -> None:
    plain = write(tmp_path / NAME, meta(), message("Use pnpm."), message("Done.", role="assistant"))
    packed = tmp_path / "z" / f"{NAME}.zst"
    packed.parent.mkdir()
    packed.write_bytes(zstandard.ZstdCompressor().compress(plain.read_bytes()))
    one, two = read(plain), read(packed)
    assert isinstance(one, Session)
    assert isinstance(two, Session)
    assert (two.id, two.cwd, two.events) == (one.id, one.cwd, one.events) == ("aaaa", "/work/shop", one.events)


def test_a_compressed_rollout_that_was_cut_short_gives_what_it_holds(tmp_path: Path) -> None:
    plain = write(tmp_path / NAME, meta(), *(message(f"{n} {'ab' * n}", id=f"m{n}") for n in range(2000)))
    packed = tmp_path / f"{NAME}.zst"
    data = zstandard.ZstdCompressor().compress(plain.read_bytes())
    packed.write_bytes(data[: len(data) * 3 // 4])
    session = read(packed)
    assert isinstance(session, Session)
    assert 0 < len(session.events) < 2000
    assert session.broken_lines == 1


@pytest.mark.parametrize("kept", [0, 3, 8, 40])
def test_a_compressed_rollout_that_holds_nothing_any_more_is_lost(tmp_path: Path, kept: int) -> None:
    packed = tmp_path / f"{NAME}.zst"
    packed.write_bytes(zstandard.ZstdCompressor().compress(json.dumps(message("hi" * 200)).encode())[:kept])
    assert read(packed) == Skipped(packed, "not a transcript", lost=True)


def test_what_only_calls_itself_compressed_is_lost(tmp_path: Path) -> None:
    packed = tmp_path / f"{NAME}.zst"
    packed.write_text(json.dumps(message("hi")))
    assert read(packed) == Skipped(packed, "not a transcript", lost=True)


def test_rollouts_are_found_live_and_archived_each_once(tmp_path: Path) -> None:
    for name in (
        f"sessions/2026/03/02/{NAME}",
        f"sessions/2026/03/01/{NAME}.zst",
        f"sessions/2026/03/02/{NAME}.zst",
        f"archived_sessions/{NAME}",
        "sessions/2026/03/01/notes.jsonl",
        f"sessions/2026/03/01/{NAME}.tmp",
        "history.jsonl",
    ):
        write(tmp_path / name, message("hi"))
    assert [path.relative_to(tmp_path).as_posix() for path in find(tmp_path)] == [
        f"sessions/2026/03/01/{NAME}.zst",
        f"sessions/2026/03/02/{NAME}",
        f"archived_sessions/{NAME}",
    ]
    assert list(find(tmp_path / "nowhere")) == []


def test_a_reverted_thread_is_a_session_of_its_own(tmp_path: Path) -> None:
    path = write(tmp_path / "rollout-2026-03-01T10-00-00-aaaa_bbbb.jsonl", meta(), message("hi"))
    session = read(path)
    assert isinstance(session, Session)
    assert session.id == "aaaa_bbbb"


def test_agents_that_are_not_read_are_named(tmp_path: Path) -> None:
    gemini = [
        write(tmp_path / "tmp" / "p" / "chats" / "session-1.json"),
        write(tmp_path / "tmp" / "p" / "chats" / "session-2.jsonl"),
    ]
    write(tmp_path / "tmp" / "p" / "logs.json")
    opencode = [write(tmp_path / "opencode.db"), write(tmp_path / "storage" / "session" / "p" / "ses_1.json")]
    write(tmp_path / "opencode.db-wal")
    assert list(GEMINI.find(tmp_path)) == gemini
    assert list(OPENCODE.find(tmp_path)) == opencode
    assert GEMINI.read(gemini[0]) == Skipped(gemini[0], "Gemini CLI is not read yet")
    assert OPENCODE.read(opencode[0]) == Skipped(opencode[0], "opencode is not read yet")
