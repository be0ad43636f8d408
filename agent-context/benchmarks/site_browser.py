"""Measure the site in a real browser: bytes at first load, time to the first rows, search latency, beside MiniSearch.

    npm install --prefix node minisearch  # then --minisearch node/node_modules/minisearch
    python agent-context/benchmarks/site_browser.py [--count 20000] [--site DIR] [--minisearch DIR]

Needs playwright and Chromium. Without --site it builds one of invented learnings first. Bytes are what a server that
compresses (as forges' page servers do) sends; times are milliseconds in one browser on one machine, ours and
MiniSearch's in the same page, over the same words, one after the other.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import statistics
import tempfile
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invented import invent_site
from playwright.sync_api import sync_playwright

from agent_context.site import build, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
QUERIES = (
    "deploy", "make deploy", "migr", "lockfile auth", "docker timeout", "never edit", "UTC", "postgres", "depoly",
    "cache retry memory", "billing", "pytest", "shard limit", "MB of memory", "checksum payments", "k", "ke", "kernel",
)  # fmt: skip
OURS = """async (queries) => {
  const { Catalogue } = await import("/assets/catalogue.js");
  const catalogue = new Catalogue();
  await catalogue.ready;
  const before = performance.now();
  await catalogue.loadAll();
  const loaded = performance.now() - before;
  const times = [], found = {};
  for (const text of [queries[0], ...queries]) {
    const start = performance.now();
    const answer = await catalogue.ask("query", { text, chosen: {}, limit: 50 });
    times.push(performance.now() - start);
    const all = await catalogue.ask("query", { text, chosen: {}, limit: Infinity });
    found[text] = all.rows.map((row) => row.id);
  }
  return { loaded, first: times[0], times: times.slice(1), found };
}"""
THEIRS = """async (queries) => {
  const { default: MiniSearch } = await import("/-/minisearch/dist/es/index.js");
  const facets = await (await fetch("/catalogue/facets.json")).json();
  const parts = await Promise.all(facets.words.map(async (path) => (await fetch("/" + path)).json()));
  const documents = parts.flatMap(({ id: ids, claim, why }) =>
    ids.map((id, place) => ({ id, claim: claim[place], why: why[place] })),
  );
  documents.forEach((each, place) => (each.tags = facets.tag[place].map((tag) => facets.tags[tag]).join(" ")));
  const index = new MiniSearch({
    fields: ["claim", "tags", "why"],
    searchOptions: { boost: { claim: 3, tags: 2 }, prefix: true, combineWith: "AND" },
  });
  const before = performance.now();
  index.addAll([...new Map(documents.map((each) => [each.id, each])).values()]);
  const loaded = performance.now() - before;
  const times = [], found = {};
  for (const text of [queries[0], ...queries]) {
    const start = performance.now();
    const rows = index.search(text);
    times.push(performance.now() - start);
    found[text] = rows.map((row) => row.id);
  }
  return { loaded, first: times[0], times: times.slice(1), found };
}"""


@contextmanager
def served(site: Path, minisearch: Path | None) -> Iterator[tuple[str, Counter[str]]]:
    """Serve the site compressed; give its address and a tally of the bytes sent, by the kind of file."""
    sent: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?")[0].lstrip("/")
            own = (
                minisearch / path.removeprefix("-/minisearch/") if minisearch and path.startswith("-/") else site / path
            )
            file = own / "index.html" if own.is_dir() else own
            if not file.is_file():
                self.send_error(404)
                return
            data = gzip.compress(file.read_bytes(), 6)
            sent[file.suffix] += len(data)
            sent["files"] += 1
            self.send_response(200)
            self.send_header("Content-Type", TYPES.get(file.suffix, "application/octet-stream"))
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the base class's signature
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", sent
    finally:
        server.shutdown()
        server.server_close()


def measure_pages(page: Page, address: str, sent: Counter[str], project: str) -> None:
    """Print what each kind of page sends at first load, and how soon the explorer shows rows."""
    print("| page | HTML | CSS | scripts | index | files | first rows |\n|---|---|---|---|---|---|---|")
    for name in ("", project, "explore/", "graph/"):
        sent.clear()
        page.goto("about:blank")
        page.goto(f"{address}/{name}")
        rows = "-"
        if name == "explore/":
            page.wait_for_selector(".ac-hit")
            rows = f"{page.evaluate('performance.now()'):.0f} ms"
        page.wait_for_load_state("networkidle")
        kb = {kind: f"{sent[kind] / 1000:.0f} KB" for kind in (".html", ".css", ".js", ".json")}
        shown = f"| /{name} | {kb['.html']} | {kb['.css']} | {kb['.js']} | {kb['.json']} |"
        print(f"{shown} {sent['files']} | {rows} |", flush=True)


def measure_search(page: Page, address: str, sent: Counter[str], *, minisearch: bool) -> None:
    """Print loading and latency of our index, and of MiniSearch over the same words."""
    page.goto(f"{address}/explore/")
    page.wait_for_load_state("networkidle")
    sent.clear()
    ours = page.evaluate(OURS, list(QUERIES))
    loaded = sent[".json"] / 1000
    print(f"\nAll words: {loaded:.0f} KB, loaded at the first search, in the background.\n")
    print("| index | making it | first search | median search | slowest |\n|---|---|---|---|---|")
    results = {"ours (loading included, in its worker)": ours}
    if minisearch:
        results["MiniSearch"] = page.evaluate(THEIRS, list(QUERIES))
    for name, result in results.items():
        middle, most = statistics.median(result["times"]), max(result["times"])
        print(f"| {name} | {result['loaded']:.0f} ms | {result['first']:.0f} ms | {middle:.1f} ms | {most:.0f} ms |")
    if minisearch:
        theirs = results["MiniSearch"]["found"]
        known = [each for each in QUERIES if theirs[each]]
        same = [len(set(ours["found"][each]) & set(theirs[each])) / len(set(theirs[each])) for each in known]
        print(f"\nOf what MiniSearch finds, ours finds {statistics.mean(same):.1%} (and paths and projects besides).")


def measure_pagefind(page: Page, address: str, sent: Counter[str]) -> None:
    """Print what one search of the whole site transfers."""
    page.goto(f"{address}/machines/")
    page.wait_for_load_state("networkidle")
    sent.clear()
    page.click(".ac-open-search")
    page.wait_for_load_state("networkidle")
    ready, _ = sum(sent.values()) - sent["files"], sent.clear()
    start = page.evaluate("performance.now()")
    page.fill(".ac-site-search input", "lockfile auth")
    page.wait_for_selector(".ac-site-search li a")
    waited = page.evaluate("performance.now()") - start
    page.wait_for_load_state("networkidle")
    query = sum(sent.values()) - sent["files"]
    print(f"\nPagefind: {ready / 1000:.0f} KB to begin, {query / 1000:.0f} KB and {waited:.0f} ms for a first search.")


def main() -> None:
    """Build if need be, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--site", type=Path)
    parser.add_argument("--minisearch", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = given.site
        if site is None:
            stage(invent_site(given.count), Path(folder))
            site = build(Path(folder))
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        try:
            with served(site, given.minisearch) as (address, sent):
                page = browser.new_page()
                facets = json.loads((site / "catalogue/facets.json").read_bytes())
                print(f"{facets['count']} learnings, Chromium {browser.version}\n")
                measure_pages(page, address, sent, facets["projects"][0][2])
                measure_search(page, address, sent, minisearch=given.minisearch is not None)
                if (site / "pagefind").is_dir():
                    measure_pagefind(page, address, sent)
        finally:
            browser.close()


if __name__ == "__main__":
    main()
