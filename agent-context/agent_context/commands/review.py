"""`agent-context review`: what waits for a person, and their decision."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, console, json_option, kb_option, pass_face, plural, print_json
from agent_context.commands.review_walk import walk
from agent_context.learning import Status
from agent_context.review.reviewing import decide
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.knowledge import Entry, KnowledgeBase


@click.command(name="review")
@click.argument("ids", nargs=-1)
@click.option("--accept", "status", flag_value="accepted", help="Accept these learnings.")
@click.option("--reject", "status", flag_value="rejected", help="Reject them; they are not proposed again.")
@click.option("--retire", "status", flag_value="retired", help="Retire them: true once, no longer.")
@click.option("--reason", default="", help="Why; kept with the decision.")
@click.option("--project", help="Show only this project's folder.")
@click.option("--list", "as_list", is_flag=True, help="Show them only, also on a terminal.")
@kb_option
@json_option
@pass_face
def command(  # noqa: PLR0913 - one argument an option
    face: Face,
    ids: tuple[str, ...],
    status: str | None,
    reason: str,
    project: str | None,
    kb: Path | None,
    *,
    as_list: bool,
    as_json: bool,
) -> int:
    """Walk through the unreviewed learnings, or decide about those with the given IDs (any unique prefix).

    On a terminal each is shown with its evidence and waits for a key: accept, edit in $EDITOR, reject, skip. A decision
    is a commit of its own; the next sync carries it to every machine, and the same command with another decision takes
    it back.
    """
    knowledge_base = face.knowledge_base(kb)
    if not status:
        if ids:
            raise click.UsageError("say what to do with them: --accept, --reject or --retire")
        entries = _find_unreviewed(knowledge_base, project)
        asks = sys.stdin.isatty() and sys.stdout.isatty() and not as_json and not as_list
        if asks and entries:
            return walk(knowledge_base, face.environment, entries)
        return _show(entries, as_json=as_json)
    if not ids:
        raise click.UsageError("name the learnings by their ids (agent-context review shows them)")
    entries = decide(knowledge_base, face.environment, ids, Status(status), reason or f"{status} in review")
    if as_json:
        print_json(entries)
    else:
        for entry in entries:
            click.echo(f"{status}: {entry.learning.id}  {show_hidden(entry.learning.claim)}")
    return 0


def _find_unreviewed(knowledge_base: KnowledgeBase, project: str | None) -> list[Entry]:
    return [item for item in knowledge_base.load_named(project).entries if item.learning.status is Status.UNREVIEWED]


def _show(entries: list[Entry], *, as_json: bool) -> int:
    if as_json:
        print_json(entries)
        return 0
    out = console()
    for entry in entries:
        learning = entry.learning
        out.print(f"[bold]{learning.id}[/]  {entry.project}  {learning.kind.value}")
        out.print(f"  {show_hidden(learning.claim)}", markup=False)
        for quote in learning.evidence:
            speakers = "/".join(sorted({source.speaker.value for source in learning.sources}))
            out.print(f"  [dim]{speakers}:[/] ", end="")
            out.print(show_hidden(" ".join(quote.split()))[:300], markup=False)
    if not entries:
        out.print("Nothing waits for review.")
    else:
        out.print(f"\n{plural(len(entries), 'learning')} to review: agent-context review --accept ID… | --reject ID…")
    return 0
