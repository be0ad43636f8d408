"""Let Lighthouse judge the site: home, a project, the explorer, the graph.

    npm install --prefix node lighthouse@13
    python agent-context/benchmarks/lighthouse.py --node node [--site DIR] [--count 400] [--mobile]

Needs playwright and Chromium. Accessibility, best practices and SEO are steady; performance depends on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from invented import invent_site
from site_browser import served

from agent_context.site import build, stage

CATEGORIES = ("accessibility", "best-practices", "seo", "performance")
FLAGS = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"


def judge(node: Path, address: str, *, mobile: bool) -> dict[str, object]:
    """Return Lighthouse's report of one page."""
    command = [
        str(node / "node_modules/.bin/lighthouse"),
        address,
        "--output=json",
        "--quiet",
        f"--chrome-flags={FLAGS}",
    ]
    command += [f"--only-categories={','.join(CATEGORIES)}", *([] if mobile else ["--preset=desktop"])]
    program = shutil.which("chromium") or shutil.which("google-chrome") or ""
    done = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "CHROME_PATH": program})
    report: dict[str, object] = json.loads(done.stdout)
    return report


def main() -> None:
    """Build if need be, then judge each page and name what it lost points for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--node", type=Path, required=True)
    parser.add_argument("--site", type=Path)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--mobile", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        site = given.site
        if site is None:
            stage(invent_site(given.count), Path(folder))
            site = build(Path(folder))
        project = json.loads((site / "catalogue/facets.json").read_bytes())["projects"][0][2]
        print(f"| page | {' | '.join(CATEGORIES)} | lost for |\n|{'---|' * (len(CATEGORIES) + 2)}")
        with served(site, None) as (address, _):
            for name in ("", project, "explore/", "graph/"):
                report = judge(given.node, f"{address}/{name}", mobile=given.mobile)
                scores = [f"{report['categories'][each]['score'] * 100:.0f}" for each in CATEGORIES]
                lost = [
                    audit["id"]
                    for category in CATEGORIES[:3]
                    for ref in report["categories"][category]["auditRefs"]
                    if ref["weight"] and (audit := report["audits"][ref["id"]])["score"] not in (None, 1)
                ]
                print(f"| /{name} | {' | '.join(scores)} | {', '.join(lost) or '-'} |", flush=True)


if __name__ == "__main__":
    main()
