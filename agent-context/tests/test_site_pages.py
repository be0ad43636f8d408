"""The site's further parts: its catalogue, feeds, charts, what belongs together, how it stands and is served."""

from __future__ import annotations

import gzip
import json
import threading
import time
import urllib.request
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from test_site import EMPTY, NOW, make_entry, read_pages, snapshot

from agent_context.journal import Entry as Synced
from agent_context.learning import Source, Speaker, Status, StatusNote
from agent_context.machines import Known
from agent_context.presenting.relating import relate
from agent_context.site import Shelf, SiteInput, Watch, build, serve, stage
from agent_context.site.catalogue import build_catalogue
from agent_context.site.charts import Chart, Series, draw
from agent_context.site.facts import find_facts
from agent_context.site.holdings import Given, GivenLine, Health, Near, Note, Passage, Tool, Web
from agent_context.site.indexing import MOST_FOR_MATERIAL
from agent_context.site.sitemap import lay_out
from agent_context.site.week import find_week_deeds

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.errors import AgentContextError

ATOM = "{http://www.w3.org/2005/Atom}"
HTML_BUDGET = 200_000
INDEX_BUDGET = 500_000
LESSON = "Run `make migrate` before `make deploy`, or <b>the</b> schema is old."


def source(day: str, machine: str = "vm", session: str = "5e55") -> Source:
    return Source(machine=machine, session=session, at=f"{day}T02:31:20Z", speaker=Speaker.USER)


@pytest.fixture(scope="module")
def full() -> SiteInput:
    """A site with something on each of its pages."""
    lesson = make_entry("acme.shop", 1, LESSON, tags=("ci/cd", "\U0001f680"), paths=("Makefile", "db/*.sql"))
    twin = make_entry("acme.shop", 2, "See 0000000001 for the order.", created="2026-11-18T08:00:00Z")
    ended = make_entry(
        "acme.shop",
        3,
        "Use yarn.",
        status=Status.REJECTED,
        status_note=StatusNote("ada", "2026-11-20T08:00:00Z", "we use npm"),
    )
    pattern = make_entry("patterns", 4, "Migrate first.", supersedes=(lesson.learning.id,))
    lines = (GivenLine(lesson.learning.id, "always", "accepted; a person said it"),)
    shop = Shelf(
        "acme.shop",
        "acme/shop",
        (lesson, twin, ended),
        Given("# What was learned\n\n- Run <b>it</b>\n", 42, 1500, lines),
        (Note("laptop", "2026-11-20T08:00:00Z", "main", (Passage("Next Steps", "Ship <script>it</script>."),)),),
    )
    return replace(
        EMPTY,
        shelves=(shop, Shelf("patterns", "Patterns", (pattern,))),
        url="https://kb.example/docs/",
        web=Web("https://forge.example/kb/edit/main/", "https://forge.example/kb/commits/main/"),
        health=Health(withheld=2, quarantined=3),
        machines=(Known("vm", "2026-11-21T10:00:00Z", "1.0", "Linux", {"claude_code": 7}, 0, here=True),),
        syncs=(Synced(at="2026-11-20T10:00:00Z", knowledge_base="kb", read=5, lost=1, cost_usd=0.25),),
        outcomes={"with messages": 7},
        doubts={lesson.path: ("gone: path Makefile",)},
        related={lesson.path: (Near(twin.path, 81),)},
        servers=(Tool("github", "issues & code", {"vm": "present", "mac": "untrusted"}),),
        skills=(Tool("review", "reads a diff", {"vm": "present"}, "# Review\n\n<img src=x onerror=alert(1)>"),),
    )


@pytest.fixture(scope="module")
def built(full: SiteInput, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("full")
    stage(full, root)
    return build(root)


def read(site: Path, address: str) -> str:
    return (site / address / "index.html").read_text(encoding="utf-8")


def test_every_page_has_what_belongs_on_it(built: Path) -> None:
    shop, about = read(built, "projects/acme.shop"), read(built, "projects/acme.shop/about")
    assert 'href="https://forge.example/kb/edit/main/projects/acme.shop/' in shop
    assert "<strong>May no longer hold</strong>: <bdi>gone: path Makefile</bdi>" in shop
    assert 'href="../../explore/?tag=ci%2Fcd"' in shop
    assert 'data-tags="[&quot;ci/cd&quot;,&quot;\U0001f680&quot;]"' in shop
    assert "About 42 tokens of 1500" in about
    assert "accepted; a person said it" in about
    assert "Ship &lt;script&gt;it&lt;/script&gt;." in about
    home = read(built, "")
    assert all(f"<h3>{deed} <small" in home for deed in ("New", "Rejected"))
    assert "<b>3</b> in quarantine" in home
    assert home.count("<figure") == 5
    tooling, skill = read(built, "tooling"), read(built, "tooling/skills/review")
    assert "untrusted" in tooling
    assert "&lt;img src=x onerror=alert(1)&gt;" in skill
    assert "Rejected and retired" in read(built, "rejected")
    assert "agent-context reconsider 0000000003" in read(built, "rejected")
    assert '<th scope="row">read</th><td class="ac-number">7</td>' in read(built, "coverage")
    made = read(built, "patterns").partition('class="ac-made"')[2].partition("</ul>")[0]
    assert 'href="../e/0000000001/"' in made
    assert "<small>acme/shop</small>" in made


def test_learnings_lead_to_what_is_near_and_to_what_names_them(built: Path) -> None:
    shop = read(built, "projects/acme.shop")
    first = shop.partition('data-id="0000000001"')[2].partition("</article>")[0]
    assert 'class="ac-related"' in first
    assert first.count('href="../../e/0000000002/"') == 2, "related, and named by"


def test_feeds_hold_what_was_accepted(built: Path) -> None:
    for folder in ("", "projects/acme.shop/"):
        feed = ET.fromstring((built / f"{folder}feed.xml").read_bytes())  # noqa: S314 - our own
        links = {link.attrib["href"] for link in feed.iterfind(f"{ATOM}entry/{ATOM}link")}
        assert "https://kb.example/docs/e/0000000001/" in links
        assert not any("0000000003" in link for link in links)
        items = json.loads((built / f"{folder}feed.json").read_bytes())["items"]
        assert {item["url"] for item in items} == links
    content = next(item["content_html"] for item in items if item["url"].endswith("0000000001/"))
    assert content.startswith(
        "<p>Run <code>make migrate</code> before <code>make deploy</code>, or &lt;b&gt;the&lt;/b&gt;"
    )
    assert "[acme/shop](projects/acme.shop/): 2 learnings" in (built / "llms.txt").read_text(encoding="utf-8")


def test_the_catalogue_has_every_learning_once(built: Path) -> None:
    facets = json.loads((built / "catalogue/facets.json").read_bytes())
    words = [json.loads((built / name).read_bytes()) for name in facets["words"]]
    ids = [identity for shard in words for identity in shard["id"]]
    assert sorted(ids) == [f"{number:010x}" for number in (1, 2, 3, 4)]
    columns = ("project", "kind", "status", "confidence", "flag", "day", "tag", "path", "machine")
    assert {len(facets[column]) for column in columns} == {facets["count"]} == {4}
    place = ids.index("0000000001")
    assert [facets["tags"][tag] for tag in facets["tag"][place]] == ["ci/cd", "\U0001f680"]
    assert facets["projects"][facets["project"][place]] == ["acme.shop", "acme/shop", "projects/acme.shop/"]
    assert facets["flag"][place] == 0b01010, "stale, and in a pattern"
    links = json.loads((built / facets["links"]).read_bytes())
    assert links["related"] == [[*sorted((place, ids.index("0000000002"))), 81]]
    assert links["patterns"] == [[ids.index("0000000004"), place]]


def test_the_catalogue_says_the_words_of_a_link_and_leaves_code_alone() -> None:
    text = "See [the plan](docs/plan.md), not `a[0](x)`."
    site = replace(EMPTY, shelves=(Shelf("p", "p", (make_entry("p", 1, text),)),))
    files = build_catalogue(site, layout := lay_out(site), find_facts(site, layout))
    (words,) = (json.loads(data) for name, data in files.items() if "words" in name)
    assert words["claim"] == ["See the plan, not `a[0](x)`."]


def test_properdocs_builds_the_same_pages(full: SiteInput, built: Path, tmp_path: Path) -> None:
    stage(full, tmp_path)
    build(tmp_path, generator="properdocs")
    ours, theirs = (dict(read_pages(folder)) for folder in (built, tmp_path / "site"))
    assert ours.keys() == theirs.keys()
    assert all(ours[name].cards == theirs[name].cards for name in ours)


def test_a_public_site_has_no_page_about_machines(full: SiteInput, tmp_path: Path) -> None:
    stage(replace(full, public=True, machines=(), syncs=(), outcomes={}, web=None), tmp_path)
    build(tmp_path)
    assert not (tmp_path / "site/machines").exists()
    assert not (tmp_path / "site/coverage").exists()
    assert 'href="machines/"' not in read(tmp_path / "site", "")


def test_awkward_projects_keep_their_pages_within_the_budgets(tmp_path: Path) -> None:
    many = tuple(
        make_entry("big", n, f"Rule {n}: {'long ' * 60}", why=("because " * 100,), tags=(f"t{n % 50}",))
        for n in range(400)
    )
    names = ("index", "Shop", "shop", "a/b", "\U0001f680")
    odd = tuple(Shelf(name, name, (make_entry(name, 900 + i, f"Odd {i}"),)) for i, name in enumerate(names))
    stage(replace(EMPTY, shelves=(Shelf("big", "big", many), *odd)), tmp_path)
    site = build(tmp_path)
    pages = list(site.rglob("*.html"))
    assert max(page.stat().st_size for page in pages) < HTML_BUDGET
    ids = [
        card for _, page in read_pages(site) for tag, card in page.elements if tag == "article" and "data-id" in card
    ]
    assert len({card["data-id"] for card in ids}) == len(ids) == 405
    assert len(gzip.compress((site / "search/search_index.json").read_bytes())) < INDEX_BUDGET


def test_beyond_what_the_themes_search_can_carry_pagefind_indexes(tmp_path: Path) -> None:
    many = tuple(make_entry("big", n, f"Rule {n}") for n in range(MOST_FOR_MATERIAL + 1))
    stage(replace(EMPTY, shelves=(Shelf("big", "big", many),)), tmp_path)
    settings = (tmp_path / ".site/mkdocs.yml").read_text(encoding="utf-8")
    assert '"search":"pagefind"' in settings
    assert '"enabled":false' in settings
    assert json.loads((tmp_path / ".site/search.json").read_bytes()) == []


def test_words_are_kept_between_builds_and_never_taken_from_the_repository(tmp_path: Path) -> None:
    kept, site = tmp_path / "data/words", replace(EMPTY, shelves=(Shelf("p", "p", (make_entry("p", 1, LESSON),)),))
    stage(site, tmp_path / "a", kept)
    fresh = snapshot(tmp_path / "a")
    stage(site, tmp_path / "b", kept)
    assert snapshot(tmp_path / "b") == fresh
    kept.write_bytes(b"damaged")
    stage(site, tmp_path / "c", kept)
    assert snapshot(tmp_path / "c") == fresh
    assert not kept.is_relative_to(tmp_path / "a")


def test_what_is_new_this_week_is_told_by_what_happened() -> None:
    accepted = StatusNote("ada", "2026-11-20T08:00:00Z", "ok")
    entries = (
        make_entry("p", 1, "New.", created="2026-11-19T08:00:00Z", sources=()),
        make_entry("p", 2, "Again.", sources=(source("2026-02-01"), source("2026-11-20", session="other"))),
        make_entry("p", 3, "Old.", sources=(source("2026-02-01"),)),
        make_entry("p", 4, "Accepted.", sources=(), status_note=accepted),
        make_entry("p", 5, "Future.", created="2027-01-01T00:00:00Z", sources=()),
        make_entry("p", 6, "Folded.", created="2026-11-19T08:00:00Z", sources=(), status=Status.SUPERSEDED),
    )
    deeds = find_week_deeds(lay_out(replace(EMPTY, shelves=(Shelf("p", "p", entries),))), NOW)
    assert {deed.name: [spot.learning.claim for spot in deed.spots] for deed in deeds} == {
        "New": ["New."],
        "Confirmed": ["Again."],
        "Accepted": ["Accepted."],
    }
    assert [deed.times for deed in deeds if deed.name == "Accepted"] == [(accepted.at,)]


def test_a_chart_says_its_numbers_in_words_too() -> None:
    chart = Chart("Syncs & more", ["a", "b"], [Series("good", "ac-good", [3, 1]), Series("none", "ac-bad", [0, 0])])
    drawn = draw(chart)
    svg = ET.fromstring(drawn.partition("</figcaption>")[2].partition("<details")[0])  # noqa: S314 - our own
    assert svg.attrib["aria-label"] == "Syncs & more: 4 in all, at most 3"
    assert [bar.attrib["height"] for bar in svg.iterfind("rect[@class='ac-fill ac-good']")] == ["164.0", "54.7"]
    assert '<th scope="row">a</th><td class="ac-number">3</td>' in drawn
    assert draw(Chart("Nothing", ["a"], [Series("x", "ac-good", [0])])) == ""


def test_without_vectors_rare_words_relate_learnings() -> None:
    entries = [make_entry("p", n, f"Rule {n} about everything.") for n in range(30)]
    entries += [
        make_entry("p", 50, "Kafka rebalances when zookeeper restarts."),
        make_entry("p", 51, "Zookeeper feeds kafka."),
    ]
    related = relate(entries, "minilm", None)
    assert [near.path for near in related[entries[30].path]] == [entries[31].path]


def test_serving_rebuilds_on_a_change_and_tells_open_pages(full: SiteInput, tmp_path: Path) -> None:
    stage(full, tmp_path)
    build(tmp_path)
    watched = tmp_path / "projects"
    watched.mkdir()
    address: list[str] = []
    troubles: list[AgentContextError] = []
    started, rebuilt = threading.Event(), threading.Event()

    def rebuild() -> None:
        stage(replace(full, title="Anew"), tmp_path)
        build(tmp_path)
        rebuilt.set()

    def ready(url: str) -> None:
        address.append(url)
        started.set()

    options = {"port": 0, "ready": ready, "watch": Watch([watched], rebuild, troubles.append, every=0.05)}
    threading.Thread(target=serve, args=(tmp_path,), kwargs=options, daemon=True).start()
    assert started.wait(5)
    before = fetch(address[0] + "-/built")
    assert b'<script src="/-/reload.js" defer></script></body>' in fetch(address[0])
    time.sleep(0.1)
    (watched / "new.md").write_text("learned", encoding="utf-8")
    assert rebuilt.wait(20)
    assert fetch(address[0] + "-/built") != before
    assert b"Anew" in fetch(address[0])
    assert troubles == []


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own server
        data: bytes = answer.read()
    return data
