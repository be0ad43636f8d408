"""Decide about candidates: new, or a duplicate of what the knowledge base (or the same batch) already says."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from agent_context import similarity
from agent_context.learning import Decision, Learning, Status, Verdict, normalise_claim

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent_context.encoders import Encoder
    from agent_context.state import State


@dataclass(frozen=True, slots=True)
class _Known:
    id: str
    claim: str
    status: Status | None  # none: not a learning, but a statement in the rule file that `id` names


class Consolidation:
    """What one project already knows; decisions are asked one by one, and each new learning joins what is known.

    `written` is what rule files say: statement to file name.
    """

    def __init__(
        self,
        learnings: Iterable[Learning],
        encoder: Encoder | None,
        state: State | None,
        written: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._known = [_Known(item.id, item.claim, item.status) for item in learnings]
        self._known += [_Known(file, statement, None) for statement, file in written.items()]
        self._exact = {normalise_claim(item.claim): item for item in self._known}
        self._born = {item.id: item for item in self._known}
        self._encoder = encoder
        self._state = state
        self._vectors: dict[str, bytes] = {}

    def add(self, learning: Learning) -> None:
        """Count this learning as known from now on."""
        known = _Known(learning.id, learning.claim, learning.status)
        self._known.append(known)
        self._exact[normalise_claim(learning.claim)] = known
        self._born[learning.id] = known

    def decide(self, claim: str, born: str) -> Decision:
        """Return the verdict on one claim (`born`: the id it would get) with its nearest twin, score and reason.

        A learning whose text was edited after its birth keeps its id, so the words it was born with stay known too.
        """
        twin = self._exact.get(normalise_claim(claim)) or self._born.get(born)
        if twin is not None:
            return _duplicate(twin, Verdict.EXACT, 1.0, "the same words")
        self._encode([claim, *(item.claim for item in self._known)])
        nearest = Decision(Verdict.NEW)
        for item in self._known:
            found = self._compare(claim, item)
            if found.score > nearest.score and found.verdict is not Verdict.NEW:
                nearest = found
        return nearest

    def _compare(self, claim: str, item: _Known) -> Decision:
        words = similarity.word_similarity(claim, item.claim)
        meaning = 0.0
        if self._vectors:
            meaning = similarity.cosine(self._vectors[claim], self._vectors[item.claim])
        near = words >= similarity.NEAR_WORDS or (
            self._encoder is not None and meaning >= self._encoder.near and words >= similarity.NEAR_WORDS_WITH_MEANING
        )
        if not near or similarity.find_guard(claim, item.claim):
            return Decision(Verdict.NEW)
        return _duplicate(item, Verdict.NEAR, max(words, meaning), f"words {words:.2f}, meaning {meaning:.2f}")

    def _encode(self, claims: list[str]) -> None:
        """See that each claim has its vector: from this run, from the local state, or computed now."""
        missing = [claim for claim in dict.fromkeys(claims) if claim not in self._vectors]
        if self._encoder is None or not missing:
            return
        kept = self._state.vectors(self._encoder.model, missing) if self._state else {}
        fresh = [claim for claim in missing if claim not in kept]
        made = dict(zip(fresh, self._encoder.encode(fresh), strict=True)) if fresh else {}
        if self._state and made:
            self._state.keep_vectors(self._encoder.model, made)
        self._vectors.update(kept | made)


def _duplicate(twin: _Known, verdict: Verdict, score: float, reason: str) -> Decision:
    if twin.status is None:
        return Decision(Verdict.WRITTEN, twin.id, score, reason)
    if twin.status is Status.REJECTED:
        return Decision(Verdict.REJECTED_BEFORE, twin.id, score, reason)
    return Decision(verdict, twin.id, score, reason)
