"""The site to browse: stages pages and settings in `.site/`, lets MkDocs build them, swaps the result in, serves it.

What stands on the pages is sitemap's and pages' job.
"""

from __future__ import annotations

import contextlib
import importlib.util
import subprocess
import sys
import tempfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from agent_context.changes import apply, plan
from agent_context.config import child_environment
from agent_context.errors import AgentContextError, MissingExtraError
from agent_context.screening import find_secrets
from agent_context.site.pages import navigation, render_pages, site_name
from agent_context.site.sitemap import SiteInput, lay_out

if TYPE_CHECKING:
    from collections.abc import Callable

STAGE = ".site"
SITE = "site"
SETTINGS = "mkdocs.yml"
OURS = "learnings.json"  # a folder without it is not a site of ours, and is never replaced
GUIDE_FILES = frozenset({".md", ".png", ".svg", ".jpg", ".jpeg", ".gif", ".webp"})
OUTPUT_LINES = 15
LOCAL = "127.0.0.1"


def stage(site: SiteInput, root: Path) -> list[Path]:
    """Write the pages and MkDocs' settings into `.site/`; return all its files. The same input gives the same bytes.

    Raise AgentContextError when the disk refuses, MissingExtraError without the site's packages.
    """
    folder = root / STAGE
    _refuse_links(folder)
    layout = lay_out(site)
    data = resources.files("agent_context") / "data" / "site"
    guide = _read_guide(site.guide) if site.guide else {}
    desired: dict[Path, bytes | None] = {folder / "docs" / "guide" / name: text for name, text in guide.items()}
    for name, text in render_pages(site, layout).items():
        _refuse_secrets(name, text)
        desired[folder / "docs" / name] = text.encode()
    desired[folder / "docs" / "assets" / "site.css"] = (data / "assets" / "site.css").read_bytes()
    desired[folder / "overrides" / "main.html"] = (data / "overrides" / "main.html").read_bytes()
    inherited = f"../{SETTINGS}"
    if not (root / SETTINGS).is_file():
        inherited = f"defaults/{SETTINGS}"
        desired[folder / inherited] = (data / SETTINGS).read_bytes()
    settings = _settings(site, inherited, navigation(layout, _guide_navigation(sorted(guide))))
    desired[folder / SETTINGS] = settings.encode()
    kept = sorted(desired)
    for part in ("docs", "overrides", "defaults"):
        desired |= {path: None for path in (folder / part).rglob("*") if not path.is_dir() and path not in desired}
    apply(plan(desired))
    return kept


def _refuse_secrets(name: str, text: str) -> None:
    """Look once more at what is about to be shown: what no gate before has found must not be found by a reader."""
    certain = [hit for hit in find_secrets(text) if hit.severity == "certain"]
    if certain:
        line = text.count("\n", 0, certain[0].start) + 1
        raise AgentContextError(
            f"the page {name} holds a secret in line {line}: {certain[0].rule}",
            hint="agent-context check names the file that it comes from; the old site was left as it was",
        )


def build(root: Path, *, strict: bool = True) -> Path:
    """Build what is staged and put it in the place of the old site, which stays whole when anything fails.

    Raise AgentContextError with the end of MkDocs' output, MissingExtraError when it is not installed.
    """
    for module, package in (("mkdocs", "mkdocs"), ("material", "mkdocs-material")):
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(package, "site")
    settings = root / STAGE / SETTINGS
    if not settings.is_file():
        raise AgentContextError(f"{settings} is not there", hint="stage and build it with: agent-context site")
    target = root / SITE
    _refuse_links(root / STAGE)
    if target.is_symlink() or (target.is_dir() and any(target.iterdir()) and not (target / OURS).is_file()):
        raise AgentContextError(
            f"{target} is not a site that this program built, so it is left alone",
            hint="move that folder away or rename it, then build the site again",
        )
    try:
        with tempfile.TemporaryDirectory(dir=root / STAGE, prefix="build-", ignore_cleanup_errors=True) as scratch:
            fresh = Path(scratch) / SITE
            _run_mkdocs(settings, fresh, strict=strict)
            _swap(fresh, target, Path(scratch) / "old")
    except OSError as error:
        raise AgentContextError(
            f"the site cannot be put into {target}: {error.strerror or error}",
            hint="make room or give yourself the right to write there; the old site was left as it was",
        ) from error
    return target


def serve(root: Path, *, port: int, ready: Callable[[str], None] | None = None) -> None:
    """Serve the built site to this machine alone until Ctrl-C; `ready` is told the address. Port 0 takes a free one.

    Raise AgentContextError when there is no site yet or the port is taken.
    """
    folder = root / SITE
    if not (folder / "index.html").is_file():
        raise AgentContextError(f"{folder} holds no site yet", hint="build it first: agent-context site")

    class Handler(_SiteHandler):
        def __init__(self, *args: Any, **more: Any) -> None:  # noqa: ANN401 - passed on as it comes
            super().__init__(*args, directory=str(folder), **more)

    try:
        server = _SiteServer((LOCAL, port), Handler)
    except (OSError, OverflowError) as error:
        raise AgentContextError(
            f"port {port} cannot be used: {getattr(error, 'strerror', None) or error}",
            hint="choose another one with --port, or 0 for any free one",
        ) from None
    with server, contextlib.suppress(KeyboardInterrupt):
        if ready is not None:
            ready(f"http://{LOCAL}:{server.server_port}/")
        server.serve_forever()


class _SiteServer(ThreadingHTTPServer):
    """A server that a browser may hang up on: that is no error to print."""

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the base class's signature
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _SiteHandler(SimpleHTTPRequestHandler):
    """Serve files only, to requests that name this machine: a foreign page must not reach it by a name of its own."""

    def send_head(self) -> Any:  # noqa: ANN401 - the base class's type is private
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        if host not in (LOCAL, "localhost"):
            self.send_error(403, "Only for this machine")
            return None
        return super().send_head()

    def list_directory(self, path: Any) -> None:  # noqa: ANN401, ARG002 - the base class's signature
        self.send_error(404, "Not found")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the base class's signature
        """Say nothing: a service does not print."""


def _refuse_links(folder: Path) -> None:
    """Keep a symbolic link that came with the repository from leading our writing and deleting elsewhere."""
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            raise AgentContextError(
                f"{path} is a symbolic link, which this program never puts there",
                hint=f"look at where it leads, then remove {folder} and build the site again",
            )


def _run_mkdocs(settings: Path, target: Path, *, strict: bool) -> None:
    # -P keeps files of the knowledge base from being imported in the place of MkDocs' own modules.
    # Not --quiet: it hides the warnings from --strict as well.
    command = [sys.executable, "-P", "-m", "mkdocs", "build", "--clean"]
    command += ["--strict" if strict else "--no-strict", "--config-file", str(settings), "--site-dir", str(target)]
    environment = child_environment(NO_MKDOCS_2_WARNING="1", DISABLE_MKDOCS_2_WARNING="true", PYTHONUTF8="1")
    done = subprocess.run(
        command,
        cwd=settings.parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode or not (target / "index.html").is_file():
        lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
        raise AgentContextError(
            "MkDocs could not build the site:\n" + "\n".join(lines[-OUTPUT_LINES:]),
            hint=f"mend what it names (settings: {SETTINGS}) and build again; the old site was left as it was",
        )


def _swap(fresh: Path, target: Path, old: Path) -> None:
    """Put the fresh folder in the target's place; if that fails, put the old one back."""
    had = target.exists()
    if had:
        target.rename(old)
    try:
        fresh.rename(target)
    except BaseException:
        if had:
            old.rename(target)
        raise


def _settings(site: SiteInput, inherited: str, nav: list[Any]) -> str:
    """Return MkDocs' settings of the staged tree. JSON is YAML, and quotes every string."""
    rows = {
        "INHERIT": inherited,
        "site_name": site_name(site.title),
        "docs_dir": "docs",
        "site_dir": f"../{SITE}",
        "use_directory_urls": True,
        "theme": {"custom_dir": "overrides"},
        "validation": {"omitted_files": "ignore"},
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
    pages = [name for name in names if name.endswith(".md")]
    flat = [name for name in pages if "/" not in name]
    nav: list[Any] = [
        f"guide/{name}" for name in sorted(flat, key=lambda name: (name not in {"index.md", "README.md"}, name))
    ]
    folders: dict[str, list[str]] = {}
    for name in pages:
        if "/" in name:
            folders.setdefault(name.split("/")[0], []).append(f"guide/{name}")
    return [*nav, *({folder.replace("-", " ").capitalize(): inside} for folder, inside in sorted(folders.items()))]
