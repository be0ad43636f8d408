"""Charts as inline SVG, with their numbers as a table beside them: no script, colours by class alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.site.markup import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 640, 200
TOP, BOTTOM, LEFT = 14, 178, 44
GAP = 0.25  # of a column's room
MOST_LABELS = 7


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a chart: its name, the class that colours it, one value a column."""

    name: str
    colour: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked columns under labels; `unit` stands before each number."""

    title: str
    labels: Sequence[str]
    series: Sequence[Series]
    unit: str = ""


def draw(chart: Chart) -> str:
    """Return the chart as a figure on one line; an empty string where all of it is zero."""
    shown = [series for series in chart.series if any(series.values)]
    if not shown:
        return ""
    totals = [sum(series.values[i] for series in shown) for i in range(len(chart.labels))]
    highest = max(totals)
    room = (WIDTH - LEFT) / len(chart.labels)
    marks = "".join(
        _draw_column(shown, i, LEFT + (i + GAP / 2) * room, room * (1 - GAP), highest)
        for i, total in enumerate(totals)
        if total
    )
    summary = escape(f"{chart.title}: {_say(sum(totals), chart.unit)} in all, at most {_say(highest, chart.unit)}")
    return "".join(
        (
            f'<figure class="ac-chart"><figcaption>{escape(chart.title)}</figcaption>{_draw_legend(shown)}',
            f'<svg class="ac-svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{summary}">',
            f'<rect class="ac-ground" x="{LEFT}" y="{BOTTOM}" width="{WIDTH - LEFT}" height="1"></rect>{marks}',
            f'<text class="ac-axis" x="{LEFT - 6}" y="{TOP + 4}" text-anchor="end">{_say(highest, chart.unit)}</text>',
            f'<text class="ac-axis" x="{LEFT - 6}" y="{BOTTOM}" text-anchor="end">0</text>',
            _draw_labels(chart.labels, room),
            f"</svg>{_draw_numbers(chart, shown)}</figure>",
        )
    )


def draw_mix(parts: Sequence[tuple[str, int]]) -> str:
    """Return how a whole is made up, as one thin bar: name (and class) with its count."""
    total = sum(count for _, count in parts)
    if not total:
        return ""
    said = escape(", ".join(f"{count} {name}" for name, count in parts))
    marks, left = [], 0.0
    for name, count in parts:
        width = 100 * count / total
        marks.append(f'<rect class="ac-fill ac-{name}" x="{left:.2f}" y="0" width="{width:.2f}" height="6"></rect>')
        left += width
    box = 'viewBox="0 0 100 6" preserveAspectRatio="none" role="img"'
    return f'<svg class="ac-mix" {box} aria-label="{said}">{"".join(marks)}</svg>'


def _draw_column(shown: Sequence[Series], place: int, x: float, width: float, highest: float) -> str:
    marks, foot = [], float(BOTTOM)
    for series in shown:
        value = series.values[place]
        height = (BOTTOM - TOP) * value / highest
        foot -= height
        if value:
            box = f'x="{x:.1f}" y="{foot:.1f}" width="{width:.1f}" height="{height:.1f}"'
            marks.append(f'<rect class="ac-fill {series.colour}" {box}></rect>')
    return "".join(marks)


def _draw_labels(labels: Sequence[str], room: float) -> str:
    step = -(-len(labels) // MOST_LABELS)
    return "".join(
        f'<text class="ac-axis" x="{LEFT + (i + 0.5) * room:.1f}" y="{HEIGHT - 6}" text-anchor="middle">'
        f"{escape(label)}</text>"
        for i, label in enumerate(labels)
        if (len(labels) - 1 - i) % step == 0
    )


def _draw_legend(shown: Sequence[Series]) -> str:
    if len(shown) == 1:
        return ""
    keys = "".join(f'<span class="ac-key {series.colour}">{escape(series.name)}</span>' for series in shown)
    return f'<p class="ac-legend">{keys}</p>'


def _draw_numbers(chart: Chart, shown: Sequence[Series]) -> str:
    heads = "".join(f'<th scope="col" class="ac-number">{escape(series.name)}</th>' for series in shown)
    rows = "".join(
        f'<tr><th scope="row">{escape(label)}</th>'
        + "".join(f'<td class="ac-number">{_say(series.values[i], chart.unit)}</td>' for series in shown)
        + "</tr>"
        for i, label in enumerate(chart.labels)
    )
    head = f'<thead><tr><th scope="col">When</th>{heads}</tr></thead>'
    table = f'<table class="ac-table">{head}<tbody>{rows}</tbody></table>'
    return f'<details class="ac-numbers"><summary>Numbers</summary><div class="ac-scroll">{table}</div></details>'


def _say(value: float, unit: str) -> str:
    number = f"{value:,.2f}" if value != int(value) else f"{int(value):,}"
    return f"{unit}{number}"
