"""The catalogue that explorer, filters and graph read: facets in columns at once, words and links apart.

Everything in it is plain text; whoever shows it escapes it. The form is described in docs/site.md.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from agent_context.layout import PATTERNS
from agent_context.learning import Kind, Status
from agent_context.site.facts import FLAGS, LEVELS
from agent_context.site.markup import clean_line
from agent_context.site.sitemap import permalink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agent_context.learning import Learning
    from agent_context.site.facts import Facts
    from agent_context.site.holdings import SiteInput
    from agent_context.site.sitemap import Layout, Spot

VERSION = 1
SHARD = 1000
MOST_CLAIM = 240
MOST_WHY = 200
EPOCH = date(1970, 1, 1)
LINK = re.compile(r"(?<![\]\w!`])\[([^\[\]`]{1,200})\]\([^\s()`]{1,500}\)")


def build_catalogue(site: SiteInput, layout: Layout, facts: Mapping[str, Facts]) -> dict[str, bytes]:
    """Return the files under `catalogue/`: facets.json, and those that it names by the hash of their content."""
    spots = layout.spots
    files: dict[str, bytes] = {}
    words = []
    for number, start in enumerate(range(0, len(spots), SHARD)):
        words.append(_name(files, f"words-{number}", _say_words(spots[start : start + SHARD])))
    links = _name(files, "links", _find_links(layout, facts))
    facets = _find_facets(site, layout, facts) | {"words": words, "links": links}
    files["catalogue/facets.json"] = msgspec.json.encode(facets)
    return files


def _name(files: dict[str, bytes], stem: str, content: dict[str, Any]) -> str:
    data = msgspec.json.encode(content)
    path = f"catalogue/{stem}-{hashlib.sha256(data).hexdigest()[:8]}.json"
    files[path] = data
    return path


def _find_facets(site: SiteInput, layout: Layout, facts: Mapping[str, Facts]) -> dict[str, Any]:
    spots = layout.spots
    books = {book.folder: book for book in (*layout.projects, layout.patterns)}
    count = Counter(spot.shelf.folder for spot in spots)
    folders = sorted(books, key=lambda folder: (-count[folder], folder))
    place = {folder: i for i, folder in enumerate(folders)}
    tags = _Words(spots, lambda spot: spot.learning.tags)
    paths = _Words(spots, lambda spot: spot.learning.paths)
    machines = _Words(spots, lambda spot: facts[spot.entry.path].said)
    kinds, statuses = list(Kind), list(Status)
    return {
        "version": VERSION,
        "generated": site.generated,
        "count": len(spots),
        "shard": SHARD,
        "projects": [[folder, clean_line(books[folder].name), books[folder].address] for folder in folders],
        "kinds": kinds,
        "statuses": statuses,
        "flags": FLAGS,
        "confidences": LEVELS,
        "tags": tags.words,
        "paths": paths.words,
        "machines": machines.words,
        "project": [place[spot.shelf.folder] for spot in spots],
        "kind": [kinds.index(spot.learning.kind) for spot in spots],
        "status": [statuses.index(spot.learning.status) for spot in spots],
        "confidence": [LEVELS.index(facts[spot.entry.path].level) for spot in spots],
        "flag": [sum(1 << FLAGS.index(flag) for flag in facts[spot.entry.path].flags) for spot in spots],
        "day": [_count_days(spot.learning.created) for spot in spots],
        "tag": tags.rows,
        "path": paths.rows,
        "machine": machines.rows,
    }


class _Words:
    """The words of one facet, the most used first, and each learning's as places in that list."""

    def __init__(self, spots: Sequence[Spot], find: Callable[[Spot], Iterable[str]]) -> None:
        own = [list(dict.fromkeys(map(clean_line, find(spot)))) for spot in spots]
        count = Counter(word for words in own for word in words)
        self.words = sorted(count, key=lambda word: (-count[word], word))
        place = {word: i for i, word in enumerate(self.words)}
        self.rows = [[place[word] for word in words] for words in own]


def _say_words(spots: Sequence[Spot]) -> dict[str, Any]:
    return {
        "id": [permalink(spot.learning.id) for spot in spots],
        "claim": [clean_line(_drop_links(spot.learning.claim))[:MOST_CLAIM] for spot in spots],
        "why": [clean_line(_say_why(spot.learning)) for spot in spots],
    }


def _say_why(learning: Learning) -> str:
    return _drop_links(" ".join(learning.why))[:MOST_WHY]


def _drop_links(text: str) -> str:
    """Return the text with the words of its links alone, as the cards show them."""
    return LINK.sub(r"\1", text)


def _find_links(layout: Layout, facts: Mapping[str, Facts]) -> dict[str, list[list[int]]]:
    """Return the graph's edges between learnings, by their places in the catalogue."""
    places = {spot.entry.path: i for i, spot in enumerate(layout.spots)}
    by_id: dict[str, list[int]] = {}
    near: dict[tuple[int, int], int] = {}
    for i, spot in enumerate(layout.spots):
        by_id.setdefault(spot.learning.id, []).append(i)
        for other, score in facts[spot.entry.path].related:
            j = places[other.entry.path]
            near[min(i, j), max(i, j)] = score
    made: dict[bool, list[list[int]]] = {True: [], False: []}
    for i, spot in enumerate(layout.spots):
        old = [j for name in spot.learning.supersedes for j in by_id.get(name, ()) if j != i]
        made[spot.shelf.folder == PATTERNS] += [[i, j] for j in old]
    related = [[i, j, score] for (i, j), score in sorted(near.items())]
    return {"related": related, "supersedes": made[False], "patterns": made[True]}


def _count_days(created: str) -> int:
    try:
        return (date.fromisoformat(created[:10]) - EPOCH).days
    except ValueError:
        return -1
