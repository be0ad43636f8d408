"""`/e/<id>/`, every learning's permalink: a stub that leads to its place, written past the generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_context.site.markup import escape
from agent_context.site.sitemap import permalink

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.site.cards import Wordings
    from agent_context.site.sitemap import Layout

PERMALINKS = "permalinks.json"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
HEAD = (
    '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
    f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
    '<meta name="robots" content="noindex">\n<meta name="viewport" content="width=device-width,initial-scale=1">\n'
    '<meta name="color-scheme" content="light dark">\n'
)


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a learning stands: its address on the site, its gist as HTML, its project's name as HTML."""

    address: str
    gist: str
    project: str


def list_permalinks(layout: Layout, wordings: Wordings) -> bytes:
    """Return the places of all learnings by their permalink's name, as JSON; two learnings may share an id."""
    found: dict[str, list[Place]] = {}
    for spot in layout.spots:
        place = Place(spot.address, wordings.find(spot.learning).gist, escape(spot.shelf.name))
        found.setdefault(permalink(spot.learning.id), []).append(place)
    return msgspec.json.encode(found)


def write_permalinks(staged: Path, site: Path) -> None:
    """Write the stubs into a built site. Raise OSError when the disk refuses."""
    places = msgspec.json.decode((staged / PERMALINKS).read_bytes(), type=dict[str, list[Place]])
    for name, own in places.items():
        folder = site / "e" / name
        folder.mkdir(parents=True)
        (folder / "index.html").write_text(_draw(name, own), encoding="utf-8")


def _draw(name: str, places: list[Place]) -> str:
    lead = ""
    if len(places) == 1:
        lead = f'<meta http-equiv="refresh" content="0; url=../../{escape(places[0].address)}">\n'
    rows = "".join(
        f'<li><a href="../../{escape(place.address)}">{place.gist}</a> ({place.project})</li>\n' for place in places
    )
    return f"{HEAD}<title>Learning {escape(name)}</title>\n{lead}<ul>\n{rows}</ul>\n</html>\n"
