from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from agent_context.errors import AgentContextError
from agent_context.moments import parse_moment

ZONE = timezone(timedelta(hours=2))
NOW = datetime(2026, 3, 15, 10, 30, 20, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2026-03-01", (2026, 3, 1, 0, 0, 0), (2026, 3, 1, 23, 59, 59)),
        ("Yesterday", (2026, 3, 14, 0, 0, 0), (2026, 3, 14, 23, 59, 59)),
        (" today ", (2026, 3, 15, 0, 0, 0), (2026, 3, 15, 23, 59, 59)),
        ("now", (2026, 3, 15, 10, 30, 20), (2026, 3, 15, 10, 30, 20)),
        ("3 days ago", (2026, 3, 12, 10, 30, 20), (2026, 3, 12, 10, 30, 20)),
        ("1  week ago", (2026, 3, 8, 10, 30, 20), (2026, 3, 8, 10, 30, 20)),
        ("2h", (2026, 3, 15, 8, 30, 20), (2026, 3, 15, 8, 30, 20)),
        ("30 minutes", (2026, 3, 15, 10, 0, 20), (2026, 3, 15, 10, 0, 20)),
        ("2026-03-01T08:00", (2026, 3, 1, 8, 0, 0), (2026, 3, 1, 8, 0, 0)),
    ],
)
def test_moments_as_people_write_them(text: str, begin: tuple[int, ...], end: tuple[int, ...]) -> None:
    found = [datetime.fromtimestamp(parse_moment(text, NOW, end=late), ZONE) for late in (False, True)]
    assert [moment.timetuple()[:6] for moment in found] == [begin, end]


def test_a_zone_that_is_written_holds() -> None:
    assert parse_moment("2026-03-01T08:00:00Z", NOW) == datetime(2026, 3, 1, 8, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "3 moons ago", "99999 years ago", "-1 days ago", "12"])
def test_what_is_no_moment_is_named(text: str) -> None:
    with pytest.raises(AgentContextError, match="is no moment"):
        parse_moment(text, NOW)
