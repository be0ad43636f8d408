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
from agent_context.site.holdings import Shelf

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_context.knowledge import Entry
    from agent_context.learning import Learning
    from agent_context.site.holdings import SiteInput

PER_PAGE = 50
PAGE_WEIGHT = 180_000  # bytes of cards, by estimate, so that a page with all around it stays below 200 KB
CARD_WEIGHT = 2_300
PLAIN_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]|\.(?=[a-z0-9])){0,79}")
PLAIN_ID = re.compile(r"[0-9a-f]{4,64}")
MONTH = re.compile(r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])")
UNDATED = "undated"


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
    """Every book of the site: one per project, the patterns, what was set aside; what holds and all, newest first."""

    projects: tuple[Book, ...]
    patterns: Book
    aside: Book
    living: tuple[Spot, ...]
    spots: tuple[Spot, ...]


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
    kept = _bind("patterns/", "Patterns", PATTERNS, _of(patterns, living=True))
    aside = [pair for shelf in site.shelves for pair in _of(shelf, living=False)]
    ended = _bind("rejected/", "Rejected and retired", "", aside)
    living = newest_first(spot for book in (*projects, kept) for spot in book.spots)
    return Layout(tuple(projects), kept, ended, tuple(living), tuple(newest_first([*living, *ended.spots])))


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
    held = 0
    for _, month in groupby(newest, key=lambda pair: month_of(pair[1].learning.created)):
        rest = [(pair, _weigh(pair[1].learning)) for pair in month]
        whole = held + sum(weight for _, weight in rest)
        apart = bool(cuts[-1]) and (len(cuts[-1]) + len(rest) > PER_PAGE or whole > PAGE_WEIGHT)
        for pair, weight in rest:
            if apart or len(cuts[-1]) == PER_PAGE or (cuts[-1] and held + weight > PAGE_WEIGHT):
                cuts.append([])
                held, apart = 0, False
            cuts[-1].append(pair)
            held += weight
    leaves = []
    for number, cut in enumerate(cuts, 1):
        page = address if number == 1 else f"{address}page-{number}/"
        leaves.append(Leaf(page, number, tuple(_place(page, cut))))
    return Book(address, name, folder, tuple(leaves))


def _weigh(learning: Learning) -> int:
    """Estimate a card's HTML from above, in bytes."""
    texts = (learning.claim, *learning.why, *learning.evidence, *learning.tags, *learning.paths)
    parts = 190 * len(learning.tags) + 90 * len(learning.paths) + 330 * min(len(learning.sources), 8)
    return CARD_WEIGHT + parts + int(1.3 * sum(len(text.encode("utf-8", "replace")) for text in texts))


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
