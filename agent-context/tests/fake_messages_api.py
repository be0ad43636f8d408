"""A Messages API on the loopback, answering from a script: plain, streamed, failing, and in batches.

An answer is a dict that `message`, `overloaded` and the like build; each request takes the next one, the last repeats.
"""

from __future__ import annotations

import http.server
import json
import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk-ant-" + "fake"
ENDED = "2026-11-20T12:00:00Z"


def text(said: str, *, stop: str = "end_turn", **usage: int) -> dict[str, Any]:
    """An answer of plain text."""
    return {"content": [{"type": "text", "text": said}], "stop_reason": stop, "usage": _usage(**usage)}


def structured(value: object, **usage: int) -> dict[str, Any]:
    """A structured answer of the API itself: JSON as text."""
    return text(json.dumps(value), **usage)


def tool(name: str, given: object, **usage: int) -> dict[str, Any]:
    """A call of a tool, as Claude Code takes its structured answers."""
    block = {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:20]}", "name": name, "input": given}
    return {"content": [block], "stop_reason": "tool_use", "usage": _usage(**usage)}


def failure(status: int, kind: str, said: str, **headers: str) -> dict[str, Any]:
    """An error of the API. A header `retry-after-ms` keeps tests fast."""
    body = {"type": "error", "error": {"type": kind, "message": said}, "request_id": "req_fake"}
    return {"status": status, "body": json.dumps(body), "headers": {"retry-after-ms": "5", **headers}}


def overloaded() -> dict[str, Any]:
    """The API has no room."""
    return failure(529, "overloaded_error", "Overloaded")


def garbage(said: str = "{not json", kind: str = "application/json") -> dict[str, Any]:
    """An answer that is no message."""
    return {"status": 200, "body": said, "headers": {"content-type": kind}}


def hang_up() -> dict[str, Any]:
    """The connection ends in the middle of the request's answer."""
    return {"hang_up": True}


def _usage(**given: int) -> dict[str, Any]:
    plain = {"input_tokens": 1000, "output_tokens": 100, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    return {**plain, **given}


@dataclass
class Batch:
    """A batch as it stands at the API; `results` by custom id, None while it is worked on."""

    id: str
    requests: list[dict[str, Any]]
    created_at: str
    results: dict[str, dict[str, Any]] | None = None
    gone: bool = False

    def describe(self, url: str) -> dict[str, Any]:
        """The API's words on it."""
        done = self.results is not None
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        counts["succeeded" if done else "processing"] = len(self.requests)
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": "ended" if done else "in_progress",
            "request_counts": counts,
            "created_at": self.created_at,
            "expires_at": "2026-11-22T12:00:00Z",
            "ended_at": ENDED if done else None,
            "results_url": f"{url}/v1/messages/batches/{self.id}/results" if done and not self.gone else None,
        }


@dataclass
class FakeApi:
    """The script, and what was asked of it: (path, body) of every request, in order."""

    script: list[dict[str, Any]]
    url: str = ""
    asked: list[tuple[str, Any]] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    batch_answers: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_answer(self) -> dict[str, Any]:
        """The answer that is due."""
        with self.lock:
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def note(self, path: str, body: object) -> None:
        """Remember a request."""
        with self.lock:
            self.asked.append((path, body))

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The bodies of all requests for a message."""
        return [body for path, body in self.asked if path == "/v1/messages"]

    def finish(self, batch: Batch, *results: dict[str, Any]) -> None:
        """End a batch with these results, one a request, in the order of the requests."""
        ids = [request["custom_id"] for request in batch.requests]
        batch.results = dict(zip(ids, results, strict=True))


def succeeded(answer: dict[str, Any]) -> dict[str, Any]:
    """A batch result that is a message."""
    return {"type": "succeeded", "message": _message(answer, "m")}


def errored(said: str) -> dict[str, Any]:
    """A batch result that is an error."""
    return {"type": "errored", "error": {"type": "error", "error": {"type": "api_error", "message": said}}}


def _message(answer: dict[str, Any], model: str) -> dict[str, Any]:
    return {"id": f"msg_{uuid.uuid4().hex[:20]}", "type": "message", "role": "assistant", "model": model} | {
        "stop_sequence": None,
        **answer,
    }


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: FakeApi

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name in the base class
        pass

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        self.api.note(path, None)
        if path == "/v1/messages/batches":
            known = sorted(self.api.batches, key=lambda batch: batch.created_at, reverse=True)
            data = [batch.describe(self.api.url) for batch in known]
            self._json(200, {"data": data, "has_more": False, "first_id": None, "last_id": None})
            return
        batch = next((batch for batch in self.api.batches if f"/{batch.id}" in path), None)
        if batch is None:
            self._send(failure(404, "not_found_error", "no such batch"))
        elif path.endswith("/results"):
            lines = [json.dumps({"custom_id": key, "result": value}) for key, value in (batch.results or {}).items()]
            self._raw(200, "".join(line + "\n" for line in reversed(lines)), {"content-type": "application/x-jsonl"})
        else:
            self._json(200, batch.describe(self.api.url))

    def do_HEAD(self) -> None:
        self._raw(200, "", {})

    def do_POST(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(size) or b"{}")
        path = self.path.split("?")[0]
        self.api.note(path, body)
        if path == "/v1/messages":
            answer = self.api.next_answer()
            if "content" not in answer:
                self._send(answer)
            elif body.get("stream"):
                self._stream(_message(answer, body["model"]))
            else:
                self._json(200, _message(answer, body["model"]))
        elif path == "/v1/messages/batches":
            self._take_batch(body["requests"])
        else:
            self._json(200, {"input_tokens": 10})

    def _take_batch(self, requests: list[dict[str, Any]]) -> None:
        """Take a batch, or fail: an answer `and then` fails after the batch was taken."""
        answer = self.api.batch_answers.pop(0) if self.api.batch_answers else {}
        if answer.get("taken", not answer):
            number = len(self.api.batches) + 1
            self.api.batches.append(Batch(f"msgbatch_{number}", requests, answer.get("at", "2999-01-01T00:00:00Z")))
        if "status" in answer or "hang_up" in answer:
            self._send(answer)
        else:
            self._json(200, self.api.batches[-1].describe(self.api.url))

    def _send(self, answer: dict[str, Any]) -> None:
        if "hang_up" in answer:
            self.close_connection = True
            return
        self._raw(answer["status"], answer["body"], answer["headers"])

    def _json(self, status: int, value: object) -> None:
        self._raw(status, json.dumps(value), {})

    def _raw(self, status: int, body: str, headers: dict[str, str]) -> None:
        data = body.encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, message: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self._event("message_start", message={**message, "content": [], "stop_reason": None})
        for place, block in enumerate(message["content"]):
            if block["type"] == "text":
                empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
            else:
                given = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
                empty, delta = {**block, "input": {}}, given
            self._event("content_block_start", index=place, content_block=empty)
            self._event("content_block_delta", index=place, delta=delta)
            self._event("content_block_stop", index=place)
        end = {"stop_reason": message["stop_reason"], "stop_sequence": None}
        self._event("message_delta", delta=end, usage={"output_tokens": message["usage"]["output_tokens"]})
        self._event("message_stop")
        self.close_connection = True

    def _event(self, kind: str, **data: object) -> None:
        self.wfile.write(f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode())
        self.wfile.flush()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # closing it waits for every answer under way

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing where a client has gone: tests kill clients."""


@contextmanager
def fake_messages_api(*script: dict[str, Any]) -> Iterator[FakeApi]:
    """Serve on a free port; nothing of it is left afterwards."""
    api = FakeApi(list(script) or [text("")])
    handler = type("Handler", (_Handler,), {"api": api, "timeout": 5})
    server = _Server(("127.0.0.1", 0), handler)
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
