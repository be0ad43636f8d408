"""The extractor that asks the Messages API through the `anthropic` SDK: one call a session, or a batch at half price.

The SDK is an optional extra and slow to load, so it is imported where it is first needed; key and address are taken
from the environment as the SDK does it.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import msgspec

from agent_context.errors import CapReachedError, ExtractionError, MissingExtraError
from agent_context.extractors.prompt import SCHEMA, Dropped, Prompt, has_words, read_answer, render_prompt
from agent_context.prices import Usage, cost_usd, find_price

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from anthropic import Anthropic
    from anthropic.types import Message
    from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse

    from agent_context.learning import Candidate
    from agent_context.prices import Price
    from agent_context.purse import Purse
    from agent_context.transcripts.session import Session

MAX_OUTPUT_TOKENS = 8_192
RETRIES = 5
TIMEOUT_SECONDS = 300.0
OVERHEAD_TOKENS = 1_000  # what the API adds for a structured answer
BATCH_REQUESTS = 1_000  # the API takes 100,000 and 256 MB; this many prompts are held in memory at once
CLOCK_SKEW = timedelta(minutes=15)
KEY_HINT = "set ANTHROPIC_API_KEY, or choose another extractor in agent-context.toml"
AGAIN = "the session is tried again by the next sync"
# How an answer ends that is not whole.
CUT_SHORT = {
    "refusal": "the model refused to read this session",
    "max_tokens": "the answer was cut off at its longest length",
    "model_context_window_exceeded": "the session is too long for the model",
}
FIRST_ERROR = 400
NOT_FOUND = 404
FATAL_STATUS = frozenset({401, 402, 403, NOT_FOUND})
NEVER_CONNECTED = frozenset({"ConnectError", "ConnectTimeout"})


class BatchItem(msgspec.Struct, frozen=True):
    """One session of a batch: its id and file, and the digest of its words as they were when it was sent."""

    custom_id: str
    session: str
    path: str
    digest: str


class BatchTicket(msgspec.Struct, frozen=True):
    """What must be kept to collect a batch: `batch_id` is empty until the API has answered, `at` is UTC."""

    model: str
    at: str
    items: tuple[BatchItem, ...]
    reserved_usd: float
    batch_id: str = ""


class BatchAnswer(msgspec.Struct, frozen=True):
    """What came back for one session: the text of the answer, or why there is none."""

    item: BatchItem
    answer: str = ""
    failure: str = ""


class BatchResult(msgspec.Struct, frozen=True):
    """A batch that has ended. `unspent_usd` was counted as spent when it was sent: give it back to the purse once."""

    answers: tuple[BatchAnswer, ...]
    spent_usd: float
    unspent_usd: float


@dataclass(slots=True)
class AnthropicApi:
    """Ask a model for the learnings of a session; callable from several threads. Close it when done.

    `prices` are a person's own (model to price); `retries` is how often the SDK asks again where the API has no room or
    fails. A failure that would meet every session (no key, no such model, no network) is met once and then repeated
    without a call. `dropped` counts what was proposed and not taken.
    """

    purse: Purse
    model: str = "claude-haiku-5-5"
    prices: Mapping[str, Price] = field(default_factory=dict)
    retries: int = RETRIES
    boundary: str = field(default_factory=lambda: secrets.token_hex(8))
    dropped: Counter[Dropped] = field(default_factory=Counter)
    _client: Anthropic | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _refusal: ExtractionError | None = None

    def __call__(self, session: Session, known: Sequence[str], *, limit: int) -> list[Candidate]:
        """Return the candidates.

        Raise CapReachedError before a call that the purse has no money for, MissingExtraError without the SDK, else
        ExtractionError where the API gives no answer that can be used.
        """
        if limit <= 0 or not has_words(session):
            return []
        prompt = render_prompt(session, known, boundary=self.boundary, limit=limit)
        return self.read(self._answer(prompt, SCHEMA), session, known, limit=limit)

    def ask(self, prompt: Prompt, schema: Mapping[str, Any]) -> object:
        """Return the model's answer in the shape of a schema, paid for out of the purse. Raises as a call does."""
        return _decode(self._answer(prompt, schema))

    def _answer(self, prompt: Prompt, schema: Mapping[str, Any]) -> str:
        client = self._connect()
        reserved = self.purse.reserve(self._worst_usd(prompt, batch=False), model=self.model)
        spent: float | None = None
        try:
            message = client.messages.create(**_request(self.model, prompt, schema, cached=True))
            spent = self._cost_usd(message, batch=False)
        except _sdk_errors() as error:
            spent = _spent_on(error)
            raise self._explain(error) from error
        finally:
            self.purse.settle(reserved, spent)
        return _answer_text(message)

    def read(self, text: str, session: Session, known: Sequence[str], *, limit: int) -> list[Candidate]:
        """Return the candidates of an answer, also of one from a batch. Raise ExtractionError if it is not JSON."""
        candidates, dropped = read_answer(_decode(text), session, known, limit)
        with self._lock:
            self.dropped += dropped
        return candidates

    def submit_batch(
        self,
        sessions: Iterable[Session],
        known: Callable[[Session], Sequence[str]],
        *,
        limit: int,
        keep: Callable[[BatchTicket], None],
    ) -> BatchTicket:
        """Send as many sessions as the purse and one batch have room for; those not in the ticket wait.

        `keep` must store the ticket for good: it is called before anything is sent, without a batch id, and again with
        it. From the first call on the ticket stands and the most that the batch can cost counts as spent, also where
        this raises or is killed: `collect_batch` finds out what became of it. Raise CapReachedError when there is no
        money for a single session, ExtractionError when there is nothing to send or the API refuses.
        """
        client = self._connect()
        items, requests, reserved = self._fill_batch(sessions, known, limit)
        if not items:
            raise ExtractionError("there is nothing to send in a batch", hint="no session has words of a person")
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ticket = BatchTicket(self.model, at, tuple(items), sum(reserved))
        try:
            keep(ticket)
        except BaseException:
            self.purse.settle_all(reserved, 0.0)
            raise
        self.purse.settle_all(reserved, None)
        try:
            # Sent once: after an attempt that was cut off, another could be paid for twice.
            batch = client.with_options(max_retries=0).messages.batches.create(requests=cast("Any", requests))
        except _sdk_errors() as error:
            raise self._explain(error) from error
        ticket = msgspec.structs.replace(ticket, batch_id=batch.id)
        keep(ticket)
        return ticket

    def collect_batch(self, ticket: BatchTicket) -> BatchResult | None:
        """Return what came back, one answer for each item in the ticket's order, or None while the batch is worked on.

        Costs nothing and may be called again. Raise ExtractionError where the API does not answer or does not know it.
        """
        client = self._connect()
        try:
            if ticket.batch_id:
                batch = client.messages.batches.retrieve(ticket.batch_id)
            elif (found := _find_batch(client, ticket)) is not None:
                batch = found
            else:
                return _without_answers(ticket, "it was never sent", ticket.reserved_usd)
            if batch.processing_status != "ended":
                return None
            if batch.results_url is None:
                return _without_answers(ticket, "its results were not fetched in time", 0.0)
            lines = {line.custom_id: line for line in client.messages.batches.results(batch.id)}
        except _sdk_errors() as error:
            if getattr(error, "status_code", None) == NOT_FOUND:
                hint = "the API keeps results for 29 days, and shows them to keys of the workspace that sent the batch"
                raise ExtractionError(f"the API does not know the batch {ticket.batch_id}", hint=hint) from error
            raise self._explain(error) from error
        spent = 0.0
        answers = []
        for item in ticket.items:
            line = lines.get(item.custom_id)
            answers.append(_batch_answer(item, line))
            if line is not None and line.result.type == "succeeded":
                spent += self._cost_usd(line.result.message, batch=True) or 0.0
        return BatchResult(tuple(answers), spent, ticket.reserved_usd - spent)

    def stop(self) -> None:
        """Let no other call begin; those under way are paid for, so they are waited for. For an interruption."""
        self._refusal = ExtractionError("interrupted", hint="the sessions not yet read wait for the next run")

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _connect(self) -> Anthropic:
        """Return the SDK's client, the same for all threads."""
        with self._lock:
            if self._refusal is not None:
                raise self._refusal
            if self._client is not None:
                return self._client
            try:
                import anthropic  # noqa: PLC0415 - an optional extra, and slow to load
            except ModuleNotFoundError:
                raise MissingExtraError("anthropic", "llm") from None
            try:
                client = anthropic.Anthropic(max_retries=self.retries, timeout=TIMEOUT_SECONDS)
            except anthropic.AnthropicError as error:
                raise self._explain(error) from error
            if client.api_key is None and client.auth_token is None and client.credentials is None:
                client.close()
                self._refusal = ExtractionError("there is no key for the Anthropic API", hint=KEY_HINT)
                raise self._refusal
            self._client = client
            return client

    def _fill_batch(
        self, sessions: Iterable[Session], known: Callable[[Session], Sequence[str]], limit: int
    ) -> tuple[list[BatchItem], list[dict[str, Any]], list[float]]:
        """Return the sessions that there is room and money for, their requests, and what was reserved for each."""
        mark = secrets.token_hex(8)
        items: list[BatchItem] = []
        requests: list[dict[str, Any]] = []
        reserved: list[float] = []
        try:
            for session in sessions:
                if len(items) == BATCH_REQUESTS:
                    break
                if not has_words(session):
                    continue
                prompt = render_prompt(session, known(session), boundary=self.boundary, limit=limit)
                reserved.append(self.purse.reserve(self._worst_usd(prompt, batch=True), model=self.model, wait=False))
                custom_id = f"{mark}-{len(items)}"
                items.append(BatchItem(custom_id, session.id, str(session.path), prompt.digest))
                requests.append({"custom_id": custom_id, "params": _request(self.model, prompt, cached=False)})
        except CapReachedError:
            if not items:
                raise
        except BaseException:
            self.purse.settle_all(reserved, 0.0)
            raise
        return items, requests, reserved

    def _worst_usd(self, prompt: Prompt, *, batch: bool) -> float | None:
        price = find_price(self.model, self.prices)
        if price is None:
            return None
        sent = {"input" if batch else "cache_write": prompt.tokens + OVERHEAD_TOKENS}
        return cost_usd(price, Usage(**sent, output=MAX_OUTPUT_TOKENS), batch=batch)

    def _cost_usd(self, message: Message, *, batch: bool) -> float | None:
        """Return what an answer cost, None where nobody can tell."""
        price = find_price(self.model, self.prices)
        usage = getattr(message, "usage", None)
        if price is None or usage is None:
            return None
        hour = usage.cache_creation.ephemeral_1h_input_tokens if usage.cache_creation else 0
        counted = Usage(
            input=usage.input_tokens or 0,
            output=usage.output_tokens or 0,
            cache_write=(usage.cache_creation_input_tokens or 0) - hour,
            cache_write_hour=hour,
            cache_read=usage.cache_read_input_tokens or 0,
        )
        return cost_usd(price, counted, batch=batch)

    def _explain(self, error: Exception) -> ExtractionError:
        """Return the error that a person reads, and remember one that would meet every session."""
        status = getattr(error, "status_code", None)
        said = str(getattr(error, "api_message", None) or error)[:300]
        if status in FATAL_STATUS or getattr(error, "type", "") == "billing_error" or "credit balance" in said:
            hint = {401: KEY_HINT, 404: "check extraction.model in agent-context.toml"}.get(
                cast("int", status), "check your account at the API's console"
            )
            self._refusal = ExtractionError(f"the Anthropic API refuses: {said}", hint=hint)
            return self._refusal
        if status is not None:
            return ExtractionError(f"the Anthropic API answers {status}: {said}", hint=AGAIN)
        if _never_connected(error):
            self._refusal = ExtractionError(
                "the Anthropic API cannot be reached", hint="check the network, then sync again"
            )
            return self._refusal
        return ExtractionError(f"no answer from the Anthropic API: {said}", hint=AGAIN)


def _request(model: str, prompt: Prompt, schema: Mapping[str, Any] = SCHEMA, *, cached: bool) -> dict[str, Any]:
    """Return a request's parameters; the system text, the same for every session, is what a cache can keep."""
    system: dict[str, Any] = {"type": "text", "text": prompt.system}
    if cached:
        system["cache_control"] = {"type": "ephemeral"}
    return {
        "model": model,
        "max_tokens": MAX_OUTPUT_TOKENS,
        "system": [system],
        "messages": [{"role": "user", "content": prompt.user}],
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
    }


def _decode(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise ExtractionError(f"the model's answer is no JSON: {text[:100]!r}", hint=AGAIN) from None


def _answer_text(message: Message) -> str:
    """Return the answer's text. Raise ExtractionError where it is not whole, or no message at all."""
    stop = getattr(message, "stop_reason", "")
    if stop in CUT_SHORT:
        raise ExtractionError(CUT_SHORT[stop], hint=AGAIN)
    blocks = getattr(message, "content", None)
    if not isinstance(blocks, list):
        raise ExtractionError("the Anthropic API's answer is no message", hint="check ANTHROPIC_BASE_URL")
    return "".join(block.text for block in blocks if block.type == "text")


def _batch_answer(item: BatchItem, line: MessageBatchIndividualResponse | None) -> BatchAnswer:
    if line is None:
        return BatchAnswer(item, failure="the batch has no result for it")
    if line.result.type == "errored":
        return BatchAnswer(item, failure=f"the API answers: {line.result.error.error.message}"[:300])
    if line.result.type != "succeeded":
        return BatchAnswer(item, failure=f"the batch ended before it was read: {line.result.type}")
    try:
        return BatchAnswer(item, answer=_answer_text(line.result.message))
    except ExtractionError as error:
        return BatchAnswer(item, failure=error.message)


def _without_answers(ticket: BatchTicket, why: str, unspent_usd: float) -> BatchResult:
    answers = tuple(BatchAnswer(item, failure=f"the batch is lost: {why}") for item in ticket.items)
    return BatchResult(answers, ticket.reserved_usd - unspent_usd, unspent_usd)


def _find_batch(client: Anthropic, ticket: BatchTicket) -> MessageBatch | None:
    """Return the batch of a ticket that was interrupted before it had an id; one still worked on may be it."""
    since = datetime.fromisoformat(ticket.at) - CLOCK_SKEW
    ours = {item.custom_id for item in ticket.items}
    for batch in client.messages.batches.list(limit=100):
        if batch.created_at < since:
            return None
        counts = batch.request_counts
        total = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
        if total != len(ours):
            continue
        if batch.processing_status != "ended":
            return batch
        results = client.messages.batches.results(batch.id) if batch.results_url is not None else ()
        if any(line.custom_id in ours for line in results):
            return batch
    return None


def _sdk_errors() -> tuple[type[Exception], ...]:
    """Return all that a call through the SDK raises: its own, its transport's, and what is no JSON."""
    import anthropic  # noqa: PLC0415 - an optional extra, loaded by now
    import httpx2  # noqa: PLC0415 - the same

    return (anthropic.AnthropicError, httpx2.HTTPError, ValueError)


def _spent_on(error: Exception) -> float | None:
    """Return 0 where the API refused or was never reached, None where an answer may have been paid for and lost."""
    refused = getattr(error, "status_code", 0) >= FIRST_ERROR or type(error).__name__ == "CredentialsError"
    return 0.0 if refused or _never_connected(error) else None


def _never_connected(error: Exception) -> bool:
    return type(error.__cause__).__name__ in NEVER_CONNECTED
