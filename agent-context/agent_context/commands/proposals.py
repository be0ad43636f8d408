"""`agent-context proposals`: what waits to be reviewed in a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, console, json_option, kb_option, pass_face, plural, print_json
from agent_context.review.pending import insist, list_pending, turn_down
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.review.pending import Outlook


@click.command(name="proposals")
@click.argument("ids", nargs=-1)
@click.option("--reject", is_flag=True, help="Turn down these learnings of this machine, without a pull request.")
@click.option("--reason", default="rejected before review", help="Why; kept with the decision.")
@click.option("--again", is_flag=True, help="Propose all anew, although the branch was deleted on the remote.")
@kb_option
@json_option
@pass_face
def command(  # noqa: PLR0913 - one argument an option
    face: Face, ids: tuple[str, ...], reason: str, kb: Path | None, *, reject: bool, again: bool, as_json: bool
) -> int:
    """Show what is proposed, what is queued behind it and what other machines propose, as of the last sync.

    With --reject, turn down the learnings with the given IDs (any unique prefix) before anybody reviews them.
    """
    if reject != bool(ids):
        raise click.UsageError("name the learnings to turn down by their ids, with --reject")
    knowledge_base = face.knowledge_base(kb)
    if reject:
        found = turn_down(knowledge_base, face.environment, ids, reason)
        for item in found:
            click.echo(f"rejected: {item.learning.id}  {show_hidden(item.learning.claim)}", err=as_json)
    if again:
        insist(knowledge_base)
        click.echo("The next sync proposes all that waits here once more.", err=as_json)
    outlook = list_pending(knowledge_base, face.environment)
    if as_json:
        print_json(outlook)
    elif not reject:
        _show(outlook)
    return 0


def _show(outlook: Outlook) -> None:
    out = console()
    titles = {
        "proposed": f"Proposed on {outlook.branch}",
        "queued": "Queued until that is decided",
        "elsewhere": "Proposed by other machines",
    }
    for state, title in titles.items():
        items = [item for item in outlook.pending if item.state == state]
        if items:
            out.print(f"[bold]{title}[/]: {plural(len(items), 'learning')}")
        for item in items:
            machine = f"  {item.machine}" if state == "elsewhere" else ""
            out.print(f"  {item.learning.id}  {item.project}{machine}", markup=False)
            out.print(f"    {show_hidden(item.learning.claim)}", markup=False)
    if outlook.pull_request:
        out.print(f"[bold]Pull request[/]: {outlook.pull_request}")
    if not outlook.pending:
        out.print("Nothing waits to be proposed.")
