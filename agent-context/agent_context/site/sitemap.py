"""What stands where on the site: every learning gets a page and an anchor. Values only; pages renders them."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from agent_context.layout import PATTERNS
from agent_context.learning import LIVING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agent_context.knowledge import Entry
    from agent_context.learning import Learning

PER_PAGE = 50
PLAIN_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]|\.(?=[a-z0-9])){0,79}")
PLAIN_ID = re.compile(r"[0-9a-f]{4,64}")
MONTH = re.compile(r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])")
UNDATED = "undated"


@dataclass(frozen=True, slots=True)
class Shelf:
    """The learnings of one project, or the patterns: its folder, its name for people, what it holds."""

    folder: str
    name: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class SiteInput:
    """All that the site shows. `generated` is UTC; `guide` a folder of our own Markdown; `problems` did not read."""

    title: str
    shelves: tuple[Shelf, ...]
    problems: tuple[str, ...]
    evidence: bool
    guide: Path | None
    generated: str


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a learning stands: `page` is an address relative to the site's root, ending in a slash."""

    shelf: Shelf
    entry: Entry
    page: str
    anchor: str

    @property
    def learning(self) -> Learning:
        """Return the learning itself."""
        return self.entry.learning

    @property
    def address(self) -> str:
        """Return page and anchor."""
        return f"{self.page}#{self.anchor}"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One page of cards: the `number`th of its book, counted from 1, newest first."""

    address: str
    number: int
    spots: tuple[Spot, ...]


@dataclass(frozen=True, slots=True)
class Book:
    """The pages that show one shelf, or all that was set aside."""

    address: str
    name: str
    folder: str
    leaves: tuple[Leaf, ...]

    @property
    def spots(self) -> list[Spot]:
        """Return all that the book shows, newest first."""
        return [spot for leaf in self.leaves for spot in leaf.spots]


@dataclass(frozen=True, slots=True)
class Layout:
    """Every book of the site: one per project, the patterns, and what was set aside."""

    projects: tuple[Book, ...]
    patterns: Book
    aside: Book

    @property
    def living(self) -> list[Spot]:
        """Return what holds, newest first."""
        return newest_first(spot for book in (*self.projects, self.patterns) for spot in book.spots)

    @property
    def spots(self) -> list[Spot]:
        """Return everything the site shows, newest first."""
        return newest_first([*self.living, *self.aside.spots])


def lay_out(site: SiteInput) -> Layout:
    """Give every learning its page and anchor. The same input gives the same addresses."""
    projects = []
    taken: set[str] = set()
    patterns = Shelf(PATTERNS, "Patterns", ())
    for shelf in sorted(site.shelves, key=lambda shelf: (shelf.name.casefold(), shelf.folder)):
        if shelf.folder == PATTERNS:
            patterns = shelf
            continue
        name = safe_name(shelf.folder)
        while name in taken:
            name += "-x"
        taken.add(name)
        projects.append(_bind(f"projects/{name}/", shelf.name, shelf.folder, _of(shelf, living=True)))
    aside = [pair for shelf in site.shelves for pair in _of(shelf, living=False)]
    return Layout(
        projects=tuple(projects),
        patterns=_bind("patterns/", "Patterns", PATTERNS, _of(patterns, living=True)),
        aside=_bind("rejected/", "Rejected and retired", "", aside),
    )


def safe_name(text: str) -> str:
    """Return a name for a file or an anchor: the text itself if it is plain, else its words and a hash of it."""
    if PLAIN_NAME.fullmatch(text) and not text.endswith((".md", ".html")):
        return text
    words = "-".join(re.findall(r"[a-z0-9]+", text.lower()))[:40].strip("-")
    return f"{words or 'x'}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"


def permalink(learning_id: str) -> str:
    """Return the id if it is the hex that it should be, else a safe stand-in."""
    return learning_id if PLAIN_ID.fullmatch(learning_id) else safe_name(f"not an id: {learning_id}")


def _of(shelf: Shelf, *, living: bool) -> list[tuple[Shelf, Entry]]:
    return [(shelf, entry) for entry in shelf.entries if (entry.learning.status in LIVING) == living]


def _bind(address: str, name: str, folder: str, pairs: list[tuple[Shelf, Entry]]) -> Book:
    """Cut the learnings into pages of about fifty, newest first, between two months where possible."""
    newest = sorted(pairs, key=lambda pair: (pair[1].learning.created, pair[1].path, pair[0].folder), reverse=True)
    cuts: list[list[tuple[Shelf, Entry]]] = [[]]
    for _, month in groupby(newest, key=lambda pair: month_of(pair[1].learning.created)):
        rest = list(month)
        if cuts[-1] and len(cuts[-1]) + len(rest) > PER_PAGE:
            cuts.append([])
        while len(rest) > PER_PAGE:
            cuts[-1] = rest[:PER_PAGE]
            rest = rest[PER_PAGE:]
            cuts.append([])
        cuts[-1].extend(rest)
    leaves = []
    for number, cut in enumerate(cuts, 1):
        page = address if number == 1 else f"{address}page-{number}/"
        leaves.append(Leaf(page, number, tuple(_place(page, cut))))
    return Book(address, name, folder, tuple(leaves))


def _place(page: str, pairs: list[tuple[Shelf, Entry]]) -> Iterable[Spot]:
    seen: Counter[str] = Counter()
    for shelf, entry in pairs:
        key = permalink(entry.learning.id)
        seen[key] += 1
        yield Spot(shelf, entry, page, f"e-{key}" if seen[key] == 1 else f"e-{key}-{seen[key]}")


def newest_first(spots: Iterable[Spot]) -> list[Spot]:
    """Return the learnings by the time they were made, the newest first."""
    return sorted(spots, key=lambda spot: (spot.learning.created, spot.entry.path, spot.shelf.folder), reverse=True)


def month_of(created: str) -> str:
    """Return the time's month, `2026-03`, or `undated`."""
    return created[:7] if MONTH.fullmatch(created[:7]) else UNDATED
