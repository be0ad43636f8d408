"""A learning as a card of HTML on one line: its words rendered once for all builds, its state drawn anew."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from agent_context import __version__
from agent_context.changes import write_atomically
from agent_context.errors import AgentContextError
from agent_context.learning import LIVING, Speaker
from agent_context.site.facts import FLAGS
from agent_context.site.markup import clean_line, escape, escape_verbatim, render_blocks, render_inline, strip_marks
from agent_context.site.sitemap import permalink
from agent_context.site.times import find_age

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agent_context.learning import Learning, Source
    from agent_context.site.facts import Facts
    from agent_context.site.holdings import SiteInput
    from agent_context.site.sitemap import Spot

MOST_SOURCES = 8
MOST_QUOTE = 4_000
PRIVATE_FILE = 0o600
TIMES = " \u00d7"
SAYS = {Speaker.USER: "user", Speaker.ASSISTANT: "agent"}


class Words(msgspec.Struct, frozen=True, array_like=True):
    """A learning's words as safe HTML; the gist is the claim without marks, fit for inside a link."""

    claim: str
    why: str
    gist: str


class Wordings:
    """The words of learnings, kept in a file between builds by the hash of the text that they are made from.

    The file lies outside the knowledge base, so that nobody can commit one, and may be deleted at any time.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._kept = _read(file) if file else {}
        self._used: dict[str, Words] = {}

    def find(self, learning: Learning) -> Words:
        """Return the learning's words, rendered now where they are new."""
        text = "\0".join((__version__, learning.claim, *learning.why))
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        words = self._used.get(digest) or self._kept.get(digest)
        if words is None:
            why = render_blocks("\n\n".join(learning.why)) if learning.why else ""
            claim = render_inline(learning.claim)
            words = Words(claim, why, strip_marks(claim))
        self._used[digest] = words
        return words

    def save(self) -> None:
        """Keep what this build used. A disk that refuses costs the next build its time, nothing more."""
        if self._file is not None and self._used != self._kept:
            try:
                write_atomically(self._file, msgspec.msgpack.encode(self._used), mode=PRIVATE_FILE)
            except AgentContextError:
                return


def _read(file: Path) -> dict[str, Words]:
    try:
        return msgspec.msgpack.decode(file.read_bytes(), type=dict[str, Words])
    except (OSError, msgspec.DecodeError):
        return {}


@dataclass(frozen=True, slots=True)
class Drawer:
    """Draws the cards of one site; `known` has its learnings by id."""

    site: SiteInput
    facts: dict[str, Facts]
    wordings: Wordings
    known: dict[str, Spot]

    def draw(self, spot: Spot, base: str, *, where: bool) -> str:
        """Return the card on one line; `base` leads to the site's root, `where` names the project on it."""
        learning, facts, words = spot.learning, self.facts[spot.entry.path], self.wordings.find(spot.learning)
        aside = "" if learning.status in LIVING else " ac-aside"
        return "".join(
            (
                f'<article class="ac-card{aside}"{self._data(spot, facts)}>',
                self._top(spot, facts, base, where=where),
                f'<h3 class="ac-claim" id="{spot.anchor}" dir="auto">{words.claim}</h3>',
                f'<div class="ac-why" dir="auto">{words.why}</div>' if words.why else "",
                self._notes(learning, facts),
                self._about(learning, base),
                self._replaced(learning, base),
                self._proof(spot, facts),
                self._beside(facts, base),
                "</article>",
            )
        )

    def link(self, spot: Spot, base: str, *, where: bool = False) -> str:
        """Return a link to a learning by its permalink: its gist, and its project where that matters."""
        place = f" <small>{escape(spot.shelf.name)}</small>" if where else ""
        gist = self.wordings.find(spot.learning).gist
        return f'<a href="{base}e/{permalink(spot.learning.id)}/"><bdi>{gist}</bdi></a>{place}'

    def _data(self, spot: Spot, facts: Facts) -> str:
        learning = spot.learning
        flags = " ".join(flag for flag in FLAGS if flag in facts.flags)
        rows: dict[str, str] = {
            "id": permalink(learning.id),
            "project": spot.shelf.folder,
            "kind": learning.kind,
            "status": learning.status,
            "flags": flags,
            "confidence": facts.level,
            "created": learning.created[:10],
            "tags": _list(learning.tags),
            "paths": _list(learning.paths),
            "machines": _list(sorted(facts.said)),
        }
        return "".join(f' data-{name}="{escape(value)}"' for name, value in rows.items() if value)

    def _top(self, spot: Spot, facts: Facts, base: str, *, where: bool) -> str:
        learning = spot.learning
        badges = [learning.status.value, *facts.flags]
        project = f'<span class="ac-soft"><bdi>{escape(spot.shelf.name)}</bdi></span>' if where else ""
        ago = find_age(learning.created, self.site.generated)
        key = permalink(learning.id)
        return "".join(
            (
                '<div class="ac-top" data-search-exclude data-pagefind-ignore>',
                f'<span class="ac-kind ac-{learning.kind}">{learning.kind}</span>',
                *(f'<span class="ac-status ac-{badge}">{badge}</span>' for badge in badges),
                f'<span class="ac-sure ac-{facts.level}">{facts.sure}&nbsp;% sure</span>',
                project,
                f'<span class="ac-when">{draw_day(learning.created)}',
                f'<span class="ac-ago"> · {ago}</span>' if ago else "",
                f' <a class="ac-link" href="{base}e/{key}/" aria-label="Permalink to {key}">#</a></span>',
                '<span class="ac-actions"></span></div>',
            )
        )

    def _notes(self, learning: Learning, facts: Facts) -> str:
        notes = [] if learning.status in LIVING else [_draw_note(learning)]
        if learning.status == "rejected":
            command = f"<code>agent-context reconsider {permalink(learning.id)}</code>"
            notes.append(f'<p class="ac-note" data-search-exclude>To take it back: {command}</p>')
        if facts.doubts:
            doubts = "; ".join(escape(doubt) for doubt in facts.doubts)
            notes.append(f'<p class="ac-doubt"><strong>May no longer hold</strong>: <bdi>{doubts}</bdi></p>')
        if learning.conflicts:
            fields = ", ".join(sorted({conflict.field for conflict in learning.conflicts}))
            command = f"<code>agent-context resolve {permalink(learning.id)}</code>"
            notes.append(f'<p class="ac-doubt">Versions of its {fields} wait to be settled: {command}</p>')
        return "".join(notes)

    def _about(self, learning: Learning, base: str) -> str:
        if not learning.tags and not learning.paths:
            return ""
        find = f"{base}explore/?tag="
        tags = "".join(
            f'<a class="ac-tag" href="{find}{quote(clean_line(tag), safe="")}"><bdi>{escape(tag)}</bdi></a>'
            for tag in learning.tags
        )
        paths = "".join(f'<code class="ac-path">{escape(path)}</code>' for path in learning.paths)
        return f'<p class="ac-about" data-search-exclude data-pagefind-ignore>{tags}{paths}</p>'

    def _proof(self, spot: Spot, facts: Facts) -> str:
        learning = spot.learning
        quotes = learning.evidence if self.site.evidence else ()
        heard = [f"{SAYS[speaker]}{TIMES}{count}" for speaker, count in sorted(facts.heard.items())]
        heard += [f"<bdi>{escape(machine)}</bdi>{TIMES}{count}" for machine, count in sorted(facts.said.items())]
        count = [f"{len(quotes)} quote{'s' * (len(quotes) > 1)}"] if quotes else []
        named = [source for source in learning.sources if source.machine]
        rows = "".join(map(_draw_source, named[:MOST_SOURCES]))
        more = f'<p class="ac-soft">and {len(named) - MOST_SOURCES} more</p>' if len(named) > MOST_SOURCES else ""
        parts = (
            '<details class="ac-proof"><summary data-search-exclude data-pagefind-ignore>',
            " · ".join([*count, *heard]) or "Source",
            "</summary>",
            *(f'<blockquote dir="auto">{escape_verbatim(_cut(text))}</blockquote>' for text in quotes),
            "<div data-search-exclude data-pagefind-ignore>",
            f'<table class="ac-sources"><tbody>{rows}</tbody></table>{more}' if rows else "",
            _draw_note(learning) if learning.status in LIVING else "",
            f'<p class="ac-soft">To be looked at again after {escape(learning.review_after)}</p>'
            if learning.review_after
            else "",
            self._file(spot),
            "</div></details>",
        )
        return "".join(parts)

    def _replaced(self, learning: Learning, base: str) -> str:
        """Return what was folded into it: of a pattern, the evidence from its projects."""
        old = []
        for item in learning.supersedes:
            spot = self.known.get(item)
            link = self.link(spot, base, where=True) if spot else f"<code>{escape(item)}</code>"
            old.append(link)
        return _draw_links("Made of", old, "ac-made")

    def _file(self, spot: Spot) -> str:
        path, web = spot.entry.path, self.site.web
        links = ""
        if web is not None:
            place = quote(path)
            links = f' <a class="ac-edit" href="{web.edit}{place}">Edit</a>'
            links += f' <a class="ac-history" href="{web.history}{place}">History</a>'
        return f'<p class="ac-file"><code>{escape(path)}</code>{links}</p>'

    def _beside(self, facts: Facts, base: str) -> str:
        related = [self.link(spot, base) for spot, _ in facts.related]
        naming = [self.link(spot, base) for spot in facts.named_by]
        return _draw_links("Related", related, "ac-related") + _draw_links("Named by", naming, "ac-backlinks")


def _draw_note(learning: Learning) -> str:
    """Return who decided about it, when and why; of what holds it stands with the sources."""
    note = learning.status_note
    if note is None:
        return ""
    by = f" by <bdi>{escape(note.by)}</bdi>" if note.by else ""
    said = f"<strong>{learning.status}</strong>{by}, {draw_day(note.at)}: <bdi>{escape(note.reason)}</bdi>"
    return f'<p class="ac-note">{said}</p>'


def draw_day(time: str) -> str:
    """Return a time's day."""
    return f'<time datetime="{escape(time[:10])}" title="{escape(time)}">{escape(time[:10])}</time>'


def _list(items: Iterable[Any]) -> str:
    """Return the words as a JSON array, empty for none."""
    words = [clean_line(item) for item in items]
    return msgspec.json.encode(words).decode() if words else ""


def _draw_links(title: str, links: list[str], name: str) -> str:
    if not links:
        return ""
    items = "".join(f"<li>{link}</li>" for link in links)
    return f'<div class="{name}" data-search-exclude data-pagefind-ignore><span>{title}</span><ul>{items}</ul></div>'


def _draw_source(source: Source) -> str:
    commit = f", commit <code>{escape(source.commit[:12])}</code>" if source.commit else ""
    extractor = f", {escape(source.extractor)}" if source.extractor else ""
    return (
        f"<tr><td><bdi>{escape(source.machine)}</bdi></td><td>{SAYS[source.speaker]}</td><td>{draw_day(source.at)}</td>"
        f"<td>session <code>{escape(source.session[:8])}</code>{commit}{extractor}</td></tr>"
    )


def _cut(text: str) -> str:
    return text if len(text) <= MOST_QUOTE else text[:MOST_QUOTE] + " …"
