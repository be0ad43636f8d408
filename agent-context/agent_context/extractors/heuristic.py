"""The extractor that costs nothing: rules of English find what a person told the agent for good.

Made for precision: most sessions yield nothing. What a sentence is stands in prose, which words count in signals.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidfuzz import fuzz

from agent_context.extractors.explanations import Explained, explain
from agent_context.extractors.prose import (
    Sentence,
    mask,
    name_paths,
    name_tags,
    present,
    read_report,
    read_sentences,
    strip_lead,
)
from agent_context.extractors.signals import (
    CONTRADICTED,
    CONTRADICTION,
    CORRECTED,
    CORRECTION,
    REJECTIONS,
    classify,
    dangles,
    judge,
    words,
)
from agent_context.learning import Candidate, Kind, Quote, Speaker, normalise_claim
from agent_context.transcripts.session import Event, EventKind, Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SAME_DISCOVERY = 75
MIN_WORDS = 5
MAX_CLAIM = 300
MAX_LIST = 400
MAX_QUOTE = 300
MAX_SENTENCE = 600
CLAUSE = re.compile(r"(?:(?:[,;:.]|\s[-\u2013\u2014]|\s[-=]?>)\s+|\s(?:since|because)\s)")
POINTING_TAIL = re.compile(r",?\s(?:so|and|but|then)\s(?:this|that|it|let'?s|please|can)\b|,\slet'?s\b", re.IGNORECASE)
NO_HEAD = words(
    r"""\b(?:wondering|maybe|guess|perhaps|if|when|whenever|unless|until|while|after|before|once|although|though|because
    |since|for|with|without|even|like|such\sas|given)\b"""
)
ASIDE = re.compile(r"\(([^()]{20,})\)")

DISCOVERY = 50
CAUSE = words(
    r"""^(?:\*\*)?(?:(?:actually|wait|so|but|ah)\b[\s,\u2013\u2014-]*)*(?:
    th(?:e|is)\s(?:(?:root|real|actual|underlying|key|main|core|fundamental)\s)?(?:cause|problem|issue|reason|catch)
    \s(?:is|was)(?:\sthat)?[:\s]+|root\scause:?\**:?\s+|(?:it\s)?turns\sout(?:\sthat)?,?\s+
    |(?:gotcha|caveat|lesson(?:\slearned)?|(?:key|important)\s(?:insight|finding|note))\**:\**\s+)"""
)
LINK = words(r"\bbecause\s+|,\s(?:but|since|as)\s+")
BEHAVIOUR = words(
    r"""\b(?:do(?:es)?(?:\sno|n'?)t|cannot|can'?t|can\sonly|won'?t|never)\s(?:\w+ly\s|get\s\w+ly\s)?
    (?:support|respect|hono(?:u)?r|serve|allow|accept|handle|work|preserve|follow|expand|propagate|inherit|include|detect
    |recogni[sz]e|check|read|load|trigger|run|expose|persist|resolve|return|take|see|served|supported)\b
    |\b(?:requires?|needs|ignores|rewrites|treats|expects|defaults\sto|strips|escapes|overrides|caches|rejects
    |only\s(?:works?|supports?|reads?|runs?|applies|accepts?|matches|checks?)
    |is\s(?:case-sensitive|not\sthread-safe|deprecated|not\ssupported|a\stype|read-only))\b"""
)
UNSURE = words(
    r"""\b(?:i|my|me|we|our|your|you|might|may|likely|maybe|probably|perhaps|possibly|seems?|appears?|should|could|would
    |was|were|wasn't|had|did|didn't|now|currently|already|still|also|missing|the\stests?|tests?|earlier|previous
    |instead\sof\s\d)\b|\blines?\s\d|:\d+|[?:]$"""
)
NAME = r"(?:[a-z]+(?:-[a-z0-9]+)+|[A-Z][\w.]+(?:/[A-Z]\w+)*(?:\s[A-Z]\w+)*)"
OUTSIDE = re.compile(
    rf"(?:\*\*)?(?:`?{NAME}`?|`[a-z]+(?:[ .-][\w.-]+)*(?:\(\))?`"
    r"|[a-z]+(?= (?:does|only|requires|ignores|needs|treats|expects|cannot|never)))(?:'s)?\s"
)
LIMIT = re.compile(
    rf"{NAME}(?:\stools?|\sv?\d[\d.]*)?\s"
    r"(?:do(?:es)?(?:\sno|n'?)t|cannot|can't|can\sonly|only\s(?:supports|reads|works|accepts|runs))\b"
)
CONSEQUENCE = words(r",\s(?:so|which|meaning|hence|and\sso|causing|leading)\b.*$")


@dataclass(frozen=True, slots=True)
class _Found:
    candidate: Candidate
    score: int


def extract(session: Session, known: Sequence[str], *, limit: int) -> list[Candidate]:
    """Return the session's candidates: the best `limit` ones that are not known, in the order of the session."""
    seen = {normalise_claim(claim) for claim in known}
    found: list[_Found] = []
    for item in _found(session):
        normalised = normalise_claim(item.candidate.claim)
        if normalised not in seen:
            seen.add(normalised)
            found = [earlier for earlier in found if not _restates(item.candidate, earlier.candidate)]
            found.append(item)
    best = sorted(range(len(found)), key=lambda place: (-found[place].score, place))[: max(limit, 0)]
    return [found[place].candidate for place in sorted(best)]


def _restates(later: Candidate, earlier: Candidate) -> bool:
    """Say whether an assistant says its discovery again: while it narrows a cause down, its last word is the best."""
    if {later.evidence[0].speaker, earlier.evidence[0].speaker} != {Speaker.ASSISTANT}:
        return False
    return fuzz.token_set_ratio(normalise_claim(later.claim), normalise_claim(earlier.claim)) >= SAME_DISCOVERY


def _found(session: Session) -> Iterator[_Found]:
    """Yield all that was told, and what was discovered after a tool had failed and before one succeeded."""
    results = [place for place, event in enumerate(session.events) if event.kind is EventKind.TOOL_RESULT]
    failures = [place for place in results if session.events[place].failed]
    successes = [place for place in results if not session.events[place].failed]
    explained = explain(session)
    for place, event in enumerate(session.events):
        yield from (found for item in explained if item.event is event for found in _explained(session, item))
        if event.kind is EventKind.USER:
            yield from _told(session, event)
        elif event.kind is EventKind.ASSISTANT and failures and successes and failures[0] < place < successes[-1]:
            yield from _discovered(session, event)


def _told(session: Session, event: Event) -> Iterator[_Found]:
    """Yield what a person said to be kept; a correction weighs on its own sentence and on the one after it."""
    before = 0
    for sentence in read_sentences(event.text):
        corrected = _corrects(sentence.text)
        if len(sentence.text) > MAX_SENTENCE:
            continue
        for reading in _readings(sentence.text):
            weight = judge(mask(reading), max(before, corrected))
            candidate = _propose(session, event, (sentence,), reading, weight.kind) if weight else None
            if weight and candidate and not _echoes(session, event, sentence.text):
                yield _Found(candidate, weight.score)
                break
        before = corrected


def _echoes(session: Session, event: Event, text: str) -> bool:
    """Say whether a person's sentence is copied from what the agent or a tool had written."""
    others = (
        other.text
        for other in itertools.takewhile(lambda other: other is not event, session.events)
        if other.kind is not EventKind.USER
    )
    return any(text in other for other in others)


def _corrects(sentence: str) -> int:
    """Return what is added to the weight of a sentence that corrects the agent."""
    masked = mask(sentence)
    if CONTRADICTION.search(masked):
        return CONTRADICTED
    return CORRECTED if CORRECTION.search(masked) else 0


def _readings(sentence: str) -> Iterator[str]:
    """Yield the sentence, what is left when its leading clauses go, its beginning alone, what stands in brackets.

    What contradicts the agent begins after the contradiction.
    """
    contradiction = CONTRADICTION.search(mask(sentence))
    sentence = sentence[contradiction.end() if contradiction else 0 :]
    masked = mask(sentence)
    yield strip_lead(sentence)
    for found in CLAUSE.finditer(masked):
        head = masked[: found.start()]
        if NO_HEAD.search(head) or REJECTIONS["a question"].search(strip_lead(head)):
            break
        yield strip_lead(sentence[found.end() :])
    for found in POINTING_TAIL.finditer(masked):
        yield strip_lead(sentence[: found.start()])
    for found in ASIDE.finditer(masked):
        yield strip_lead(sentence[found.start(1) : found.end(1)])


def _discovered(session: Session, event: Event) -> Iterator[_Found]:
    """Yield what an assistant found out about a tool or a library on the way from a failure to a success."""
    for sentence in read_report(event.text):
        reading = _behaviour(sentence.text) if len(sentence.text) <= MAX_SENTENCE else ""
        candidate = _propose(session, event, (sentence,), reading, Kind.GOTCHA) if reading else None
        if candidate:
            yield _Found(candidate, DISCOVERY)


def _explained(session: Session, item: Explained) -> Iterator[_Found]:
    """Yield an assistant's explanation; whatever a person said weighs more."""
    candidate = _propose(session, item.event, item.passage.parts, item.claim, item.kind, item.why)
    if candidate:
        yield _Found(candidate, min(round(item.score), DISCOVERY - 1))


def _behaviour(text: str) -> str:
    """Return what the sentence says of a tool's or a library's behaviour; nothing where it says none, or is not sure.

    It is the cause that the sentence gives, or a limit of something that it calls by name.
    """
    found = CAUSE.match(text)
    cause = found.end() if found else 0
    clauses = [text[cause:]] + [text[link.end() :] for link in LINK.finditer(text)]
    for place, clause in enumerate(clauses):
        known = CONSEQUENCE.sub("", clause) if UNSURE.search(clause) else clause
        causal = (place == 0 and cause) or place > 0
        subject = OUTSIDE if causal else LIMIT
        if subject.match(known) and BEHAVIOUR.search(known) and not UNSURE.search(known) and not dangles(known):
            return known
    return ""


def _propose(
    session: Session, event: Event, sentences: Sequence[Sentence], reading: str, kind: Kind, why: str = ""
) -> Candidate | None:
    """Return the candidate, or None where the claim is too short or too long or a quote is not verbatim."""
    claim = present(reading)
    quotes = [event.text[sentence.start : sentence.end][:MAX_QUOTE].strip() for sentence in sentences]
    if len(claim) > (MAX_LIST if len(sentences) > 1 else MAX_CLAIM) or len(claim.split()) < MIN_WORDS:
        return None
    if not all(quote and quote in event.text for quote in quotes):
        return None
    speaker = Speaker.USER if event.kind is EventKind.USER else Speaker.ASSISTANT
    return Candidate(
        session=session.id[:8],
        at=event.at or session.started,
        claim=claim,
        kind=classify(claim, kind),
        evidence=tuple(Quote(quote, speaker, event.uuid) for quote in quotes),
        why=present(why) if why else "",
        tags=name_tags(claim),
        paths=name_paths(claim),
    )
