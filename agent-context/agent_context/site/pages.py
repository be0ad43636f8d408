"""The pages of the site as text: values in, Markdown and HTML out. What stands where is sitemap's job.

Writing them to disk and building them is staging's and building's job.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from agent_context.learning import Kind, Speaker, Status
from agent_context.site.cards import Drawer
from agent_context.site.markup import clean_line, escape
from agent_context.site.rendering import find_base, render
from agent_context.site.sitemap import month_of, safe_name
from agent_context.site.times import name_month
from agent_context.site.week import chart_learnings, chart_syncs, count_all, count_health, find_week_deeds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from agent_context.learning import Source
    from agent_context.machines import Known
    from agent_context.site.cards import Wordings
    from agent_context.site.facts import Facts
    from agent_context.site.holdings import Shelf, SiteInput
    from agent_context.site.sitemap import Book, Layout, Leaf, Spot

SHOWN = 8
PER_TAG = 5
MOST_TAGS = 400
TAGS_WITH_ROWS = 40
PER_KIND = 10
MOST_PROJECTS = 300
NAV_PROJECTS = 30
NAV_TITLE = 60  # YAML reads keys of up to 1,024 characters, and escaping lengthens
MOST_PATHS = 60
PER_PATH = 3
MOST_EVENTS = 40
MOST_CONFLICTS = 50
KINDS = {
    Kind.DECISION: "What was settled, and why.",
    Kind.GOTCHA: "What trips one up.",
    Kind.CONVENTION: "How it is done here.",
    Kind.CONFIGURATION: "How things are set up.",
    Kind.DEPENDENCY: "What relies on what, and in which version.",
    Kind.WORKFLOW: "Which steps lead there.",
    Kind.PREFERENCE: "How the people here like it.",
}


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project in a table; `newest` is empty where it holds nothing."""

    book: Book
    count: int
    unreviewed: int
    newest: str
    kinds: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class MachineRow:
    """What one machine contributed: `said` counts sources by speaker, `projects` by name; `known` is its own word."""

    name: str
    learnings: int
    said: Counter[Speaker]
    projects: list[tuple[str, int]]
    last: str
    known: Known | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a learning: when, what."""

    at: str
    deed: str
    spot: Spot


@dataclass(frozen=True, slots=True)
class PathRow:
    """A folder or file that learnings are about."""

    path: str
    count: int
    newest: tuple[Spot, ...]


class Pages:
    """Renders the pages of one site."""

    def __init__(self, site: SiteInput, layout: Layout, facts: Mapping[str, Facts], wordings: Wordings) -> None:
        self._site = site
        self._layout = layout
        self._facts = facts
        known = {spot.learning.id: spot for spot in layout.spots}
        self._drawer = Drawer(site, dict(facts), wordings, known)
        self._shelves = {shelf.folder: shelf for shelf in site.shelves}
        self._rows = list_projects(layout)

    def render(self) -> Iterator[tuple[str, str]]:
        """Yield path (under the docs folder) and text of every page of ours."""
        yield "index.md", self._home()
        yield "explore/index.md", self._page("explore.md.j2", "explore/")
        yield "graph/index.md", self._page("graph.md.j2", "graph/", rows=self._rows, tags=self._count_tags())
        yield "projects/index.md", self._page("projects.md.j2", "projects/", rows=self._rows)
        yield "tags/index.md", self._tags()
        yield "kinds/index.md", self._kinds()
        yield "conflicts/index.md", self._conflicts()
        if not self._site.public:
            machines = list_machines(self._site, self._layout)
            charts = chart_syncs(self._site.syncs, self._site.generated)
            yield "machines/index.md", self._page("machines.md.j2", "machines/", machines=machines)
            outcomes = sorted(self._site.outcomes.items(), key=lambda item: (-item[1], item[0]))
            yield "coverage/index.md", self._page("coverage.md.j2", "coverage/", charts=charts, outcomes=outcomes)
        yield from self._tooling()
        for book in (*self._layout.projects, self._layout.patterns, self._layout.aside):
            for leaf in book.leaves:
                yield f"{leaf.address}index.md", self._leaf(book, leaf)
        for book in self._layout.projects:
            yield f"{book.address}about/index.md", self._about(book)

    def _page(self, template: str, address: str, **values: Any) -> str:  # noqa: ANN401 - what the template names
        def link(spot: Spot, *, where: bool = False) -> str:
            return self._drawer.link(spot, find_base(address), where=where)

        common = {"site": self._site, "layout": self._layout, "now": self._site.generated, "link": link}
        return render(template, address, **common, **values)

    def _home(self) -> str:
        site, layout = self._site, self._layout
        return self._page(
            "home.md.j2",
            "",
            counts=count_all(site, layout),
            health=count_health(site, layout, self._facts),
            week=find_week_deeds(layout, site.generated),
            latest=layout.living[:SHOWN],
            shown=SHOWN,
            rows=self._rows,
            charts=[*chart_learnings(layout, site.generated), *chart_syncs(site.syncs, site.generated)],
            machines=list_machines(site, layout)[:SHOWN],
        )

    def _leaf(self, book: Book, leaf: Leaf) -> str:
        total = len(book.spots)
        feeds = list_feeds(book) if book.folder else []
        return self._page("book.md.j2", leaf.address, book=book, leaf=leaf, total=total, feeds=feeds)

    def draw_cards(self) -> Iterator[tuple[str, str]]:
        """Yield the address of every page with cards, and what is to be placed there after the build."""
        for book in (*self._layout.projects, self._layout.patterns, self._layout.aside):
            for leaf in book.leaves:
                if leaf.spots:
                    yield leaf.address, self._draw_leaf(leaf, where=not book.folder)

    def _draw_leaf(self, leaf: Leaf, *, where: bool) -> str:
        base = find_base(leaf.address)
        parts = []
        for key, spots in groupby(leaf.spots, key=lambda spot: month_of(spot.learning.created)):
            cards = "".join(self._drawer.draw(spot, base, where=where) for spot in spots)
            parts.append(f'<section class="ac-month"><h2 id="{key}">{name_month(key)}</h2>{cards}</section>')
        return "".join(parts)

    def _about(self, book: Book) -> str:
        shelf: Shelf = self._shelves[book.folder]
        ended = [spot for spot in self._layout.aside.spots if spot.shelf.folder == book.folder]
        events = list_events([*book.spots, *ended])
        months = Counter((month_of(event.at), event.deed) for event in events)
        keys = sorted({key for key, _ in months}, reverse=True)
        timeline = [(name_month(key), [(deed, n) for (at, deed), n in months.items() if at == key]) for key in keys]
        by_id = {spot.learning.id: spot for spot in (*self._layout.patterns.spots, *book.spots)}
        given = shelf.given.lines if shelf.given else ()
        lines = [(line, by_id[line.learning]) for line in given if line.learning in by_id]
        return self._page(
            "about.md.j2",
            f"{book.address}about/",
            lines=lines,
            book=book,
            shelf=shelf,
            events=events[:MOST_EVENTS],
            timeline=timeline,
            paths=list_paths(book.spots),
        )

    def _count_tags(self) -> list[tuple[str, int]]:
        count = Counter(tag for spot in self._layout.living for tag in set(map(clean_line, spot.learning.tags)))
        return sorted(count.items(), key=lambda item: (-item[1], item[0]))

    def _tags(self) -> str:
        tags = self._count_tags()
        wanted = {tag for tag, _ in tags[:TAGS_WITH_ROWS]}
        newest: dict[str, list[Spot]] = {tag: [] for tag in wanted}
        for spot in self._layout.living:
            for tag in wanted.intersection(map(clean_line, spot.learning.tags)):
                if len(newest[tag]) < PER_TAG:
                    newest[tag].append(spot)
        shown = [(tag, count, newest[tag]) for tag, count in tags[:TAGS_WITH_ROWS]]
        return self._page("tags.md.j2", "tags/", tags=tags[:MOST_TAGS], more=len(tags) - MOST_TAGS, shown=shown)

    def _kinds(self) -> str:
        by_kind: dict[Kind, list[Spot]] = {kind: [] for kind in Kind}
        for spot in self._layout.living:
            by_kind[spot.learning.kind].append(spot)
        kinds = [(kind, KINDS[kind], len(spots), spots[:PER_KIND]) for kind, spots in by_kind.items()]
        return self._page("kinds.md.j2", "kinds/", kinds=kinds)

    def _conflicts(self) -> str:
        open_ = [spot for spot in self._layout.spots if spot.learning.conflicts]
        places = {spot.entry.path: spot for spot in self._layout.living}
        pairs = [
            (places[pair.one], places[pair.other], pair.reason)
            for pair in self._site.opposed
            if pair.one in places and pair.other in places
        ]
        shown = {"spots": open_[:MOST_CONFLICTS], "pairs": pairs[:MOST_CONFLICTS]}
        return self._page("conflicts.md.j2", "conflicts/", **shown, count=len(open_), opposed=len(pairs))

    def _tooling(self) -> Iterator[tuple[str, str]]:
        tools = [*self._site.servers, *self._site.skills]
        machines = sorted({machine for tool in tools for machine in tool.states})
        yield "tooling/index.md", self._page("tooling.md.j2", "tooling/", machines=machines)
        for skill in self._site.skills:
            address = f"tooling/skills/{safe_name(skill.name)}/"
            yield f"{address}index.md", self._page("skill.md.j2", address, skill=skill)


def navigation(site: SiteInput, layout: Layout, guide: list[Any]) -> list[Any]:
    """Return MkDocs' nav: our own titles escaped, since themes print them as they are."""
    shown = sorted(list_projects(layout)[:NAV_PROJECTS], key=lambda row: layout.projects.index(row.book))
    projects = ({escape(row.book.name[:NAV_TITLE]): f"{row.book.address}index.md"} for row in shown)
    nav: list[Any] = [
        {"Home": "index.md"},
        {"Explore": "explore/index.md"},
        {"Projects": ["projects/index.md", *projects]},
        {"Patterns": "patterns/index.md"},
        {"Tags": ["tags/index.md", {"Kinds": "kinds/index.md"}]},
        {"Graph": "graph/index.md"},
        {"Review": ["conflicts/index.md", {"Rejected": "rejected/index.md"}]},
    ]
    if not site.public:
        nav.append({"Machines": ["machines/index.md", {"Coverage": "coverage/index.md"}]})
    names = [skill.name for skill in site.skills]
    skills = ({escape(name[:NAV_TITLE]): f"tooling/skills/{safe_name(name)}/index.md"} for name in names)
    nav.append({"Tooling": ["tooling/index.md", *skills]})
    return [*nav, {"Guide": guide}] if guide else nav


def list_feeds(book: Book) -> list[tuple[str, str, str]]:
    """Return a project's feeds: form, title, address."""
    return [
        ("application/atom+xml", clean_line(book.name), f"{book.address}feed.xml"),
        ("application/feed+json", clean_line(book.name), f"{book.address}feed.json"),
    ]


def list_projects(layout: Layout) -> list[ProjectRow]:
    """Return one row per project, the one with the newest learning first."""
    rows = []
    for book in layout.projects:
        spots = book.spots
        unreviewed = sum(spot.learning.status is Status.UNREVIEWED for spot in spots)
        counts = Counter(spot.learning.kind for spot in spots)
        kinds = [(kind.value, counts[kind]) for kind in Kind if counts[kind]]
        rows.append(ProjectRow(book, len(spots), unreviewed, spots[0].learning.created if spots else "", kinds))
    return sorted(rows, key=lambda row: row.newest, reverse=True)


def list_machines(site: SiteInput, layout: Layout) -> list[MachineRow]:
    """Return one row per machine, what it contributed and when it last synced; the last one heard of first."""
    found: dict[str, list[tuple[Spot, Source]]] = {known.name: [] for known in site.machines}
    for spot in layout.spots:
        for source in spot.learning.sources:
            if source.machine:
                found.setdefault(source.machine, []).append((spot, source))
    known = {machine.name: machine for machine in site.machines}
    rows = [
        MachineRow(
            name=name,
            learnings=len({spot.entry.path for spot, _ in heard}),
            said=Counter(source.speaker for _, source in heard),
            projects=Counter(spot.shelf.name for spot, _ in heard).most_common(),
            last=max((source.at for _, source in heard), default=""),
            known=known.get(name),
        )
        for name, heard in found.items()
    ]
    return sorted(rows, key=lambda row: (row.known.synced if row.known else row.last, row.name), reverse=True)


def list_events(spots: Iterable[Spot]) -> list[Event]:
    """Return what happened to these learnings, the last first."""
    events = []
    for spot in spots:
        learning = spot.learning
        events.append(Event(learning.created, "learned", spot))
        if learning.status_note:
            events.append(Event(learning.status_note.at, learning.status.value, spot))
    return sorted(events, key=lambda event: (event.at, event.spot.entry.path), reverse=True)


def list_paths(spots: Sequence[Spot]) -> list[PathRow]:
    """Return the folders and files that these learnings are about, by name."""
    found: dict[str, list[Spot]] = {}
    for spot in spots:
        for path in dict.fromkeys(map(clean_line, spot.learning.paths)):
            found.setdefault(path, []).append(spot)
    largest = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))[:MOST_PATHS]
    return [PathRow(path, len(own), tuple(own[:PER_PATH])) for path, own in sorted(largest)]
