"""`agent-context stats`: the journal, summed up."""

from __future__ import annotations

import statistics
import time

import click

from agent_context.commands.face import Face, console, json_option, pass_face, print_json
from agent_context.journal import Journal
from agent_context.learning import utc

DAY = 86_400


@click.command(name="stats")
@click.option("--since", "days", type=click.IntRange(1), default=30, show_default=True, help="Days to look back.")
@json_option
@pass_face
def command(face: Face, days: int, *, as_json: bool) -> int:
    """Sum up this machine's syncs: how many succeeded, how long they took, what they learned and cost."""
    lines = list(Journal(face.environment.data_dir).entries(utc(time.time() - days * DAY)))
    entries = [entry for entry in lines if not entry.part]
    seconds = [entry.seconds for entry in entries]
    summary = {
        "syncs": len(entries),
        "done": sum(entry.exit_code == 0 for entry in entries),
        "median_seconds": round(statistics.median(seconds), 2) if seconds else 0.0,
        "slowest_seconds": max(seconds, default=0.0),
        "sessions_read": sum(entry.read for entry in entries),
        "sessions_lost": sum(entry.lost for entry in entries),
        "candidates": sum(entry.candidates for entry in entries),
        "learned": sum(entry.learned for entry in entries),
        "blocked": sum(entry.blocked for entry in entries),
        "cost_usd": round(sum(entry.cost_usd for entry in lines), 4),
    }
    if as_json:
        print_json(summary)
        return 0
    out = console()
    for name, value in summary.items():
        out.print(f"{name.replace('_', ' '):16} {value}", markup=False)
    return 0
