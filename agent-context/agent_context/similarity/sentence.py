"""Walk through one sentence: cut it into segments, and give each word its sign, its role and what it stands for.

A segment is as far as a "not" reaches. Roles say what stands before, after, instead of or under a condition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from agent_context.similarity import lexicon
from agent_context.similarity.quantities import UNITS

# Stands around the number of a literal in a text whose literals are taken out.
MASK = "\x00"
PIECE = re.compile(r"\x00\d+\x00|\d+(?:[.:/,-]\d+)*|[^\W\d_]+(?:['\u2019-][^\W\d_]+)*|[^\s\w]")
BREAKS = frozenset(";:(){}\u2014\u2013")
# What opens a segment of its own, and the role that its words then have.
MARKERS = {
    "because": "reason", "since": "reason", "as": "", "otherwise": "else", "so": "result", "while": "if",
    "whereas": "", "but": "", "unless": "unless", "except": "except", "if": "if", "when": "if", "whenever": "if",
    "once": "if", "before": "before", "until": "before", "after": "after", "without": "", "instead": "",
    "that": "", "which": "", "who": "", "where": "", "and": "", "or": "", "then": "then",
}  # fmt: skip
PREFER = frozenset(("prefer", "choos", "pick", "use", "us", "tak", "run"))
PREPOSITIONS = lexicon.take_words("for in on at during inside within when to with from while")
ALL_PREPOSITIONS = PREPOSITIONS | lexicon.take_words("by into onto against between through under over of as")
FRONTS = PREPOSITIONS | lexicon.take_words("if once after before whenever until unless without as since because")
TIMES = {"before": 1, "then": 1, "after": -1}
ASIDE = frozenset(("reason", "result", "else", "if"))
CLAUSES = lexicon.take_words("the it this they we that there")
SAYINGS = lexicon.take_words("do is are use then always must")
UN = re.compile(r"^(?:un(?!der|i)|non-?)(?=\w{4})")
NOT_UN = lexicon.take_words(
    "unit units unique union universal under understand unless until unix unpack unwrap unlock unload "
    "uninstall undo unzip unlink unmount"
)


@dataclass(frozen=True, slots=True)
class Term:
    """One word or literal. `sign` is -1 under a negation; `role` is empty for what the segment itself says.

    `time`: -1 what comes first, 1 what follows it, by "before", "after", "then"; `after`: the preposition before it;
    `name`: capital inside a sentence; `denied`: by an un- of its own.
    """

    surface: str
    concept: str
    sign: int
    role: str
    segment: int
    time: int = 0
    after: str = ""
    literal: bool = False
    name: bool = False
    denied: bool = False


class Sentence:
    """Walks one sentence's pieces, keeping the segment's sign and role; `number` is its first segment's."""

    def __init__(self, pieces: list[str], literals: list[str], number: int) -> None:
        self.terms: list[Term] = []
        self._literals = literals
        self._segment: list[tuple[str, str, bool, bool]] = []
        self._preposition, self._number = "", number
        self._sign, self._role, self._words, self._contrast = 1, "", 0, False
        self._all = {piece.casefold() for piece in pieces}
        self._fronted = bool(pieces) and pieces[0].casefold() in FRONTS
        for at, piece in enumerate(pieces):
            self._take(piece, pieces, at)
        self._close("")
        if pieces and pieces[0].casefold() in PREPOSITIONS - MARKERS.keys():
            self._deny_front(number)
        # "After a change the worker is restarted": without a comma nobody knows where the clause ends.
        if not (self._fronted and "," not in pieces):
            self.terms = _set_times(self.terms)

    def _take(self, piece: str, pieces: list[str], at: int) -> None:
        word = piece.casefold()
        following = pieces[at + 1].casefold() if at + 1 < len(pieces) else ""
        if piece in BREAKS or (piece == "," and self._words):
            self._close("")
        elif piece[0] == MASK:
            self._take_literal(self._literals[int(piece.strip(MASK))])
        elif _is_marker(word, following):
            self._open(word)
        elif self._prefers(word):
            self._open("instead")
        elif word in lexicon.NEGATORS:
            self._contrast = self._contrast or (at > 1 and pieces[at - 1] == "," and not self._fronted)
            self._sign = -self._sign
        elif word[0].isalnum():
            if word in PREPOSITIONS and self._contrast and self._segment:
                self._close("")
            counted = at > 0 and pieces[at - 1][0].isdigit() and word in UNITS
            self._take_word(word, counted=counted, name=piece[0].isupper() and at > 0)

    def _take_literal(self, literal: str) -> None:
        # A plain word in backticks is what it is without them.
        self._hold(*literal.casefold().split(), shaped=is_shaped(literal))
        self._words += 1

    def _take_word(self, word: str, *, counted: bool, name: bool) -> None:
        self._words += 1
        if word in ALL_PREPOSITIONS:
            self._preposition = word
        if not (word[0].isdigit() or word in lexicon.LIGHT or counted or word == "v"):
            self._hold(word, name=name)

    def _open(self, marker: str) -> None:
        """Begin a segment. After "instead of" and "without" the sign turns: "never without" is "always with"."""
        before, role = self._sign, self._role
        self._close(role if marker in ("and", "or") else MARKERS[marker])
        if marker in ("instead", "without"):
            self._sign, self._contrast = -before, True

    def _deny_front(self, number: int) -> None:
        """Give what stands in front ("in production, never ...") the sign of what follows it."""
        following = next((term.sign for term in self.terms if term.segment > number), 1)
        self.terms = [
            replace(term, sign=term.sign * following) if term.segment == number else term for term in self.terms
        ]

    def _hold(self, *words: str, shaped: bool = False, name: bool = False) -> None:
        self._segment += [(word, self._preposition, shaped, name) for word in words]
        self._preposition = ""

    def _prefers(self, word: str) -> bool:
        """Tell whether the word sets aside what follows: "prefer this over that", "prefer this to that"."""
        if word != "over" and not (word == "to" and "prefer" in self._all):
            return False
        return any(lexicon.concept(held[0]) in PREFER for held in self._segment)

    def _close(self, role: str) -> None:
        """End the segment: its words get its sign and role."""
        for surface, after, shaped, name in self._segment:
            positive = "" if shaped else _without_un(surface)
            concept = surface if shaped else positive or lexicon.concept(surface)
            sign = -self._sign if positive else self._sign
            if shaped or lexicon.stem(surface) not in lexicon.LIGHT_STEMS:
                self.terms.append(
                    Term(surface, concept, sign, self._role, self._number, 0, after, shaped, name, bool(positive))
                )
        self._number += 1
        self._segment, self._sign, self._role, self._words, self._contrast = [], 1, role, 0, False


def _is_marker(word: str, following: str) -> bool:
    """Tell whether the word opens a clause; "and", "or", "that" do where something is said or denied after them."""
    if word == "as":
        return following in CLAUSES
    if word in ("and", "or", "that"):
        return following in lexicon.NEGATORS or following in SAYINGS
    return word in MARKERS


def _set_times(terms: list[Term]) -> list[Term]:
    """Say of one sentence's terms which come first, where its clauses tell."""
    marks = {term.role for term in terms} & set(TIMES)
    if len(marks) != 1:
        return terms
    time = TIMES[marks.pop()]
    return [
        replace(term, time=time if term.role in TIMES else -time if term.role not in ASIDE else 0) for term in terms
    ]


def _without_un(word: str) -> str:
    """Return what a word with un- or non- denies: `unused` denies `use`; empty for other words."""
    if word in NOT_UN or not UN.match(word) or lexicon.stem(word) in lexicon.CONCEPTS:
        return ""
    return lexicon.concept(UN.sub("", word))


def is_shaped(literal: str) -> bool:
    """Tell whether a literal is code by its looks: more than one plain word in backticks."""
    return not re.fullmatch(r"[A-Za-z]+", literal) or not literal.islower()
