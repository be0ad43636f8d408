"""`agent-context stale`: which learnings may no longer hold, and their retirement."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, console, json_option, kb_option, pass_face, plural, print_json
from agent_context.consolidation.aging import find_stale
from agent_context.learning import Status, utc
from agent_context.review.reviewing import decide
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.consolidation.aging import Stale


@click.command(name="stale")
@click.argument("ids", nargs=-1)
@click.option("--project", help="Look at this project's folder alone.")
@click.option(
    "--days", type=click.IntRange(0), default=365, show_default=True, help="Doubt what is unsaid for so long."
)
@click.option("--retire", is_flag=True, help="Retire the learnings with the given IDs, for the reasons found.")
@kb_option
@json_option
@pass_face
def command(  # noqa: PLR0913 - one argument an option
    face: Face, ids: tuple[str, ...], project: str | None, days: int, kb: Path | None, *, retire: bool, as_json: bool
) -> int:
    """List learnings that name what is gone from the repository, or that nobody has confirmed for long.

    A path, symbol, target, package or flag counts as gone when it was in the checkout's history while the learning was
    young and is no longer in HEAD. Nothing is retired unless you say so.
    """
    knowledge_base = face.knowledge_base(kb)
    aging = find_stale(knowledge_base, face.environment, project, utc(time.time()), days=days)
    chosen = [stale for stale in aging.stale if not ids or stale.entry.learning.id.startswith(ids)]
    if retire:
        if not ids:
            raise click.UsageError("name the learnings to retire by their ids (agent-context stale lists them)")
        for stale in chosen:
            decide(knowledge_base, face.environment, (stale.entry.learning.id,), Status.RETIRED, _say(stale))
    if as_json:
        print_json(chosen)
        return 0
    out = console()
    for stale in chosen:
        out.print(f"[bold]{stale.entry.learning.id}[/]  {stale.entry.project}  ", end="")
        out.print(f"{'retired: ' if retire else ''}{_say(stale)}", markup=False)
        out.print(f"  {show_hidden(stale.entry.learning.claim)}", markup=False)
    out.print(f"{plural(len(chosen), 'learning')} in doubt." if chosen else "No learning is in doubt.")
    if aging.unseen:
        out.print(f"Not looked into, for want of a checkout here: {', '.join(aging.unseen)}")
    return 0


def _say(stale: Stale) -> str:
    return "; ".join(f"{doubt.rule}: {show_hidden(doubt.detail)}" for doubt in stale.doubts)
