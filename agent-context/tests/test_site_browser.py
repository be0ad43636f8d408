"""The site in a real browser: what foreign text may not do, filters, explorer, graph, keys, looks, access, weight."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest
from samples import make_learning

from agent_context.knowledge import Entry
from agent_context.learning import Kind, Source, Speaker, Status, StatusNote
from agent_context.site import Shelf, SiteInput, build, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.real

REPOSITORY = Path(__file__).parents[2]
AXE = Path(os.environ.get("AGENT_CONTEXT_AXE") or REPOSITORY / ".venv/browser/node_modules/axe-core/axe.min.js")
NOW = "2026-11-21T12:00:00Z"
PATIENCE = 8_000  # milliseconds
SWITCHES = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")

# Each tells the collector, our own server, if it runs or loads anything: it asks for /collected.
RUN = "fetch('/collected?x')"
HOSTILE = (
    f"<script>{RUN}</script>",
    f'<img src="/collected?img" onerror="{RUN}">',
    f'<svg onload="{RUN}"><script>{RUN}</script></svg>',
    f'<details open ontoggle="{RUN}">x</details>',
    f'<iframe srcdoc="<script>parent.{RUN}</script>"></iframe>',
    f"[link](javascript:{RUN}) [named][js]\n\n[js]: javascript:{RUN}",
    '<form action="/collected"><button autofocus>Sign in</button></form><base href="/collected/">',
    f'![a](/collected?image){{ onerror="{RUN}" }}',
    f'Heading {{ onfocus="{RUN}" autofocus tabindex=0 }}',
    f"Use `</title><script>{RUN}</script>` in a heading",
    "<style>body { background: url(/collected?style) }</style><link rel=stylesheet href=/collected?link>",
    "{{ ''.__class__.__mro__ }} {% include '/etc/passwd' %} ${7*7} <%= 7*7 %>",
    f'--- title: "</title><script>{RUN}</script>" ---',
    "!!python/object/apply:os.system ['touch /tmp/collected']",
    f"\"><img src=x onerror={RUN}> '><img src=x onerror={RUN}>",
    f'<a href="#" data-ac="explorer" data-copy onclick="{RUN}">x</a><div data-ac="graph"></div>',
    f'<mark>{RUN}</mark></script><script type="module" src="/collected.js"></script>',
    "../../../../etc/passwd",
    "constructor __proto__ hasOwnProperty toString",
)
LONG = "Never" + "ending" * 60 + " words must wrap."
CLAIMS = (
    "Deploy with `make deploy`, not `fly deploy` directly: the latter skips the migrations.",
    "Prices are integers in cents everywhere; only `money.py` formats them.",
    "The test database listens on port 5433.",
    "יש להריץ את `make check` לפני כל commit.",
    LONG,
    "Café menus are cached for an hour.",
)


def entry(folder: str, number: int, claim: str, **fields: Any) -> Entry:
    """An entry whose other values follow from its number."""
    machine = ("laptop", "vm")[number % 2]
    values: dict[str, Any] = {
        "id": f"{number:010x}",
        "kind": list(Kind)[number % len(Kind)],
        "status": Status.ACCEPTED if number % 3 else Status.UNREVIEWED,
        "created": f"2026-{11 - number // 30 % 10:02}-{number % 27 + 1:02}T08:00:00Z",
        "tags": (("deploy", "money", "tests/unit")[number % 3], "🚀", "constructor"),
        "paths": (f"src/{number % 4}.py",),
        "why": (f"Number {number} was learned the hard way.",),
        "evidence": ("we said so before",),
        "sources": (Source(machine, "5e55", NOW, Speaker.USER),),
    }
    learning = make_learning(claim, **{**values, **fields})
    return Entry(folder, f"projects/{folder}/{learning.created[:7]}/sample-{learning.id}.md", learning)


def hostile(folder: str, number: int, text: str) -> Entry:
    """An entry that says the same hostile words in every field."""
    line = " ".join(text.split())
    return entry(
        folder,
        number,
        line,
        tags=(line,),
        paths=(line,),
        why=(text, f"## {line}"),
        evidence=(text,),
        sources=(Source(line, line, line, Speaker.USER, line, line),),
        status=Status.REJECTED if number % 5 == 0 else Status.UNREVIEWED,
        status_note=StatusNote(line, NOW, line),
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built site: a long project, a short one, patterns, and one whose every word is hostile."""
    root = tmp_path_factory.mktemp("kb")
    guide = root / "guide"
    guide.mkdir()
    (guide / "index.md").write_text("# Guide\n\n| a | b |\n|:--|--:|\n| `code` | 1 |\n\n```python\nx = 1\n```\n")
    shop = tuple(entry("acme.shop", n, f"{CLAIMS[n % len(CLAIMS)]} ({n})") for n in range(120))
    green = tuple(entry("lin.greenhouse", 200 + n, claim) for n, claim in enumerate(CLAIMS))
    bad = tuple(hostile("../odd", 300 + n, text) for n, text in enumerate(HOSTILE))
    pattern = entry("patterns", 400, "Ask before adding a dependency.", supersedes=(f"{3:010x}",))
    shelves = (
        Shelf("acme.shop", "acme/shop", shop),
        Shelf("lin.greenhouse", "lin/greenhouse", green),
        Shelf("../odd", HOSTILE[9], bad),
        Shelf("patterns", "Patterns", (pattern,)),
    )
    stage(SiteInput("Sample", shelves, (HOSTILE[0],), evidence=True, guide=guide, generated=NOW), root)
    return build(root)


class Handler(SimpleHTTPRequestHandler):
    """Serve files and write down what is asked for; `unguarded` serves the pages without their policy."""

    asked: list[str]
    unguarded = False

    def do_GET(self) -> None:
        self.asked.append(self.path)
        file = Path(self.translate_path(self.path))
        file = file / "index.html" if file.is_dir() else file
        with contextlib.suppress(ConnectionError):  # the browser may be on another page by now
            if self.path == "/favicon.ico":  # asked for by the permalinks' bare pages
                self.send_response(204)
                self.end_headers()
            elif self.unguarded and file.suffix == ".html" and file.is_file():
                self.send_unguarded(file)
            else:
                super().do_GET()

    def send_unguarded(self, file: Path) -> None:
        """Send a page without its policy."""
        data = file.read_bytes().replace(b'http-equiv="Content-Security-Policy"', b'name="without"')
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's signature
        """Say nothing."""


@contextlib.contextmanager
def served(folder: Path, *, unguarded: bool = False) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder on the loopback; give its address and the list of what is asked for."""
    asked: list[str] = []
    kind = type("Own", (Handler,), {"asked": asked, "unguarded": unguarded})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(kind, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for all tests, in a home of its own."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - installed for test-real alone

    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("no Chromium: `make test-real` installs it, or: apt-get install chromium")
    home = str(tmp_path_factory.mktemp("browser"))
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program, args=list(SWITCHES), env={"HOME": home, "PATH": os.environ["PATH"]}
        )
        try:
            yield started
        finally:
            started.close()


@contextlib.contextmanager
def visiting(browser: Browser, address: str, **options: Any) -> Iterator[tuple[Page, list[str]]]:
    """A page that must ask nobody else; gives it and what it complains of."""
    context: BrowserContext = browser.new_context(base_url=address, **{"color_scheme": "light", **options})
    context.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    try:
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog {dialog.message}"), dialog.dismiss())[0])
        page.on(
            "request",
            lambda asked: (
                None if asked.url.startswith((address, "data:", "blob:")) else complaints.append(f"asks {asked.url}")
            ),
        )
        yield page, complaints
    finally:
        context.close()


@pytest.fixture
def page(browser: Browser, site: Path) -> Iterator[Page]:
    """A page on the sample site that has nothing to complain of until the end."""
    with served(site) as (address, _), visiting(browser, address) as (opened, complaints):
        yield opened
        assert complaints == []


def collected(asked: list[str]) -> list[str]:
    """What hostile words have asked for."""
    return [path for path in asked if "collected" in urlsplit(path).path]


def addresses(site: Path) -> list[str]:
    """The address of every page but the permalinks' stubs."""
    found = (path.relative_to(site).as_posix().removesuffix("index.html") for path in sorted(site.rglob("*.html")))
    return [name for name in found if not name.startswith("e/")]


def settle(page: Page, address: str) -> None:
    """Open an address and wait until its scripts have filled it."""
    page.goto(address)
    for kind in ("explorer", "filters", "graph"):
        if page.locator(f"[data-ac={kind}]").count():
            page.locator(f"[data-ac={kind}] .ac-said", has_not_text="Loading").first.wait_for()


def until(page: Page, expression: str) -> None:
    """Wait until the expression holds. Playwright's own way makes code from text, which the pages' policy forbids."""
    end = time.monotonic() + PATIENCE / 1000
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never came true: {expression}"
        page.wait_for_timeout(30)


def claims(page: Page) -> list[str]:
    """The claims that are to be seen, of cards or rows."""
    return page.locator(".ac-card:visible .ac-claim, .ac-hit:visible .ac-hit-link").all_inner_texts()


def test_every_page_keeps_its_policy_says_hostile_words_and_fits_a_phone(site: Path, browser: Browser) -> None:
    with (
        served(site) as (address, asked),
        visiting(browser, address, viewport={"width": 390, "height": 844}) as (page, complaints),
    ):
        for name in addresses(site):
            settle(page, f"/{name}")
            policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content") or ""
            assert "sha256-" in policy
            assert "unsafe-eval" not in policy
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{name} is {wide} pixels too wide"
            assert complaints == [], name
        assert collected(asked) == []


def test_hostile_words_stay_words_even_without_the_policy(site: Path, browser: Browser) -> None:
    odd = [name for name in addresses(site) if name.startswith(("projects/odd-", "rejected/", "tags/", "machines/"))]
    searches = [f"explore/?find={quote(text[:60])}" for text in ("script", "onerror", "constructor __proto__")]
    graphs = ["graph/?at=everything", f"graph/?at={quote('tag ' + ' '.join(HOSTILE[1].split()))}"]
    stubs = [f"e/{300 + number:010x}/" for number in (0, 1, 5, 9)]
    explorer = "explore/?project=" + quote("../odd")
    with (
        served(site, unguarded=True) as (address, asked),
        visiting(browser, address) as (page, complaints),
    ):
        for stub in stubs:
            page.goto(f"/{stub}")
            page.wait_for_url("**/#e-*")
        for name in ("", *odd, *searches, *graphs, explorer):
            settle(page, f"/{name}")
            page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
            page.wait_for_timeout(100)
        assert collected(asked) == []
        assert complaints == []
        shown = ["".join(claim.split()) for claim in claims(page)]
        plain = ["".join(text.split())[:40].replace("`", "") for text in HOSTILE]
        assert [text for text in plain if not any(text in claim for claim in shown)] == []


def test_the_collector_hears_and_the_policy_stops(site: Path, browser: Browser, tmp_path: Path) -> None:
    shutil.copytree(site, tmp_path / "site")
    home = tmp_path / "site/index.html"
    text = home.read_text(encoding="utf-8")
    home.write_text(text.replace("</h1>", f"</h1>{HOSTILE[0]}{HOSTILE[1]}", 1), encoding="utf-8")
    for unguarded in (True, False):
        with (
            served(tmp_path / "site", unguarded=unguarded) as (address, asked),
            visiting(browser, address) as (page, complaints),
        ):
            settle(page, "/")
            page.wait_for_timeout(300)
            assert ("/collected?x" in asked) == unguarded
            assert any("Content Security Policy" in said for said in complaints) != unguarded


def test_filters_of_one_page_hide_cards_and_stand_in_the_address(page: Page) -> None:
    settle(page, "/projects/lin.greenhouse/")
    assert len(claims(page)) == len(CLAIMS)
    page.locator(".ac-fold summary").click()
    assert page.get_by_role("checkbox", name="constructor", exact=False).count() == 1
    page.get_by_role("checkbox", name="money").check()
    assert page.url.endswith("?tag=money")
    assert all("money" in text for text in page.locator(".ac-card:visible .ac-about").all_inner_texts())
    few = claims(page)
    page.reload()
    until(page, "document.querySelector('.ac-chip')")
    assert claims(page) == few
    page.go_back()
    until(page, "!document.querySelector('.ac-chip')")
    page.get_by_role("searchbox").fill("cafe")
    page.get_by_text("1 learning", exact=True).wait_for()
    assert claims(page) == ["Café menus are cached for an hour."]
    page.get_by_role("button", name="Clear all").click()
    assert len(claims(page)) == len(CLAIMS)


def test_a_folder_filters_all_that_lies_below_it(page: Page) -> None:
    for address in ("/projects/lin.greenhouse/?path=src%2F", "/explore/?project=lin.greenhouse&path=src%2F"):
        settle(page, address)
        until(page, "document.querySelector('.ac-chip')")
        assert len(claims(page)) == len(CLAIMS)


def test_filters_of_a_long_project_reach_all_its_pages(page: Page) -> None:
    settle(page, "/projects/acme.shop/")
    assert 20 < len(claims(page)) <= 60
    page.get_by_role("searchbox").fill("database listens")
    page.get_by_text("20 learnings", exact=True).wait_for()
    assert len(claims(page)) == 20
    page.get_by_role("button", name="Clear all").click()
    page.locator(".ac-card").first.wait_for()


def test_the_explorer_counts_finds_and_remembers(page: Page) -> None:
    settle(page, "/explore/?kind=gotcha")
    kinds = page.locator("fieldset", has=page.locator("legend", has_text="Kind"))
    assert kinds.get_by_role("checkbox", name="gotcha").is_checked()
    said = page.locator(".ac-said").inner_text()
    assert said.split()[0] == kinds.locator("li", has_text="gotcha").locator(".ac-tally").inner_text()
    page.get_by_role("button", name="Clear all").click()
    field = page.locator(".ac-find")
    for typed in ("depl mak", "dpeloy"):  # by their beginnings, in any order; one letter out of place
        field.fill(typed)
        until(page, f"location.search.includes({json.dumps(quote(typed.split()[0]))})")
        until(page, "document.querySelector('.ac-hit-link')?.textContent.startsWith('Deploy with')")
    field.fill("no such words")
    page.get_by_text("Nothing fits").wait_for()
    field.fill("")
    page.get_by_role("button", name="Show more").click()
    until(page, "document.querySelectorAll('.ac-hit').length === 100")
    page.locator(".ac-hit-link").first.click()
    page.wait_for_url("**/projects/**#e-*")


def test_the_graph_starts_near_and_goes_everywhere_by_keyboard(page: Page) -> None:
    settle(page, "/graph/")
    around = page.locator(".ac-around")
    around.get_by_role("heading", name="acme/shop").wait_for()
    until(page, "document.querySelector('.ac-canvas').dataset.settled === 'yes'")
    around.locator("h3:text-is('Tags') + ul").get_by_role("button", name="deploy").focus()
    page.keyboard.press("Enter")
    around.get_by_role("heading", name="deploy", level=2).wait_for()
    assert page.url.endswith("?at=tag+deploy")
    page.go_back()
    around.get_by_role("heading", name="acme/shop").wait_for()
    page.get_by_role("button", name="Show everything").click()
    around.get_by_role("heading", name="Everything").wait_for()
    until(page, "document.querySelector('.ac-canvas').dataset.settled === 'yes'")
    page.get_by_role("searchbox").fill("dependency")
    around.get_by_role("button", name="Ask before adding").click()
    around.get_by_role("link", name="Open its page").click()
    page.wait_for_url("**/patterns/#e-*")


def test_keys_move_copy_open_and_can_be_switched_off(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    settle(page, "/projects/lin.greenhouse/")
    page.keyboard.press("j")
    page.keyboard.press("c")
    page.get_by_text("Learning copied").wait_for()
    first = page.locator(".ac-card").first
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.replace("`", "").startswith(first.locator(".ac-claim").inner_text())
    assert copied.endswith("was learned the hard way.\n")
    page.keyboard.press("l")
    page.get_by_text("Link copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert urlsplit(link).path == f"/e/{first.get_attribute('data-id')}/"
    page.keyboard.press("e")
    assert first.locator("details.ac-proof").get_attribute("open") is not None
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.matches('.ac-find')")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    dialog.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("h")
    assert page.url.endswith("/projects/lin.greenhouse/")


def test_the_theme_follows_the_system_then_the_reader(page: Page) -> None:
    settle(page, "/")
    scheme = "document.body.dataset.mdColorScheme"
    assert page.evaluate(scheme) == "default"
    page.keyboard.press("t")
    until(page, f"{scheme} === 'slate'")
    page.reload()
    until(page, f"{scheme} === 'slate'")


def test_search_leads_to_the_learning(page: Page) -> None:
    settle(page, "/machines/")
    page.keyboard.press("/")
    page.keyboard.type("cents everywhere", delay=15)
    page.locator(".md-search-result__link").first.click()
    page.wait_for_url("**/projects/**")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_stands_in_the_way_of_anyone(site: Path, browser: Browser, scheme: str) -> None:
    if not AXE.is_file():
        pytest.fail(f"no axe-core at {AXE}: `make test-real` installs it, or set AGENT_CONTEXT_AXE to one")
    found = {}
    with served(site, unguarded=True) as (address, _), visiting(browser, address, color_scheme=scheme) as (page, _):
        for name in ("", "projects/lin.greenhouse/", "explore/", "graph/"):
            settle(page, f"/{name}")
            page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
            page.add_script_tag(path=AXE)
            result = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
            found[name] = [
                (rule["id"], [node["target"] for node in rule["nodes"]][:5])
                for rule in result["violations"]
                if rule["impact"] in ("serious", "critical")
            ]
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_pages_and_scripts_stay_light(site: Path) -> None:
    heavy = {name: size for name in addresses(site) if (size := len(page_bytes(site, name))) > 200_000}
    assert heavy == {}
    ours = sum(len(gzip.compress(path.read_bytes())) for path in (site / "assets").glob("*.js"))
    theirs = sum(len(gzip.compress(path.read_bytes())) for path in (site / "assets/javascripts").rglob("*.min.js"))
    assert ours + theirs < 300_000
    assert ours < 30_000


def page_bytes(site: Path, name: str) -> bytes:
    """What the browser gets for an address."""
    path = site / name
    return (path / "index.html" if path.is_dir() else path).read_bytes()
