"""`agent-context coverage`: what became of every session."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, console, json_option, kb_option, pass_face, print_json
from agent_context.harvest.coverage import take_coverage
from agent_context.state import State

if TYPE_CHECKING:
    from pathlib import Path

SHOWN = 20


@click.command(name="coverage")
@kb_option
@json_option
@pass_face
def command(face: Face, kb: Path | None, *, as_json: bool) -> int:
    """Show what became of every session on this machine: read, skipped and why, unread with the days it has left.

    Exits 1 when nothing could be captured from any session of the last week.
    """
    environment = face.environment
    with State(environment.data_dir, face.knowledge_base(kb).root, keep=False) as state:
        coverage = take_coverage(environment.agent_homes, state, time.time())
    if as_json:
        print_json(coverage)
        return 1 if coverage.silent else 0
    out = console()
    out.print(f"[bold]Sessions[/]  {coverage.found:,} found, {coverage.read:,} read, {len(coverage.unread):,} unread")
    for outcome, count in coverage.outcomes.most_common():
        out.print(f"          {count:,} {outcome}", markup=False)
    for item in coverage.unread[:SHOWN]:
        left = f"{item.days_left} days left" if item.days_left > 0 else "may be deleted any time"
        out.print(f"  unread, {left}: {item.reason}: {item.path}", markup=False)
    if len(coverage.unread) > SHOWN:
        out.print(f"  … and {len(coverage.unread) - SHOWN:,} more (--json names them all)")
    if coverage.silent:
        out.print("[bold red]Capture is broken:[/] ", end="")
        out.print(coverage.silent, markup=False)
    return 1 if coverage.silent else 0
