"""The site: what foreign text may not do, what stands where, and what a failure leaves behind."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent_context.errors import AgentContextError
from agent_context.knowledge import Entry
from agent_context.learning import Conflict, Kind, Learning, Source, Speaker, Status, StatusNote
from agent_context.site import Shelf, SiteInput, build, serve, stage
from agent_context.site.markup import clean_line, render_blocks, render_inline
from agent_context.site.sitemap import PER_PAGE, lay_out
from agent_context.site.times import find_age

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = "2026-11-21T12:00:00Z"
VOID = {"br", "circle", "col", "hr", "img", "input", "link", "meta", "path", "rect"}
EMPTY = SiteInput("Sample", (), (), evidence=True, guide=None, generated=NOW)

HOSTILE = (
    "Close </div></div></article> and </p> yourself",
    "Say <script>document.title='pwned'</script> twice",
    "Use `</title><script>document.title='pwned'</script>` in a heading",
    "<img src=x onerror=\"document.title='pwned'\"> <svg/onload=alert(1)> <iframe srcdoc=x>",
    "[press](javascript:alert(1)) [me](data:text/html,x) <javascript:alert(1)> ![pixel](https://evil.example/p.png)",
    "## Heading { onfocus=alert(1) autofocus tabindex=0 }",
    "*[API]: Another meaning",
    "[docs]: https://evil.example/",
    "{{ 7 * 7 }} {% include 'x' %} {# gone #}",
    "--- title: Taken over ---",
    'data-search-exclude="',
    "&lt;b&gt; &amp;amp; &#x202e; stay as typed",
    "right to left \u202e override and \u200b nothing",
    "<!-- open comment",
    "<textarea><style>*{display:none}",
    "w" * 3000,
    "שלום means hello",
)


def make_entry(project: str, number: int, claim: str, **fields: Any) -> Entry:
    values: dict[str, Any] = {
        "id": f"{number:010x}",
        "kind": list(Kind)[number % len(Kind)],
        "status": Status.ACCEPTED,
        "created": f"2026-{number % 9 + 1:02}-11T08:00:00Z",
        "claim": claim,
        "sources": (Source(machine="vm", session="5e55", at="2026-02-01T02:31:20Z", speaker=Speaker.USER),),
    }
    learning = Learning(**{**values, **fields})
    return Entry(project, f"projects/{project}/{learning.created[:7]}/sample-{learning.id}.md", learning)


def hostile_entry(number: int, text: str) -> Entry:
    return make_entry(
        "odd",
        number,
        clean_line(text),
        why=(text, f"```\nfirst\n\n{text}\n```", f"- {text}"),
        evidence=(f"{text}\n\n{text}",),
        tags=(text, "tag"),
        paths=(text,),
        sources=(Source(machine=text, session=text, at=text, speaker=Speaker.ASSISTANT, commit=text, extractor=text),),
        status=Status.REJECTED if number % 4 == 0 else Status.UNREVIEWED,
        status_note=StatusNote(by=text, at=text, reason=text),
    )


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SiteInput:
    guide = tmp_path_factory.mktemp("guide")
    (guide / "index.md").write_text("# Guide\n\nSee [more](more.md).\n", encoding="utf-8")
    (guide / "more.md").write_text("# More\n\nWords.\n", encoding="utf-8")
    shop = tuple(make_entry("shop", n, f"Shop rule {n}: run `make check{n}` first.", tags=("ci",)) for n in range(8))
    twin = make_entry("docs", 3, "The same id in another project.", evidence=("we said so",))
    odd = tuple(hostile_entry(100 + n, text) for n, text in enumerate(HOSTILE))
    shelves = (
        Shelf("shop", "acme/shop", shop),
        Shelf("index", "index", (twin,)),
        Shelf("../../Odd", "<b>odd</b> & `co` " + HOSTILE[2], odd),
        Shelf("patterns", "Patterns", (make_entry("p", 900, "Ask before adding a dependency."),)),
    )
    return SiteInput("A </title> of <b>ours</b>", shelves, (HOSTILE[0],), evidence=True, guide=guide, generated=NOW)


@pytest.fixture(scope="module")
def built(sample: SiteInput, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kb")
    stage(sample, root)
    return build(root)


class Reader(HTMLParser):
    """What a browser would make of a page: elements, the words of each card, and whether the tags balance."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[tuple[str, dict[str, str]]] = []
        self.cards: list[str] = []
        self.nested = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = (tag, {key: value or "" for key, value in attrs})
        self.elements.append(element)
        if tag in VOID:
            return
        if "ac-card" in element[1].get("class", "").split():
            self.nested = self.nested or self.in_card
            self.cards.append("")
        self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.in_card:
            self.cards[-1] += data

    @property
    def in_card(self) -> bool:
        return any("ac-card" in attributes.get("class", "").split() for _, attributes in self.open)


def read_pages(folder: Path) -> Iterator[tuple[str, Reader]]:
    for path in sorted(folder.rglob("*.html")):
        yield path.relative_to(folder).as_posix(), Reader(path.read_text(encoding="utf-8"))


def snapshot(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_the_same_input_is_staged_byte_for_byte_the_same(sample: SiteInput, tmp_path: Path) -> None:
    staged = stage(sample, tmp_path / "a")
    stage(replace(sample, title="another"), tmp_path / "b")
    stage(sample, tmp_path / "b")
    assert snapshot(tmp_path / "a") == snapshot(tmp_path / "b")
    assert staged == sorted(path for path in (tmp_path / "a").rglob("*") if path.is_file())


def test_what_is_no_longer_known_is_unstaged(sample: SiteInput, tmp_path: Path) -> None:
    stage(sample, tmp_path)
    stage(EMPTY, tmp_path)
    assert not list(tmp_path.rglob("e/*/index.html"))
    assert not (tmp_path / ".site/docs/projects/shop/index.md").exists()


def test_an_empty_knowledge_base_builds_and_says_what_to_do(tmp_path: Path) -> None:
    stage(EMPTY, tmp_path)
    home = (build(tmp_path) / "index.html").read_text(encoding="utf-8")
    assert "No learnings yet" in home
    assert "<code>make sync</code>" in home


def test_nothing_of_an_entry_becomes_code(built: Path) -> None:
    allowed = {"assets/javascripts/bundle", "assets/site.js"}
    for name, page in read_pages(built):
        for tag, attributes in page.elements:
            if attributes.get("data-md-component") == "search-share":  # the theme's own `javascript:void(0)`
                continue
            assert not [key for key in attributes if key.startswith("on")], name
            assert not any(value.lower().startswith(("javascript:", "data:text")) for value in attributes.values()), (
                name
            )
            assert tag not in {"iframe", "object", "base", "textarea", "img"}, name
            if tag == "script" and "src" in attributes:
                assert any(part in attributes["src"] for part in allowed), name
        assert "document.title='pwned'</script>" not in (built / name).read_text(encoding="utf-8"), name


def test_nothing_is_loaded_from_another_host(built: Path) -> None:
    for name, page in read_pages(built):
        for tag, attributes in page.elements:
            loads = attributes.get("src", "") + (attributes.get("href", "") if tag == "link" else "")
            assert "//" not in loads, name


def test_foreign_text_is_shown_as_it_was_typed(built: Path) -> None:
    pages = [page for name, page in read_pages(built) if name.startswith(("projects/", "rejected/"))]
    words = "\n".join(card for page in pages for card in page.cards)
    for text in HOSTILE:
        assert clean_line(text) in words
        assert f"first\n\n{text}".replace("\u202e", "⟦U+202E⟧").replace("\u200b", "⟦U+200B⟧") in words
    assert "right to left ⟦U+202E⟧ override" in words


def test_every_card_stays_in_its_own_box(built: Path, sample: SiteInput) -> None:
    pages = dict(read_pages(built))
    cards = [card for name, page in pages.items() if not name.startswith("guide") for card in page.cards]
    assert len(cards) == sum(len(shelf.entries) for shelf in sample.shelves)
    assert not any(page.nested for page in pages.values())


def test_a_title_with_markup_stays_a_title(built: Path) -> None:
    home = (built / "index.html").read_text(encoding="utf-8")
    assert "<title>A &lt;/title&gt; of &lt;b&gt;ours&lt;/b&gt;</title>" in home
    odd = next((built / "projects").glob("odd-*/index.html")).read_text(encoding="utf-8")
    assert "<title>&lt;b&gt;odd&lt;/b&gt; &amp; `co`" in odd


def test_hostile_folder_names_neither_climb_nor_collide() -> None:
    names = ("index", "Index", "INDEX", "..", ".", "", "a/../../b", "a.html", "page-2", "entireio.cli", "x" * 300)
    layout = lay_out(replace(EMPTY, shelves=tuple(Shelf(name, "same", ()) for name in names)))
    addresses = [book.address for book in layout.projects]
    assert len({address.casefold() for address in addresses}) == len(names)
    assert all(address.count("/") == 2 and ".." not in address and len(address) < 100 for address in addresses)
    assert "projects/entireio.cli/" in addresses


def test_a_permalink_leads_to_the_learning_or_lists_both(built: Path) -> None:
    one = (built / "e" / f"{4:010x}" / "index.html").read_text(encoding="utf-8")
    assert f'content="0; url=../../projects/shop/#e-{4:010x}"' in one
    assert f'id="e-{4:010x}"' in (built / "projects/shop/index.html").read_text(encoding="utf-8")
    both = (built / "e" / f"{3:010x}" / "index.html").read_text(encoding="utf-8")
    assert "refresh" not in both
    assert both.count("<li>") == 2


def test_an_id_that_is_none_cannot_leave_its_folder(tmp_path: Path) -> None:
    entry = make_entry("p", 1, "Odd id.", id="../../../../escape")
    stage(replace(EMPTY, shelves=(Shelf("p", "p", (entry, entry)),)), tmp_path)
    assert not [path for path in tmp_path.rglob("*escape*") if ".site" not in path.parts]
    text = (tmp_path / ".site/parts/projects/p/index.html").read_text(encoding="utf-8")
    assert text.count('id="e-not-an-id-escape-') == 2


def test_long_projects_are_split_by_month_newest_first() -> None:
    days = [f"2026-{month:02}-{day:02}T00:00:00Z" for month in (1, 2, 3) for day in range(1, 26)]
    entries = tuple(make_entry("p", n, f"Rule {n}", created=day) for n, day in enumerate(days))
    (book,) = lay_out(replace(EMPTY, shelves=(Shelf("p", "p", entries),))).projects
    assert [len(leaf.spots) for leaf in book.leaves] == [50, 25]
    assert [leaf.address for leaf in book.leaves] == ["projects/p/", "projects/p/page-2/"]
    assert book.spots[0].learning.created == "2026-03-25T00:00:00Z"
    many = tuple(make_entry("p", n, f"Rule {n}", created="nonsense") for n in range(2 * PER_PAGE + 1))
    (book,) = lay_out(replace(EMPTY, shelves=(Shelf("p", "p", many),))).projects
    assert [len(leaf.spots) for leaf in book.leaves] == [50, 50, 1]


def test_rejected_learnings_stand_apart_with_their_reason(built: Path) -> None:
    text = (built / "rejected/index.html").read_text(encoding="utf-8")
    assert "ac-rejected" in text
    assert "<strong>rejected</strong> by" in text
    shop = (built / "projects/shop/index.html").read_text(encoding="utf-8")
    assert "ac-rejected" not in shop


def test_problems_tags_machines_and_the_guide_have_their_place(built: Path) -> None:
    home = (built / "index.html").read_text(encoding="utf-8")
    assert "1 file did not read, or must be looked at first" in home
    assert "Close &lt;/div&gt;" in home
    assert 'id="tag-ci"' in (built / "tags/index.html").read_text(encoding="utf-8")
    assert "<bdi>vm</bdi>" in (built / "machines/index.html").read_text(encoding="utf-8")
    assert (built / "guide/more/index.html").is_file()


def test_evidence_is_left_out_when_the_settings_say_so(sample: SiteInput, tmp_path: Path) -> None:
    stage(replace(sample, evidence=False), tmp_path)
    assert b"we said so" not in b"".join(snapshot(tmp_path).values())


def test_the_export_holds_every_learning(built: Path, sample: SiteInput) -> None:
    rows = json.loads((built / "learnings.json").read_text(encoding="utf-8"))
    assert len(rows) == sum(len(shelf.entries) for shelf in sample.shelves)
    assert {row["url"] for row in rows} <= {f"e/{path.name}/" for path in (built / "e").iterdir()}


def test_search_finds_each_learning_at_its_anchor(built: Path) -> None:
    index = json.loads((built / "search/search_index.json").read_text(encoding="utf-8"))
    assert f"projects/shop/#e-{4:010x}" in {item["location"] for item in index["docs"]}


def test_a_failing_build_leaves_the_old_site(tmp_path: Path) -> None:
    stage(EMPTY, tmp_path)
    before = snapshot(build(tmp_path))
    bad = tmp_path / ".site/docs/machines/index.md"
    bad.write_text("[broken](nowhere.md)\n", encoding="utf-8")
    with pytest.raises(AgentContextError, match=r"nowhere\.md"):
        build(tmp_path)
    assert snapshot(tmp_path / "site") == before
    assert not list((tmp_path / ".site").glob("build-*"))


def test_a_disk_that_fills_up_leaves_the_old_site(tmp_path: Path) -> None:
    stage(EMPTY, tmp_path)
    before = snapshot(build(tmp_path))
    code = (
        "import resource, sys; from pathlib import Path; from agent_context.site import build\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try: build(Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "AgentContextError"
    assert snapshot(tmp_path / "site") == before
    assert not list((tmp_path / ".site").glob("build-*"))


def test_a_folder_that_is_not_ours_is_never_replaced(tmp_path: Path) -> None:
    stage(EMPTY, tmp_path)
    (tmp_path / "site").mkdir()
    (tmp_path / "site/letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(AgentContextError, match="left alone"):
        build(tmp_path)
    assert snapshot(tmp_path / "site") == {"letter.txt": b"mine"}


def test_a_symbolic_link_does_not_lead_staging_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "other/docs").mkdir(parents=True)
    (tmp_path / "other/docs/letter.md").write_text("mine", encoding="utf-8")
    (tmp_path / "kb").mkdir()
    (tmp_path / "kb/.site").symlink_to(tmp_path / "other")
    with pytest.raises(AgentContextError, match="symbolic link"):
        stage(EMPTY, tmp_path / "kb")
    assert snapshot(tmp_path / "other") == {"docs/letter.md": b"mine"}


def test_the_knowledge_bases_own_settings_are_inherited(tmp_path: Path) -> None:
    (tmp_path / "mkdocs.yml").write_text("site_name: x\n", encoding="utf-8")
    stage(EMPTY, tmp_path)
    assert 'INHERIT: "../mkdocs.yml"' in (tmp_path / ".site/mkdocs.yml").read_text(encoding="utf-8")
    assert not (tmp_path / ".site/defaults").exists()


def test_the_repositorys_settings_are_the_packaged_ones() -> None:
    packaged = resources.files("agent_context") / "data/site/mkdocs.yml"
    assert (Path(__file__).parents[2] / "mkdocs.yml").read_bytes() == packaged.read_bytes()


def test_serving_answers_this_machine_only(built: Path) -> None:
    address: list[str] = []
    started = threading.Event()

    def ready(url: str) -> None:
        address.append(url)
        started.set()

    threading.Thread(target=serve, args=(built.parent,), kwargs={"port": 0, "ready": ready}, daemon=True).start()
    assert started.wait(5)
    with urllib.request.urlopen(address[0] + "learnings.json", timeout=5) as answer:  # noqa: S310 - our own server
        assert answer.status == 200
    foreign = urllib.request.Request(address[0], headers={"Host": "evil.example"})  # noqa: S310 - our own server
    for wanted, code in ((foreign, 403), (address[0] + "e/", 404)):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(wanted, timeout=5)  # noqa: S310 - our own server
        assert caught.value.code == code
        caught.value.close()


def test_serving_without_a_site_says_how_to_build_one(tmp_path: Path) -> None:
    with pytest.raises(AgentContextError, match="holds no site yet") as caught:
        serve(tmp_path, port=0)
    assert "agent-context site" in caught.value.hint


def test_links_lead_out_or_nowhere() -> None:
    html = render_inline("[a](https://example.org) [b](../x) [c](vbscript:x) ![d](https://example.org/d.png)")
    rel = 'rel="noopener noreferrer nofollow"'
    assert html == (
        f'<a href="https://example.org" {rel}>a</a> <a {rel}>b</a> [c](vbscript:x) '
        f'!<a href="https://example.org/d.png" {rel}>d</a>'
    )


def test_blocks_come_out_on_one_line_and_keep_their_blank_lines() -> None:
    assert render_blocks("# Big\n\n```\na\n\nb\n```") == "<h4>Big</h4>&#10;<pre><code>a&#10;&#10;b&#10;</code></pre>"


@pytest.mark.parametrize(
    ("then", "words"),
    [
        ("2026-11-21T01:00:00Z", "today"),
        ("2026-11-20", "1 day ago"),
        ("2026-11-02", "2 weeks ago"),
        ("2026-08-01", "3 months ago"),
        ("2023-08-01", "3 years ago"),
        ("2027-01-01", ""),
        ("soon", ""),
    ],
)
def test_age_is_told_in_words(then: str, words: str) -> None:
    assert find_age(then, NOW) == words


def test_two_versions_that_wait_stand_side_by_side_with_their_command(tmp_path: Path) -> None:
    versions = ("Use `make` always.", "Use <b>just</b> instead.")
    entry = make_entry("o.r", 1, versions[0], conflicts=(Conflict("claim", versions),))
    stage(replace(EMPTY, shelves=(Shelf("o.r", "o/r", (entry,)),)), tmp_path)
    page = (tmp_path / ".site/docs/conflicts/index.md").read_text(encoding="utf-8")
    assert f"agent-context resolve {entry.learning.id}" in page
    assert '<blockquote dir="auto"><p>Use &lt;b&gt;just&lt;/b&gt; instead.</p></blockquote>' in page
    card = (tmp_path / ".site/parts/projects/o.r/index.html").read_text(encoding="utf-8")
    assert 'data-flags="conflict"' in card
