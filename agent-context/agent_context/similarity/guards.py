"""The guards: differences that forbid calling two claims the same, whatever any score says.

A guard with `conflict` says more: both claims speak of it, and differently. Each guard is a function of an alignment.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent_context.similarity.alignment import is_full, is_weak, weigh
from agent_context.similarity.lexicon import are_opposed, are_rivals, are_scopes, take_words
from agent_context.similarity.sentence import ASIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from agent_context.similarity.alignment import Alignment
    from agent_context.similarity.reading import Reading
    from agent_context.similarity.sentence import Term

TURNING = frozenset(("negation", "opposites", "value"))
UNIVERSAL = re.compile(r"\b(?:all|every|each|any|always|everywhere|whole|entire)\b")
PARTIAL = take_words("some only several few most sometimes usually rarely")
COUNTER_TONES = {"advice": "order", "order": "advice", "or": "and", "and": "or"}
CONDITIONS = frozenset(("before", "after", "then", "if"))
ROLES = frozenset(("before", "after", "then", "unless", "except"))
CROSSED = frozenset((("from", "to"), ("from", "into"), ("from", "onto"), ("by", "for"), ("under", "over")))


@dataclass(frozen=True, slots=True)
class Guard:
    """One difference, in words for a person. `name` is one of GUARDS; `subject`: the claims are about two things.

    `adds`: only the second claim has it; `explains`: the words (surfaces) that the difference accounts for.
    """

    name: str
    reason: str
    conflict: bool = False
    subject: bool = False
    adds: bool = False
    explains: tuple[str, ...] = ()


def find_guards(alignment: Alignment) -> list[Guard]:
    """Return every difference that forbids calling the claims the same."""
    found = [item for guard in GUARDS.values() for item in guard(alignment)]
    conflicts = {guard.name for guard in found if guard.conflict}
    turning = conflicts | {guard.name for guard in found if guard.name in ("condition", "scope")}
    if conflicts & TURNING and len(turning - {"numbers", "identifiers", "order"}) > 1:
        # "Merge when it is green", "do not merge when it is red": two differences may take each other back.
        return [replace(guard, conflict=False) if guard.name in TURNING else guard for guard in found]
    return found


def _numbers(alignment: Alignment) -> Iterator[Guard]:
    left = Counter(alignment.first.quantities) - Counter(alignment.second.quantities)
    right = Counter(alignment.second.quantities) - Counter(alignment.first.quantities)
    if left and right:
        yield Guard("numbers", f"{_list(left)} against {_list(right)}", conflict=True)
    elif left or right:
        yield Guard("numbers", f"only one says {_list(left or right)}", adds=bool(right))
    elif alignment.first.quantities != alignment.second.quantities:
        yield Guard("numbers", "the numbers come in another order")
    if alignment.first.paces != alignment.second.paces and not (left or right):
        yield Guard("numbers", "one says how often")


def _literals(alignment: Alignment) -> Iterator[Guard]:
    first, second = alignment.first, alignment.second
    left = [literal for literal in first.literals if not _holds(second, literal)]
    right = [literal for literal in second.literals if not _holds(first, literal)]
    if left and right:
        subject = any(_opens(first, literal) for literal in left) and any(_opens(second, item) for item in right)
        alike = left[0].casefold() == right[0].casefold()
        reason = f"`{left[0]}` against `{right[0]}`"
        words = tuple(" ".join((*left, *right)).casefold().split())
        yield Guard("identifiers", reason, conflict=not subject and not alike, subject=subject, explains=words)
    elif left or right:
        yield Guard("identifiers", f"only one names `{(left or right)[0]}`", adds=bool(right))


def _holds(reading: Reading, literal: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(literal)}(?![\w-])", reading.plain) is not None


def _opens(reading: Reading, literal: str) -> bool:
    return reading.text.lstrip("` ").startswith(literal) or reading.text.lstrip("` ").startswith(f"The `{literal}")


def _polarity(alignment: Alignment) -> Iterator[Guard]:
    """Find what one claim says and the other denies.

    It is a conflict when most of a segment is denied, or a word by its own un-; not under conditions ("not before") nor
    where an opposite is denied ("do not enable", "disable").
    """
    first, second = alignment.first, alignment.second
    flipped = [pair for pair in alignment.pairs if not first.signs[pair[0].concept] & second.signs[pair[1].concept]]
    if not flipped:
        return
    same = [pair for pair in alignment.pairs if pair not in flipped]
    turned = any(one.sign != other.sign for one, other in _opposed(alignment))
    turned = turned or any(one.denied != other.denied for one, other in same)
    denied = any(one.denied != other.denied for one, other in flipped) or _is_denied(alignment, flipped)
    conditions = ({term.role for term in claim.terms} & CONDITIONS for claim in (first, second))
    turned = turned or next(conditions) != next(conditions)
    certain = denied and not (turned or first.conditional or second.conditional)
    yield Guard("negation", f"one denies {flipped[0][0].surface!r}", conflict=certain)


def _is_denied(alignment: Alignment, flipped: list[tuple[Term, Term]]) -> bool:
    """Tell whether a denied segment is found again in the other claim, undenied for the most part."""
    for side, alone in enumerate((alignment.only_first, alignment.only_second)):
        denied = (pair[side] for pair in flipped if pair[side].sign < 0)
        for number in {term.segment for term in denied if term.role not in ASIDE}:
            here = [pair for pair in alignment.pairs if pair[side].segment == number]
            turned = weigh(pair[side] for pair in here if pair in flipped and pair[0].role == pair[1].role)
            foreign = any(term.segment == number and not is_weak(term) for term in alone)
            if not foreign and turned > weigh(pair[side] for pair in here) / 2:
                return True
    return False


def _opposites(alignment: Alignment) -> Iterator[Guard]:
    for one, other in _opposed(alignment):
        yield Guard("opposites", _against(one, other), conflict=one.sign == other.sign, explains=_both(one, other))


def _opposed(alignment: Alignment) -> list[tuple[Term, Term]]:
    return [pair for pair in _alone(alignment) if are_opposed(pair[0].concept, pair[1].concept)]


def _alone(alignment: Alignment) -> Iterator[tuple[Term, Term]]:
    return ((one, other) for one in alignment.only_first for other in alignment.only_second)


def _values(alignment: Alignment) -> Iterator[Guard]:
    for one, other in _alone(alignment):
        if are_scopes(one.concept, other.concept):
            yield Guard("scope", _against(one, other), subject=not are_opposed(one.concept, other.concept))
        elif are_rivals(one.concept, other.concept) and one.sign == other.sign:
            yield Guard("value", _against(one, other), conflict=True, explains=_both(one, other))
    sides = (alignment.only_first, alignment.only_second)
    left, right = ([term for term in alone if not is_weak(term)] for alone in sides)
    if len(left) == len(right) == 1 and _is_other_value(alignment, left[0], right[0]):
        yield Guard("value", _against(left[0], right[0]), conflict=True, explains=_both(left[0], right[0]))


def _is_other_value(alignment: Alignment, one: Term, other: Term) -> bool:
    """Tell whether the only words that differ are names, or end a statement behind the same preposition."""
    if one.name and other.name:
        return True
    ends = one == alignment.first.terms[-1] and other == alignment.second.terms[-1]
    states = alignment.first.is_state and alignment.second.is_state
    return ends and states and one.after == other.after and one.after not in ("", "for") and one.sign == other.sign


def _bounds(alignment: Alignment) -> Iterator[Guard]:
    first, second = alignment.first, alignment.second
    if first.bounds == second.bounds:
        if first.focus != second.focus:
            yield Guard("scope", "only what differs")
        return
    for one, other in ((first, second), (second, first)):
        partial = (one.bounds - other.bounds) & PARTIAL
        if partial and UNIVERSAL.search(other.normal):
            yield Guard("scope", f"{min(partial)} against all", conflict=True)
            return
    yield Guard("scope", f"only one says {min(first.bounds ^ second.bounds)!r}", adds=first.bounds < second.bounds)


def _tone(alignment: Alignment) -> Iterator[Guard]:
    """Find what one permits, advises, asks or tells of the past and the other does not; "and" against "or"."""
    first, second = alignment.first, alignment.second
    if first.permits != second.permits:
        yield Guard("tone", "one permits what the other says")
    for tone in sorted(first.tone ^ second.tone):
        against = COUNTER_TONES.get(tone)
        if against is None or (tone in first.tone and against in second.tone - first.tone):
            yield Guard("tone", f"{tone} against {against}" if against else f"only one is of the {tone}")


def _condition(alignment: Alignment) -> Iterator[Guard]:
    """Find conditions and times that only one has, and words that cross over into the other's clause."""
    left, right = ({pair[side].role for pair in alignment.pairs} & ROLES for side in (0, 1))
    timed = any(one.time * other.time == 1 for one, other in alignment.pairs)
    if left != right and not (timed or left | right == {"after"}):
        yield Guard("condition", f"only one says {min(left ^ right)!r}")
    met: dict[int, set[int]] = {}
    for one, other in alignment.pairs:
        met.setdefault(one.segment, set()).add(other.segment)
    several = [segments for segments in met.values() if len(segments) > 1]
    if any(len(one & other) > 1 for i, one in enumerate(several) for other in several[:i]):
        yield Guard("condition", "the clauses are mixed")


def _order(alignment: Alignment) -> Iterator[Guard]:
    """Find what has changed places: before and after, from and to, who does it to whom."""
    crossed = {(one.after, other.after) for one, other in alignment.pairs if one.after != other.after}
    if any(pair in CROSSED or pair[::-1] in CROSSED for pair in crossed):
        alike = is_full(alignment) and alignment.first.is_state == alignment.second.is_state
        yield Guard("order", "from against to", conflict=alike)
    elif any(one[::-1] in crossed and "" in one and one != ("", "by") for one in crossed):
        yield Guard("order", "what stands behind the preposition differs")
    first, second = alignment.first, alignment.second
    times = [one.time * other.time for one, other in alignment.pairs if not is_weak(one)]
    roles = {(one.role, other.role) for one, other in alignment.pairs if one.role != other.role}
    if times.count(-1):
        certain = times.count(-1) > times.count(1) and not (first.conditional or second.conditional)
        yield Guard("order", "what comes first differs", conflict=certain)
    elif any(pair[::-1] in roles for pair in roles):
        yield Guard("order", "the clauses have changed places")
    else:
        full = not alignment.only_first and not alignment.only_second
        shared: dict[tuple[int, int], list[int]] = {}
        for i, (one, other) in enumerate(alignment.pairs):
            shared.setdefault((one.segment, other.segment), []).append(i)
        for pairs in shared.values():
            yield from _order_within(alignment, pairs, certain=full and first.is_state == second.is_state)


def _order_within(alignment: Alignment, pairs: list[int], *, certain: bool) -> Iterator[Guard]:
    """Look at the order within one segment, given by the places of its pairs."""
    first, second = alignment.first, alignment.second
    rank = {place: rank for rank, place in enumerate(sorted(alignment.places[i][1] for i in pairs))}
    ranks = [rank[alignment.places[i][1]] for i in pairs]
    if _is_turned(ranks):
        if first.has_agent == second.has_agent and first.is_state == second.is_state:
            yield Guard("order", "who does it to whom is turned round", conflict=certain)
    elif first.has_agent != second.has_agent and ranks == sorted(ranks) and is_full(alignment):
        yield Guard("order", "who does it to whom is turned round")
    elif exchanged := _find_exchanged([alignment.pairs[i] for i in pairs], ranks):
        yield Guard("order", f"{exchanged} have changed places", conflict=certain)
    elif _has_turned(ranks) or _is_bare_turn([alignment.pairs[i] for i in pairs], ranks, first, second):
        yield Guard("order", "what stands around a word is turned round")


def _is_turned(ranks: list[int]) -> bool:
    """Tell whether all before some word has gone behind it, and all behind it before."""
    count = len(ranks)
    return any(ranks == [*range(behind + 1, count), behind, *range(behind)] for behind in range(1, count - 1))


def _find_exchanged(pairs: list[tuple[Term, Term]], ranks: list[int]) -> str:
    """Return the two words, neither of them the first, that stand in each other's place behind other prepositions."""
    moved = [pair for i, (pair, rank) in enumerate(zip(pairs, ranks, strict=True)) if i != rank]
    if len(moved) != 2 or ranks[0] != 0:  # noqa: PLR2004 - two that are exchanged
        return ""
    return " and ".join(one.surface for one, _ in moved) if all(one.after != two.after for one, two in moved) else ""


def _has_turned(ranks: list[int]) -> bool:
    """Tell whether the two neighbours of some word have changed sides."""
    return any(ranks[i - 1] == rank + 1 and ranks[i + 1] == rank - 1 for i, rank in enumerate(ranks[1:-1], 1))


def _against(one: Term, other: Term) -> str:
    return f"{one.surface} against {other.surface}"


def _both(one: Term, other: Term) -> tuple[str, str]:
    return one.surface, other.surface


def _is_bare_turn(pairs: list[tuple[Term, Term]], ranks: list[int], first: Reading, second: Reading) -> bool:
    """Tell whether two words alone stand the other way round: "the user owns it", "it owns the user"."""
    bare = not any(one.after or other.after for one, other in pairs)
    return ranks == [1, 0] and bare and first.is_state == second.is_state


def _length(alignment: Alignment) -> Iterator[Guard]:
    if not (alignment.first.whole and alignment.second.whole):
        yield Guard("length", "too long to be read to the end")


def _list(quantities: Iterable[str]) -> str:
    return ", ".join(sorted(quantities))


GUARDS: dict[str, Callable[[Alignment], Iterator[Guard]]] = {
    "numbers": _numbers,
    "identifiers": _literals,
    "negation": _polarity,
    "opposites": _opposites,
    "values": _values,
    "scope": _bounds,
    "tone": _tone,
    "condition": _condition,
    "order": _order,
    "length": _length,
}
