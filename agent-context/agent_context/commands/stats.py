"""`agent-context stats`: the journal, summed up."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, console, json_option, pass_face, print_json
from agent_context.journal import Journal, sum_up
from agent_context.learning import utc
from agent_context.moments import parse_moment

if TYPE_CHECKING:
    from agent_context.journal import Summary


@click.command(name="stats")
@click.option("--since", default="30 days", show_default=True, help="A date, yesterday, 3 weeks ago; a number is days.")
@json_option
@pass_face
def command(face: Face, since: str, *, as_json: bool) -> int:
    """Sum up this machine's syncs: how many succeeded, how long they took, what they learned and cost."""
    moment = parse_moment(f"{since} days" if since.isdecimal() else since, datetime.now().astimezone())
    summary = sum_up(Journal(face.environment.data_dir).entries(utc(moment)))
    if as_json:
        print_json(summary)
    else:
        _print(summary, utc(moment)[:10])
    return 0


def _print(summary: Summary, since: str) -> None:
    out = console()
    steps = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in list(summary.steps.items())[:4])
    rows = {
        "Syncs": f"{summary.syncs:,} since {since}" + f", {summary.success:.0%} without trouble" * bool(summary.syncs),
        "Time": f"{summary.median_seconds:.2f} s as a rule, {summary.slowest_seconds:.2f} s the slowest",
        "Steps": steps,
        "Sessions": f"{summary.sessions_read:,} read ({summary.megabytes_read:,} MB), {summary.sessions_lost:,} lost",
        "Learned": f"{summary.learned:,} of {summary.candidates:,} candidates",
        "Exchanged": f"{summary.pushed:,} commits pushed, {summary.retries:,} tries again",
        "Conflicts": f"in {summary.conflicting:.0%} of the syncs",
        "Failures": f"{summary.failures:,}",
        "Cost": f"$ {summary.cost_usd:.4f}",
        "Learnings": ", ".join(f"{size.day[5:]}: {size.learnings:,}" for size in summary.sizes),
    }
    for name, text in rows.items():
        if text and (summary.syncs or name in ("Syncs", "Cost")):
            out.print(f"[bold]{name:10}[/] {text}", soft_wrap=False)
