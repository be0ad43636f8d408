"""`agent-context forget`: take back what came from one session, machine or extractor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, pass_face, plural, print_json
from agent_context.history.forgetting import Origin, forget
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="forget")
@click.option("--session", default="", help="What came from this session (the beginning of its id).")
@click.option("--machine", default="", help="What came from this machine.")
@click.option("--extractor", default="", help="What this extractor read.")
@click.option("--dry-run", is_flag=True, help="Show what would be retired; change nothing.")
@kb_option
@json_option
@pass_face
def command(  # noqa: PLR0913 - one argument an option
    face: Face, session: str, machine: str, extractor: str, kb: Path | None, *, dry_run: bool, as_json: bool
) -> int:
    """Retire learnings that came only from there, take those sources from the rest, and remove handoffs, in one commit.

    Files of learnings and history stay; `agent-context review --accept ID` takes a retirement back.
    """
    origin = Origin(session, machine, extractor)
    forgotten = forget(face.knowledge_base(kb), face.environment, origin, dry_run=dry_run)
    if as_json:
        print_json(forgotten)
        return 0
    for entry in forgotten.retired:
        click.echo(f"retired: {entry.learning.id}  {show_hidden(entry.learning.claim)}")
    for entry in forgotten.lowered:
        click.echo(f"lowered: {entry.learning.id}  {show_hidden(entry.learning.claim)}")
    for path in forgotten.handoffs:
        click.echo(f"removed: {show_hidden(path)}")
    would = "would be " if dry_run else ""
    count = f"{plural(len(forgotten.retired), 'learning')} {would}retired, {len(forgotten.lowered)} lowered"
    count += f", {plural(len(forgotten.handoffs), 'handoff')} removed" if forgotten.handoffs else ""
    click.echo(f"Forgetting {origin.words}: {count}.")
    return 0
