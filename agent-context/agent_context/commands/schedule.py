"""`agent-context schedule`: have this machine sync by itself, see it, end it."""

from __future__ import annotations

import re
import shlex
import sys
from typing import TYPE_CHECKING, cast

import click

from agent_context.changes import Change
from agent_context.commands.face import Face, json_option, kb_option, pass_face, print_json
from agent_context.config import find_knowledge_base, find_lasting_variables, find_schedule_folders
from agent_context.scheduling import (
    DAY_MINUTES,
    HOUR_MINUTES,
    Job,
    carry_out,
    choose_method,
    find_methods,
    plan_removal,
    plan_schedule,
    write_log,
)
from agent_context.syncing.watching import attempt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent_context.scheduling import MethodName, Step

LEAST_MINUTES = 5
LOG = "schedule.log"
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Show the plan, change nothing.")


def read_interval(context: click.Context, parameter: click.Parameter, value: str) -> int:  # noqa: ARG001 - click's signature
    """Return the minutes that `30m` or `2h` means. Raise BadParameter for what is no interval of 5 minutes to a day."""
    found = re.fullmatch(r"(\d{1,4})([mh])", value)
    minutes = int(found.group(1)) * (HOUR_MINUTES if found.group(2) == "h" else 1) if found else 0
    if not LEAST_MINUTES <= minutes <= DAY_MINUTES:
        raise click.BadParameter(f"{value} is no interval from 5m to 24h")
    return minutes


@click.group(name="schedule")
def command() -> None:
    """Have this machine sync by itself, every so often. Not needed: agent-context sync does the same by hand."""


@command.command(name="install")
@click.option("--every", "minutes", default="30m", callback=read_interval, help="How often: 5m to 24h. Default: 30m.")
@click.option(
    "--method", type=click.Choice(["systemd", "launchd", "cron"]), help="Default: the first that this machine offers."
)
@yes_option
@dry_run_option
@kb_option
@pass_face
def install(face: Face, minutes: int, method: str | None, kb: Path | None, *, yes: bool, dry_run: bool) -> int:
    """Set up a timer of systemd's user manager, an agent of launchd or a line of cron.

    Shows first what would be written and run, and asks. A run has low priority and is one at a time with all others;
    what it did is one line in a log that stays small. Again with another interval or method, it replaces the first.
    """
    root = find_knowledge_base(face.environment, kb)
    methods = find_methods(find_schedule_folders())
    chosen = cast("MethodName", method) if method else choose_method(methods)
    words = (sys.executable, "-P", "-m", "agent_context", "schedule", "run", "--kb", str(root))
    steps = plan_schedule(methods, chosen, Job(words, minutes, find_lasting_variables()))
    if not _settle(steps, yes=yes, dry_run=dry_run):
        return 0 if dry_run or not steps else 1
    click.echo(f"{root} is synced every {minutes} minutes by {chosen}; the log: {face.environment.log_dir / LOG}")
    if chosen == "systemd":
        click.echo("It runs while you are logged in; to have it run always: loginctl enable-linger")
    return 0


@command.command(name="remove")
@yes_option
@dry_run_option
@pass_face
def remove(face: Face, *, yes: bool, dry_run: bool) -> int:
    """Take the schedule away, its log included."""
    steps = plan_removal(find_methods(find_schedule_folders()), face.environment.log_dir / LOG)
    if not _settle(steps, yes=yes, dry_run=dry_run):
        return 0 if dry_run or not steps else 1
    click.echo("Nothing is scheduled any more.")
    return 0


@command.command(name="show")
@json_option
@pass_face
def show(face: Face, *, as_json: bool) -> int:
    """Show what is scheduled, and the latest runs."""
    log = face.environment.log_dir / LOG
    methods = find_methods(find_schedule_folders())
    found = {name: minutes for name, method in methods.items() if (minutes := method.installed()) is not None}
    runs = log.read_text(encoding="utf-8").splitlines()[-5:] if log.is_file() else []
    if as_json:
        print_json({"every_minutes": found, "log": str(log), "latest": runs})
        return 0
    for name, minutes in found.items():
        click.echo(f"Every {minutes} minutes by {name}; the log: {log}")
    if not found:
        click.echo("Nothing is scheduled; agent-context schedule install sets it up.")
    for run in runs:
        click.echo(f"  {run}")
    return 0


@command.command(name="run", hidden=True)
@kb_option
@pass_face
def run_once(face: Face, kb: Path | None) -> int:
    """Sync once, and write one line into the log: what the schedule runs."""
    outcome = attempt(lambda: (face.knowledge_base(kb), face.environment))
    write_log(face.environment.log_dir / LOG, outcome.line)
    return outcome.exit_code


def _settle(steps: Sequence[Step], *, yes: bool, dry_run: bool) -> bool:
    """Show the plan, ask, carry it out. Tells whether it was."""
    if not steps:
        click.echo("It stands so already, nothing to do.")
        return False
    for step in steps:
        _print_step(step)
    if dry_run:
        return False
    if not yes and not click.confirm("Go on?"):
        click.echo("Nothing was changed.")
        return False
    carry_out(steps)
    return True


def _print_step(step: Step) -> None:
    if isinstance(step, Change):
        verb = "delete" if step.after is None else "write" if step.before is None else "rewrite"
        click.echo(f"{verb} {step.path}")
        shown = (step.after or b"").decode()
    else:
        click.echo(f"run {shlex.join(step.arguments)}")
        shown = step.stdin
    for line in shown.splitlines():
        click.echo(f"    {line}")
