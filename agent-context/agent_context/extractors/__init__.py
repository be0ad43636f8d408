"""The family of extractors: each reads one session and proposes the candidates that it finds there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from agent_context.extractors import heuristic
from agent_context.extractors.anthropic_api import AnthropicApi
from agent_context.extractors.claude_cli import ClaudeCli

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_context.learning import Candidate
    from agent_context.transcripts.session import Session


class Extractor(Protocol):
    """Propose at most `limit` candidates of a session, none that is in `known`, in the order of the session."""

    def __call__(self, session: Session, known: Sequence[str], *, limit: int) -> list[Candidate]:
        """Return the candidates; an empty list is the normal answer."""


# What costs nothing, and what asks a model and is paid for out of a purse.
EXTRACTORS: dict[str, Extractor] = {"heuristic": heuristic.extract}
MODELS: dict[str, type[AnthropicApi | ClaudeCli]] = {"anthropic": AnthropicApi, "claude-cli": ClaudeCli}
