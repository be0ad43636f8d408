"""What a learning names that can be looked up in its project's repository, and what speaks against it still holding.

Values only: looking into the repository is for the caller. A reference counts as dead only when it was there while the
learning was young and is no longer: what was never committed (a build folder, another machine's path) says nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent_context.learning import Learning

CODE = re.compile(r"`([^`\n]{2,120})`")
PATH = re.compile(
    r"(?<![\w/~$.-])(?:\./)?"
    r"((?:[\w@.*-]+/)+(?:[\w@.*-]*[\w@*-])?|[\w.-]*\w\.(?:[a-z]{1,5}|[a-z]+rc)|[A-Z]\w*file)(?![\w/])"
)
TARGET = re.compile(r"\b(?:make|just|(?:npm|pnpm|yarn|bun) run)\s+([\w:.-]*\w)")
FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]+")
PACKAGE = re.compile(
    r"\b(?:pip|uv|poetry|npm|pnpm|yarn|bun|cargo|go|gem|brew|apt(?:-get)?)\s+(?:add|get|i|install)\s+([\w@/.-]*\w)"
)
SYMBOL = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|::|->|#)[A-Za-z_$][\w$]*)*(?:\(\))?!?")
SHAPED = re.compile(r"_|::|\(\)|[a-z][A-Z]|\.\w")
LEAST = 3
DAY = 86_400
MOST_REFERENCES = 20


class Sort(StrEnum):
    """What sort of thing a learning names."""

    PATH = "path"
    SYMBOL = "symbol"
    TARGET = "target"
    PACKAGE = "package"
    FLAG = "flag"


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """One thing that a learning names, as it is looked up: a path or glob, or a word of the files' text."""

    sort: Sort
    text: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reason to ask whether a learning still holds."""

    rule: str
    detail: str


def find_references(learning: Learning) -> list[Reference]:
    """Return what the learning names, at most 20: its paths, then what its claim and reasons say in code spans.

    Paths, make and script targets, and flags count outside code spans too; symbols only inside, where they are meant.
    """
    found: dict[Reference, None] = {Reference(Sort.PATH, path.removeprefix("./")): None for path in learning.paths}
    text = "\n".join((learning.claim, *learning.why))
    for sort, pattern in ((Sort.TARGET, TARGET), (Sort.PACKAGE, PACKAGE), (Sort.FLAG, FLAG), (Sort.PATH, PATH)):
        for match in pattern.finditer(text):
            found[Reference(sort, match.group(match.re.groups))] = None
    named = {reference.text for reference in found}
    for span in CODE.findall(text):
        if SYMBOL.fullmatch(span) and SHAPED.search(span) and span not in named:
            found[Reference(Sort.SYMBOL, re.split(r"\.|::|->|#", span.rstrip("!").removesuffix("()"))[-1])] = None
    return [item for item in found if len(item.text) >= LEAST and not item.text.startswith("/")][:MOST_REFERENCES]


def find_doubts(learning: Learning, gone: Collection[Reference], now: str, *, days: int) -> list[Doubt]:
    """Return why the learning may no longer hold: dead references, a date to review it, long without a confirmation.

    `now` and all times are UTC, `YYYY-MM-DDTHH:MM:SSZ`. A pinned learning does not age.
    """
    doubts = [Doubt("gone", f"{reference.sort.value} {reference.text}") for reference in sorted(gone)]
    if learning.review_after and learning.review_after <= now[: len(learning.review_after)]:
        doubts.append(Doubt("review date", learning.review_after))
    newest = find_newest(learning)
    age = int((_seconds(now) - _seconds(newest)) / DAY)
    if days and age > days and not learning.pinned:
        doubts.append(Doubt("unconfirmed", f"for {age} days, since {newest[:10]}"))
    return doubts


def find_newest(learning: Learning) -> str:
    """Return when the learning was last said or reviewed: what is confirmed again is young again."""
    times = [learning.created, *(source.at for source in learning.sources)]
    if learning.status_note is not None:
        times.append(learning.status_note.at)
    return max(times)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
