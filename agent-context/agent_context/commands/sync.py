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
    progress_bars,
)
from agent_context.syncing.sync import SyncOptions, sync
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from agent_context.harvest.extracted import Estimate
    from agent_context.reports import SyncReport

SHOWN = 12
PRESSING_DAYS = 10


@click.command(name="sync")
@kb_option
@json_option
@click.option("--dry-run", is_flag=True, help="Show everything, change nothing.")
@click.option(
    "--extractor", type=click.Choice(["heuristic", "claude-cli", "anthropic"]), help="Instead of the set one."
)
@click.option("--batch", is_flag=True, help="Send sessions to the extractor anthropic in a batch, at half price.")
@click.option("--yes", is_flag=True, help="Let a model run without a known price, or without a cap.")
@pass_face
def command(  # noqa: PLR0913 - one argument an option
    face: Face, kb: Path | None, extractor: str | None, *, as_json: bool, dry_run: bool, batch: bool, yes: bool
) -> int:
    """Read new sessions, commit what they taught, exchange it with the remote, hand it to the agents.

    Exits 1 when the remote could not be reached or nothing was captured for a week, 3 when something waits for you.
    """
    knowledge_base = face.knowledge_base(kb)
    if extractor:
        knowledge_base.use_extractor(extractor)
    with progress_bars("sessions", "vectors", shown=not as_json) as (progress, encoding):
        options = SyncOptions(dry_run, progress, encoding, _announce, yes=yes, batch=batch)
        report = sync(knowledge_base, face.environment, options)
    if as_json:
        print_json(report)
    else:
        print_report(report, console())
    return report.exit_code


def _announce(estimate: Estimate, usd: float | None) -> None:
    """Say what a model would be sent, before it is."""
    if estimate.sessions:
        price = f"about $ {usd:.4f}" if usd is not None else "at a price that is not known"
        asked = plural(estimate.sessions, estimate.what)
        click.echo(f"{asked}, {estimate.tokens:,} tokens at the most, {price}", err=True)


def print_report(report: SyncReport, out: Console) -> None:
    """Print a sync for a person."""
    if report.dry_run:
        out.print("[bold]Dry run: nothing is changed, fetched or pushed.[/]")
    _print_sessions(report, out)
    _print_learnings(report, out)
    _print_exchange(report, out)
    _print_items(out, "Tools", report.tooling)
    _print_items(out, "Tools wait", report.tooling_waits)
    for label, items in (("Needs you", report.blocked + report.problems), ("Note", report.notes)):
        for item in items:
            out.print(f"[bold]{label}:[/] ", end="")
            out.print(item, markup=False)
    cost = f"$ {report.cost_usd:.4f}" if report.cost_usd else "$ 0 (no model was called)"
    out.print(f"Took {report.seconds:.1f} s, cost {cost}", markup=False)


def _print_sessions(report: SyncReport, out: Console) -> None:
    if not report.found:
        out.print(f"[bold]No sessions found in[/] {report.sessions_in}")
        out.print("  To see how it works on sample sessions: make demo (or: agent-context demo)", markup=False)
        return
    out.print(f"[bold]Sessions[/]    {report.found:,} found in {report.sessions_in}, {report.read:,} read")
    for reason, count in report.skipped.items():
        out.print(f"            {count:,} skipped: {reason}", markup=False)
    _print_list(out, "lost", report.lost)
    pressing = [item for item in report.unread if item.days_left <= PRESSING_DAYS]
    _print_list(out, "unread", [f"{max(item.days_left, 0)} days left: {item.path}" for item in pressing])
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
    fate = "to be proposed" if report.reviewed else "unreviewed"
    for project, count in sorted(Counter(item.project for item in report.learned).items()):
        out.print(f"[bold]{project}[/]: {plural(count, 'new learning')}, {fate}")
        learned = [item for item in report.learned if item.project == project]
        for item in learned[:SHOWN]:
            out.print(f"  {item.id}  {show_hidden(item.claim)}", markup=False)
        if len(learned) > SHOWN:
            out.print(f"  … and {len(learned) - SHOWN} more: agent-context review", markup=False)
    if report.confirmed:
        out.print(f"[bold]Said again[/]  {plural(len(report.confirmed), 'learning')} that {would}confirmed")
    changed = report.learned or report.confirmed or report.edits or report.rejected
    if not changed and not report.brought_in:
        out.print("Nothing new: no commit was made")


def _print_exchange(report: SyncReport, out: Console) -> None:
    if report.brought_in:
        out.print(f"[bold]Brought in[/]  {plural(report.brought_in, 'commit')} from the remote")
    if report.pushed:
        out.print(f"[bold]Pushed[/]      {plural(report.pushed, 'commit')} to {report.pushed_to}")
    elif report.dry_run and report.unpushed:
        out.print(f"[bold]Would push[/]  {plural(report.unpushed, 'commit')}")
    elif report.proposed:
        where = f": {report.pull_request}" if report.pull_request else ""
        queued = f", {report.queued:,} more wait behind" if report.queued else ""
        out.print(f"[bold]Proposed[/]    {plural(report.proposed, 'learning')} to be reviewed{queued}{where}")
    elif report.queued:
        out.print(f"[bold]Waiting[/]     {plural(report.queued, 'learning')} to be proposed: agent-context proposals")
    elif report.unpushed and report.waiting:
        out.print(f"[bold]Not pushed[/]  {plural(report.unpushed, 'commit')} waiting here: ", end="")
        out.print(report.waiting, markup=False)
    elif report.failed:
        out.print("[bold]Remote[/]      ", end="")
        out.print(report.waiting, markup=False)
    _print_handed_out(report, out)


def _print_handed_out(report: SyncReport, out: Console) -> None:
    if report.quarantined:
        count = plural(len(report.quarantined), "candidate")
        out.print(f"[bold]Quarantine[/]  {count} held back on this machine: agent-context quarantine list", markup=True)
    for item in report.withheld:
        out.print("[bold]Withheld[/]    from agents and the site until you have looked: ", end="")
        out.print(f"{item}: agent-context quarantine show {item.split(' ')[0].rpartition('/')[2]}", markup=False)
    would = "would be " if report.dry_run else ""
    for item in (item for item in report.snippets if not item.endswith("exclude")):
        out.print(f"[bold]Snippet[/]     {would}written: ", end="")
        out.print(item, markup=False)


def _print_items(out: Console, label: str, items: list[str]) -> None:
    for item in items:
        out.print(f"[bold]{label:11}[/] ", end="")
        out.print(show_hidden(item), markup=False)


def _print_list(out: Console, label: str, items: list[str]) -> None:
    for item in items[:SHOWN]:
        out.print(f"            {label}: {item}", markup=False)
    if len(items) > SHOWN:
        out.print(f"            … and {len(items) - SHOWN} more {label} (--json names them all)", markup=False)
