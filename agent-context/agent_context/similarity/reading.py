"""Read a claim: its words as sentence reads them, its literals and quantities, and in what tone it is said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from agent_context.learning import normalise_claim
from agent_context.similarity import lexicon
from agent_context.similarity.phrases import PHRASES
from agent_context.similarity.quantities import find_paces, find_quantities, spell_out
from agent_context.similarity.sentence import PIECE, Sentence, Term, is_shaped

# Longer claims are read so far; what is not read is never confirmed.
MOST_CHARACTERS = 6000
CODE = re.compile(r"`+([^`\n]+)`+")
LITERAL = re.compile(
    r"https?://[^\s)>\]]+"
    r"|(?<![\w-])--?[A-Za-z][\w-]*(?:=[\w./:-]+)?"
    r"|(?<![\w@])@[\w-]+(?:/[\w.-]+)?"
    r"|(?:~|\.{1,2})?/?(?:[\w@.*-]+/)+[\w@.*-]*"
    r"|/[a-z][\w/-]*"
    r"|\b[\w-]+\.(?:[a-z]{1,5}|[a-z]+rc)\b(?:\(\))?"
    r"|\b[A-Za-z_]\w*\(\)"
    r"|\b\w*[a-z0-9]_\w+|\b[A-Z][A-Z0-9]*_[A-Z0-9_]+(?:=\w+)?"
    r"|\b[a-z]+[A-Z]\w*|\b[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+"
    r"|\b[a-z]+(?:-[a-z]+)*-\d\b"
    r"|\b(?![vV]\d)[A-Za-z]+\d\w*"
    r"|\b(?:npm|pnpm|yarn|bun) run [\w:-]+|\bcargo (?:bench|build|check|clippy|fmt|run|test)\b"
    r"|\bgit (?:add|checkout|commit|fetch|merge|pull|push|rebase|reset|restore|stash|switch)\b"
    r"|\bmake (?!(?:an?|all|any|changes?|certain|every|it|no|new|one|sense|sure|that|the|them|this|use|your?) )"
    r"[a-z][\w-]*"
)
NO_LITERAL = lexicon.take_words(
    "github gitlab javascript typescript postgresql e.g i.e graphql pullrequest restructuredtext "
    "websocket youtrack circleci mysql sqlite mongodb dynamodb rabbitmq powershell macos ios "
    "opensearch opentelemetry e2e k8s i18n l10n a11y and/or read/write input/output client/server ci/cd"
)
STOP = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"(\x00])|\n+")
REFUSALS = lexicon.take_words(
    "rejected rejects refused refuses fails fail failing breaks broken blocked blocks hangs crashes"
)
TONES = {
    "past": lexicon.take_words("was were had did formerly"),
    "advice": frozenset(("should", "recommended", "better")),
    "order": frozenset(("must", "required", "mandatory")),
    "or": frozenset(("or",)),
    "and": frozenset(("and",)),
}
BE = lexicon.take_words("is are was were be been being get gets got")


@dataclass(frozen=True)
class Reading:
    """A claim as it is compared."""

    text: str
    normal: str
    terms: tuple[Term, ...]
    literals: tuple[str, ...]
    quantities: tuple[str, ...]
    paces: frozenset[str]
    bounds: frozenset[str]
    focus: frozenset[str]
    permits: bool
    conditional: bool
    tone: frozenset[str]
    is_state: bool
    has_agent: bool
    whole: bool

    @cached_property
    def signs(self) -> dict[str, frozenset[int]]:
        """Return with which signs each concept is said."""
        found: dict[str, set[int]] = {}
        for term in self.terms:
            found.setdefault(term.concept, set()).add(term.sign)
        return {concept: frozenset(signs) for concept, signs in found.items()}

    @cached_property
    def concepts(self) -> frozenset[str]:
        """Return what the claim's words stand for."""
        return frozenset(term.concept for term in self.terms)

    @cached_property
    def plain(self) -> str:
        """Return the text without code marks, for looking up a literal."""
        return re.sub(r"[`*]", "", self.text)


@lru_cache(maxsize=20_000)
def read_claim(text: str) -> Reading:
    """Read a claim. Never fails: what is no word is left out."""
    whole = len(text) <= MOST_CHARACTERS
    text = text[:MOST_CHARACTERS].replace("\u2019", "'")
    literals: list[str] = []
    masked = _mask(text, literals)
    for pattern, put in PHRASES:
        masked = pattern.sub(put, masked)
    masked = spell_out(masked)
    terms: list[Term] = []
    words: list[str] = []
    for sentence in STOP.split(masked):
        pieces = PIECE.findall(sentence)
        words += [piece.casefold() for piece in pieces]
        terms += Sentence(pieces, literals, terms[-1].segment + 1 if terms else 0).terms
    bare = re.sub("\x00\\d+\x00", " ", masked)
    shaped = tuple(dict.fromkeys(item for item in literals if is_shaped(item)))
    return Reading(
        text=text,
        normal=normalise_claim(text),
        terms=tuple(terms),
        literals=shaped,
        quantities=find_quantities(bare),
        paces=find_paces(bare),
        focus=_find_focus(words, literals),
        bounds=frozenset(words) & lexicon.BOUNDS,
        permits=any(word in lexicon.PERMISSION and not _negated(words, i) for i, word in enumerate(words)),
        conditional=bool(lexicon.CONDITIONAL & set(words)) or _waits(words) or _is_double(words),
        tone=_find_tone(words, text),
        is_state=bool(BE & set(words)),
        has_agent="by" in words and bool(BE & set(words)),
        whole=whole,
    )


def _mask(text: str, literals: list[str]) -> str:
    """Put a mark for every literal, so that no rule about words touches it."""

    def keep(literal: str) -> str:
        literals.append(literal.strip())
        return f" \x00{len(literals) - 1}\x00 "

    text = CODE.sub(lambda match: keep(match.group(1)), text)

    def bare(match: re.Match[str]) -> str:
        found = match.group()
        if found.casefold() in NO_LITERAL or "\x00" in found:
            return found
        return keep(found.rstrip(".")) + ("." if found.endswith(".") else "")

    return LITERAL.sub(bare, text)


def _negated(words: list[str], at: int) -> bool:
    return (at + 1 < len(words) and words[at + 1] in lexicon.NEGATORS) or (at > 0 and words[at - 1] in lexicon.NEGATORS)


def _waits(words: list[str]) -> bool:
    """Tell whether something is not done before, or until, something else is."""
    return bool({"before", "until"} & set(words)) and bool(lexicon.NEGATORS & set(words)) and "never" not in words


def _find_tone(words: list[str], text: str) -> frozenset[str]:
    """Return how it is said: of the past, as a question, as advice or as an order, of one or of all."""
    said = set(words)
    return frozenset(tone for tone, marks in TONES.items() if said & marks) | ({"question"} if "?" in text else set())


def _find_focus(words: list[str], literals: list[str]) -> frozenset[str]:
    """Return what "only" is said of."""
    found = set()
    for at, word in enumerate(words):
        if word == "only":
            following = (other for other in words[at + 1 :] if other not in lexicon.LIGHT)
            then = next(following, "")
            found.add(literals[int(then.strip("\x00"))] if then[:1] == "\x00" else lexicon.concept(then))
    return frozenset(found)


def _is_double(words: list[str]) -> bool:
    """Tell whether "without" is not all that is denied: "without the key nothing works"."""
    if "without" not in words:
        return False
    at = words.index("without")
    opens = at == 0 or words[at - 1] in (":", ";", ",", ".")
    return (
        opens or bool((lexicon.NEGATORS | REFUSALS) & set(words)) or words[at + 1 :].count(",") > 0 or "." in words[:-1]
    )
