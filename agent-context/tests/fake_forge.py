"""A forge on the loopback: smart HTTP by git's own backend, and the REST interfaces of GitHub, Gitea and GitLab.

The pull requests are kept in a list; a test merges them with git and says so with `decide`.
"""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "tok" + "en-of-the-forge"
ROOTS = {"/api/v3/": "github", "/api/v1/": "gitea", "/api/v4/": "gitlab"}


@dataclass
class FakeForge:
    """One forge: its folder of bare repositories, its pull requests, and every call made."""

    folder: Path
    url: str = ""
    pulls: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    broken: int = 0
    redirect: str = ""

    def decide(self, state: str, commit: str = "", by: str = "grace") -> None:
        """Say of the newest pull request that it was merged or closed."""
        self.pulls[-1] |= {"state": state, "merged_as": commit, "by": by}

    def head(self, branch: str) -> str:
        """Return where a branch is; empty where it is gone."""
        done = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}"],
            cwd=self.folder / "o/r.git",
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip()

    def answer(self, kind: str, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Return status and JSON of one REST call."""
        parts = urlsplit(path)
        names = [unquote(part) for part in parts.path.split("/") if part]
        if names[-2:-1] == ["issues"]:
            pull = next(item for item in self.pulls if item["number"] == int(names[-1]))
            return 200, {"number": pull["number"], "closed_by": {"login": pull["by"]} if pull["by"] else None}
        if names[-1] in ("pulls", "merge_requests") and method == "GET":
            query = parse_qs(parts.query)
            wanted = (query.get("head") or query.get("source_branch") or [""])[0].split(":")[-1]
            return 200, [self.show(kind, item) for item in self.pulls if wanted in ("", item["head"])]
        if method == "POST":
            branch = body.get("head") or body.get("source_branch") or ""
            if any(item["head"] == branch and item["state"] == "open" for item in self.pulls):
                return 422, {"message": "Validation Failed", "errors": [{"message": "A pull request already exists"}]}
            self.pulls.append(
                {"number": len(self.pulls) + 1, "head": branch, "state": "open", "merged_as": "", "by": "", **body}
            )
            self.pulls[-1]["head"] = branch
            return 201, self.show(kind, self.pulls[-1])
        pull = next(item for item in self.pulls if item["number"] == int(names[-1]))
        pull |= body
        return 200, self.show(kind, pull)

    def show(self, kind: str, pull: dict[str, Any]) -> dict[str, Any]:
        """Return a pull request in the forge's own form."""
        number, merged, sha = pull["number"], pull["state"] == "merged", self.head(pull["head"])
        if kind == "gitlab":
            state = {"open": "opened"}.get(pull["state"], pull["state"])
            page = f"{self.url}/o/r/-/merge_requests/{number}"
            commits = {"merge_commit_sha": pull["merged_as"] or None, "squash_commit_sha": None, "sha": sha}
            by = {"username": pull["by"]} if pull["by"] else None
            same = {"source_project_id": 1, "target_project_id": 1}
            return {"iid": number, "web_url": page, "state": state, "merge_user": by, **commits, **same}
        shown = {
            "number": number,
            "html_url": f"{self.url}/o/r/pulls/{number}",
            "state": "open" if pull["state"] == "open" else "closed",
            "merged_at": "2026-03-02T10:00:00Z" if merged else None,
            "merge_commit_sha": pull["merged_as"] or "0" * 40,
            "head": {"ref": pull["head"], "label": f"o:{pull['head']}", "sha": sha, "repo": {"full_name": "o/r"}},
        }
        return {**shown, "merged": merged, "merged_by": {"login": pull["by"]}} if kind == "gitea" else shown


@contextmanager
def serve(folder: Path) -> Iterator[FakeForge]:
    """Serve the bare repositories below a folder, and the REST interfaces, until the block ends."""
    forge = FakeForge(folder)

    class Handler(_Handler):
        def forge(self) -> FakeForge:
            return forge

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    forge.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    def forge(self) -> FakeForge:
        raise NotImplementedError

    def do_GET(self) -> None:
        self._do()

    do_POST = do_PATCH = do_PUT = do_GET  # noqa: N815 - the names of http.server

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""

    def _do(self) -> None:
        data = self._read_body()
        root = next((root for root in ROOTS if self.path.startswith(root)), "")
        if root:
            self._call(ROOTS[root], self.path.removeprefix(root), data)
        else:
            self._git(data)

    def _call(self, kind: str, path: str, data: bytes) -> None:
        forge, body = self.forge(), json.loads(data or b"{}")
        forge.calls.append((self.command, path, body))
        if forge.redirect:
            self._send(307, b"", Location=forge.redirect)
        elif forge.broken:
            self._send(forge.broken, json.dumps({"message": "no"}).encode())
        elif not self.headers.get("Authorization", "").endswith(f" {TOKEN}"):
            self._send(401, json.dumps({"message": "Bad credentials"}).encode())
        else:
            status, answer = forge.answer(kind, self.command, path, body)
            self._send(status, json.dumps(answer).encode())

    def _git(self, data: bytes) -> None:
        parts = urlsplit(self.path)
        done = subprocess.run(
            ["git", "http-backend"],
            env={
                **os.environ,
                "GIT_PROJECT_ROOT": str(self.forge().folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": parts.path,
                "QUERY_STRING": parts.query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(data)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REMOTE_USER": "somebody",
            },
            input=data,
            capture_output=True,
            check=False,
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200").split()[0])
        self._send(status, body, **headers)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, status: int, data: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
