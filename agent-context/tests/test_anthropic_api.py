"""The Messages API through its real SDK, against an API of our own on the loopback."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from fake_messages_api import (
    KEY,
    FakeApi,
    errored,
    failure,
    fake_messages_api,
    garbage,
    hang_up,
    overloaded,
    structured,
    succeeded,
    text,
)

from agent_context.errors import CapReachedError, ExtractionError, MissingExtraError
from agent_context.extractors.anthropic_api import AnthropicApi, BatchTicket
from agent_context.extractors.prompt import SCHEMA, SYSTEM, Dropped
from agent_context.prices import Price
from agent_context.purse import Purse
from agent_context.transcripts.session import Event, EventKind, Session

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = "2026-03-01T10:00:00Z"
LEARNING = {
    "claim": "Deploy with `make deploy`, never with `fly deploy`.",
    "why": "",
    "kind": "workflow",
    "tags": ["deploy"],
    "paths": [],
    "quotes": ["always use make deploy"],
}
ANSWER = structured({"learnings": [LEARNING]})
NOTHING = structured({"learnings": []})


def session_of(said: str = "No, always use make deploy here.", name: str = "s1") -> Session:
    """A session in which a person says this."""
    return Session(name, Path(f"{name}.jsonl"), started=AT, events=[Event(EventKind.USER, said, f"{name}-0", AT)])


@contextmanager
def connected(
    monkeypatch: pytest.MonkeyPatch, *script: dict[str, Any], purse: Purse | None = None, **more: Any
) -> Iterator[tuple[AnthropicApi, FakeApi]]:
    """An extractor and the API it talks to."""
    with fake_messages_api(*script) as api:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        extractor = AnthropicApi(purse or Purse(1.0, 5.0), **more)
        try:
            yield extractor, api
        finally:
            extractor.close()


def test_a_learning_comes_back_with_its_quote_and_its_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch, ANSWER) as (extractor, api):
        candidates = extractor(session_of(), ["Known."], limit=5)
        assert [candidate.claim for candidate in candidates] == [LEARNING["claim"]]
        assert extractor.purse.spent_usd == pytest.approx((1000 * 0.1 + 100 * 0.5) / 1e6)
        (body,) = api.messages
        assert body["model"] == "claude-haiku-5-5"
        assert body["system"] == [{"type": "text", "text": SYSTEM, "cache_control": {"type": "ephemeral"}}]
        assert "tools" not in body
        assert body["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
        assert "- Known.\n" in body["messages"][0]["content"]
        assert "always use make deploy here." in body["messages"][0]["content"]


def test_an_empty_answer_is_the_normal_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch, NOTHING) as (extractor, _):
        assert extractor(session_of(), [], limit=5) == []


def test_cached_tokens_cost_what_they_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = {"cache_creation_input_tokens": 2000, "cache_read_input_tokens": 3000}
    with connected(monkeypatch, structured({"learnings": []}, **usage)) as (extractor, _):
        extractor(session_of(), [], limit=5)
        assert extractor.purse.spent_usd == pytest.approx((1000 * 0.1 + 100 * 0.5 + 2000 * 0.125 + 3000 * 0.01) / 1e6)


def test_a_session_without_words_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch, ANSWER) as (extractor, api):
        session = Session("s", Path("s"), events=[Event(EventKind.TOOL_CALL, "Bash: ls", "u", AT)])
        assert extractor(session, [], limit=5) == []
        assert extractor(session_of(), [], limit=0) == []
        assert api.asked == []


def test_an_unsupported_learning_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch, ANSWER) as (extractor, _):
        assert extractor(session_of("Something else was said."), [], limit=5) == []
        assert dict(extractor.dropped) == {Dropped.UNSUPPORTED: 1}


def test_an_overloaded_api_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    limited = failure(429, "rate_limit_error", "slow down")
    with connected(monkeypatch, overloaded(), limited, failure(500, "api_error", "oops"), ANSWER) as (extractor, api):
        assert len(extractor(session_of(), [], limit=5)) == 1
        assert len(api.messages) == 4


def test_an_api_that_stays_overloaded_costs_nothing_and_the_session_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch, overloaded()) as (extractor, api):
        with pytest.raises(ExtractionError, match="the Anthropic API answers 529: Overloaded"):
            extractor(session_of(), [], limit=5)
        assert (extractor.purse.spent_usd, len(api.messages)) == (0.0, 6)
        api.script[:] = [ANSWER]
        assert len(extractor(session_of(), [], limit=5)) == 1


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (text("", stop="refusal"), "the model refused"),
        (text('{"learnings": [', stop="max_tokens"), "cut off"),
        (text("I found nothing."), "is no JSON"),
        (structured([1]), "not of the asked shape"),
        (structured({"learnings": {}}), "not of the asked shape"),
        (garbage("<html>a proxy's page</html>", "text/html"), "is no message"),
        (garbage("{}"), "is no message"),
        (garbage(), "no answer from the Anthropic API|is no message"),
    ],
)
def test_an_answer_that_cannot_be_used_is_an_error(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], message: str
) -> None:
    with connected(monkeypatch, answer) as (extractor, _):
        with pytest.raises(ExtractionError, match=message) as caught:
            extractor(session_of(), [], limit=5)
        assert caught.value.hint
        assert extractor.purse.spent_usd > 0  # it was paid for, or may have been


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (failure(401, "authentication_error", "invalid x-api-key"), "refuses: invalid x-api-key"),
        (failure(404, "not_found_error", "model: nope"), "refuses: model: nope"),
        (failure(400, "invalid_request_error", "Your credit balance is too low"), "credit balance is too low"),
    ],
)
def test_what_would_meet_every_session_is_met_once(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], message: str
) -> None:
    with connected(monkeypatch, answer) as (extractor, api):
        for _ in range(3):
            with pytest.raises(ExtractionError, match=message) as caught:
                extractor(session_of(), [], limit=5)
            assert caught.value.hint
        assert (len(api.messages), extractor.purse.spent_usd) == (1, 0.0)


def test_a_bad_request_of_one_session_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch, failure(400, "invalid_request_error", "bad"), ANSWER) as (extractor, _):
        with pytest.raises(ExtractionError, match="answers 400: bad"):
            extractor(session_of(), [], limit=5)
        assert len(extractor(session_of(), [], limit=5)) == 1


def test_an_answer_that_was_lost_counts_as_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch, hang_up(), retries=1) as (extractor, _):
        with pytest.raises(ExtractionError, match="no answer from the Anthropic API"):
            extractor(session_of(), [], limit=5)
        assert extractor.purse.spent_usd > 0


def test_an_api_that_is_not_there_costs_nothing_and_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch, ANSWER, retries=1) as (extractor, api):
        monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
        with pytest.raises(ExtractionError, match="the Anthropic API cannot be reached"):
            extractor(session_of(), [], limit=5)
        extractor.close()
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        with pytest.raises(ExtractionError, match="the Anthropic API cannot be reached"):
            extractor(session_of(), [], limit=5)
        assert (extractor.purse.spent_usd, api.asked) == (0.0, [])


def test_without_a_key_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch) as (extractor, api):
        monkeypatch.delenv("ANTHROPIC_API_KEY")
        with pytest.raises(ExtractionError, match="no key") as caught:
            extractor(session_of(), [], limit=5)
        assert "ANTHROPIC_API_KEY" in caught.value.hint
        assert api.asked == []


def test_without_the_sdk_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anthropic", None)
    with pytest.raises(MissingExtraError) as caught:
        AnthropicApi(Purse(1.0, None))(session_of(), [], limit=5)
    assert caught.value.advice == MissingExtraError("anthropic", "llm").advice


def test_a_cap_is_asked_before_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch, ANSWER, purse=Purse(0.0001, None)) as (extractor, api):
        with pytest.raises(CapReachedError):
            extractor(session_of(), [], limit=5)
        assert api.asked == []


def test_an_unknown_model_needs_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch, ANSWER, model="m") as (extractor, api):
        with pytest.raises(ExtractionError, match="price of the model m"):
            extractor(session_of(), [], limit=5)
        assert api.asked == []
    allowed = Purse(1.0, None, allow_unpriced=True)
    with connected(monkeypatch, ANSWER, model="m", purse=allowed) as (extractor, _):
        assert len(extractor(session_of(), [], limit=5)) == 1
        assert extractor.purse.spent_usd == 0.01
    with connected(monkeypatch, ANSWER, model="m", prices={"m": Price(1.0, 1.0)}) as (extractor, _):
        extractor(session_of(), [], limit=5)
        assert extractor.purse.spent_usd == pytest.approx(0.0011)


def test_no_call_begins_after_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch, ANSWER) as (extractor, api):
        extractor.stop()
        with pytest.raises(ExtractionError, match="interrupted"):
            extractor(session_of(), [], limit=5)
        assert api.asked == []


def test_several_threads_share_one_purse(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch, ANSWER, purse=Purse(0.02, None)) as (extractor, _):
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda number: extractor(session_of(name=f"s{number}"), [], limit=5), range(20)))
        assert [len(candidates) for candidates in found] == [1] * 20
        assert extractor.purse.spent_usd == pytest.approx(20 * 0.00015)


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    before = threading.active_count()
    with connected(monkeypatch, ANSWER) as (extractor, _):
        extractor(session_of(), [], limit=5)
    assert threading.active_count() == before


def submit(extractor: AnthropicApi, *sessions: Session) -> tuple[BatchTicket, list[BatchTicket]]:
    """Send a batch; return its ticket and all that was kept on the way."""
    kept: list[BatchTicket] = []
    return extractor.submit_batch(sessions, lambda _: (), limit=5, keep=kept.append), kept


def test_a_batch_is_sent_once_kept_before_and_collected_at_half_price(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch) as (extractor, api):
        tool_only = Session("t", Path("t"), events=[Event(EventKind.TOOL_CALL, "Bash: ls", "u", AT)])
        sessions = (session_of(), tool_only, session_of(name="s2"))
        ticket, kept = submit(extractor, *sessions)
        assert [item.session for item in ticket.items] == ["s1", "s2"]
        assert kept == [msgspec.structs.replace(ticket, batch_id=""), ticket]
        assert extractor.purse.spent_usd == ticket.reserved_usd > 0
        assert extractor.collect_batch(ticket) is None

        api.finish(api.batches[0], succeeded(ANSWER), succeeded(NOTHING))
        result = extractor.collect_batch(ticket)
        assert result is not None
        assert [(answer.item.session, answer.failure) for answer in result.answers] == [("s1", ""), ("s2", "")]
        assert len(extractor.read(result.answers[0].answer, sessions[0], [], limit=5)) == 1
        assert extractor.read(result.answers[1].answer, sessions[2], [], limit=5) == []
        extractor.purse.give_back(result.unspent_usd)
        assert extractor.purse.spent_usd == pytest.approx(result.spent_usd) == pytest.approx(2 * 0.00015 / 2)
        assert [path for path, _ in api.asked].count("/v1/messages/batches") == 1
        request = api.batches[0].requests[0]
        assert request["params"]["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
        assert all(len(part["custom_id"]) <= 64 for part in api.batches[0].requests)


def test_a_ticket_outlives_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch) as (extractor, api):
        ticket, _ = submit(extractor, session_of())
        stored = msgspec.json.decode(msgspec.json.encode(ticket), type=BatchTicket)
        api.finish(api.batches[0], succeeded(ANSWER))
        later = AnthropicApi(Purse(0.0, 0.0))
        result = later.collect_batch(stored)
        later.close()
        assert result is not None
        assert result.answers[0].item.digest == ticket.items[0].digest


def test_a_batch_whose_answer_was_lost_is_found_and_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch) as (extractor, api):
        submit(extractor, session_of("Somebody else's always use make deploy."))
        api.finish(api.batches[0], succeeded(NOTHING))
        api.batch_answers.append({**hang_up(), "taken": True})
        kept: list[BatchTicket] = []
        with pytest.raises(ExtractionError, match="no answer from the Anthropic API"):
            extractor.submit_batch([session_of()], lambda _: (), limit=5, keep=kept.append)
        (ticket,) = kept
        assert ticket.batch_id == ""
        assert extractor.collect_batch(ticket) is None
        api.finish(api.batches[1], succeeded(ANSWER))
        result = extractor.collect_batch(ticket)
        assert result is not None
        assert result.answers[0].answer
        assert len(api.batches) == 2


def test_a_batch_that_was_never_taken_gives_its_money_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch) as (extractor, api):
        api.batch_answers.append({**overloaded(), "taken": False})
        kept: list[BatchTicket] = []
        with pytest.raises(ExtractionError, match="529"):
            extractor.submit_batch([session_of()], lambda _: (), limit=5, keep=kept.append)
        result = extractor.collect_batch(kept[0])
        assert result is not None
        assert [answer.failure for answer in result.answers] == ["the batch is lost: it was never sent"]
        extractor.purse.give_back(result.unspent_usd)
        assert (extractor.purse.spent_usd, result.spent_usd) == (0.0, 0.0)


def test_a_batch_that_cannot_be_kept_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: BatchTicket) -> None:
        raise OSError("no space left")

    with connected(monkeypatch) as (extractor, api):
        with pytest.raises(OSError, match="no space left"):
            extractor.submit_batch([session_of()], lambda _: (), limit=5, keep=full)
        assert (api.asked, extractor.purse.spent_usd, extractor.purse.left_usd()) == ([], 0.0, 1.0)


def test_results_that_failed_cost_nothing_and_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch) as (extractor, api):
        ticket, _ = submit(extractor, *(session_of(name=f"s{number}") for number in range(4)))
        refused = succeeded(text("", stop="refusal"))
        api.finish(api.batches[0], errored("overloaded"), {"type": "expired"}, refused, succeeded(ANSWER))
        result = extractor.collect_batch(ticket)
        assert result is not None
        assert [answer.failure for answer in result.answers] == [
            "the API answers: overloaded",
            "the batch ended before it was read: expired",
            "the model refused to read this session",
            "",
        ]
        assert result.spent_usd == pytest.approx(2 * 0.000075)


def test_a_batch_takes_as_many_sessions_as_there_is_money_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch, purse=Purse(0.01, None)) as (extractor, _):
        ticket, _ = submit(extractor, *(session_of(name=f"s{number}") for number in range(50)))
        assert 0 < len(ticket.items) < 50
        assert extractor.purse.spent_usd == ticket.reserved_usd <= 0.01
        with pytest.raises(CapReachedError):
            submit(extractor, session_of())


def test_a_batch_of_nothing_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch) as (extractor, api):
        with pytest.raises(ExtractionError, match="nothing to send"):
            submit(extractor)
        assert api.asked == []


def test_results_that_were_not_fetched_in_time_are_lost_and_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch) as (extractor, api):
        ticket, _ = submit(extractor, session_of())
        api.finish(api.batches[0], succeeded(ANSWER))
        api.batches[0].gone = True
        result = extractor.collect_batch(ticket)
        assert result is not None
        assert (result.unspent_usd, result.answers[0].failure) == (
            0.0,
            "the batch is lost: its results were not fetched in time",
        )


def test_a_batch_that_the_api_does_not_know_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(monkeypatch, ANSWER) as (extractor, api):
        ticket, _ = submit(extractor, session_of())
        api.batches.clear()
        with pytest.raises(ExtractionError, match="does not know the batch msgbatch_1"):
            extractor.collect_batch(ticket)
        assert len(extractor(session_of(), [], limit=5)) == 1
