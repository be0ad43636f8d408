"""What the home page tells: what is new this week, how things stand, and the charts over time. Values to values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from agent_context.journal import sum_up
from agent_context.learning import LIVING, Kind, Status
from agent_context.site.charts import Chart, Series
from agent_context.site.sitemap import UNDATED, month_of
from agent_context.site.times import find_week, list_months, list_weeks, name_month

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agent_context.journal import Entry as Synced
    from agent_context.site.facts import Facts
    from agent_context.site.holdings import SiteInput
    from agent_context.site.sitemap import Layout, Spot

DAYS = 7
DEEDS = {
    "New": "explore/?age=week",
    "Confirmed": "explore/",
    "Accepted": "explore/?status=accepted",
    "Rejected": "rejected/?status=rejected",
    "Retired": "rejected/?status=retired",
}
MONTHS = 12
WEEKS = 12


@dataclass(frozen=True, slots=True)
class Count:
    """A number with its name and, where there is a page that shows what was counted, that page's address."""

    name: str
    count: int
    address: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """What happened to some learnings this week and when, the last first; `address` has all of them."""

    name: str
    spots: tuple[Spot, ...]
    times: tuple[str, ...]
    address: str


def find_week_deeds(layout: Layout, now: str) -> list[Deed]:
    """Return what the last seven days brought: new, confirmed, accepted, rejected, retired."""
    since = _days_before(now, DAYS)
    found: dict[str, list[tuple[str, Spot]]] = {name: [] for name in DEEDS}
    for spot in layout.spots:
        learning = spot.learning
        if since <= learning.created <= now:
            if learning.status in LIVING:  # what was folded or turned down is told as that
                found["New"].append((learning.created, spot))
        else:
            last = max((source.at for source in learning.sources), default="")
            if since <= last <= now:
                found["Confirmed"].append((last, spot))
        note = learning.status_note
        if note and since <= note.at <= now and learning.status.capitalize() in found:
            found[learning.status.capitalize()].append((note.at, spot))
    deeds = []
    for name, items in found.items():
        if items:
            times, spots = zip(*sorted(items, key=lambda item: item[0], reverse=True), strict=True)
            deeds.append(Deed(name, spots, times, DEEDS[name]))
    return deeds


def count_all(site: SiteInput, layout: Layout) -> list[Count]:
    """Return the size of it all."""
    numbers = {
        "learning": len(layout.living),
        "pattern": len(layout.patterns.spots),
        "project": len(layout.projects),
        "machine": len(site.machines) or len(_find_machines(layout)),
    }
    addresses = {"learning": "explore/"}
    return [
        Count(name if number == 1 else f"{name}s", number, addresses.get(name, f"{name}s/"))
        for name, number in numbers.items()
        if name != "machine" or not site.public
    ]


def count_health(site: SiteInput, layout: Layout, facts: Mapping[str, Facts]) -> list[Count]:
    """Return what asks for a person."""
    living = layout.living
    flags = Counter(flag for spot in living for flag in facts[spot.entry.path].flags)
    unreviewed = sum(spot.learning.status is Status.UNREVIEWED for spot in living)
    counts = [
        Count("unreviewed", unreviewed, "explore/?status=unreviewed"),
        Count("in conflict", flags["conflict"], "conflicts/"),
        Count("may be stale", flags["stale"], "explore/?flag=stale"),
        Count("withheld", site.health.withheld),
        Count("in quarantine", site.health.quarantined),
        Count("kept off the site", site.health.kept_back),
    ]
    return [count for count in counts if count.count or count.name in ("unreviewed", "in conflict")]


def chart_learnings(layout: Layout, now: str) -> list[Chart]:
    """Return what was learned and confirmed by month, up to the newest learning; nothing of the future."""
    months = Counter(month_of(spot.learning.created) for spot in layout.living)
    past = [key for key in months if key != UNDATED and key <= now]
    if not past:
        return []
    keys = list_months(max(past), MONTHS)
    labels = [name_month(key)[:3] + " " + key[2:4] for key in keys]
    by_kind = Counter((month_of(spot.learning.created), spot.learning.kind) for spot in layout.living)
    again = Counter(month_of(at) for at in _list_confirmations(layout.living))
    first = sum(count for key, count in months.items() if key != UNDATED and key < keys[0])
    grown = [first + sum(months[key] for key in keys[: i + 1]) for i in range(len(keys))]
    kinds = [Series(kind, f"ac-{kind}", [by_kind[key, kind] for key in keys]) for kind in Kind]
    return [
        Chart("Learned, by kind", labels, kinds),
        Chart("Known in all", labels, [Series("learnings", "ac-plain", grown)]),
        Chart("Said again", labels, [Series("confirmations", "ac-good", [again[key] for key in keys])]),
    ]


def chart_syncs(syncs: Sequence[Synced], now: str) -> list[Chart]:
    """Return how this machine's syncs went, by week: success, conflicts, sessions read and lost, cost."""
    weeks = list_weeks(now, WEEKS)
    by_week: dict[str, list[Synced]] = {week: [] for week in weeks}
    for sync in syncs:
        by_week.get(find_week(sync.at), []).append(sync)
    whole = [sum_up(by_week[week]) for week in weeks]
    labels = [week[5:] for week in weeks]

    def one(name: str, colour: str, values: Iterable[float]) -> Series:
        return Series(name, colour, list(values))

    return [
        Chart(
            "Syncs, by week",
            labels,
            [
                one("without trouble", "ac-good", (week.done for week in whole)),
                one("with trouble", "ac-bad", (week.syncs - week.done for week in whole)),
            ],
        ),
        Chart(
            "Sessions, by week",
            labels,
            [
                one("read", "ac-good", (week.sessions_read for week in whole)),
                one("lost", "ac-bad", (week.sessions_lost for week in whole)),
            ],
        ),
        Chart("Syncs that met a conflict", labels, [one("syncs", "ac-bad", _count(by_week, weeks, _has_conflict))]),
        Chart("Spent on models", labels, [one("US dollars", "ac-plain", (week.cost_usd for week in whole))], "$ "),
    ]


def _has_conflict(sync: Synced) -> bool:
    return bool(sync.conflicts or sync.blocked)


def _count(by_week: dict[str, list[Synced]], weeks: list[str], holds: Callable[[Synced], bool]) -> list[float]:
    return [sum(holds(sync) for sync in by_week[week] if not sync.part) for week in weeks]


def _list_confirmations(spots: Iterable[Spot]) -> Iterable[str]:
    """Yield when learnings were said again: the times of all their sources but the first."""
    for spot in spots:
        yield from sorted(source.at for source in spot.learning.sources)[1:]


def _find_machines(layout: Layout) -> set[str]:
    return {source.machine for spot in layout.spots for source in spot.learning.sources if source.machine}


def _days_before(now: str, days: int) -> str:
    return (datetime.fromisoformat(now) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
