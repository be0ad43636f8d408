"""Syncs with a model, over a loopback API: what is asked, what it costs, and that nothing is ever paid for twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from fake_messages_api import FakeApi, errored, failure, fake_messages_api, overloaded, structured, succeeded
from samples import LESSON, OTHER_LESSON, Machine, git

from agent_context.consolidation.asking import Asker
from agent_context.errors import AgentContextError
from agent_context.journal import Journal
from agent_context.knowledge import KnowledgeBase
from agent_context.syncing.sync import SyncOptions, sync

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_context.harvest.extracted import Estimate
    from agent_context.reports import SyncReport

USAGE = {"input_tokens": 1000, "output_tokens": 100}
COST = (1000 * 0.10 + 100 * 0.50) / 1e6


def learnings(*claims: str) -> dict[str, Any]:
    return {
        "learnings": [
            {"claim": claim, "why": "", "kind": "convention", "tags": [], "paths": [], "quotes": [claim]}
            for claim in claims
        ]
    }


TRIES = "Give up after three failed login attempts."
ALSO_TRIES = "Stop once logging in has failed 3 times."
THIRD_TRIES = "Logging in that failed three times is given up."
NOTHING = structured(learnings(), **USAGE)


@pytest.fixture
def paid(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    settings = machine.root / "agent-context.toml"
    settings.write_text(settings.read_text().replace('"heuristic" ', '"anthropic" '))
    with fake_messages_api(NOTHING) as api:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-" + "fake")
        yield api


def run(machine: Machine, **options: Any) -> SyncReport:
    return sync(KnowledgeBase(machine.root), machine.environment, SyncOptions(**options))


def settle(machine: Machine, **values: str) -> None:
    path = machine.root / "agent-context.toml"
    lines = "".join(f"{name} = {value}\n" for name, value in values.items())
    path.write_text(path.read_text().replace("[extraction]\n", f"[extraction]\n{lines}"))


def test_a_session_is_asked_about_once_and_its_cost_is_told(machine: Machine, paid: FakeApi) -> None:
    paid.script[:] = [structured(learnings(LESSON), **USAGE)]
    machine.teach(LESSON, cwd=machine.checkout())
    told: list[tuple[int, float | None]] = []
    report = run(machine, announce=lambda estimate, usd: told.append((estimate.sessions, usd)))
    assert ([learned.claim for learned in report.learned], report.cost_usd) == ([LESSON], pytest.approx(COST))
    assert [sessions for sessions, _ in told] == [1]
    assert told[0][1] is not None
    assert told[0][1] > COST
    (learning,) = machine.learnings().values()
    assert learning.sources[0].extractor == "anthropic"
    assert run(machine).cost_usd == 0
    assert len(paid.messages) == 1
    assert Journal(machine.environment.data_dir).spent_usd("2026") == pytest.approx(COST)


def test_a_quote_that_was_never_said_is_not_learned(machine: Machine, paid: FakeApi) -> None:
    paid.script[:] = [structured(learnings("Nobody ever said this in the session."), **USAGE)]
    machine.teach(LESSON, cwd=machine.checkout())
    assert run(machine).learned == []


def test_an_appended_session_is_asked_about_its_new_part(machine: Machine, paid: FakeApi) -> None:
    checkout = machine.checkout()
    machine.teach(*(f"Unimportant remark number {number}." for number in range(40)), cwd=checkout)
    run(machine)
    machine.teach(*(f"Unimportant remark number {number}." for number in range(40)), LESSON, cwd=checkout)
    run(machine)
    prompts = [json.dumps(body["messages"]) for body in paid.messages]
    assert "remark number 3." in prompts[0]
    assert "remark number 3." not in prompts[1]
    assert "make deploy" in prompts[1]


def test_a_deleted_state_does_not_pay_again(machine: Machine, paid: FakeApi) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    run(machine)
    for state in machine.environment.data_dir.glob("*.sqlite"):
        state.unlink()
    report = run(machine)
    assert (len(paid.messages), report.skipped) == (1, {"nothing new since it was read": 1})


def test_what_was_paid_for_before_a_failure_is_committed_by_the_next_run(machine: Machine, paid: FakeApi) -> None:
    paid.script[:] = [structured(learnings(LESSON), **USAGE)]
    machine.teach(LESSON, cwd=machine.checkout())
    blocker = machine.root / "projects" / "o.r"
    blocker.parent.mkdir(exist_ok=True)
    blocker.symlink_to("/nowhere")
    with pytest.raises(AgentContextError):
        run(machine)
    blocker.unlink()
    assert [learned.claim for learned in run(machine).learned] == [LESSON]
    assert len(paid.messages) == 1


def test_a_cap_ends_the_run_and_the_rest_waits(machine: Machine, paid: FakeApi) -> None:
    settle(machine, max_usd_per_run="0.0000001")
    machine.teach(LESSON, cwd=machine.checkout())
    report = run(machine)
    assert (report.read, report.cost_usd, report.exit_code, len(paid.messages)) == (0, 0, 1, 0)
    assert report.skipped == {"waits for the next run": 1}
    settings = machine.root / "agent-context.toml"
    settings.write_text(settings.read_text().replace("0.0000001", "1.0"))
    assert run(machine).read == 1


def test_what_was_spent_today_counts_towards_the_days_cap(machine: Machine, paid: FakeApi) -> None:
    settle(machine, max_usd_per_day="0.01")
    checkout = machine.checkout()
    paid.script[:] = [structured(learnings(), input_tokens=80_000, output_tokens=5_000)]
    machine.teach(LESSON, cwd=checkout)
    run(machine)
    machine.teach(OTHER_LESSON, name="s2", cwd=checkout)
    report = run(machine)
    assert (report.read, len(paid.messages)) == (0, 1)


def test_a_model_without_a_price_needs_a_yes(machine: Machine, paid: FakeApi) -> None:
    settle(machine, model='"somebodys-model"')
    machine.teach(LESSON, cwd=machine.checkout())
    with pytest.raises(AgentContextError, match="no price is known for the model somebodys-model"):
        run(machine)
    assert paid.messages == []
    assert run(machine, yes=True).read == 1
    settings = machine.root / "agent-context.toml"
    settings.write_text(settings.read_text() + "\n[prices.somebodys-model]\ninput = 1.0\noutput = 5.0\n")
    machine.teach(OTHER_LESSON, name="s2", cwd=machine.folder / "work/r")
    estimates: list[Estimate] = []
    run(machine, announce=lambda estimate, _: estimates.append(estimate))
    assert estimates[0].sessions == 1


def test_a_failing_api_leaves_the_session_for_the_next_run(machine: Machine, paid: FakeApi) -> None:
    paid.script[:] = [overloaded()]
    machine.teach(LESSON, cwd=machine.checkout())
    report = run(machine)
    assert (report.read, report.exit_code, report.skipped) == (0, 1, {"waits for the next run": 1})
    assert len(report.failures) == 1
    paid.script[:] = [structured(learnings(LESSON), **USAGE)]
    assert len(run(machine).learned) == 1


def test_a_batch_is_sent_once_and_collected_later_at_half_the_price(machine: Machine, paid: FakeApi) -> None:
    checkout = machine.checkout()
    machine.teach(LESSON, name="s1", cwd=checkout)
    machine.teach(OTHER_LESSON, name="s2", cwd=checkout)
    report = run(machine, batch=True)
    assert (report.read, report.skipped) == (0, {"waits in a batch at the API": 2})
    for state in machine.environment.data_dir.glob("*.sqlite"):
        state.unlink()
    assert run(machine, batch=True).skipped == {"waits in a batch at the API": 2}
    assert run(machine).skipped == {"waits in a batch at the API": 2}
    assert (len(paid.batches), paid.messages) == (1, [])
    paid.finish(paid.batches[0], succeeded(structured(learnings(LESSON), **USAGE)), errored("no room"))
    report = run(machine, batch=True)
    assert [learned.claim for learned in report.learned] == [LESSON]
    assert report.skipped["waits in a batch at the API"] == 1
    assert Journal(machine.environment.data_dir).spent_usd("2026") == pytest.approx(COST / 2)
    assert len(paid.batches) == 1
    run(machine, batch=True)
    assert [len(batch.requests) for batch in paid.batches] == [2, 1]


def test_a_run_that_is_killed_half_way_does_not_pay_again_for_what_was_answered(
    machine: Machine, paid: FakeApi
) -> None:
    settle(machine, parallel="1")
    checkout = machine.checkout()
    machine.teach(LESSON, name="s1", cwd=checkout)
    machine.teach(OTHER_LESSON, name="s2", cwd=checkout)
    paid.script[:] = [
        structured(learnings(LESSON), **USAGE),
        failure(529, "overloaded_error", "full", **{"retry-after": "30"}),
    ]
    homes = {"HOME": str(machine.folder), "CLAUDE_CONFIG_DIR": str(machine.environment.claude_dir)}
    command = [sys.executable, "-m", "agent_context", "sync", "--kb", str(machine.root)]
    with subprocess.Popen(
        command, env={**os.environ, **homes}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        deadline = time.monotonic() + 30
        while len(paid.messages) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        running.kill()
    assert machine.learnings() == {}
    paid.script[:] = [structured(learnings(OTHER_LESSON), **USAGE)]
    done = subprocess.run(
        [*command, "--json"], env={**os.environ, **homes}, capture_output=True, text=True, check=False
    )
    report = json.loads(done.stdout)
    assert sorted(item["claim"] for item in report["learned"]) == sorted([LESSON, OTHER_LESSON])
    asked = [json.dumps(body["messages"]) for body in paid.messages]
    assert sum("make deploy" in prompt and "integer cents" not in prompt for prompt in asked) == 1


def test_a_dry_run_tells_the_price_and_asks_nothing(machine: Machine, paid: FakeApi) -> None:
    paid.script[:] = [structured(learnings(LESSON), **USAGE)]
    machine.teach(LESSON, cwd=machine.checkout())
    told: list[int] = []
    report = run(machine, dry_run=True, announce=lambda estimate, _: told.append(estimate.sessions))
    assert (told, paid.messages, report.skipped) == ([1], [], {"waits for the next run": 1})
    assert [learned.claim for learned in run(machine).learned] == [LESSON]


def test_the_price_that_is_told_counts_what_a_session_paid_for_before_has_since(
    machine: Machine, paid: FakeApi
) -> None:
    checkout = machine.checkout()
    machine.teach(LESSON, cwd=checkout)
    run(machine)
    machine.teach(LESSON, OTHER_LESSON, cwd=checkout)
    told: list[int] = []
    run(machine, announce=lambda estimate, _: told.append(estimate.sessions))
    assert (told, len(paid.messages)) == ([1], 2)


def verdicts(*said: str) -> dict[str, Any]:
    answers = [
        {"number": number, "same": word == "same", "reason": "Both stop."} for number, word in enumerate(said, 1)
    ]
    return structured({"answers": answers}, **USAGE)


def teach_twice(machine: Machine, paid: FakeApi, *script: dict[str, Any]) -> SyncReport:
    """Learn one claim, then meet it again in other words; returns the second sync."""
    checkout = machine.checkout()
    paid.script[:] = [structured(learnings(TRIES), **USAGE), structured(learnings(ALSO_TRIES), **USAGE), *script]
    machine.teach(TRIES, name="s1", cwd=checkout)
    run(machine)
    machine.teach(ALSO_TRIES, name="s2", cwd=checkout)
    return run(machine)


def test_a_candidate_that_is_near_confirms_its_twin_where_the_model_says_so(machine: Machine, paid: FakeApi) -> None:
    report = teach_twice(machine, paid, verdicts("same"))
    (learning,) = machine.learnings().values()
    assert (learning.claim, len(learning.sources)) == (TRIES, 2)
    assert (report.learned, [again.id for again in report.confirmed]) == ([], [learning.id])
    assert report.confirmed[0].reason.endswith("a model says: Both stop.")
    assert [(item.claim, item.reason) for item in report.dropped] == [(ALSO_TRIES, "confirms")]
    assert (len(paid.messages), report.cost_usd) == (3, pytest.approx(2 * COST))
    assert git(machine.root, "status", "--porcelain", "projects") == ""


@pytest.mark.parametrize("answer", [verdicts("other"), overloaded(), structured({"answers": 7}), structured({})])
def test_without_a_yes_a_candidate_that_is_near_is_new(machine: Machine, paid: FakeApi, answer: dict[str, Any]) -> None:
    report = teach_twice(machine, paid, *[answer] * 5)
    assert sorted(item.claim for item in machine.learnings().values()) == sorted([TRIES, ALSO_TRIES])
    assert ([item.claim for item in report.learned], report.confirmed) == ([ALSO_TRIES], [])
    assert run(machine).learned == []


def test_all_that_is_near_in_a_batch_is_one_question_and_a_chain_ends_in_the_first(
    machine: Machine, paid: FakeApi
) -> None:
    checkout = machine.checkout()
    for number, claim in enumerate((TRIES, ALSO_TRIES, THIRD_TRIES)):
        machine.teach(claim, name=f"s{number}", cwd=checkout)
    settle(machine, parallel="1")
    paid.script[:] = [structured(learnings(claim), **USAGE) for claim in (TRIES, ALSO_TRIES, THIRD_TRIES)]
    paid.script.append(verdicts("same", "same"))
    report = run(machine)
    (learning,) = machine.learnings().values()
    assert (learning.claim, len(learning.sources), len(paid.messages)) == (TRIES, 3, 4)
    assert {again.id for again in report.confirmed} == {learning.id}
    assert [item.claim for item in report.learned] == [TRIES]


def test_an_interruption_of_the_question_loses_nothing(
    machine: Machine, paid: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Asker, "judge", interrupt)
    report = teach_twice(machine, paid)
    assert (report.interrupted, [item.claim for item in report.learned]) == (True, [ALSO_TRIES])
    assert sorted(item.claim for item in machine.learnings().values()) == sorted([TRIES, ALSO_TRIES])


def test_a_spent_purse_leaves_what_is_near_as_it_is(machine: Machine, paid: FakeApi) -> None:
    checkout = machine.checkout()
    machine.teach(TRIES, name="s1", cwd=checkout)
    paid.script[:] = [structured(learnings(TRIES), **USAGE)]
    run(machine)
    usage = {"input_tokens": 1000, "output_tokens": 1_999_000}
    paid.script[:] = [structured(learnings(ALSO_TRIES), **usage)]  # a dollar: all that a run may spend
    machine.teach(ALSO_TRIES, name="s2", cwd=checkout)
    report = run(machine)
    assert (len(paid.messages), [item.claim for item in report.learned]) == (2, [ALSO_TRIES])
    assert "the model was of no help: the cap of $1.00 a run is reached" in report.notes[0]
