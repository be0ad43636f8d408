"""Photograph the site for the README: `python agent-context/docs/site_pictures.py`. Needs playwright and Chromium.

The learnings are invented; the pages are built as `make site` builds them.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from playwright.sync_api import sync_playwright

from agent_context.knowledge import Entry
from agent_context.learning import Kind, Learning, Source, Speaker, Status, learning_id
from agent_context.site import Shelf, SiteInput, build, stage

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NOW = "2026-11-21T12:00:00Z"
IMAGES = Path(__file__).parent / "images"
SIZE = {"width": 1240, "height": 780}
SHOP, DOCS, GREENHOUSE, PATTERNS = "acme.shop", "acme.docs", "lin.greenhouse", "patterns"
NAMES = {SHOP: "acme/shop", DOCS: "acme/docs", GREENHOUSE: "lin/greenhouse", PATTERNS: "Patterns"}


class Told(NamedTuple):
    """One learning as it is told here: project, day, kind, tags, machines, claim, why."""

    folder: str
    day: str
    kind: Kind
    tags: str
    machines: str
    claim: str
    why: str = ""


TOLD = (
    Told(
        SHOP,
        "11-19",
        Kind.GOTCHA,
        "deploy migrations",
        "vm laptop vm",
        "Deploy with `make deploy`, not `fly deploy` directly: the latter skips the migrations.",
        "`make deploy` runs `bin/migrate` in a one-off machine first and stops when it fails.",
    ),
    Told(
        SHOP,
        "11-17",
        Kind.DECISION,
        "money database",
        "desk laptop",
        "Prices are integers in cents everywhere; only `money.py` formats them.",
        "Floats rounded a refund the wrong way in March. The database column is `bigint`.",
    ),
    Told(
        SHOP,
        "11-15",
        Kind.CONFIGURATION,
        "tests database",
        "vm",
        "The test database listens on port 5433, because 5432 is taken by the system's Postgres on the build machines.",
    ),
    Told(SHOP, "11-11", Kind.WORKFLOW, "ci", "laptop vm", "Run `make check` before every commit; CI runs the same."),
    Told(SHOP, "10-29", Kind.CONVENTION, "api", "desk", "Every endpoint answers errors as `application/problem+json`."),
    Told(SHOP, "10-20", Kind.DEPENDENCY, "money", "vm", "Pin `stripe` below 12: its webhooks changed their signature."),
    Told(SHOP, "10-12", Kind.GOTCHA, "database", "laptop desk", "`VACUUM FULL` locks `orders`; use `pg_repack`."),
    Told(
        SHOP, "09-18", Kind.PREFERENCE, "api", "desk", "Prefer keyword arguments for anything that takes two strings."
    ),
    Told(SHOP, "09-02", Kind.GOTCHA, "deploy", "vm", "A release without a changelog line is refused by the hook."),
    Told(DOCS, "11-20", Kind.WORKFLOW, "ci docs", "laptop", "Build the docs with `--strict`; broken links fail there."),
    Told(DOCS, "10-05", Kind.CONVENTION, "docs", "desk", "One sentence a line in Markdown: the diffs stay small."),
    Told(DOCS, "08-21", Kind.GOTCHA, "docs", "vm", "Headings keep their ids: old links from the shop point there."),
    Told(GREENHOUSE, "11-18", Kind.GOTCHA, "sensors", "pi", "The soil probe needs 200 ms after power-up."),
    Told(GREENHOUSE, "11-07", Kind.WORKFLOW, "sensors deploy", "pi desk", "Copy with `mpremote`, not `ampy`."),
    Told(GREENHOUSE, "10-10", Kind.DECISION, "sensors", "pi", "Readings are stored in UTC, shown in local time."),
    Told(
        GREENHOUSE, "09-25", Kind.DEPENDENCY, "sensors", "pi", "Stay on MicroPython 1.24: 1.25 breaks the I2C driver."
    ),
    Told(GREENHOUSE, "06-14", Kind.GOTCHA, "power", "pi", "The pump and Wi-Fi together brown out a 1 A supply."),
    Told(
        PATTERNS, "11-14", Kind.WORKFLOW, "ci", "laptop vm desk", "Ask before adding a dependency; say what it deletes."
    ),
    Told(PATTERNS, "10-30", Kind.PREFERENCE, "ci", "desk pi", "Fail loudly: a swallowed error costs an afternoon."),
)


def make_entry(told: Told, number: int) -> Entry:
    """Return the learning of one line above."""
    created = f"2026-{told.day}T09:{number % 60:02}:00Z"
    key = learning_id(told.folder, told.claim)
    learning = Learning(
        id=key,
        kind=told.kind,
        status=Status.UNREVIEWED if number % 6 == 2 else Status.ACCEPTED,  # noqa: PLR2004 - one in six
        created=created,
        claim=told.claim,
        tags=tuple(told.tags.split()),
        paths=("Makefile", "deploy/**") if "deploy" in told.tags else (),
        sources=tuple(
            Source(name, f"{number:04x}{place:04x}", created, (Speaker.USER, Speaker.ASSISTANT)[place % 2], key[:7])
            for place, name in enumerate(told.machines.split())
        ),
        pinned=number == 0,
        why=(told.why,) if told.why else (),
        evidence=("no, never run fly deploy yourself, use make deploy, it runs the migrations first",),
    )
    return Entry(told.folder, f"projects/{told.folder}/{created[:7]}/sample-{key}.md", learning)


def photograph(browser: Browser, site: Path, name: str, address: str, scheme: str) -> None:
    """Take one picture. The pages are read from the disk, as modules are not: routes stand in for a server."""
    context = browser.new_context(viewport=SIZE, color_scheme=scheme)
    page = context.new_page()

    def answer(route: object, request: object) -> None:
        path = site / request.url.split("/", 3)[3].split("?")[0].split("#")[0]
        route.fulfill(path=path / "index.html" if path.is_dir() else path)

    page.route("**/*", answer)
    page.goto(f"http://site.example/{address}")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(3000)
    page.screenshot(path=IMAGES / f"site-{name}.png")
    context.close()


def main() -> None:
    """Build the site and take the pictures."""
    entries = [make_entry(told, number) for number, told in enumerate(TOLD)]
    shelves = tuple(
        Shelf(folder, name, tuple(entry for entry in entries if entry.project == folder))
        for folder, name in NAMES.items()
    )
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        stage(SiteInput("Ada's agent context", shelves, (), evidence=True, guide=None, generated=NOW), Path(folder))
        site = build(Path(folder))
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        try:
            photograph(browser, site, "home", "", "light")
            photograph(browser, site, "project", f"projects/{SHOP}/", "light")
            photograph(browser, site, "explorer", "explore/?tag=ci", "dark")
            photograph(browser, site, "graph", f"graph/?at=project+{SHOP}", "dark")
        finally:
            browser.close()


if __name__ == "__main__":
    main()
