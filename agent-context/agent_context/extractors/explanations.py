"""What an assistant explained: the lasting facts in its answers and summaries, the few best of a session.

An explanation counts by where it stands: after a look at the project, after a correction, as the answer to a question,
at the end of a turn. What the person contradicts next is dropped, and so are the options that a question offers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidfuzz import fuzz

from agent_context.extractors.facts import (
    CHANGED,
    EXAMPLES,
    FLAWED,
    HEADINGS,
    PLAIN_HEADINGS,
    SUBJECTLESS,
    UNFINISHED,
    VERSUS,
    classify_fact,
    weigh,
)
from agent_context.extractors.passages import Passage, read_passages
from agent_context.extractors.prose import ITEM, mask
from agent_context.extractors.signals import CONTRADICTION, CORRECTION, words
from agent_context.transcripts.session import Event, EventKind, Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_context.learning import Kind

MAX_EXPLAINED = 4
MAX_COMPARED = 20
THRESHOLD = 5.5
PASSAGE_WORDS = range(7, 56)
SAME = 65
BETTER = 1.0
LONG_MESSAGE = 6_000
LONG_REASON = 250
OWN_WORDS = 1_500
REPLY = 400

# What the place of a message adds to the score of all that stands in it.
LAST_OF_TURN = 1.0
ON_THE_WAY = -1.0
AFTER_CORRECTION = 1.5
ANSWER = 1.0
# What the place of a passage adds to its own.
UNDER_PLAN = -3.0
UNDER_FACTS = 0.5
FLAW = 1.0
MENDED_FLAW = -5.0
CHANGE = -3.0
NEW_BEHAVIOUR = 1.0
SHARED_WORDS = 2.5

CONCEDED = words(
    r"^\W*(?:you(?:'re|\sare)\s(?:\w+\s)?(?:right|correct)|good\s(?:catch|point)|(?:good|great)\squestion|ah+\b"
    r"|great\sobservations?)"
)
DOUBTED = words(
    r"""^\W*(?:hm+|but|(?:is|are|was|does)n'?t|don'?t\swe|are\s(?:you|we)\ssure|really|wait|i\s(?:don'?t|thought)
    |still\s(?:not|doesn))\b|\bnot\s(?:correct|right|true)\b"""
)
ASKED = words(
    r"\b(?:how|why|what|when|where|which|explain|understand|difference|does|is\sthere|do\swe|are\swe|is\sit|can)\b"
)
LABEL = words(
    r"""^(?:(?:\*\*)?(?:(?:the|one|changed|new|current|expected|correct|short|actual|in)\s)?
    (?:key|core|main|important|behaviou?r|insight|note|answer|summary|short|root\scause|difference|distinction|point
    |gotcha|caveat|catch|result|reason|conclusion|finding|bottom\sline|critical|takeaway)
    (?:\s(?:behaviou?r|insight|difference|point|finding|distinction|detail|is))?(?::\*\*|\*\*:|:)\s+
    |(?:however|but|so|and|also|thus|therefore|in\sfact|actually|unfortunately|technically|note\sthat|essentially
    |basically),?\s+)+"""
)
REASON = words(
    r"""^(?:this\s(?:means|prevents|avoids|ensures|allows|keeps|is\s(?:why|because|intentional|by\sdesign|needed))
    |that'?s\s(?:why|because)|otherwise|without|because|so\s(?:that|the|if|any)|therefore)\b"""
)
NOW = re.compile(r"\b[Nn]ow (?=(?:only |also |always |never |\*\*|\w+ly )*[a-z]+s\b)")
LINES = re.compile(r"\s\((?:at |in |see )?(?:`[^`)\n]*:\d[\d, -]*`|lines? [\d, -]+)[^()\n]{0,40}\)")
NAMED = re.compile(r"^\*\*([^*]+?):?\*\*:?\s*(?:[-\u2013\u2014:\u2192]+\s+)?")
NUMBERED = re.compile(r"^\s*(?:\*\*)?(?:[Oo]ption )?\(?[1-9A-D][.):]")
OFFER = re.compile(r"\?\W*$")
WORD = re.compile(r"[A-Za-z][A-Za-z_-]{3,}")
ENDING = re.compile(r"(?:ing|ed|es|s)$")
EDITS = ("Edit:", "Write:", "MultiEdit:", "NotebookEdit:")


@dataclass(frozen=True, slots=True)
class Explained:
    """A passage worth keeping, the message it stands in, its claim, its reason and its score."""

    event: Event
    passage: Passage
    claim: str
    why: str
    kind: Kind
    score: float


@dataclass(frozen=True, slots=True)
class _Turn:
    """What the agent said between two messages of a person; `mended`: files were changed in this turn or later."""

    asked: str
    messages: tuple[Event, ...]
    answered: str
    edited: bool
    mended: bool


def explain(session: Session) -> list[Explained]:
    """Return the session's few best explanations, in order; of two that say the same the better or later one."""
    vocabulary = _vocabulary(session)
    found: list[Explained] = []
    for turn in _turns(session):
        for item in _explained(turn, vocabulary):
            alike = [other for other in found if fuzz.token_set_ratio(other.claim, item.claim) >= SAME]
            if not any(other.score > item.score + BETTER for other in alike):
                found = [*(other for other in found if other not in alike), item]
        found = _best(found, MAX_COMPARED)
    return _best(found, MAX_EXPLAINED)


def _best(found: list[Explained], limit: int) -> list[Explained]:
    """Return the best ones, in the order they were found."""
    best = sorted(range(len(found)), key=lambda place: (-found[place].score, place))[:limit]
    return [found[place] for place in sorted(best)]


def _turns(session: Session) -> Iterator[_Turn]:
    """Yield the turns; what an agent says before its first look at anything is left out."""
    edits = [place for place, event in enumerate(session.events) if _is_edit(event)]
    last_edit = edits[-1] if edits else -1
    asked, edited, looked = "", False, False
    messages: list[Event] = []
    for place, event in enumerate(session.events):
        if event.kind is EventKind.USER:
            yield _Turn(asked, tuple(messages), event.text, edited, edited or place < last_edit)
            asked, messages, edited = event.text, [], False
        elif event.kind is EventKind.ASSISTANT and looked:
            messages.append(event)
        elif event.kind is EventKind.TOOL_RESULT:
            looked = looked or not event.failed
        edited = edited or _is_edit(event)
    yield _Turn(asked, tuple(messages), "", edited, edited)


def _is_edit(event: Event) -> bool:
    return event.kind is EventKind.TOOL_CALL and event.text.startswith(EDITS)


def _vocabulary(session: Session) -> frozenset[str]:
    """Return the words that the person used, long pastes aside."""
    own = (event.text for event in session.events if event.kind is EventKind.USER and len(event.text) < OWN_WORDS)
    return frozenset().union(*(_stems(text) for text in own))


def _stems(text: str) -> frozenset[str]:
    return frozenset(ENDING.sub("", word.lower()) for word in WORD.findall(text))


def _explained(turn: _Turn, vocabulary: frozenset[str]) -> Iterator[Explained]:
    refuted = _refutes(turn.answered)
    for event in turn.messages:
        last = event is turn.messages[-1]
        if (last and refuted) or len(event.text) > LONG_MESSAGE:
            continue
        bonus = _weigh_place(turn, event, last=last)
        passages = list(read_passages(event.text))
        for number, passage in enumerate(passages):
            claim = LINES.sub("", NOW.sub("", LABEL.sub("", passage.text)))
            if not _may_be_fact(passage, claim, event.text, vocabulary):
                continue
            score = _weigh_claim(passage, claim, vocabulary, mended=turn.mended)
            if score is not None and score + bonus >= THRESHOLD:
                why = _reason(passages[number + 1 : number + 2])
                yield Explained(event, passage, claim, why, classify_fact(claim), score + bonus)


def _refutes(answer: str) -> bool:
    """Say whether a person's answer contradicts or doubts what was said."""
    reply = mask(answer[:REPLY])
    return any(pattern.search(reply) for pattern in (CORRECTION, CONTRADICTION, DOUBTED))


def _weigh_place(turn: _Turn, event: Event, *, last: bool) -> float:
    asked = mask(turn.asked[:REPLY])
    corrected = CORRECTION.search(asked) or CONTRADICTION.search(asked) or CONCEDED.search(event.text)
    answers = not turn.edited and ASKED.search(asked)
    return (LAST_OF_TURN if last else ON_THE_WAY) + AFTER_CORRECTION * bool(corrected) + ANSWER * bool(answers)


def _may_be_fact(passage: Passage, claim: str, message: str, vocabulary: frozenset[str]) -> bool:
    """Say whether the passage is a statement with a subject, and no option, example or account of a change."""
    if len(passage.text.split()) not in PASSAGE_WORDS or claim.count("**") % 2:
        return False
    if EXAMPLES.search(claim) or UNFINISHED.search(passage.lead):
        return False
    named = NAMED.match(claim)
    rest = claim[named.end() :] if named else claim
    label = named.group(1) if named else ""
    if CHANGED.search(rest) or SUBJECTLESS.match(label):
        return False
    if SUBJECTLESS.match(rest) and not _is_name(label, vocabulary):
        return False
    start = message.rfind("\n", 0, passage.parts[0].start) + 1
    return not (NUMBERED.match(message[start:]) and (OFFER.search(message) or _asks_above(message[:start])))


def _is_name(label: str, vocabulary: frozenset[str]) -> bool:
    """Say whether a label names what the sentence is about: by code, or by words that the person uses too."""
    stems = _stems(label)
    return "`" in label or bool(stems and stems <= vocabulary)


def _asks_above(text: str) -> bool:
    """Say whether the last line above a list is a question: then the list holds options."""
    lines = (line for line in reversed(text.splitlines()) if line.strip() and not ITEM.match(line))
    return next(lines, "").rstrip(" *_").endswith("?")


def _weigh_claim(passage: Passage, claim: str, vocabulary: frozenset[str], *, mended: bool) -> float | None:
    masked = mask(claim.replace("**", ""))
    score = weigh(masked)
    if score is None:
        return None
    changed = bool(NOW.search(passage.text))
    stems = _stems(claim)
    return (
        score
        + UNDER_PLAN * bool(HEADINGS.search(passage.heading))
        + UNDER_PLAN * bool(HEADINGS.search(passage.lead))
        + UNDER_FACTS * bool(PLAIN_HEADINGS.search(passage.heading))
        + (MENDED_FLAW if mended else FLAW) * bool(FLAWED.search(masked))
        + (CHANGE if VERSUS.search(masked) else NEW_BEHAVIOUR) * changed
        + NEW_BEHAVIOUR * bool(LABEL.match(passage.text))
        + SHARED_WORDS * len(stems & vocabulary) / max(len(stems), 1)
    )


def _reason(after: list[Passage]) -> str:
    """Return the next sentence where it says why."""
    for passage in after:
        if REASON.match(passage.text) and len(passage.text) <= LONG_REASON and not passage.text.endswith(":"):
            return passage.text
    return ""
