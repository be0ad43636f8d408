"""Serves the built site to this machine alone, and tells open pages when it was built anew."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent_context.errors import AgentContextError
from agent_context.site.staging import SITE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LOCAL = "127.0.0.1"
SCRIPT = "/-/reload.js"
BUILT = "/-/built"
TAG = f'<script src="{SCRIPT}" defer></script></body>'.encode()
# Asks each second while the page is looked at; a server that is gone is asked again later.
RELOAD = b"""let seen = "";
setInterval(async () => {
  if (document.hidden) return;
  try {
    const built = await (await fetch("/-/built", {cache: "no-store"})).text();
    if (seen && built !== seen) location.reload();
    seen = built;
  } catch {}
}, 1000);
"""


@dataclass(slots=True)
class Watch:
    """What to look at for changes, how often (seconds), how to build anew; `troubled` is told why a build failed."""

    places: Iterable[Path]
    build: Callable[[], object]
    troubled: Callable[[AgentContextError], None] = field(default=lambda _error: None)
    every: float = 1.0


def serve(root: Path, *, port: int, ready: Callable[[str], None] | None = None, watch: Watch | None = None) -> None:
    """Serve the built site to this machine alone until Ctrl-C; `ready` is told the address. Port 0 takes a free one.

    With `watch`, the site is built again when a file changes, and open pages load themselves anew.

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
        if watch is not None:
            threading.Thread(target=_rebuild, args=(watch,), daemon=True).start()
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
        if self.path == SCRIPT:
            return self._send(RELOAD, "text/javascript")
        if self.path == BUILT:
            return self._send(_find_built(Path(self.directory)).encode(), "text/plain")
        page = Path(self.translate_path(self.path))
        page = page / "index.html" if self.path.partition("?")[0].endswith("/") else page
        if page.suffix == ".html" and page.is_file():
            return self._send(page.read_bytes().replace(b"</body>", TAG), "text/html; charset=utf-8")
        return super().send_head()

    def _send(self, data: bytes, form: str) -> io.BytesIO:
        self.send_response(200)
        self.send_header("Content-Type", form)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        return io.BytesIO(data)

    def list_directory(self, path: Any) -> None:  # noqa: ANN401, ARG002 - the base class's signature
        self.send_error(404, "Not found")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the base class's signature
        """Say nothing: a service does not print."""


def _rebuild(watch: Watch) -> None:
    """Build whenever the files differ from when they were last looked at; a build that fails leaves the old site."""
    folders = tuple(watch.places)
    seen = _look(folders)
    while True:
        time.sleep(watch.every)
        now = _look(folders)
        if now != seen:
            seen = now
            try:
                watch.build()
            except AgentContextError as error:
                watch.troubled(error)


def _look(folders: Iterable[Path]) -> frozenset[tuple[str, int, int]]:
    """Return name, size and time of every file there."""
    found = set()
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            with contextlib.suppress(OSError):
                stat = path.stat()
                found.add((str(path), stat.st_size, stat.st_mtime_ns))
    return frozenset(found)


def _find_built(site: Path) -> str:
    """Return when the site was built, in nanoseconds; empty while it is being swapped."""
    try:
        return str((site / "index.html").stat().st_mtime_ns)
    except OSError:
        return ""
