from __future__ import annotations

from pathlib import Path

import pytest

from agent_context.errors import AgentContextError
from agent_context.state import SessionRow, State

KB = Path("/kb")


def row(path: str, size: int, *, read: bool = True, outcome: str = "with messages", mtime_ns: int = 1) -> SessionRow:
    return SessionRow(path, size, mtime_ns, read=read, outcome=outcome)


def test_a_session_is_read_only_in_the_state_it_was_read_in(tmp_path: Path) -> None:
    session = Path("/s.jsonl")
    with State(tmp_path, KB) as state:
        state.note_sessions([row("/s.jsonl", 10), row("/live.jsonl", 5, read=False)])
    with State(tmp_path, KB) as state:
        assert state.is_read(session, 10, 1)
        assert not state.is_read(session, 11, 1)
        assert not state.is_read(session, 10, 2)
        assert not state.is_read(Path("/live.jsonl"), 5, 1)


def test_a_session_seen_but_never_read_is_lost_once(tmp_path: Path) -> None:
    with State(tmp_path, KB) as state:
        state.note_sessions([row("/live.jsonl", 5, read=False), row("/read.jsonl", 5)])
        assert state.take_lost(set()) == ["/live.jsonl"]
        assert state.take_lost(set()) == []


def test_knowledge_bases_do_not_share_their_state(tmp_path: Path) -> None:
    with State(tmp_path, KB) as state:
        state.set_fact("commit", "abc")
    with State(tmp_path, Path("/other")) as state:
        assert state.fact("commit") == ""


def test_an_error_keeps_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError), State(tmp_path, KB) as state:
        state.set_fact("commit", "abc")
        raise KeyError
    with State(tmp_path, KB) as state:
        assert state.fact("commit") == ""


def test_a_dry_run_leaves_no_file(tmp_path: Path) -> None:
    with State(tmp_path / "data", KB, keep=False) as state:
        state.set_fact("commit", "abc")
    assert not (tmp_path / "data").exists()


def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    with State(tmp_path, KB) as state:
        path = state.path
    path.write_bytes(b"this is no database, whatever its name" * 100)
    with State(tmp_path, KB) as state:
        assert state.fact("commit") == ""
    assert path.with_suffix(".damaged").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AgentContextError, match="cannot be opened"):
        State(tmp_path / "file" / "data", KB)


def test_vectors_are_kept_by_model_and_text(tmp_path: Path) -> None:
    with State(tmp_path, KB) as state:
        state.keep_vectors("m", {"a": b"1234"})
        assert state.vectors("m", ["a", "b"]) == {"a": b"1234"}
        assert state.vectors("other", ["a"]) == {}


def test_records_are_known_in_whatever_file_they_stand(tmp_path: Path) -> None:
    with State(tmp_path, KB) as state:
        assert state.new_records({"a", "b"}) == {"a", "b"}
        state.note_records({"a"})
        assert state.new_records({"a", "b"}) == {"b"}
        state.forget_sessions()
        assert state.new_records({"a", "b"}) == {"a", "b"}


def test_outcomes_are_counted_from_a_time_on(tmp_path: Path) -> None:
    with State(tmp_path, KB) as state:
        state.note_sessions(
            [row("/a", 1), row("/b", 1, outcome="empty", mtime_ns=9), row("/c", 1, outcome="empty", mtime_ns=9)]
        )
        assert state.outcomes_since(5) == {"empty": 2}
