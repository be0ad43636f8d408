"""Times as the site says them: ages in words, months by name, and the spans that charts count over."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

from agent_context.site.sitemap import MONTH

DAYS_PER_MONTH = 30.44
UNITS = ((365.25, "year"), (DAYS_PER_MONTH, "month"), (7, "week"), (1, "day"))


@lru_cache(maxsize=4096)
def _find_age(then: str, now: str) -> str:
    try:
        days = (date.fromisoformat(now) - date.fromisoformat(then)).days
    except ValueError:
        return ""
    if days < 1:
        return "today" if days == 0 else ""
    size, unit = next((size, unit) for size, unit in UNITS if days >= size)
    count = int(days / size)
    return f"{count} {unit}{'s' if count > 1 else ''} ago"


def find_age(then: str, now: str) -> str:
    """Return how long ago, roughly and in words; nothing where one of the times does not read."""
    return _find_age(then[:10], now[:10])


def name_month(key: str) -> str:
    """Return `2026-03` as `March 2026`."""
    return datetime.fromisoformat(f"{key}-01").strftime("%B %Y") if MONTH.fullmatch(key) else "Undated"


def list_months(last: str, count: int) -> list[str]:
    """Return so many months up to and with this one, `2026-03`, oldest first."""
    year, month = map(int, last.split("-"))
    end = year * 12 + month - 1
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(end - count + 1, end + 1)]


def list_weeks(now: str, count: int) -> list[str]:
    """Return the Mondays of so many weeks up to and with this one, `2026-11-16`, oldest first."""
    today = date.fromisoformat(now[:10])
    monday = today - timedelta(days=today.weekday())
    return [(monday - timedelta(weeks=back)).isoformat() for back in range(count - 1, -1, -1)]


def find_week(time: str) -> str:
    """Return the Monday of a time's week, empty where the time does not read."""
    try:
        day = date.fromisoformat(time[:10])
    except ValueError:
        return ""
    return (day - timedelta(days=day.weekday())).isoformat()
