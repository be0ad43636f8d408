"""How alike two claims are in their words, and the guards: differences that forbid calling them the same.

Numbers, negations, opposites, identifiers and the order of "X, not Y" fool every embedding model, so each is looked for
in the bare words before any score counts.
"""

from __future__ import annotations

import re
import sys
from array import array

from rapidfuzz import fuzz

from agent_context.learning import normalise_claim

NEAR_WORDS = 0.93
NEAR_WORDS_WITH_MEANING = 0.70
NUMBER = re.compile(r"\d+(?:[.:/-]\d+)*")
CODE = re.compile(r"`([^`]+)`")
IDENTIFIER = re.compile(r"--?[a-z][\w-]+|[\w.-]*[/_.][\w./*-]*\w|\b[a-z]+[A-Z]\w*")
NEGATION = re.compile(
    r"\b(?:not|no|never|don't|dont|doesn't|can't|cannot|won't|isn't|aren't|without|avoid|stop|instead)\b"
)
WORD = re.compile(r"[^\W_]+")
STEM_LENGTH = 4
# Words that carry no claim of their own, and pairs that say the same.
LIGHT_WORDS = frozenset(
    WORD.findall(
        "a all an and any are as at be been by can do does each every for from has have i if in into is it its must of"
        " on or our please shall should so that the their them then these they this to up us use used using was we when"
        " where which will with would you your"
    )
)
OPPOSITES = (
    ("always", "never"),
    ("enable", "disable"),
    ("enabled", "disabled"),
    ("before", "after"),
    ("allow", "forbid"),
    ("on", "off"),
    ("true", "false"),
    ("add", "remove"),
    ("start", "stop"),
    ("open", "close"),
    ("public", "private"),
    ("minimum", "maximum"),
    ("first", "last"),
    ("include", "exclude"),
    ("local", "remote"),
    ("sync", "async"),
    ("all", "some"),
    ("only", "also"),
)


def word_similarity(a: str, b: str) -> float:
    """Return 0 to 1: rapidfuzz's ratio of the normalised claims with their words sorted."""
    return fuzz.token_sort_ratio(normalise_claim(a), normalise_claim(b)) / 100


def cosine(a: bytes, b: bytes) -> float:
    """Return the dot product of two unit vectors given as little-endian float32 bytes of one length."""
    left, right = array("f", a), array("f", b)
    if sys.byteorder == "big":
        left.byteswap()
        right.byteswap()
    return sum(x * y for x, y in zip(left, right, strict=True))


def find_guard(a: str, b: str) -> str:
    """Return what forbids calling two claims the same, or an empty string."""
    for name, extract in GUARDS.items():
        left, right = extract(a), extract(b)
        if left != right:
            return f"{name} differ"
    return _find_opposites(a, b) or _find_swap(a, b) or _find_other_words(a, b)


def _numbers(text: str) -> list[str]:
    return sorted(NUMBER.findall(text))


def _identifiers(text: str) -> set[str]:
    return {found.strip(".").casefold() for found in (*CODE.findall(text), *IDENTIFIER.findall(text))}


def _negations(text: str) -> bool:
    return len(NEGATION.findall(text.casefold().replace("\u2019", "'"))) % 2 == 1


GUARDS = {"numbers": _numbers, "identifiers": _identifiers, "negations": _negations}


def _find_opposites(a: str, b: str) -> str:
    left, right = set(normalise_claim(a).split()), set(normalise_claim(b).split())
    for one, other in OPPOSITES:
        if (one in left) != (one in right) and (other in left) != (other in right):
            return f"{one} against {other}"
    return ""


def _find_swap(a: str, b: str) -> str:
    """Return a reason when both have the same words in another order: "X, not Y" turned round."""
    left, right = WORD.findall(normalise_claim(a)), WORD.findall(normalise_claim(b))
    return "the order of the words differs" if left != right and sorted(left) == sorted(right) else ""


def _find_other_words(a: str, b: str) -> str:
    """Return a reason when one claim has a word of weight that the other has in no form: it says other, or more."""
    left, right = _weighty(a), _weighty(b)
    for words, others in ((left, right), (right, left)):
        for word in words:
            if not any(word == other or word[:STEM_LENGTH] == other[:STEM_LENGTH] for other in others):
                return f"only one says {word!r}"
    return ""


def _weighty(text: str) -> list[str]:
    words = (word for word in WORD.findall(normalise_claim(text)) if word not in LIGHT_WORDS)
    return [word for word in words if not NEGATION.fullmatch(word)]
