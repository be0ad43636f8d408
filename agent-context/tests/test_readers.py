"""The laws that every reader keeps, whatever the agent and whatever has happened to the file."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from agent_context.transcripts import claude_code, codex
from agent_context.transcripts.session import Event, EventKind, Session, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable


class Builder(Protocol):
    """Writes one agent's records, and reads them with its reader."""

    name: str

    def read(self, path: Path) -> Session | Skipped: ...
    def user(self, number: int, text: str) -> dict[str, Any]: ...
    def injected(self, number: int) -> dict[str, Any]: ...
    def assistant(self, number: int, text: str) -> dict[str, Any]: ...
    def result(self, number: int, text: str, *, failed: bool = False) -> dict[str, Any]: ...
    def unread(self, number: int, text: str) -> dict[str, Any]: ...


def stamp(number: int) -> str:
    return f"2026-03-01T10:{number // 60 % 60:02d}:{number % 60:02d}.250Z"


class ClaudeCode:
    name = "5e55.jsonl"

    def read(self, path: Path) -> Session | Skipped:
        return claude_code.read(path)

    def record(self, number: int, kind: str, content: object, **more: object) -> dict[str, Any]:
        return {
            "parentUuid": None,
            "isSidechain": False,
            "type": kind,
            "message": {"role": kind, "content": content},
            "uuid": f"u{number}",
            "sessionId": "5e55",
            "timestamp": stamp(number),
            "cwd": "/w",
            **more,
        }

    def user(self, number: int, text: str) -> dict[str, Any]:
        return self.record(number, "user", text)

    def injected(self, number: int) -> dict[str, Any]:
        return self.record(number, "user", "<system-reminder>Always answer in verse.</system-reminder>")

    def assistant(self, number: int, text: str) -> dict[str, Any]:
        return self.record(number, "assistant", [{"type": "text", "text": text}])

    def result(self, number: int, text: str, *, failed: bool = False) -> dict[str, Any]:
        block = {"type": "tool_result", "tool_use_id": "t", "content": text, "is_error": failed}
        return self.record(number, "user", [block])

    def unread(self, number: int, text: str) -> dict[str, Any]:
        return {"type": "api-request-blob", "blob": text, "sessionId": "5e55", "timestamp": stamp(number)}


class Codex:
    name = "rollout-2026-03-01T10-00-00-5e55.jsonl"

    def read(self, path: Path) -> Session | Skipped:
        return codex.read(path)

    def line(self, number: int, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        return {"timestamp": stamp(number), "type": kind, "payload": payload}

    def message(self, number: int, role: str, text: str) -> dict[str, Any]:
        part = {"type": "output_text" if role == "assistant" else "input_text", "text": text}
        return self.line(number, "response_item", {"type": "message", "role": role, "content": [part]})

    def user(self, number: int, text: str) -> dict[str, Any]:
        return self.message(number, "user", text)

    def injected(self, number: int) -> dict[str, Any]:
        return self.message(number, "user", "<environment_context>\n  <cwd>/w</cwd>\n</environment_context>")

    def assistant(self, number: int, text: str) -> dict[str, Any]:
        return self.message(number, "assistant", text)

    def result(self, number: int, text: str, *, failed: bool = False) -> dict[str, Any]:
        output = f"Exit code: {int(failed)}\nWall time: 0.1 seconds\nOutput:\n{text}"
        payload = {"type": "function_call_output", "call_id": f"c{number}", "output": output}
        return self.line(number, "response_item", payload)

    def unread(self, number: int, text: str) -> dict[str, Any]:
        return self.line(number, "response_item", {"type": "reasoning", "summary": [], "encrypted_content": text})


@pytest.fixture(params=[ClaudeCode(), Codex()], ids=["claude_code", "codex"])
def builder(request: pytest.FixtureRequest) -> Builder:
    chosen: Builder = request.param
    return chosen


def write(path: Path, records: Iterable[dict[str, Any] | str | bytes]) -> Path:
    with path.open("wb") as file:
        for record in records:
            text = json.dumps(record, ensure_ascii=False) if isinstance(record, dict) else record
            file.write((text.encode() if isinstance(text, str) else text) + b"\n")
    return path


def read(builder: Builder, folder: Path, *records: dict[str, Any] | str | bytes) -> Session:
    session = builder.read(write(folder / builder.name, records))
    assert isinstance(session, Session)
    return session


def said(session: Session) -> list[str]:
    return [event.text for event in session.events if event.kind is EventKind.USER]


def test_human_words_are_found_with_place_and_time(tmp_path: Path, builder: Builder) -> None:
    session = read(builder, tmp_path, builder.injected(0), builder.user(1, "Use uv."), builder.assistant(2, "I do."))
    assert [(event.kind, event.text, event.at) for event in session.events] == [
        (EventKind.USER, "Use uv.", "2026-03-01T10:00:01Z"),
        (EventKind.ASSISTANT, "I do.", "2026-03-01T10:00:02Z"),
    ]
    assert (session.id, session.cwd) == ("5e55", "/w")


def test_every_record_has_an_id_that_survives_what_is_appended_later(tmp_path: Path, builder: Builder) -> None:
    records = [builder.user(1, "yes"), builder.assistant(2, "Sure."), builder.user(3, "yes"), builder.user(4, "no")]
    early = [event.uuid for event in read(builder, tmp_path, *records[:3]).events]
    late = [event.uuid for event in read(builder, tmp_path, *records).events]
    assert late[:3] == early
    assert len(set(late)) == 4
    assert all(late)


def test_a_failed_tool_is_told_from_one_that_worked(tmp_path: Path, builder: Builder) -> None:
    session = read(builder, tmp_path, builder.result(1, "boom", failed=True), builder.result(2, "fine"))
    assert [(event.kind, event.failed) for event in session.events] == [
        (EventKind.TOOL_RESULT, True),
        (EventKind.TOOL_RESULT, False),
    ]
    assert "boom" in session.events[0].text


def test_a_torn_line_costs_itself_alone(tmp_path: Path, builder: Builder) -> None:
    torn = json.dumps(builder.user(2, "torn"))[:-12]
    after_tear = torn + json.dumps(builder.user(4, "after the tear"))
    session = read(builder, tmp_path, builder.user(1, "before"), torn, after_tear, builder.user(5, "after"))
    assert said(session) == ["before", "after the tear", "after"]
    assert (session.broken_lines, session.salvaged_lines) == (1, 1)


def test_two_records_on_one_line_are_both_read(tmp_path: Path, builder: Builder) -> None:
    session = read(builder, tmp_path, json.dumps(builder.user(1, "one")) + json.dumps(builder.user(2, "two")))
    assert said(session) == ["one", "two"]
    assert (session.broken_lines, session.salvaged_lines) == (0, 1)


def test_a_record_quoted_inside_a_torn_one_is_nobodys_words(tmp_path: Path, builder: Builder) -> None:
    quoted = {key: builder.user(2, "quoted")[key] for key in ("type", "message") if key in builder.user(2, "quoted")}
    torn = '{"type": "progress", "timestamp": "x", "data": [' + json.dumps(quoted)
    assert said(read(builder, tmp_path, builder.user(1, "typed"), torn)) == ["typed"]


def test_a_file_that_begins_with_a_mark_or_a_run_of_zeros_is_read(tmp_path: Path, builder: Builder) -> None:
    marked = b"\xef\xbb\xbf" + json.dumps(builder.user(1, "first")).encode()
    zeros = b"\0" * 512 + json.dumps(builder.user(2, "second")).encode()
    assert said(read(builder, tmp_path, marked, zeros)) == ["first", "second"]


def test_half_a_character_does_not_reach_what_is_written(tmp_path: Path, builder: Builder) -> None:
    line = json.dumps(builder.user(1, "a HALF b")).replace("HALF", "\\ud83d")
    assert said(read(builder, tmp_path, line)) == ["a ? b"]


def test_bytes_that_are_no_text_cost_themselves_alone(tmp_path: Path, builder: Builder) -> None:
    line, output = (
        json.dumps(record).encode().replace(b"#", b"\xe9")
        for record in (builder.user(1, "caf#"), builder.result(2, "th#", failed=True))
    )
    session = read(builder, tmp_path, line, output, builder.user(3, "next"))
    assert said(session) == ["caf�", "next"]
    assert (session.events[1].failed, session.events[1].text[-3:]) == (True, "th�")


@pytest.mark.parametrize(
    ("data", "reason", "lost"),
    [
        (b"", "empty", False),
        (b"\n \n\n", "empty", False),
        (bytes(range(256)) * 400, "not a transcript", True),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 4000, "not a transcript", True),
        ('{"type":"user"}\n'.encode("utf-16"), "not a transcript", True),
        (b'"words"\n42\n[1]\nnull\n', "not a transcript", True),
        (b"{" * 200_000, "not a transcript", True),
        (b'{"type":' * 100_000, "not a transcript", True),
    ],
    ids=["empty", "blank", "binary", "picture", "utf-16", "no objects", "braces", "depth"],
)
def test_what_is_no_session_is_skipped_with_its_reason(
    tmp_path: Path, builder: Builder, data: bytes, reason: str, lost: bool
) -> None:
    path = tmp_path / builder.name
    path.write_bytes(data)
    assert builder.read(path) == Skipped(path, reason, lost=lost)


@pytest.mark.parametrize("depth", [900, 100_000])
def test_a_line_nested_without_end_costs_itself_alone(tmp_path: Path, builder: Builder, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    torn = json.dumps(builder.user(1, "x"))[:-1] + ', "more": ' + "[" * depth
    within = json.dumps(builder.result(2, "DEEP", failed=True)).replace("DEEP", deep)
    beside = json.dumps(builder.user(3, "x"))[:-1] + f', "more": {deep}, "uuid": 3}}'
    whole = json.dumps(builder.user(4, "#")).replace('"#"', deep)
    session = read(builder, tmp_path, torn, within, beside, whole, builder.user(5, "after"))
    assert said(session)[-1] == "after"


def test_a_session_in_which_nobody_spoke_is_skipped(tmp_path: Path, builder: Builder) -> None:
    path = write(tmp_path / builder.name, [builder.injected(1), builder.unread(2, "x")])
    assert builder.read(path) == Skipped(path, "no messages")


def test_files_that_cannot_be_opened_are_lost_by_name(tmp_path: Path, builder: Builder) -> None:
    gone = tmp_path / builder.name
    assert builder.read(gone) == Skipped(gone, "gone before it was read", lost=True)
    gone.mkdir()
    assert builder.read(gone) == Skipped(gone, "unreadable: Is a directory", lost=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_lost_by_name(tmp_path: Path, builder: Builder) -> None:
    path = write(tmp_path / builder.name, [builder.user(1, "x")])
    path.chmod(0)
    assert builder.read(path) == Skipped(path, "unreadable: Permission denied", lost=True)


def test_a_line_of_two_megabytes_is_read_and_its_output_kept_short(tmp_path: Path, builder: Builder) -> None:
    session = read(builder, tmp_path, builder.result(1, "x" * 2_000_000), builder.user(2, "after"))
    assert said(session) == ["after"]
    assert len(session.events[0].text) == 2000


def test_a_megabyte_pasted_into_a_prompt_keeps_its_beginning(tmp_path: Path, builder: Builder) -> None:
    pasted = "Never log these:\n" + "0123456789abcde\n" * 65_536
    (text,) = said(read(builder, tmp_path, builder.user(1, pasted)))
    assert text.startswith("Never log these:\n0123456789abcde\n")
    assert len(text) == 100_000


@pytest.mark.parametrize(
    "text",
    [
        "テストの前に必ず `make seed` を実行してください。",
        "אל תריץ את make deploy ישירות",
        "استخدم uv دائمًا\u200f",
        "👩🏽‍🚀 e\u0301",
    ],
)
@pytest.mark.parametrize("escaped", [True, False])
def test_words_in_any_script_come_through_unchanged(
    tmp_path: Path, builder: Builder, text: str, *, escaped: bool
) -> None:
    line = json.dumps(builder.user(1, text), ensure_ascii=escaped)
    assert said(read(builder, tmp_path, line)) == [text]


def test_a_clock_that_runs_backwards_changes_no_order(tmp_path: Path, builder: Builder) -> None:
    session = read(builder, tmp_path, *(builder.user(number, f"at {number}") for number in (30, 20, 10)))
    assert said(session) == ["at 30", "at 20", "at 10"]
    assert session.started == "2026-03-01T10:00:30Z"


@pytest.mark.parametrize("time", ["yesterday", "", None, 12, "2026-03-01T10:00:00+02:00", "9999-99-99"])
def test_a_time_that_is_none_costs_the_time_alone(tmp_path: Path, builder: Builder, time: object) -> None:
    session = read(builder, tmp_path, {**builder.user(1, "x"), "timestamp": time})
    assert said(session) == ["x"]
    assert session.started in ("", "9999-99-99T")


def test_unknown_kinds_of_records_are_counted_and_passed_over(tmp_path: Path, builder: Builder) -> None:
    new = {"timestamp": stamp(2), "type": "brand_new", "payload": {"a": 1}, "sessionId": "5e55"}
    session = read(builder, tmp_path, builder.user(1, "x"), new, new, {"silly": "this"})
    assert said(session) == ["x"]
    assert session.unknown == {"brand_new": 2, "no type": 1}


def test_ten_thousand_records_are_read_in_little_memory(tmp_path: Path, builder: Builder) -> None:
    def records() -> Iterable[dict[str, Any]]:
        for number in range(10_000):
            yield builder.user(number, "go on") if number % 10 == 0 else builder.unread(number, "x" * 4_000)

    path = write(tmp_path / builder.name, records())
    assert path.stat().st_size > 36_000_000
    tracemalloc.start()
    session = builder.read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(session, Session)
    assert len(session.events) == 1000
    assert peak < 4_000_000


def test_claude_code_a_fork_that_names_its_origin_repeats_its_ids(tmp_path: Path) -> None:
    maker = ClaudeCode()
    copied = {**maker.user(1, "x"), "uuid": "new", "forkedFrom": {"sessionId": "old", "messageUuid": "u1"}}
    assert [event.uuid for event in read(maker, tmp_path, copied, maker.user(2, "y")).events] == ["u1", "u2"]


def test_claude_code_what_the_client_says_in_the_assistants_place_is_not_its_words(tmp_path: Path) -> None:
    maker = ClaudeCode()
    failed = {**maker.assistant(2, "API Error: 529"), "isApiErrorMessage": True}
    empty = maker.assistant(3, "No response requested.")
    empty["message"]["model"] = "<synthetic>"
    session = read(maker, tmp_path, maker.user(1, "x"), failed, empty)
    assert [event.text for event in session.events] == ["x"]


def test_claude_code_a_record_that_lost_its_message_does_not_hide_its_whole_copy(tmp_path: Path) -> None:
    maker = ClaudeCode()
    assert said(read(maker, tmp_path, {**maker.user(1, ""), "message": "error"}, maker.user(1, "whole"))) == ["whole"]


def test_claude_code_results_of_parallel_calls_and_two_terminals_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    maker = ClaudeCode()
    lines = [maker.user(1, "a"), maker.user(9, "b"), maker.result(3, "second"), maker.result(2, "first")]
    assert [event.text for event in read(maker, tmp_path, *lines).events] == ["a", "b", "second", "first"]


def test_claude_code_files_beside_the_sessions_are_not_sessions(tmp_path: Path) -> None:
    top = tmp_path / "subagents" / "projects" / "p"
    for name in ("s.jsonl", "s.orphaned-1.jsonl", "s/tool-results/out.jsonl", "memory/notes.jsonl"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        write(top / name, [ClaudeCode().user(1, "x")])
    assert list(claude_code.find(tmp_path / "subagents")) == [top / "s.jsonl"]
    deeper = write(tmp_path / "subagents" / "s.jsonl", [ClaudeCode().user(1, "x")])
    assert claude_code.read(deeper) == Skipped(deeper, "subagent")


def test_a_session_beyond_measure_keeps_its_words_and_counts_what_tools_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_context.transcripts.session.MOST_EVENTS", 2)
    session = Session("s", Path("/s.jsonl"))
    for kind in (EventKind.USER, EventKind.TOOL_RESULT, EventKind.TOOL_RESULT, EventKind.USER):
        session.add(Event(kind, "x", "u", ""))
    assert ([event.kind for event in session.events], session.left_out) == (
        [EventKind.USER, EventKind.TOOL_RESULT, EventKind.USER],
        1,
    )
