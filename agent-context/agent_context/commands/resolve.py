"""`agent-context resolve`: what merges left open, side by side, and a person's choice."""

from __future__ import annotations

import difflib
import re
import sys
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, console, json_option, kb_option, pass_face, plural, print_json
from agent_context.errors import AgentContextError, NeedsPersonError
from agent_context.merging.conflicts import Version, choose, join, recommend
from agent_context.review.settling import find_conflicts, preview, settle, trace
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.knowledge import KnowledgeBase
    from agent_context.merging.conflicts import OpenConflict
    from agent_context.review.settling import Choice, Settled

SHOWN_LINES = 40
STRATEGY = re.compile(r"local|remote|newest|both|machine:.+|[1-9][0-9]*")


@click.command(name="resolve")
@click.argument("name", default="", metavar="[ID|PATH]")
@click.option("--strategy", help="What to take: local, remote, newest, both, machine:NAME, or a version's number.")
@click.option("--all", "everything", is_flag=True, help="Settle all that is open by the strategy.")
@click.option("--dry-run", is_flag=True, help="Show what would come of it; change nothing.")
@kb_option
@json_option
@pass_face
def command(  # noqa: PLR0913 - one argument an option
    face: Face,
    name: str,
    strategy: str | None,
    kb: Path | None,
    *,
    everything: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Show what merges left open (of one learning or file, or all), and settle it.

    Both versions are kept until somebody settles it; sync goes on meanwhile. On a terminal each is asked for; elsewhere
    give a strategy. What is settled is a commit of its own, which the next sync carries to every machine.
    """
    if strategy and not STRATEGY.fullmatch(strategy):
        raise click.UsageError(f"{strategy} is no strategy: local, remote, newest, both, machine:NAME, or a number")
    if strategy and not (name or everything):
        raise click.UsageError("say what to settle: an id, a path, or --all")
    knowledge_base = face.knowledge_base(kb)
    found = trace(knowledge_base, _select(find_conflicts(knowledge_base), name))
    if strategy:
        return _settle_all(face, knowledge_base, found, strategy, dry_run=dry_run, as_json=as_json)
    if as_json:
        print_json([{"name": item.name, "conflict": item, "recommended": recommend(item)} for item in found])
    elif not found:
        console().print("Nothing is open.")
    elif sys.stdin.isatty() and sys.stdout.isatty():
        return _ask(face, knowledge_base, found, dry_run=dry_run)
    else:
        for conflict in found:
            _show(conflict)
        click.echo(f"{plural(len(found), 'conflict')} open: agent-context resolve ID|PATH --strategy …", err=True)
    return 0


def _select(conflicts: list[OpenConflict], name: str) -> list[OpenConflict]:
    """Return the conflicts of one learning (any prefix of its id), file or folder. Raise AgentContextError for none."""
    path = name.removeprefix("./").rstrip("/")
    found = [
        item
        for item in conflicts
        if not name or f"{item.path}/".startswith(f"{path}/") or (item.learning and item.learning.startswith(name))
    ]
    if name and not found:
        raise AgentContextError(f"nothing is open in {name}", hint="agent-context resolve shows all that is")
    return found


def _settle_all(
    face: Face,
    knowledge_base: KnowledgeBase,
    conflicts: list[OpenConflict],
    strategy: str,
    *,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Settle what the strategy settles, and name what it does not, which waits for a person."""
    choices: list[Choice] = []
    left: list[str] = []
    for conflict in conflicts:
        try:
            choices.append((conflict, choose(conflict, strategy, face.environment.machine)))
        except AgentContextError as error:
            left.append(error.advice)
    settled = preview(knowledge_base, choices) if dry_run else settle(knowledge_base, face.environment, choices)
    if as_json:
        print_json(
            {"settled": [{"name": item.conflict.name, "text": item.version.text} for item in settled], "left": left}
        )
    for item in [] if as_json else settled:
        _show_settled(item, dry_run=dry_run)
    if left:
        raise NeedsPersonError("; ".join(left), hint="agent-context resolve shows the versions and asks")
    return 0


def _ask(face: Face, knowledge_base: KnowledgeBase, conflicts: list[OpenConflict], *, dry_run: bool) -> int:
    """Go through the conflicts one by one. Each is committed as it is settled, so that an interruption loses none."""
    left = 0
    for conflict in conflicts:
        _show(conflict)
        numbers = [str(number) for number in range(1, len(conflict.versions) + 1)]
        answers = click.Choice([*numbers, "both", "edit", "skip"])
        answer = click.prompt("Take", type=answers, default=numbers[recommend(conflict).version])
        version = _answered(conflict, answer, face.environment.machine)
        if version is None:
            left += 1
            continue
        choices = [(conflict, version)]
        settled = preview(knowledge_base, choices) if dry_run else settle(knowledge_base, face.environment, choices)
        _show_settled(settled[0], dry_run=dry_run)
    click.echo(f"{plural(left, 'conflict')} left open." if left else "All settled.", err=True)
    return 0


def _answered(conflict: OpenConflict, answer: str, machine: str) -> Version | None:
    """Return what the person took; None to leave it open."""
    if answer == "skip":
        return None
    if answer != "edit":
        return choose(conflict, answer, machine)
    try:
        text = join(conflict).text
    except AgentContextError:
        text = conflict.versions[0].text
    edited = click.edit(text)
    return Version(edited.strip() if conflict.field else edited, stands=False) if edited else None


def _show(conflict: OpenConflict) -> None:
    """Print the versions side by side, with who, when, where, and what is recommended."""
    from rich.table import Table  # noqa: PLC0415 - who prints JSON does not pay for it
    from rich.text import Text  # noqa: PLC0415 - the same

    out = console()
    out.print(Text(f"\n{show_hidden(conflict.name)}", style="bold"))
    if conflict.learning:
        out.print(Text(f"{conflict.path}\n{show_hidden(conflict.title)}", style="dim"))
    table = Table(expand=True, show_lines=False)
    for number, version in enumerate(conflict.versions, 1):
        origin = version.origin.words if version.origin else "origin unknown"
        table.add_column(Text(f"{number}  {origin}" + ("  (stands)" if version.stands else "")), ratio=1)
    table.add_row(*(Text(_excerpt(version)) for version in conflict.versions))
    out.print(table, soft_wrap=False)
    best = recommend(conflict)
    out.print(f"recommended: {best.version + 1}, {best.reason}", style="green")


def _excerpt(version: Version) -> str:
    if version.base64:
        return f"(no text, {len(version.data):,} bytes)"
    lines = [show_hidden(line) for line in version.text.splitlines()]
    more = [f"… {plural(len(lines) - SHOWN_LINES, 'line')} more"] if len(lines) > SHOWN_LINES else []
    return "\n".join([*lines[:SHOWN_LINES], *more])


def _show_settled(item: Settled, *, dry_run: bool) -> None:
    """Print what was settled, and the lines of its file that this changes."""
    click.echo(f"{'would settle' if dry_run else 'settled'}: {show_hidden(item.conflict.name)}")
    before, after = (side.decode("utf-8", "replace").splitlines() for side in (item.before, item.after))
    for line in list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]:
        if not line.startswith("@@"):
            click.echo(f"    {show_hidden(line)}")
    if before == after:
        click.echo("    what stood there stays")
