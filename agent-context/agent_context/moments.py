"""Moments as people write them: a date, a time, `yesterday`, `3 days ago`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from agent_context.errors import AgentContextError

AGO = re.compile(r"(\d{1,5}) ?(m|minute|h|hour|d|day|w|week|month|y|year)s?(?: ago)?")
UNITS = {
    "m": timedelta(minutes=1),
    "minute": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "hour": timedelta(hours=1),
    "d": timedelta(days=1),
    "day": timedelta(days=1),
    "w": timedelta(weeks=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
    "y": timedelta(days=365),
    "year": timedelta(days=365),
}
DAY = timedelta(days=1)


def parse_moment(text: str, now: datetime, *, end: bool = False) -> float:
    """Return the moment in seconds since 1970. `now` carries the zone that a bare date is meant in.

    A whole day (`2026-03-01`, `yesterday`) means its beginning, with `end` its last second. Raise AgentContextError for
    what is no moment.
    """
    words = " ".join(text.casefold().split())
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if words in ("now", "today", "yesterday"):
            found, whole = {"now": now, "today": midnight, "yesterday": midnight - DAY}[words], words != "now"
        elif ago := AGO.fullmatch(words):
            found, whole = now - int(ago.group(1)) * UNITS[ago.group(2)], False
        else:
            found, whole = datetime.fromisoformat(text.strip()), len(text.strip()) <= len("2026-03-01")
        aware = found if found.tzinfo else found.replace(tzinfo=now.tzinfo)
        return (aware + DAY - timedelta(seconds=1) if whole and end else aware).timestamp()
    except (ValueError, OverflowError):
        raise AgentContextError(
            f"{text!r} is no moment", hint="write 2026-03-01, 2026-03-01T10:00, yesterday or 3 days ago"
        ) from None
