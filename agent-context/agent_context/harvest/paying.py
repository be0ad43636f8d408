"""Engage an extractor that costs money: its price known and approved before it runs, its spending capped and noted."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from agent_context.errors import AgentContextError
from agent_context.harvest.extracted import Estimate, Payment
from agent_context.journal import Entry, Journal
from agent_context.learning import utc
from agent_context.prices import Price, Usage, cost_usd, find_price
from agent_context.purse import Purse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent_context.extractors.anthropic_api import AnthropicApi
    from agent_context.extractors.claude_cli import ClaudeCli
    from agent_context.harvest.extraction import Strategy
    from agent_context.settings import Settings
    from agent_context.transcripts.session import Session

FREE = "heuristic"
ANSWER_TOKENS = 600  # what an answer with some learnings takes; the caps count with the most it could be
WITHOUT_KNOWN: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Engaged:
    """An extractor ready to run, how it is paid, and the purse that knows what it cost."""

    extractor: AnthropicApi | ClaudeCli
    payment: Payment
    purse: Purse

    def close(self) -> None:
        """Let go of what the extractor holds open."""
        close = getattr(self.extractor, "close", None)
        if close is not None:
            close()


def engage(
    settings: Settings,
    data_dir: Path,
    knowledge_base: Path,
    announce: Callable[[Estimate, float | None], None],
    *,
    yes: bool,
) -> Engaged | None:
    """Return the extractor that the settings name, None for the one that costs nothing.

    `announce` is told the estimate and its price in USD before any money is spent. Raise AgentContextError where a
    person has to say yes first: a model without a known price, or no cap.
    """
    chosen = settings.extraction
    if chosen.extractor == FREE:
        return None
    from agent_context.extractors import MODELS  # noqa: PLC0415 - who pays nothing does not load them

    prices = {name: msgspec.convert(price, Price) for name, price in settings.prices.items()}
    price = find_price(chosen.model, prices)
    if price is None and not yes:
        raise AgentContextError(
            f"no price is known for the model {chosen.model}",
            hint="name it under [prices] in agent-context.toml, or take the risk with --yes",
        )
    if (chosen.max_usd_per_run is None or chosen.max_usd_per_day is None) and not yes:
        raise AgentContextError(
            "extraction has no cap on what it may spend", hint="set one, or take the risk with --yes"
        )
    journal = Journal(data_dir)
    today = utc(time.time())[: len("YYYY-MM-DD")]
    purse = Purse(
        chosen.max_usd_per_run,
        chosen.max_usd_per_day,
        journal.spent_usd(today),
        allow_unpriced=yes,
        on_spent=lambda usd: journal.append(_part(knowledge_base, cost_usd=usd)),
    )
    extractor = MODELS[chosen.extractor](purse=purse, model=chosen.model, prices=prices)

    def approve(estimate: Estimate) -> None:
        usage = Usage(input=estimate.tokens, output=estimate.sessions * ANSWER_TOKENS)
        announce(estimate, cost_usd(price, usage) if price else None)

    payment = Payment(
        approve=approve,
        note=lambda session: journal.append(_part(knowledge_base, paid_session=session)),
        before=frozenset(journal.paid_sessions(str(knowledge_base))),
        count=_count_tokens,
        stop=extractor.stop,
    )
    return Engaged(extractor, payment, purse)


def batch_strategy(engaged: Engaged, ticket_file: Path) -> Strategy:
    """Return how sessions go through a batch. Raise AgentContextError for an extractor that knows none."""
    from agent_context.extractors.anthropic_api import AnthropicApi  # noqa: PLC0415 - the same
    from agent_context.harvest.batching import Batching  # noqa: PLC0415 - who pays nothing does not load it

    if not isinstance(engaged.extractor, AnthropicApi):
        raise AgentContextError("only the extractor anthropic has batches", hint="say --extractor anthropic --batch")
    return Batching(ticket_file, engaged.extractor, engaged.purse).run


def hold_batched(ticket_file: Path, *, batch: bool) -> dict[str, str]:
    """Return the sessions that are in a batch, which no other run may pay for again."""
    if batch or not ticket_file.is_file():
        return {}
    from agent_context.harvest.batching import IN_BATCH, read_ticket  # noqa: PLC0415 - who pays nothing does not load it

    ticket = read_ticket(ticket_file)
    return {item.path: IN_BATCH for item in ticket.items} if ticket else {}


def _count_tokens(session: Session) -> int:
    from agent_context.extractors.prompt import has_words, render_prompt  # noqa: PLC0415 - the same

    if not has_words(session):
        return 0
    return render_prompt(session, WITHOUT_KNOWN, boundary="0" * 16, limit=1).tokens


def _part(knowledge_base: Path, *, cost_usd: float = 0.0, paid_session: str = "") -> Entry:
    return Entry(utc(time.time()), str(knowledge_base), cost_usd=cost_usd, part=True, paid_session=paid_session)
