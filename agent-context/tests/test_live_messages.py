"""Messages between sessions, and what a session is told at its next prompt; by many processes, and killed ones."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from live_samples import Worker, shop

from agent_context.errors import AgentContextError
from agent_context.knowledge import KnowledgeBase
from agent_context.live.cards import Shelf
from agent_context.live.messages import MOST_CHARACTERS, MOST_UNREAD, Inbox, make_message
from agent_context.live.telling import BUDGET_CHARACTERS, HEAD, MOST_TIMES, tell

if TYPE_CHECKING:
    from pathlib import Path

    from samples import Machine

WRITE = """
import sys
from pathlib import Path
from agent_context.live.cards import Card, Shelf
from agent_context.live.messages import Inbox, make_message
shelf, name = Shelf(Path(sys.argv[1])), sys.argv[2]
for number in range(int(sys.argv[3])):
    Inbox(shelf, "all").put(make_message(name, f"{name} {number}", "o.r", to_all=False))
    shelf.save(Card("shared", task=f"{name} {number}" * 50))
    assert shelf.load("shared").task
    for message in Inbox(shelf, "all").take():
        print(message.text, flush=True)
"""


@pytest.fixture
def file(machine: Machine) -> Path:
    return shop(machine.checkout())


def tell_now(machine: Machine, worker: Worker, *, heard: bool = True) -> list[str]:
    told = tell(KnowledgeBase(machine.root), machine.environment, worker.session, str(worker.cwd))
    assert len(told) <= BUDGET_CHARACTERS
    if told and heard:
        worker.hear(told)
    head, *lines = told.split("\n")
    assert head in (HEAD, "")
    return lines


def test_a_conflict_is_told_once_and_again_when_there_is_more_to_it(machine: Machine, file: Path) -> None:
    first, second = Worker(machine, file.parent), Worker(machine, file.parent)
    first.say('Mend the "count"\u202e now')
    first.edit(file, "count = 0", "count = 1")
    assert tell_now(machine, second) == []
    second.edit(file, "import os", "import sys")
    assert tell_now(machine, second) == [
        (
            f'- Session {first.session[:8]} ("Mend the "count"⟦U+202E⟧ now") and this one both edited shop.py '
            "(same file, near, it now in lines 15-15)."
        )
    ]
    assert tell_now(machine, second) == []
    second.edit(file, "return count", "return count + 1")
    (line,) = tell_now(machine, second)
    assert "shop.py (same symbol: total, it now in lines" in line
    assert tell_now(machine, second) == []
    assert [line.split(" and this")[0] for line in tell_now(machine, first)] == [f"- Session {second.session[:8]}"]
    first.leave()
    assert tell_now(machine, second) == []


def test_a_message_is_told_once_framed_and_bounded(machine: Machine, file: Path) -> None:
    first, second = Worker(machine, file.parent), Worker(machine, file.parent)
    for worker in (first, second):
        worker.say("Work")
    inbox = Inbox(Shelf(machine.environment.data_dir), second.session)
    inbox.put(make_message(first.session, "I change\n\n`total`\u200b now", "o.r", to_all=False))
    inbox.put(make_message(first.session, "x" * MOST_CHARACTERS, "o.r", to_all=True))
    short, long = tell_now(machine, second)
    assert short.startswith(f"- Session {first.session[:8]} wrote to this session at 20")
    assert short.endswith('Z: "I change `total`⟦U+200B⟧ now"')
    assert long.endswith(' …" (get_messages has the whole of it)')
    assert tell_now(machine, second) == []
    assert [len(message.text) for message in inbox.list_read()] == [22, MOST_CHARACTERS]


def test_what_does_not_fit_is_told_at_the_next_prompt(machine: Machine, file: Path) -> None:
    first, second = Worker(machine, file.parent), Worker(machine, file.parent)
    second.edit(file, "count = 0", "count = 1")
    for number in range(12):
        other = Worker(machine, file.parent)
        other.say(f"Task {number} " + "y" * 200)
        other.edit(file, "import os", f"import os  # {number}")
        file.write_text(file.read_text().replace(f"import os  # {number}", "import os"))
    inbox = Inbox(Shelf(machine.environment.data_dir), second.session)
    for number in range(5):
        inbox.put(make_message(first.session, f"{number} " + "z" * 500, "o.r", to_all=False))
    told = [tell_now(machine, second) for _ in range(8)]
    lines = [line for part in told for line in part]
    assert len(lines) == len(set(lines)) == 17
    assert any("wrote to this session" in line for line in told[0])
    assert told[-1] == []


def test_what_a_session_did_not_hear_is_told_again_and_in_the_end_no_more(machine: Machine, file: Path) -> None:
    first, second = Worker(machine, file.parent), Worker(machine, file.parent)
    first.edit(file, "count = 0", "count = 1")
    second.edit(file, "import os", "import sys")
    inbox = Inbox(Shelf(machine.environment.data_dir), second.session)
    inbox.put(make_message(first.session, "mine", "o.r", to_all=False))
    told = tell_now(machine, second, heard=False)
    assert [line.split(" ")[3] for line in told] == ["and", "wrote"]
    second.say(f"What does {HEAD} mean?")
    assert tell_now(machine, second, heard=False) == told
    first.leave()
    assert tell_now(machine, second) == told[1:]
    assert tell_now(machine, second) == []
    inbox.put(make_message(first.session, "again", "o.r", to_all=False))
    told = [tell_now(machine, second, heard=False) for _ in range(MOST_TIMES + 1)]
    assert [len(lines) for lines in told] == [1] * MOST_TIMES + [0]


def die_once_all_is_claimed(event: str, given: tuple[object, ...]) -> None:
    """Kill this process when it is about to replace what it noted before it claimed anything."""
    if event == "os.rename" and "/telling/" in str(given[1]) and os.path.exists(str(given[1])):  # noqa: PTH110
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_hook_that_is_killed_before_it_prints_has_told_nothing(machine: Machine, file: Path) -> None:
    worker = Worker(machine, file.parent)
    worker.say("Work")
    inbox = Inbox(Shelf(machine.environment.data_dir), worker.session)
    inbox.put(make_message("s2", "keep it", "o.r", to_all=False))
    process = os.fork()
    if process == 0:
        sys.addaudithook(die_once_all_is_claimed)
        tell(KnowledgeBase(machine.root), machine.environment, worker.session, str(worker.cwd))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
    assert inbox.unread() == []
    (line,) = tell_now(machine, worker)
    assert line.endswith('"keep it"')
    assert tell_now(machine, worker) == []


def test_a_message_has_bounds_and_an_inbox_too(machine: Machine) -> None:
    inbox = Inbox(Shelf(machine.environment.data_dir), "s1")
    for text in ("", " \n", "x" * (MOST_CHARACTERS + 1)):
        with pytest.raises(AgentContextError, match="a message has 1 to"):
            inbox.put(make_message("s2", text, "o.r", to_all=False))
    for number in range(MOST_UNREAD):
        inbox.put(make_message("s2", str(number), "o.r", to_all=False))
    with pytest.raises(AgentContextError, match="has 100 unread messages"):
        inbox.put(make_message("s2", "one more", "o.r", to_all=False))
    assert [message.text for message in inbox.take()] == [str(number) for number in range(MOST_UNREAD)]
    for wrong in ("../x", "", "a/b", "x" * 81):
        with pytest.raises(AgentContextError, match="is no session id"):
            Inbox(Shelf(machine.environment.data_dir), wrong)
        with pytest.raises(AgentContextError, match="is no session id"):
            tell(KnowledgeBase(machine.root), machine.environment, wrong, "")


def test_a_message_that_does_not_read_is_passed_over(machine: Machine) -> None:
    shelf = Shelf(machine.environment.data_dir)
    inbox = Inbox(shelf, "s1")
    inbox.put(make_message("s2", "good", "o.r", to_all=False))
    (shelf.root / "inbox" / "s1" / "unread" / "0.json").write_text("{")
    assert [message.text for message in inbox.take()] == ["good"]
    assert inbox.count_unread() == 0


def test_eight_processes_lose_no_message_and_read_none_twice(machine: Machine) -> None:
    folder = machine.environment.data_dir
    command = [sys.executable, "-c", WRITE, str(folder)]
    processes = [
        subprocess.Popen([*command, f"writer{number}", "12"], stdout=subprocess.PIPE, text=True) for number in range(8)
    ]
    said = [line for process in processes for line in process.communicate(timeout=60)[0].splitlines()]
    assert all(process.returncode == 0 for process in processes)
    said += [message.text for message in Inbox(Shelf(folder), "all").take()]
    assert Counter(said) == Counter(f"writer{number} {index}" for number in range(8) for index in range(12))


def test_a_killed_process_leaves_what_reads_and_nothing_half(machine: Machine) -> None:
    folder = machine.environment.data_dir
    shelf, chance = Shelf(folder), random.Random(7)
    said: Counter[str] = Counter()
    for number in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITE, str(folder), f"writer{number}", "100000"], stdout=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 20
        while shelf.load("shared") is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.15))
        os.kill(process.pid, signal.SIGKILL)
        said.update((process.communicate()[0] or "").splitlines())
        card = shelf.load("shared")
        assert card is not None
        inbox = Inbox(shelf, "all")
        said.update(message.text for message in inbox.take())
        assert inbox.count_unread() == 0
        shelf.path("cards", "shared").unlink()
    read = [message.text for message in Inbox(shelf, "all").list_read()]
    assert read
    assert max(said.values()) == 1
