from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from agent_context.archive import Archive
from agent_context.errors import AgentContextError

if TYPE_CHECKING:
    from pathlib import Path


def session(tmp_path: Path, name: str, text: str, mtime: int) -> Path:
    path = tmp_path / "sessions" / f"{name}.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    os.utime(path, (mtime, mtime))
    return path


def test_a_copy_gives_back_every_byte_and_is_for_the_user_alone(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    path = session(tmp_path, "s", "some text\n" * 1000, 100)
    copy = archive.keep("claude_code", path, read=False)
    archive.restore(copy, tmp_path / "back.jsonl")
    assert (tmp_path / "back.jsonl").read_bytes() == path.read_bytes()
    assert (tmp_path / "back.jsonl").stat().st_mtime_ns == path.stat().st_mtime_ns
    assert archive.size(copy) < 200
    modes = {file.suffix: file.stat().st_mode & 0o777 for file in (tmp_path / "archive").iterdir()}
    assert modes == {".zst": 0o600, ".json": 0o600}
    assert (tmp_path / "archive").stat().st_mode & 0o777 == 0o700


def test_the_same_state_is_copied_once_and_a_grown_one_again(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    path = session(tmp_path, "s", "one\n", 100)
    copy = archive.keep("claude_code", path, read=False)
    before = (archive.folder / f"{copy.name}.zst").stat().st_mtime_ns
    assert archive.keep("claude_code", path, read=True).read
    assert (archive.folder / f"{copy.name}.zst").stat().st_mtime_ns == before
    archive.keep("claude_code", session(tmp_path, "s", "one\ntwo\n", 200), read=True)
    (kept,) = archive.copies()
    assert b"".join(archive.lines(kept)) == b"one\ntwo\n"


def test_a_file_that_shrank_does_not_replace_its_longer_copy(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    archive.keep("claude_code", session(tmp_path, "s", "one\ntwo\n", 100), read=True)
    archive.keep("claude_code", session(tmp_path, "s", "x\n", 200), read=True)
    assert sorted(b"".join(archive.lines(copy)) for copy in archive.copies()) == [b"one\ntwo\n", b"x\n"]


def test_pruning_takes_the_oldest_read_copies_first(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    for number, read in enumerate((False, True, True)):
        archive.keep("claude_code", session(tmp_path, f"s{number}", os.urandom(500).hex(), 100 + number), read=read)
    sizes = [archive.size(copy) for copy in archive.copies()]
    assert archive.prune(sum(sizes)).names == ()
    pruned = archive.prune(sum(sizes) - 1)
    assert [name[:2] for name in pruned.names] == ["s1"]
    assert pruned.bytes == sizes[1]
    assert [name[:2] for name in archive.prune(0).names] == ["s2", "s0"]
    assert archive.copies() == []


def test_a_damaged_copy_is_named(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    copy = archive.keep("claude_code", session(tmp_path, "s", "one\n", 100), read=True)
    (archive.folder / f"{copy.name}.zst").write_bytes(b"no zstandard frame")
    with pytest.raises(AgentContextError, match="cannot be read"):
        list(archive.lines(copy))
    (archive.folder / f"{copy.name}.json").write_text("{")
    assert archive.copies() == []
