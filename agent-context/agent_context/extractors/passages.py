"""The passages of an assistant's message: each sentence, and each short list with the sentence above it.

Code, tables and headings are left out; every passage knows where it stands, so that it can be quoted verbatim.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.extractors.prose import HEADING, ITEM, Sentence, read_report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LIST_LENGTHS = range(2, 5)
LABEL = re.compile(r"^\s*\*\*[^*\n]{2,80}\*\*:?\s*$")
MARKS = re.compile(r"[#*`_]+")


@dataclass(frozen=True, slots=True)
class Passage:
    """One sentence of a message, or a sentence that ends in a colon with the items of the list below it.

    `heading` is the nearest heading above in lower case, `lead` the sentence that introduces the list it stands in.
    """

    text: str
    parts: tuple[Sentence, ...]
    heading: str = ""
    lead: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line with its sentences, or with none where it is a heading. An indent of -1 says that it is no list item."""

    heading: str
    sentences: tuple[Sentence, ...]
    indent: int


def read_passages(message: str) -> Iterator[Passage]:
    """Yield the passages of an assistant's message, in order."""
    heading, lead = "", ""
    lines = list(_lines(message))
    for place, line in enumerate(lines):
        if not line.sentences:
            heading, lead = line.heading, ""
            continue
        lead = lead if line.indent >= 0 else ""
        for sentence in line.sentences:
            yield Passage(sentence.text, (sentence,), heading, lead)
        last = line.sentences[-1]
        if _introduces(last):
            items = _list_below(lines[place + 1 :], line.indent)
            if len(items) in LIST_LENGTHS:
                yield Passage(_join(last, items), (last, *items), heading, lead)
            lead = last.text


def _introduces(sentence: Sentence) -> bool:
    return sentence.text.rstrip("* ").endswith(":")


def _join(lead: Sentence, items: Iterable[Sentence]) -> str:
    return f"{lead.text} {'; '.join(item.text.rstrip(' .;') for item in items)}"


def _list_below(lines: Sequence[_Line], above: int) -> list[Sentence]:
    """Return the items of the list that follows, one sentence each; none where an item holds more."""
    items: list[Sentence] = []
    indent = -1
    for line in lines:
        if line.indent <= above or not line.sentences:
            break
        if len(line.sentences) > 1 or _introduces(line.sentences[0]) or indent not in (-1, line.indent):
            return []
        indent = line.indent
        items.append(line.sentences[0])
    return items


def _lines(message: str) -> Iterator[_Line]:
    """Yield the lines that hold sentences, and between them the headings."""
    sentences = read_report(message)
    start, place = 0, 0
    for text in message.splitlines(keepends=True):
        start += len(text)
        first = place
        while place < len(sentences) and sentences[place].start < start:
            place += 1
        if HEADING.match(text) or LABEL.match(text):
            yield _Line(MARKS.sub("", text).strip(" :\r\n").lower(), (), -1)
        elif place > first:
            indent = len(text) - len(text.lstrip()) if ITEM.match(text) else -1
            yield _Line("", tuple(sentences[first:place]), indent)
