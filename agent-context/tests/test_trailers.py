from __future__ import annotations

from agent_context.syncing.exchange import TRAILER
from agent_context.trailers import Trailers, parse_trailers, trailers


def test_what_is_written_is_read() -> None:
    text = trailers("laptop", sync="0a1b2c3d4e", sessions=3, extractor="heuristic", undoes="f" * 10)
    assert text == "Machine: laptop\nSync: 0a1b2c3d4e\nSessions: 3\nExtractor: heuristic\nUndoes: ffffffffff\n"
    assert parse_trailers(f"undo: x\n\n{text}") == Trailers(("laptop",), ("0a1b2c3d4e",), "heuristic", 3, "f" * 10)
    assert trailers("laptop") == f"{TRAILER}laptop\n"


def test_a_squash_names_every_machine_and_sync_once() -> None:
    message = "All of it (#3)\n\n* learn: 1\n\n" + trailers("a", sync="1" * 10, sessions=2)
    message += "\n* learn: 2\r\n\r\n" + trailers("b", sync="2" * 10, sessions=3).replace("\n", "\r\n") + trailers("a")
    assert parse_trailers(message) == Trailers(("a", "b"), ("1" * 10, "2" * 10), "", 5, "")


def test_what_is_no_trailer_says_nothing() -> None:
    assert parse_trailers("fix the Machine: no\n\n Machine: no\nSessions: many\nmachine: no\n") == Trailers()
