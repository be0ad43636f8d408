"""`agent-context sync`: the main job."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import (
    Face,
    console,
    json_option,
    kb_option,
    pass_face,
    plural,
    print_json,
    progress_bar,
)
from agent_context.sync import SyncOptions, sync
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from agent_context.reports import SyncReport

SHOWN = 12


@click.command(name="sync")
@kb_option
@json_option
@click.option("--dry-run", is_flag=True, help="Show everything, change nothing.")
@pass_face
def command(face: Face, kb: Path | None, *, as_json: bool, dry_run: bool) -> int:
    """Read new sessions, commit what they taught, exchange it with the remote, hand it to the agents.

    Exits 1 when the remote could not be reached or nothing was captured for a week, 3 when something waits for you.
    """
    with progress_bar("sessions", shown=not as_json) as progress:
        report = sync(face.knowledge_base(kb), face.environment, SyncOptions(dry_run=dry_run, progress=progress))
    if as_json:
        print_json(report)
    else:
        print_report(report, console())
    return report.exit_code


def print_report(report: SyncReport, out: Console) -> None:
    """Print a sync for a person."""
    if report.dry_run:
        out.print("[bold]Dry run: nothing is changed, fetched or pushed.[/]")
    _print_sessions(report, out)
    _print_learnings(report, out)
    _print_exchange(report, out)
    for label, items in (("Needs you", report.blocked + report.problems), ("Note", report.notes)):
        for item in items:
            out.print(f"[bold]{label}:[/] ", end="")
            out.print(item, markup=False)
    out.print(f"Took {report.seconds:.1f} s, cost $ {report.cost_usd:.0f} (no model was called)", markup=False)


def _print_sessions(report: SyncReport, out: Console) -> None:
    if not report.found:
        out.print(f"[bold]No sessions found in[/] {report.sessions_in}")
        out.print("  To see how it works on sample sessions: make demo (or: agent-context demo)", markup=False)
        return
    out.print(f"[bold]Sessions[/]    {report.found:,} found in {report.sessions_in}, {report.read:,} read")
    for reason, count in report.skipped.items():
        out.print(f"            {count:,} skipped: {reason}", markup=False)
    _print_list(out, "lost", report.lost)
    if report.archived:
        out.print(f"            {report.archived:,} copied into this machine's archive")
    for item in report.failures:
        out.print(f"            failed: {item}", markup=False)
    if report.silence:
        out.print(f"[bold red]Capture is broken:[/] {report.silence} (agent-context coverage names the files)")
    if report.broken_lines:
        out.print(f"            {plural(report.broken_lines, 'broken line')} passed over")
    for path, folder in report.guessed.items():
        out.print(f"            project guessed for {path}: {folder}", markup=False)
        out.print(f"              if it is another one: agent-context projects map {path} PROJECT", markup=False)


def _print_learnings(report: SyncReport, out: Console) -> None:
    would = "would be " if report.dry_run else ""
    for path in report.rejected:
        out.print(f"[bold]Rejected[/]    {would}kept as rejected, since it was deleted: ", end="")
        out.print(show_hidden(path), markup=False)
    for path in (path for path in report.edits if path not in report.rejected):
        out.print(f"[bold]Your edit[/]   {would}committed as yours: ", end="")
        out.print(show_hidden(path), markup=False)
    if report.candidates:
        out.print(f"[bold]Candidates[/]  {report.candidates:,}, {len(report.learned):,} new", end="")
        out.print(f" (compared by {report.encoder})" if report.encoder else "", markup=False)
        for reason, count in Counter(item.reason for item in report.dropped).most_common():
            out.print(f"            {count:,} dropped: {reason}", markup=False)
    for project, count in sorted(Counter(item.project for item in report.learned).items()):
        out.print(f"[bold]{project}[/]: {plural(count, 'new learning')}, unreviewed")
        learned = [item for item in report.learned if item.project == project]
        for item in learned[:SHOWN]:
            out.print(f"  {item.id}  {show_hidden(item.claim)}", markup=False)
        if len(learned) > SHOWN:
            out.print(f"  … and {len(learned) - SHOWN} more: agent-context review", markup=False)
    if not report.learned and not report.edits and not report.rejected and not report.brought_in:
        out.print("Nothing new: no commit was made")


def _print_exchange(report: SyncReport, out: Console) -> None:
    if report.brought_in:
        out.print(f"[bold]Brought in[/]  {plural(report.brought_in, 'commit')} from the remote")
    if report.pushed:
        out.print(f"[bold]Pushed[/]      {plural(report.pushed, 'commit')} to {report.pushed_to}")
    elif report.dry_run and report.unpushed:
        out.print(f"[bold]Would push[/]  {plural(report.unpushed, 'commit')}")
    elif report.unpushed and report.waiting:
        out.print(f"[bold]Not pushed[/]  {plural(report.unpushed, 'commit')} waiting here: ", end="")
        out.print(report.waiting, markup=False)
    elif report.failed:
        out.print("[bold]Remote[/]      ", end="")
        out.print(report.waiting, markup=False)
    would = "would be " if report.dry_run else ""
    for item in (item for item in report.snippets if not item.endswith("exclude")):
        out.print(f"[bold]Snippet[/]     {would}written: ", end="")
        out.print(item, markup=False)


def _print_list(out: Console, label: str, items: list[str]) -> None:
    for item in items[:SHOWN]:
        out.print(f"            {label}: {item}", markup=False)
    if len(items) > SHOWN:
        out.print(f"            … and {len(items) - SHOWN} more {label} (--json names them all)", markup=False)
