"""The sentences that a person wrote in a message: code, logs, pasted documents and client texts are left out.

Every sentence knows where it stands, so that it can be quoted verbatim. What it means is signals' business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_MESSAGE = 6_000
MAX_LINE = 2_000
MAX_ITEMS = 6
MAX_PASTED_LINES = 6
WRAPPED_LINE = 50
MIN_WORDS_SHARE = 0.6

FENCE = re.compile(r'^\s*(?:```|~~~|"""\s*$)')
ITEM = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")
HEADING = re.compile(r"^\s{0,3}#{1,6}\s+\S")
PASTED = re.compile(
    r"""^\s*(?:[⏺⎿\u276f│├└┌✓✗✘➜»|>$%{}\[<]|\+\+\+|[+-]\s{2,}|---|===|@@)       # consoles, diffs, tables
    |^\s*\d{2,4}[-/:]\d{2}[-/:]\d{2}                                           # time stamps
    |^(?:\ {4}|\t)\s*[^\s\-*•\d]                                               # indented code
    |^\s*(?:\w*(?:Error|Exception|Warning)|error|fatal|warning|FAIL|panic|Traceback)\b.{0,40}:
    |^\s*(?:DEBUG|INFO|WARN|WARNING|ERROR|TRACE)\b
    |^\s*(?:at|File)\s.*(?::\d+|line\ \d+)
    |[{};\\]\s*$|:=|!=|==|\+=|</|/>""",
    re.VERBOSE,
)
WORD = re.compile(
    r"""[("'\u201c\u2018*_]*[A-Za-z][A-Za-z'\u2019/-]*[)"'\u201d\u2019*_]*[.,;:!?…]*
    |[("'*_]*`x*`[)"'*_]*[.,;:!?…]*""",
    re.VERBOSE,
)
MASKED = re.compile(
    r"""`[^`\n]+`|"[^"\n]{3,}"|\u201c[^\u201d\n]{3,}\u201d|https?://\S+
    |@?[\w.~*-]+/(?:[\w./*~-]*[\w/*])?|/[\w./*~-]*[\w/*]
    |\b(?!(?:CLAUDE|AGENTS)\.md)\w[\w-]+(?:\.\w+)+\b(?:\(\))?""",
    re.VERBOSE,
)
STOP = re.compile(r"[.!?…]+[\"'\u201d\u2019)\]*_]*\s+|\s+(?=[-\u2013\u2014]\s*>)\s")
ABBREVIATION = re.compile(
    r"(?:\b(?:e\.?g|i\.?e|etc|vs|cf|approx|resp|incl|no|mr|mrs|dr|st)|\b[A-Za-z])\.\s+$", re.IGNORECASE
)
CLIENT_TEXTS = (
    "<",
    "[Request interrupted",
    "Caveat:",
    "Operation stopped by hook",
    "This session is being continued",
    "Stop hook feedback",
    "If you need specific details from before",
    "Base directory for this skill",
)
REVIEW = re.compile(
    r"""\bconsider\ (?:\w+ing|either)\b|\b(?:critical|high|medium|low)\ severity\b
    |\b(?:lines?\ \d+|this\ test|the\ comment)\ (?:duplicates?|states?|says|is|are|should)\b
    |\b(?:got|received|here'?s|is)\ (?:this|the|some|following)\ feedback\b
    |\blacks?\ (?:\w+\ ){0,2}(?:tests?|coverage)\b|^missing\ (?:\w+\ ){0,2}(?:tests?|fields?|coverage)\b
    |^\W*(?:nit|suggestion|issue)(?:\s*\([\w-]+\))?:""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)

LEAD = re.compile(
    r"""^(?:
    (?:(?:ok(?:ay)?|so|well|h+m+|u+m+|uh+|ah+|oh|e+h+|hey(?:\ claude)?|hi|hello|yes|yeah|yea|yep|yup|sure|alright|great
    |nice|cool|thanks|thank\ you|please|actually|also|and|but|btw|by\ the\ way|sorry|oops|ar?gh+|ugh|gah|lol|note|fyi|nb
    |additionally|anyway|basically|to\ be\ clear|perfect|good|fair\ enough|i\ mean
    |i\ think(?:\ that(?=\s))?)\b(?!-)|[,;:.!…\u2013\u2014-])
    [\s,.;:!…\u2013\u2014-]*
    |(?:no|nope|nah|wrong|incorrect|not\ quite|stop|wait|hold\ on|right|again|first|important|question)
    \s*(?:[,.;:!…\u2013\u2014]|\s-\s)[\s,.;:!…\u2013\u2014-]*
    |(?:no|nah)\s(?=(?:i|we|you|don'?t|never|use|it|that|the|let'?s)\b)
    )+""",
    re.IGNORECASE | re.VERBOSE,
)
REQUEST = re.compile(
    r"(?:can|could|would|will) (?:you|we) (?:please )?(?=(?:always|never|make sure|ensure|not|stop)\b)", re.IGNORECASE
)
ANNOUNCEMENT = re.compile(
    r"""^(?:(?:please\ )?(?:remember|keep\ in\ mind|bear\ in\ mind|do(?:n'?t|\ not)\ forget|note|be\ aware
    |heads[\ -]up|just\ so\ you\ know)(?:\ that|,?\ to\b|\s*[:,])\s*
    |(?:please\ )?(?:add|put|note|write|record)\b[^.:]*\b(?:CLAUDE\.md|AGENTS\.md|memory|rules?|guidelines
    |conventions)\b[^.:]{0,12}?(?:\bthat\b|:)\s*)+""",
    re.IGNORECASE | re.VERBOSE,
)
TAIL = re.compile(
    r"""(?:[\s,]*(?:\b(?:please|thanks|thank\ you|ok)\b|[:;]-?[)(DPp]+
    |[\U0001F300-\U0001FAFF\u2600-\u27BF\uFE0F\u200D]))*
    [\s.!?…,;:\u2013\u2014-]*$""",
    re.IGNORECASE | re.VERBOSE,
)
PLAIN_WORD = re.compile(r"[a-z]+(?:['\u2019][a-z]+)?[,:]?(?=\s|$)")
CLOSED = re.compile(r"[.!?][\"'\u201d\u2019)\]`]*$")

FILE_TYPES = (
    "c|cc|cfg|conf|cpp|cs|css|csv|env|go|gradle|h|hcl|html|ini|java|js|json|jsonl|jsx|kt|lock|lua|md|mdx|mjs|mod|php|proto"
    "|py|pyi|rb|rs|rst|scss|sh|sql|sum|svelte|swift|tf|toml|ts|tsx|txt|vue|xml|yaml|yml|zig"
)
FILE_NAMES = "Makefile|Dockerfile|Justfile|Procfile|Gemfile|Rakefile|Jenkinsfile|Vagrantfile|Caddyfile"
PATH = re.compile(
    rf"""(?<![\w/.:~@-])@?(
    (?:\.{{0,2}}[\w*-][\w.*-]*/|\.{{1,2}}/)*[\w*.-]*[\w*]\.(?:{FILE_TYPES})
    |\.?[\w-]+(?:/[\w.*-]+)+/(?:\*\*?)?|\.?[\w-]+/\*\*?|\.[a-z][\w-]+(?:[/.][\w.*-]+)*/?
    |[\w-]+/(?=[\s`,.;:)]|$)|[\w-]+(?:/[\w.-]+){{2,}}|(?:[\w.-]+/)*(?:{FILE_NAMES})
    )(?![\w/(])""",
    re.VERBOSE,
)
PRODUCT = re.compile(r"[A-Z][a-z]+\.(?:js|ts|go|py|rs)$")
TOOL = re.compile(r"`([a-z][a-z0-9]*(?:-[a-z0-9]+)*)(?: [^`]*)?`")
MAX_PATHS = 6
MAX_TAGS = 4
MAX_TOOL_NAME = 20
TOPICS = {
    "testing": r"tests?|testing|coverage|fixtures?|mocks?|e2e|assertions?",
    "git": r"git|commits?|branch(?:es)?|rebase|merge|worktrees?|gitignore",
    "lint": r"lint(?:er|ers|ing)?|format(?:ter|ting)|type ?check(?:s|ing|er)?",
    "ci": r"ci|pipelines?|github actions?|workflows?",
    "docs": r"docs?|documentation|readme|changelog|comments?",
    "security": r"secrets?|tokens?|passwords?|credentials?|api keys?|security|encrypt(?:ed|ion)?",
    "deploy": r"deploy(?:s|ed|ment|ments)?|production|staging|releases?",
    "naming": r"nam(?:e|es|ed|ing)|renam(?:e|ed)|spelling|english",
    "database": r"database|migrations?|sql|postgres|schema",
    "errors": r"errors?|exceptions?|panics?",
    "logging": r"logs?|logging|logger",
    "configuration": r"config(?:uration)?|settings?|env(?:ironment)?|flags?",
    "dependencies": r"dependenc(?:y|ies)|packages?|librar(?:y|ies)|versions?",
}
TOPIC_WORDS = {topic: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for topic, words in TOPICS.items()}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and where it stands in its message."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    start: int
    item: bool
    prose: bool
    blank: bool


def mask(text: str) -> str:
    """Return the text with code spans, quoted words, addresses, paths and dotted names as `xxx`, length unchanged."""
    return MASKED.sub(lambda found: "`" + "x" * (len(found.group()) - 2) + "`", text)


def read_sentences(message: str) -> list[Sentence]:
    """Return the sentences of a person's message, in order; none where the message is not the person's own words."""
    if len(message) > MAX_MESSAGE or message.startswith(CLIENT_TEXTS) or REVIEW.search(message):
        return []
    return list(_sentences(_own_lines(_read_lines(message))))


def read_report(message: str) -> list[Sentence]:
    """Return the sentences of an assistant's message, in order."""
    lines = _read_lines(message)
    return list(_sentences([line for line in lines if line.prose and not HEADING.match(line.text)]))


def _read_lines(message: str) -> list[_Line]:
    """Return the lines with what each one is; fenced ones are not prose."""
    lines: list[_Line] = []
    fenced, start = False, 0
    for number, text in enumerate(message.splitlines(keepends=True)):
        fence = bool(FENCE.match(text))
        item = ITEM.match(text)
        prose = not fenced and not fence and _is_prose(text[item.end() :] if item else text)
        lines.append(_Line(number, text.rstrip(), start, bool(item), prose, not text.strip()))
        fenced ^= fence
        start += len(text)
    return lines


def _is_prose(line: str) -> bool:
    if len(line) > MAX_LINE or PASTED.search(line):
        return False
    tokens = mask(line).split()
    words = sum(1 for token in tokens if WORD.fullmatch(token))
    return bool(tokens) and words >= MIN_WORDS_SHARE * len(tokens)


def _own_lines(lines: list[_Line]) -> list[_Line]:
    """Return the prose lines: none of a document, no long list, and around a paste its first and last words alone."""
    if sum(1 for line in lines if HEADING.match(line.text)) > 1:
        return []
    if sum(1 for line in lines if line.item) > MAX_ITEMS:
        lines = [line for line in lines if not line.item]
    pasted = [place for place, line in enumerate(lines) if not line.prose and not line.blank]
    if len(pasted) > MAX_PASTED_LINES:
        after = [place for place in range(pasted[-1] + 1, len(lines)) if lines[place].blank]
        lines = lines[: pasted[0]] + (lines[after[0] :] if after else [])
    return [line for line in lines if line.prose]


def _sentences(lines: list[_Line]) -> Iterator[Sentence]:
    for group in _joined(lines):
        text = group[0].text
        for last, line in pairwise(group):
            text += " " * (line.start - last.start - len(last.text)) + line.text
        item = ITEM.match(text)
        begin = item.end() if item else 0
        for start, end in _spans(mask(text), begin):
            yield Sentence(text[start:end], group[0].start + start, group[0].start + end)


def _joined(lines: list[_Line]) -> list[list[_Line]]:
    """Return the lines in groups: a hard-wrapped sentence goes on in the line below."""
    groups: list[list[_Line]] = []
    for line in lines:
        last = groups[-1][-1] if groups else None
        wraps = (
            last is not None
            and not line.item
            and len(last.text) >= WRAPPED_LINE
            and line.number == last.number + 1
            and last.text[-1:] not in tuple(".!?:;")
            and line.text.lstrip()[:1].islower()
        )
        if wraps:
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _spans(masked: str, begin: int) -> Iterator[tuple[int, int]]:
    """Yield where each sentence starts and ends, without the space around it."""
    for found in STOP.finditer(masked, begin):
        if not ABBREVIATION.search(masked[begin : found.end()]):
            yield from _trimmed(masked, begin, found.end())
            begin = found.end()
    yield from _trimmed(masked, begin, len(masked))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    part = text[start:end]
    if part.strip():
        yield start + len(part) - len(part.lstrip()), start + len(part.rstrip())


def strip_lead(text: str) -> str:
    """Return the text without greetings and fillers; a polite request becomes the order that it is."""
    while (stripped := LEAD.sub("", text, count=1)) != text:
        text = stripped
    if REQUEST.match(text):
        return strip_lead(REQUEST.sub("", text, count=1).rstrip(" ?!"))
    return text


def present(text: str) -> str:
    """Return the sentence as a claim: no filler at either end, one line, a capital, a full stop."""
    plain = text.replace("**", "").strip(" *_")
    line = re.sub(r"\s+", " ", strip_lead(ANNOUNCEMENT.sub("", strip_lead(plain)))).strip()
    line = re.sub(r"^\(([^()]*)\)\W*$", r"\1", line)
    ended = TAIL.sub("", line)
    if ended.count("(") > ended.count(")"):
        ended = line.rstrip(" .!?…,;:")
    if PLAIN_WORD.match(ended):
        ended = ended[0].upper() + ended[1:]
    return ended if not ended or CLOSED.search(ended) else f"{ended}."


def name_paths(claim: str) -> tuple[str, ...]:
    """Return the project's files, folders and globs that the claim names; no addresses, no paths of a machine."""
    found = (match.group(1).rstrip(".") for match in PATH.finditer(re.sub(r"https?://\S+", " ", claim)))
    return tuple(dict.fromkeys(path for path in found if not PRODUCT.fullmatch(path)))[:MAX_PATHS]


def name_tags(claim: str) -> tuple[str, ...]:
    """Return the claim's topics and the tools that it names in backticks, lower case."""
    topics = [topic for topic, words in TOPIC_WORDS.items() if words.search(claim)]
    tools = [tool for tool in TOOL.findall(claim) if len(tool) <= MAX_TOOL_NAME]
    return tuple(dict.fromkeys(topics + tools))[:MAX_TAGS]
