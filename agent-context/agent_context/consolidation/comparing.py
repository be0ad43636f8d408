"""Decide about pairs of claims given as JSON lines, block by block: what the second one is to the first."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal

import msgspec

from agent_context.consolidation.deciding import find_differences, is_nearly_same
from agent_context.encoders.calibration import load_verifier
from agent_context.encoders.vectors import Vectors
from agent_context.learning import normalise_claim
from agent_context.similarity import Context, Relation, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent_context.encoders import Encoder

BLOCK = 512
LONGEST = 20_000
OUTCOMES = {
    Relation.SAME: "confirms",
    Relation.CONTRADICTS: "contradicts",
    Relation.REFINES: "refines",
    Relation.NEAR: "near",
    Relation.OTHER: "new",
}
Words = str | tuple[str, str] | None


class Pair(msgspec.Struct, frozen=True):
    """A claim that is accepted (or, by `status`, rejected) and a candidate; fields of other names are not ours.

    `project` and `kind` are one word for both claims or a list of two, a's first; `paths` one list or a list of two.
    """

    a: str
    b: str
    project: Words = None
    kind: Words = None
    paths: tuple[str | tuple[str, ...], ...] = ()
    status: Literal["accepted", "rejected"] = "accepted"


class Outcome(msgspec.Struct, frozen=True):
    """What the candidate is to the accepted claim; `score` is 0 to 1: how likely they say the same."""

    decision: str
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line (from 1) that is no pair, and why."""

    line: int
    reason: str


def compare_lines(lines: Iterable[bytes], encoder: Encoder | None) -> Iterator[Outcome | Malformed]:
    """Yield one value a line that is not blank, in their order; what is no pair is named, the rest goes on."""
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    while block := list(islice(numbered, BLOCK)):
        yield from _compare_block([_read(number, line) for number, line in block], encoder)


def _read(number: int, line: bytes) -> Pair | Malformed:
    try:
        pair = msgspec.json.decode(line, type=Pair)
    except msgspec.MsgspecError as error:
        return Malformed(number, str(error))
    for name, claim in (("a", pair.a), ("b", pair.b)):
        if not normalise_claim(claim):
            return Malformed(number, f"{name} is an empty claim")
        if len(claim) > LONGEST:
            return Malformed(number, f"{name} has {len(claim):,} characters; a claim has at most {LONGEST:,}")
    return pair


def _compare_block(block: list[Pair | Malformed], encoder: Encoder | None) -> Iterator[Outcome | Malformed]:
    pairs = [item for item in block if isinstance(item, Pair)]
    contexts = [_contexts(pair) for pair in pairs]
    meanings: list[float | None] = [None] * len(pairs)
    if encoder and pairs:
        texts = [(one.around(p.a), other.around(p.b)) for p, (one, other) in zip(pairs, contexts, strict=True)]
        vectors = Vectors(encoder)
        vectors.load(text for both in texts for text in both)
        meanings = [encoder.scale.place(cosine) for cosine in vectors.cosines(texts)]
    judged = iter(zip(pairs, contexts, meanings, strict=True))
    for item in block:
        yield item if isinstance(item, Malformed) else _decide(*next(judged))


def _contexts(pair: Pair) -> tuple[Context, Context]:
    """Return what each of the two claims stands in."""
    one, other = (
        Context(_side(pair.kind, side), _side(pair.project, side), _paths(pair.paths, side)) for side in (0, 1)
    )
    return one, other


def _side(words: Words, side: int) -> str:
    return words[side] if isinstance(words, tuple) else words or ""


def _paths(paths: tuple[str | tuple[str, ...], ...], side: int) -> tuple[str, ...]:
    lists = [path for path in paths if isinstance(path, tuple)]
    if lists:
        return lists[side] if side < len(lists) else ()
    return tuple(path for path in paths if isinstance(path, str))


def _decide(pair: Pair, contexts: tuple[Context, Context], meaning: float | None) -> Outcome:
    likeness = compare(pair.a, pair.b, load_verifier(), meaning, find_differences(*contexts))
    decision = OUTCOMES[likeness.relation]
    if pair.status == "rejected":
        decision = "rejected" if is_nearly_same(likeness) else "new"
    return Outcome(decision, round(likeness.score, 3), likeness.reasons)
