"""Put something else where a finding stands, in a text or in all texts of a candidate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_context.learning import Quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent_context.learning import Candidate
    from agent_context.screening.invisible import Hit


def replace_hits(text: str, hits: Iterable[Hit], instead: Callable[[Hit], str]) -> str:
    """Return the text with each hit replaced; of hits that overlap the first says what stands over them all."""
    parts: list[str] = []
    at = 0
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if hit.start >= at:
            parts += [text[at : hit.start], instead(hit)]
        at = max(at, hit.end)
    return "".join([*parts, text[at:]])


def rewrite_candidate(candidate: Candidate, change: Callable[[str], str]) -> Candidate:
    """Return the candidate with every text of it that would be written down changed."""
    return msgspec.structs.replace(
        candidate,
        claim=change(candidate.claim),
        why=change(candidate.why),
        evidence=tuple(Quote(change(quote.quote), quote.speaker, quote.uuid) for quote in candidate.evidence),
        tags=tuple(change(tag) for tag in candidate.tags),
        paths=tuple(change(path) for path in candidate.paths),
    )
