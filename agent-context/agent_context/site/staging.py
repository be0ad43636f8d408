"""Stages the site in `.site/`: a plain tree of documents with MkDocs' settings, for any generator to take.

What stands on the pages is sitemap's and pages' job; building them is building's.
"""

from __future__ import annotations

from html import unescape
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec

from agent_context.changes import apply, plan
from agent_context.errors import AgentContextError
from agent_context.screening import find_secrets
from agent_context.screening.allowing import is_allowed
from agent_context.site.cards import Wordings
from agent_context.site.catalogue import build_catalogue
from agent_context.site.facts import find_facts
from agent_context.site.feeds import build_feeds, export, write_llms
from agent_context.site.indexing import FINDABLE, MOST_FOR_MATERIAL, list_findable
from agent_context.site.markup import clean_line, escape
from agent_context.site.pages import Pages, navigation
from agent_context.site.permalinks import PERMALINKS, list_permalinks
from agent_context.site.placing import PARTS, part
from agent_context.site.sitemap import lay_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from agent_context.settings import Allowance
    from agent_context.site.holdings import SiteInput
    from agent_context.site.sitemap import Layout

STAGE = ".site"
SITE = "site"
SETTINGS = "mkdocs.yml"
GUIDE_FILES = frozenset({".md", ".png", ".svg", ".jpg", ".jpeg", ".gif", ".webp"})
FOLDERS = ("docs", PARTS, "overrides", "defaults")


def stage(site: SiteInput, root: Path, wordings_file: Path | None = None) -> list[Path]:
    """Write the pages and MkDocs' settings into `.site/`; return all its files. The same input gives the same bytes.

    `wordings_file` keeps rendered words between builds. Raise AgentContextError when the disk refuses,
    MissingExtraError without the site's packages.
    """
    folder = root / STAGE
    refuse_links(folder)
    wordings = Wordings(wordings_file)
    kept: set[Path] = set()
    for name, data in _make_files(site, root, wordings):
        path = folder / name
        kept.add(path)
        apply(plan({path: data}))
    for name in FOLDERS:
        gone = [path for path in (folder / name).rglob("*") if path not in kept and not path.is_dir()]
        apply(plan(dict.fromkeys(gone)))
    wordings.save()
    return sorted(kept)


def refuse_links(folder: Path) -> None:
    """Keep a symbolic link that came with the repository from leading our writing and deleting elsewhere."""
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            raise AgentContextError(
                f"{path} is a symbolic link, which this program never puts there",
                hint=f"look at where it leads, then remove {folder} and build the site again",
            )


def _make_files(site: SiteInput, root: Path, wordings: Wordings) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the stage, by its path there, one at a time: all of them at once would be much memory."""
    layout = lay_out(site)
    facts = find_facts(site, layout)
    guide = _read_guide(site.guide) if site.guide else {}
    pages = Pages(site, layout, facts, wordings)
    for name, text in pages.render():
        _refuse_secrets(name, text, site.allow)
        page, placed = part(text)
        yield f"docs/{name}", page.encode()
        if placed:
            yield f"{PARTS}/{name.removesuffix('.md')}.html", placed.encode()
    for address, cards in pages.draw_cards():
        yield f"{PARTS}/{address}index.html", cards.encode()
    for name, text in build_feeds(site, layout, wordings).items():
        yield f"docs/{name}", text.encode()
    for name, data in build_catalogue(site, layout, facts).items():
        yield f"docs/{name}", data
    for name, data in guide.items():
        yield f"docs/guide/{name}", data
    yield "docs/learnings.json", export(site, layout, facts)
    chapters = sorted(name for name in guide if name.endswith(".md"))
    yield "docs/llms.txt", write_llms(site, layout, chapters).encode()
    yield PERMALINKS, list_permalinks(layout, wordings)
    yield FINDABLE, list_findable(layout, wordings)
    yield from _read_theme(root)
    settings = _settings(site, layout, root, navigation(site, layout, _guide_navigation(chapters)))
    yield SETTINGS, settings.encode()


def _refuse_secrets(name: str, text: str, allow: Iterable[Allowance]) -> None:
    """Look once more at what is about to be shown: what no gate before has found must not be found by a reader."""
    found = (hit for hit in find_secrets(text) if hit.severity == "certain")
    certain = [hit for hit in found if not is_allowed(unescape(text[hit.start : hit.end]), allow)]
    if certain:
        line = text.count("\n", 0, certain[0].start) + 1
        raise AgentContextError(
            f"the page {name} holds a secret in line {line}: {certain[0].rule}",
            hint="agent-context check names the file that it comes from; the old site was left as it was",
        )


def _read_theme(root: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what makes the look: our assets, what overrides the theme, and the settings where the root has none."""
    data = resources.files("agent_context") / "data" / "site"
    for source, target in (("assets", "docs/assets"), ("overrides", "overrides")):
        with resources.as_file(data / source) as folder:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    yield f"{target}/{path.relative_to(folder).as_posix()}", path.read_bytes()
    if not (root / SETTINGS).is_file():
        yield f"defaults/{SETTINGS}", (data / SETTINGS).read_bytes()


def _settings(site: SiteInput, layout: Layout, root: Path, nav: list[Any]) -> str:
    """Return MkDocs' settings of the staged tree. JSON is YAML, and quotes every string."""
    few = len(layout.spots) <= MOST_FOR_MATERIAL
    feeds = [
        ["application/atom+xml", clean_line(site.title), "feed.xml"],
        ["application/feed+json", clean_line(site.title), "feed.json"],
    ]
    rows: dict[str, Any] = {
        "INHERIT": f"../{SETTINGS}" if (root / SETTINGS).is_file() else f"defaults/{SETTINGS}",
        "site_name": escape(site.title),
        **({"site_url": site.url} if site.url else {}),
        "docs_dir": "docs",
        "site_dir": f"../{SITE}",
        "use_directory_urls": True,
        "theme": {"custom_dir": "overrides"},
        "validation": {"omitted_files": "ignore"},
        **({} if few else {"plugins": [{"search": {"enabled": False}}]}),
        "extra": {"search": "material" if few else "pagefind", "feeds": feeds},
        "nav": nav,
    }
    lines = [f"{key}: {msgspec.json.encode(value).decode()}" for key, value in rows.items()]
    return "# Written by agent-context; change ../mkdocs.yml instead.\n" + "\n".join(lines) + "\n"


def _read_guide(folder: Path) -> dict[str, bytes]:
    """Return the program's own documentation, by path relative to its folder."""
    files = (path for path in folder.rglob("*") if path.suffix.lower() in GUIDE_FILES and path.is_file())
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    return {name: text for name, text in found.items() if not any(part.startswith(".") for part in name.split("/"))}


def _guide_navigation(names: list[str]) -> list[Any]:
    """Return the guide's pages, index first, folders last; MkDocs takes the titles from the pages."""
    flat = [name for name in names if "/" not in name]
    nav: list[Any] = [
        f"guide/{name}" for name in sorted(flat, key=lambda name: (name not in {"index.md", "README.md"}, name))
    ]
    folders: dict[str, list[str]] = {}
    for name in names:
        if "/" in name:
            folders.setdefault(name.split("/")[0], []).append(f"guide/{name}")
    return [*nav, *({folder.replace("-", " ").capitalize(): inside} for folder, inside in sorted(folders.items()))]
