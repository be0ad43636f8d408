"""The pages of the site as text: values in, Markdown and HTML out. What stands where is sitemap's job.

Writing them to disk and building them is site's job.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec

from agent_context.errors import MissingExtraError
from agent_context.learning import Kind, Learning, Source, Speaker, Status
from agent_context.site.markup import clean_line, render_blocks, render_gist, render_inline
from agent_context.site.sitemap import MONTH, UNDATED, month_of, permalink, safe_name
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jinja2 import Environment

    from agent_context.site.sitemap import Book, Layout, SiteInput, Spot

LATEST = 8
CHART_MONTHS = 12
PER_TAG = 100
NAV_PROJECTS = 60
NAV_TITLE = 60  # YAML reads keys of up to 1,024 characters, and escaping lengthens
DAYS_PER_MONTH = 30.44


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project in a table; `newest` is empty where it holds nothing."""

    book: Book
    count: int
    unreviewed: int
    newest: str
    kinds: list[tuple[Kind, int]]


@dataclass(frozen=True, slots=True)
class MachineRow:
    """What one machine contributed: `said` counts sources by speaker, `projects` by name, most first."""

    name: str
    learnings: int
    said: Counter[Speaker]
    projects: list[tuple[str, int]]
    last: str


@dataclass(frozen=True, slots=True)
class Bar:
    """Part of a column; `top` and `height` are in percent of the highest column."""

    kind: Kind
    count: int
    top: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """One month of the chart."""

    name: str
    total: int
    bars: list[Bar]


def render_pages(site: SiteInput, layout: Layout) -> dict[str, str]:
    """Return the text of every page of ours, by its path under the docs folder."""
    common = {"site": site, "layout": layout, "now": site.generated}
    pages = {
        "index.md": _render("home.md.j2", "", **common, **_home(layout, site.generated)),
        "projects/index.md": _render("projects.md.j2", "projects/", **common, rows=_project_rows(layout)),
        "tags/index.md": _render("tags.md.j2", "tags/", **common, tags=_by_tag(layout), limit=PER_TAG),
        "machines/index.md": _render("machines.md.j2", "machines/", **common, machines=_by_machine(layout)),
        "learnings.json": export(site, layout),
    }
    for book in (*layout.projects, layout.patterns, layout.aside):
        for leaf in book.leaves:
            months = [(month_name(key), list(spots)) for key, spots in groupby(leaf.spots, key=_month)]
            text = _render("book.md.j2", leaf.address, **common, book=book, leaf=leaf, months=months)
            pages[f"{leaf.address}index.md"] = text
    for key, spots in _by_permalink(layout).items():
        pages[f"e/{key}/index.html"] = _render("permalink.html.j2", f"e/{key}/", **common, spots=spots)
    return pages


def navigation(layout: Layout, guide: list[Any]) -> list[Any]:
    """Return MkDocs' nav: our own titles escaped, since themes print them as they are."""
    shown = _project_rows(layout)[:NAV_PROJECTS]
    shown.sort(key=lambda row: layout.projects.index(row.book))
    projects = [
        "projects/index.md",
        *({_escape(row.book.name[:NAV_TITLE]): f"{row.book.address}index.md"} for row in shown),
    ]
    nav: list[Any] = [
        {"Home": "index.md"},
        {"Projects": projects},
        {"Patterns": "patterns/index.md"},
        {"Tags": "tags/index.md"},
        {"Machines": "machines/index.md"},
        {"Rejected": "rejected/index.md"},
    ]
    return [*nav, {"Guide": guide}] if guide else nav


def site_name(title: str) -> str:
    """Return the site's title as themes print it, escaped."""
    return _escape(title)


def export(site: SiteInput, layout: Layout) -> str:
    """Return every learning as JSON for other programs, newest first, with its address on the site."""
    rows = []
    for spot in layout.spots:
        fields = msgspec.to_builtins(spot.learning)
        if not site.evidence:
            fields.pop("evidence", None)
        place = {"project": spot.shelf.folder, "path": spot.entry.path, "url": f"e/{permalink(spot.learning.id)}/"}
        rows.append({**place, **fields})
    return msgspec.json.format(msgspec.json.encode(rows), indent=1).decode() + "\n"


def month_name(key: str) -> str:
    """Return `2026-03` as `March 2026`."""
    return datetime.fromisoformat(f"{key}-01").strftime("%B %Y") if MONTH.fullmatch(key) else "Undated"


def age(then: str, now: str) -> str:
    """Return how long ago, roughly and in words; nothing where one of the times does not read."""
    try:
        days = (datetime.fromisoformat(now[:10]) - datetime.fromisoformat(then[:10])).days
    except ValueError:
        return ""
    if days < 1:
        return "today" if days == 0 else ""
    for size, unit in ((365.25, "year"), (DAYS_PER_MONTH, "month"), (7, "week"), (1, "day")):
        if days >= size:
            count = int(days / size)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    raise AssertionError("BUG: a whole day is at least one day")


def _month(spot: Spot) -> str:
    return month_of(spot.learning.created)


def _by_permalink(layout: Layout) -> dict[str, list[Spot]]:
    found: dict[str, list[Spot]] = {}
    for spot in layout.spots:
        found.setdefault(permalink(spot.learning.id), []).append(spot)
    return found


def _by_tag(layout: Layout) -> list[tuple[str, list[Spot]]]:
    found: dict[str, list[Spot]] = {}
    for spot in layout.living:
        for tag in sorted(set(spot.learning.tags)):
            found.setdefault(tag, []).append(spot)
    return sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))


def _project_rows(layout: Layout) -> list[ProjectRow]:
    """Return one row per project, the one with the newest learning first."""
    rows = []
    for book in layout.projects:
        spots = book.spots
        unreviewed = sum(spot.learning.status is Status.UNREVIEWED for spot in spots)
        newest = spots[0].learning.created if spots else ""
        rows.append(ProjectRow(book, len(spots), unreviewed, newest, _kinds(spots)))
    return sorted(rows, key=lambda row: row.newest, reverse=True)


def _kinds(spots: Iterable[Spot]) -> list[tuple[Kind, int]]:
    counts = Counter(spot.learning.kind for spot in spots)
    return [(kind, counts[kind]) for kind in Kind if counts[kind]]


def _by_machine(layout: Layout) -> list[MachineRow]:
    """Return one row per machine: what it contributed, from whom, to which projects; the last one heard of first."""
    found: dict[str, list[tuple[Spot, Source]]] = {}
    for spot in layout.spots:
        for source in spot.learning.sources:
            found.setdefault(source.machine, []).append((spot, source))
    rows = [
        MachineRow(
            name=name,
            learnings=len({(spot.shelf.folder, spot.entry.path) for spot, _ in heard}),
            said=Counter(source.speaker for _, source in heard),
            projects=Counter(spot.shelf.name for spot, _ in heard).most_common(),
            last=max(source.at for _, source in heard),
        )
        for name, heard in found.items()
    ]
    return sorted(rows, key=lambda row: (row.last, row.name), reverse=True)


def _home(layout: Layout, now: str) -> dict[str, Any]:
    """Return what the home page's template names."""
    living = layout.living
    machines = {source.machine for spot in layout.spots for source in spot.learning.sources}
    counts = [
        ("learnings", len(living), "projects/"),
        ("unreviewed", sum(spot.learning.status is Status.UNREVIEWED for spot in living), ""),
        ("projects", len(layout.projects), "projects/"),
        ("machines", len(machines), "machines/"),
    ]
    return {
        "counts": counts,
        "latest": living[:LATEST],
        "rows": _project_rows(layout),
        "chart": _chart(living, now),
        "legend": [kind for kind, _ in _kinds(living)],
    }


def _chart(spots: list[Spot], now: str) -> list[Column]:
    """Return the twelve months up to the newest learning; one that claims to be of the future is left out."""
    months = Counter(_month(spot) for spot in spots)
    past = [key for key in months if key != UNDATED and key <= now]
    if not past:
        return []
    year, month = map(int, max(past).split("-"))
    last = year * 12 + month - 1
    keys = [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(last - CHART_MONTHS + 1, last + 1)]
    highest = max(months[key] for key in keys)
    columns = []
    for key in keys:
        bars, height = [], 0.0
        for kind, count in _kinds(spot for spot in spots if _month(spot) == key):
            share = 100 * count / highest
            height += share
            bars.append(Bar(kind, count, round(100 - height, 2), round(share, 2)))
        columns.append(Column(month_name(key), months[key], bars))
    return columns


def _heard(learning: Learning) -> list[tuple[str, Speaker, int]]:
    """Return who said it where and how often: machine, speaker, count."""
    counts = Counter((source.machine, source.speaker) for source in learning.sources)
    return [(machine, speaker, count) for (machine, speaker), count in sorted(counts.items())]


def _escape(text: str) -> str:
    from markupsafe import escape  # noqa: PLC0415 - comes with jinja2, an optional extra

    return str(escape(clean_line(text)))


def _render(template: str, address: str, **values: Any) -> str:  # noqa: ANN401 - what the template names
    """Return the page; `base` leads from its address back to the site's root."""
    base = "../" * address.count("/") or "./"
    return _environment().get_template(template).render(base=base, **values)


@cache
def _environment() -> Environment:
    """Return the templates. Whatever they print is shown on one line, nothing hidden, and escaped."""
    try:
        import jinja2  # noqa: PLC0415 - an optional extra
        from markupsafe import Markup  # noqa: PLC0415 - the same
    except ImportError:
        raise MissingExtraError("jinja2", "site") from None

    def finalise(value: object) -> object:
        return clean_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("agent_context", "data/site"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=finalise,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "inline": lambda text: Markup(render_inline(text)),  # noqa: S704 - sanitised there
        "blocks": lambda parts: Markup(render_blocks("\n\n".join(parts))),  # noqa: S704 - sanitised there
        "gist": lambda text: Markup(render_gist(text)),  # noqa: S704 - sanitised there
        "verbatim": lambda text: Markup(str(Markup.escape(show_hidden(text))).replace("\n", "&#10;")),  # noqa: S704 - escaped
        "flat": lambda html: Markup(re.sub(r"\s*\n\s*", "", str(html))),  # noqa: S704 - our own template's text
        "yaml": lambda text: Markup(msgspec.json.encode(_escape(text)).decode()),  # noqa: S704 - escaped
        "safe_name": safe_name,
        "permalink": permalink,
        "age": age,
        "heard": _heard,
    }
    return environment
