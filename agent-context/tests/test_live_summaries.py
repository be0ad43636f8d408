"""Summaries are made when asked, kept until the session moves on, added to, and made anew after four additions."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest
from fake_messages_api import FakeApi, fake_messages_api, overloaded, structured
from live_samples import Worker, shop
from samples import LESSON, OTHER_LESSON, Machine

from agent_context.journal import Journal
from agent_context.knowledge import KnowledgeBase
from agent_context.live.board import open_board
from agent_context.live.summaries import MANY_MESSAGES, STRATUM, Outline, Summary, choose_events, summarize
from agent_context.settings import SyncSettings
from agent_context.transcripts.session import Event, EventKind

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def worker(machine: Machine) -> Worker:
    return Worker(machine, shop(machine.checkout()).parent)


@pytest.fixture
def paid(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    settings = machine.root / "agent-context.toml"
    settings.write_text(settings.read_text() + '\n[live]\nsummaries = "anthropic"\n')
    with fake_messages_api(structured(written("Mend the counter"))) as api:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-" + "fake")
        yield api


def written(task: str, *done: str) -> dict[str, object]:
    return {"task": task, "done": list(done), "decisions": [], "steps": ["Write tests"]}


def sum_up(machine: Machine, worker: Worker) -> Summary:
    board = open_board(machine.environment, SyncSettings())
    return summarize(KnowledgeBase(machine.root), machine.environment, board, worker.session)


def test_rules_extract_task_ends_of_turns_decisions_and_the_last_request(machine: Machine, worker: Worker) -> None:
    token = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
    worker.say("Build the importer", LESSON, f"Now the tests, with {token} as key")
    summary = sum_up(machine, worker)
    assert (summary.by, summary.updates, summary.events) == ("heuristic", 0, 6)
    assert summary.outline.task == "Build the importer"
    assert summary.outline.done[:2] == ("I did: Build the importer", f"I did: {LESSON}")
    assert len(summary.outline.decisions) == 1
    assert summary.outline.steps[0].startswith("Now the tests, with [redacted:")
    assert token not in json.dumps(summary.outline.done)


def test_a_summary_is_kept_until_the_session_moves_on_and_made_anew_after_four_additions(
    machine: Machine, worker: Worker
) -> None:
    worker.say("Begin")
    first = sum_up(machine, worker)
    assert sum_up(machine, worker) == first
    updates = []
    for number in range(6):
        worker.say(f"Go on {number}")
        updates.append(sum_up(machine, worker).updates)
    assert updates == [1, 2, 3, 4, 0, 1]
    last = sum_up(machine, worker)
    assert (last.outline.task, last.outline.steps) == ("Begin", ("Go on 5",))
    assert len(last.outline.done) == 7
    worker.leave()
    assert sum_up(machine, worker) == last


def test_of_a_long_session_beginning_middle_and_end_are_looked_at() -> None:
    events = [
        Event(kind, f"{number}", str(number), "")
        for number in range(MANY_MESSAGES)
        for kind in (EventKind.USER, EventKind.TOOL_CALL, EventKind.ASSISTANT)
    ]
    chosen = [int(event.text) for event in choose_events(events)]
    assert len(chosen) == 3 * STRATUM
    assert chosen[0] == 0
    assert chosen[-1] == MANY_MESSAGES - 1
    assert all(after - before <= 10 for before, after in itertools.pairwise(chosen))
    assert choose_events(events[:30]) == events[:30]


def test_a_model_writes_what_is_new_onto_what_it_wrote(machine: Machine, worker: Worker, paid: FakeApi) -> None:
    worker.say("Mend the counter, please")
    summary = sum_up(machine, worker)
    assert summary == sum_up(machine, worker)
    assert (summary.by, summary.outline) == ("anthropic", Outline("Mend the counter", steps=("Write tests",)))
    assert len(paid.messages) == 1
    paid.script[:] = [structured(written("Mend the counter", "The counter counts"))]
    worker.say(OTHER_LESSON)
    assert sum_up(machine, worker).outline.done == ("The counter counts",)
    sent = json.dumps(paid.messages[1]["messages"])
    assert OTHER_LESSON in sent
    assert "Mend the counter, please" not in sent
    assert "earlier-" in sent
    assert Journal(machine.environment.data_dir).spent_usd("20") == pytest.approx(2 * (1000 * 0.1 + 100 * 0.5) / 1e6)


def test_where_a_model_gives_none_or_costs_too_much_rules_make_it(
    machine: Machine, worker: Worker, paid: FakeApi
) -> None:
    paid.script[:] = [structured({"nothing": "of this"})]
    worker.say("Mend the counter")
    failed = sum_up(machine, worker)
    assert failed.outline.task == "Mend the counter"
    assert failed.note.startswith("made by rules: ")
    paid.script[:] = [overloaded()]
    settings = machine.root / "agent-context.toml"
    settings.write_text(settings.read_text().replace("[extraction]\n", "[extraction]\nmax_usd_per_run = 0.00001\n"))
    worker.say("More")
    asked = len(paid.messages)
    assert "the cap of $0.00 a run is reached" in sum_up(machine, worker).note
    assert len(paid.messages) == asked
