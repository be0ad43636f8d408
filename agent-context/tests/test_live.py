"""Which sessions are open, what they did, and where they collide, told by transcripts and the client's registry."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import msgspec
import pytest
from live_samples import SOURCE, Worker, shop
from samples import Machine, assistant, git, user

from agent_context.errors import AgentContextError
from agent_context.live.board import Board, count_changes, open_board
from agent_context.live.cards import Shelf, Tokens
from agent_context.live.conflicts import Severity
from agent_context.live.edits import Edit, Hunk, Span, carry, locate, narrow
from agent_context.live.presence import Status
from agent_context.settings import SyncSettings

if TYPE_CHECKING:
    from pathlib import Path


def look(machine: Machine, selection: SyncSettings | None = None, **options: float) -> Board:
    return open_board(machine.environment, selection or SyncSettings(), **options)


def collide(machine: Machine, worker: Worker) -> list[tuple[Severity, str, tuple[str, ...], tuple[int, int]]]:
    found = look(machine).conflicts(worker.session)
    return [(item.severity, item.path, item.symbols, item.lines) for item in found]


@pytest.fixture
def file(machine: Machine) -> Path:
    return shop(machine.checkout())


@pytest.fixture
def pair(machine: Machine, file: Path) -> tuple[Worker, Worker]:
    return Worker(machine, file.parent), Worker(machine, file.parent)


def test_a_card_says_what_a_session_is_about_and_did(machine: Machine, file: Path) -> None:
    worker = Worker(machine, file.parent, branch="topic")
    worker.say("Count the items twice", "and now with tests")
    worker.edit(file, "count += item", "count += 2 * item")
    worker.write(
        {"type": "ai-title", "aiTitle": "Counting"}, {"type": "from-the-future", "x": 1}, '{"type": "user", \n'
    )
    worker.write(user("<system-reminder>not human</system-reminder>"), user("injected", isMeta=True))
    worker.write('{"torn')
    board = look(machine)
    card = board.name_symbols(worker.session)
    assert (card.task, card.request, card.said) == (
        "Count the items twice",
        "and now with tests",
        "I did: and now with tests",
    )
    assert (card.title, card.branch, card.project, card.top) == ("Counting", "topic", "o.r", str(file.parent))
    assert (card.tokens, card.messages) == (Tokens(200, 20), 4)
    assert card.files == {"shop.py": "2026-03-01T10:00:05Z"}
    assert [edit.symbols for edit in card.edits] == [("total",)]
    assert board.status(worker.session) is Status.LIVE


def test_a_card_holds_no_secret_that_was_said(machine: Machine, file: Path) -> None:
    worker = Worker(machine, file.parent)
    token = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
    worker.say(f"Use {token} for it", "x" * 280 + f" {token} is the token")
    card = look(machine).cards[worker.session]
    assert card.task == "Use [redacted:github-token] for it"
    assert card.request == "x" * 280 + " [redacted:github-to"
    kept = Shelf(machine.environment.data_dir).path("cards", worker.session).read_text()
    assert token[:12] not in kept


def test_a_card_is_read_on_from_where_it_was(machine: Machine, file: Path) -> None:
    worker = Worker(machine, file.parent)
    worker.say("Begin")
    first = look(machine).cards[worker.session]
    line = json.dumps({"type": "user", "timestamp": "2026-03-02T10:00:00Z", "message": {"content": "Half"}})
    worker.write(line[:20])
    half = look(machine).cards[worker.session]
    assert (half.size, half.request) == (first.size, "Begin")
    worker.write(line[20:] + "\n")
    whole = look(machine).cards[worker.session]
    assert (whole.request, whole.task, whole.at) == ("Half", "Begin", "2026-03-02T10:00:00Z")
    assert whole.size == worker.transcript.stat().st_size
    kept = Shelf(machine.environment.data_dir).path("cards", worker.session)
    before = kept.stat().st_mtime_ns
    assert look(machine).cards[worker.session] == whole
    assert kept.stat().st_mtime_ns == before
    shutil.copy(worker.transcript, worker.transcript.with_suffix(".new"))
    worker.transcript.with_suffix(".new").replace(worker.transcript)
    assert look(machine).cards[worker.session].messages == whole.messages


def test_reading_within_a_time_goes_on_at_the_next_look(machine: Machine, file: Path) -> None:
    workers = [Worker(machine, file.parent) for _ in range(3)]
    for worker in workers:
        worker.say(*(f"Request {number}" for number in range(300)))
    seen = [look(machine, first=workers[2].session, seconds=0.0) for _ in range(2)]
    assert all(board.cards == {} for board in seen)
    assert {card.messages for card in look(machine).cards.values()} == {600}


def test_an_answers_usage_counts_once_however_many_records_it_has(machine: Machine, file: Path) -> None:
    worker = Worker(machine, file.parent)
    for name, tokens in (("a", 5), ("a", 9), ("b", 1)):
        record = assistant("text")
        record["message"] |= {"id": name, "usage": {"input_tokens": 10, "output_tokens": tokens}}
        worker.write(record)
        look(machine)
    assert look(machine).cards[worker.session].tokens == Tokens(20, 10)


def test_sessions_whose_process_is_gone_or_another_one_are_not_open(machine: Machine, file: Path) -> None:
    done = subprocess.Popen(["true"])
    done.wait()
    workers = {name: Worker(machine, file.parent) for name in ("live", "idle", "dead", "reused", "foreign", "old")}
    for worker in workers.values():
        worker.say("Work")
    ago = (time.time() - 100_000) * 1000
    workers["idle"].enter(status="idle", statusUpdatedAt=ago)
    workers["dead"].enter(pid=done.pid)
    workers["reused"].enter(procStart="1")
    workers["foreign"].enter(pid=done.pid, pidDomain="linux:0:pid:[1]")
    workers["old"].enter(pid=done.pid, pidDomain="linux:0:pid:[1]", updatedAt=ago)
    (workers["live"].entry.parent / "torn.json").write_text('{"pid": 1, "sess')
    (workers["live"].entry.parent / "evil.json").write_text('{"pid": 1, "sessionId": "../../x"}')
    board = look(machine)
    found = {
        name: board.present[worker.session].status
        for name, worker in workers.items()
        if worker.session in board.present
    }
    assert found == {"live": Status.LIVE, "idle": Status.IDLE, "foreign": Status.LIVE}


def test_without_a_registry_what_grows_is_open(machine: Machine, file: Path) -> None:
    workers = [Worker(machine, file.parent) for _ in range(3)]
    for worker, age in zip(workers, (0, 600, 7200), strict=True):
        worker.say("Work")
        os.utime(worker.transcript, (time.time() - age,) * 2)
    shutil.rmtree(workers[0].entry.parent)
    board = look(machine)
    assert [board.status(worker.session) for worker in workers] == [Status.LIVE, Status.IDLE, Status.ENDED]


def test_two_that_edit_one_function_collide_until_one_ends(
    machine: Machine, file: Path, pair: tuple[Worker, Worker]
) -> None:
    first, second = pair
    first.edit(file, "count = 0", "count = 0  # none yet")
    assert collide(machine, second) == []
    second.edit(file, "    return count\n", "    result = count\n    return result\n")
    assert collide(machine, first) == [(Severity.SYMBOL, "shop.py", ("total",), (18, 19))]
    assert collide(machine, second) == [(Severity.SYMBOL, "shop.py", ("total",), (15, 15))]
    first.leave()
    board = look(machine)
    assert (board.conflicts(second.session), board.status(first.session)) == ([], Status.ENDED)


def test_what_is_near_and_far_is_measured_where_the_lines_are_now(
    machine: Machine, file: Path, pair: tuple[Worker, Worker]
) -> None:
    first, second = pair
    first.edit(file, "first = 1", "first = 11")
    second.edit(file, "last = 2", "last = 22")
    assert collide(machine, second) == [(Severity.NEAR, "shop.py", (), (6, 6))]
    first.edit(file, "    def close", "".join(f"    # line {number}\n" for number in range(40)) + "\n    def close")
    found = collide(machine, first)
    assert found == [(Severity.NEAR, "shop.py", (), (51, 51))]
    third = Worker(machine, file.parent, seconds=9)
    third.edit(file, "import os", "import sys")
    assert [(item[0], item[3]) for item in collide(machine, third)] == [
        (Severity.NEAR, (6, 48)),
        (Severity.FAR, (51, 51)),
    ]


def test_an_edit_of_a_subagent_is_its_sessions(machine: Machine, file: Path, pair: tuple[Worker, Worker]) -> None:
    first, second = pair
    first.say("Let somebody look")
    agents = first.transcript.parent / first.session / "subagents"
    first.edit(file, "count = 0", "count = 1", to=agents / "agent-1.jsonl")
    second.edit(file, "count += item", "count += 2")
    assert collide(machine, second) == [(Severity.SYMBOL, "shop.py", ("total",), (15, 15))]


def test_what_a_fork_took_along_collides_with_nothing(
    machine: Machine, file: Path, pair: tuple[Worker, Worker]
) -> None:
    first, fork = pair
    first.edit(file, "count = 0", "count = 1")
    shutil.copy(first.transcript, fork.transcript)
    assert collide(machine, fork) == []
    fork.edit(file, "return count", "return count + 1")
    assert collide(machine, first) == []
    first.edit(file, "count += item", "count += 2 * item")
    assert [item[0] for item in collide(machine, fork)] == [Severity.SYMBOL]


def test_worktrees_are_copies_of_their_own_unless_on_one_branch(machine: Machine, file: Path) -> None:
    top = file.parent
    git(top, "add", ".")
    git(top, "commit", "--quiet", "--message", "begin")
    git(top, "worktree", "add", "--quiet", "-b", "topic", str(machine.folder / "tree"))
    first, second = Worker(machine, top), Worker(machine, machine.folder / "tree", branch="topic")
    first.edit(file, "count = 0", "count = 1")
    second.edit(machine.folder / "tree" / "shop.py", "return count", "return 2 * count")
    assert look(machine).cards[second.session].project == "o.r"
    assert collide(machine, first) == []
    second.branch = "main"
    second.say("Now on the same branch")
    found = look(machine).conflicts(first.session)
    assert [(item.severity, item.path, item.checkout) for item in found] == [
        (Severity.SYMBOL, "shop.py", str(machine.folder / "tree"))
    ]


def test_files_without_a_grammar_or_a_known_place_count_as_a_whole(
    machine: Machine, file: Path, pair: tuple[Worker, Worker]
) -> None:
    first, second = pair
    notes = file.parent / "notes.txt"
    first.create(notes, "one\ntwo\n")
    second.edit(notes, "two", "three")
    for worker in pair:
        worker.write(user([], toolUseResult={"notebook_path": str(file.parent / "n.ipynb"), "cell_id": "1"}))
        worker.write(user([], toolUseResult={"filePath": 5, "structuredPatch": "what"}))
        own = {"filePath": str(machine.environment.claude_dir / "plans" / "p.md"), "structuredPatch": []}
        worker.write(user([], toolUseResult=own))
    assert collide(machine, second) == [
        (Severity.NEAR, "n.ipynb", (), (0, 0)),
        (Severity.NEAR, "notes.txt", (), (1, 2)),
    ]


def test_a_file_whose_old_text_was_not_kept_is_taken_as_it_is_now(
    machine: Machine, file: Path, pair: tuple[Worker, Worker]
) -> None:
    for worker, old in zip(pair, ("count = 0", "return count"), strict=True):
        worker.edit(file, old, f"{old} + 1", keeps=False)
    assert collide(machine, pair[0]) == [(Severity.SYMBOL, "shop.py", ("total",), (18, 18))]


def test_what_is_settled_counts_no_longer_until_there_is_more(
    machine: Machine, file: Path, pair: tuple[Worker, Worker]
) -> None:
    first, second = pair
    first.edit(file, "count = 0", "count = 1")
    second.edit(file, "return count", "return 2 * count")
    before = look(machine).conflicts(second.session)[0].key
    assert look(machine).settle(first.session, ["shop.py", "gone.py"]) == {"shop.py": 1, "gone.py": 0}
    assert collide(machine, second) == []
    first.edit(file, "count = 1", "count = 3")
    after = look(machine).conflicts(second.session)
    assert [item.severity for item in after] == [Severity.SYMBOL]
    assert after[0].key != before


def test_what_the_settings_leave_out_is_not_read(machine: Machine, pair: tuple[Worker, Worker]) -> None:
    for worker in pair:
        worker.say("Secret work")
    for selection in (
        SyncSettings(exclude=("o.*",)),
        SyncSettings(exclude_paths=("**/work/**",)),
        SyncSettings(exclude_sessions=tuple(worker.session for worker in pair)),
        SyncSettings(include=("acme.*",)),
    ):
        assert look(machine, selection).cards == {}
    assert not (machine.environment.data_dir / "live" / "cards").exists()


def test_ended_sessions_are_shown_for_an_hour_and_leave_nothing(machine: Machine, file: Path) -> None:
    worker, other = Worker(machine, file.parent), Worker(machine, file.parent)
    for one in (worker, other):
        one.edit(file, "import os", "import os  # x") if one is worker else one.say("Work")
    board = look(machine)
    board.settle(worker.session, ["shop.py"])
    worker.leave()
    assert look(machine).status(worker.session) is Status.ENDED
    root = machine.environment.data_dir / "live"
    (root / "cards" / ".half.json.x.tmp").write_text("{")
    ago = time.time() - 7200
    for path in root.rglob("*"):
        os.utime(path, (ago, ago))
    assert set(look(machine).cards) == {other.session}
    assert {path.name for path in root.rglob("*") if path.is_file()} == {f"{other.session}.json", "swept"}


def test_sessions_are_found_by_the_beginning_of_their_id_and_their_project(machine: Machine, file: Path) -> None:
    worker = Worker(machine, file.parent)
    worker.edit(file, "count = 0", "count = 1")
    board = look(machine)
    assert board.find(worker.session[:8]) == board.find(worker.session)
    for wrong in ("", "zzz", "../x"):
        with pytest.raises(AgentContextError, match="no session"):
            board.find(wrong)
    for name in ("", "o.r", "O/R", "r", str(file.parent), str(machine.folder)):
        assert [card.session for card in board.in_project(name)] == [worker.session], name
    assert board.in_project("other") == []
    assert count_changes(board.cards.values()) == {("o.r", "shop.py"): {worker.session: "2026-03-01T10:00:01Z"}}


def test_a_card_that_does_not_read_or_is_of_another_version_is_made_anew(machine: Machine, file: Path) -> None:
    worker = Worker(machine, file.parent)
    worker.say("Work")
    card = look(machine).cards[worker.session]
    path = Shelf(machine.environment.data_dir).path("cards", worker.session)
    for damage in (b"", b"{", b"[]", msgspec.json.encode(msgspec.structs.replace(card, version=0, task="old"))):
        path.write_bytes(damage)
        assert look(machine).cards[worker.session] == card


def test_lines_are_carried_through_later_edits() -> None:
    def change(name: str, *hunks: Hunk) -> Edit:
        return Edit(name, "/f", name, "s", 0, hunks)

    first = change("1", Hunk(10, 2, 10, 3))
    above, within, below = (
        change("2", Hunk(1, 0, 1, 5)),
        change("3", Hunk(16, 1, 16, 4)),
        change("4", Hunk(40, 1, 40, 0)),
    )
    assert locate([first]) == {"1": [Span(10, 12)]}
    assert locate([first, above])["1"] == [Span(15, 17)]
    assert locate([first, above, within, below])["1"] == [Span(15, 20)]
    assert carry(Span(5, 8), [Hunk(1, 10, 1, 2)]) == Span(1, 2)
    shown = [" a", "-b", "+c", "+d", " e", " f", "-g", "\\ No newline at end of file"]
    assert narrow(3, 5, shown) == [Hunk(4, 1, 6, 2), Hunk(7, 1, 10, 0)]
    assert narrow(1, 1, [" only", " around"]) == []
    assert len(SOURCE.splitlines()) == 18


@pytest.mark.parametrize("seed", range(8))
def test_what_an_edit_wrote_is_found_where_it_is_after_any_later_edits(seed: int) -> None:
    chance, serial = random.Random(seed), itertools.count()
    lines = [next(serial) for _ in range(60)]
    edits: list[Edit] = []
    written: dict[str, set[int]] = {}
    for number in range(25):
        cuts = sorted(chance.sample(range(len(lines) + 1), 4))
        after, hunks = list(lines), []
        for start, end in ((cuts[2], cuts[3]), (cuts[0], cuts[1])):
            new = [next(serial) for _ in range(chance.randint(0, 5))]
            after[start : min(end, start + 6)] = new
            hunks.append((start, min(end, start + 6) - start, new))
        grown = len(hunks[1][2]) - hunks[1][1]
        placed = (Hunk(hunks[1][0] + 1, hunks[1][1], hunks[1][0] + 1, len(hunks[1][2])),)
        placed += (Hunk(hunks[0][0] + 1, hunks[0][1], hunks[0][0] + 1 + grown, len(hunks[0][2])),)
        edits.append(Edit(str(number), "/f", f"{number:03d}", "s", 0, placed))
        written[str(number)] = {line for hunk in hunks for line in hunk[2]}
        lines = after
    for name, spans in locate(edits).items():
        places = {line for line, text in enumerate(lines, 1) if text in written[name]}
        covered = {line for span in spans for line in range(span.start, span.end + 1)}
        assert places <= covered
        assert all(1 <= span.start <= len(lines) + 1 and span.end <= len(lines) for span in spans)
