"""`agent-context search`: learnings by words and meaning."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, console, json_option, kb_option, local_time, pass_face, plural, print_json
from agent_context.config import keep_to_one_thread
from agent_context.learning import Kind, utc
from agent_context.moments import parse_moment
from agent_context.search import Filters, find
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console
    from rich.text import Text

    from agent_context.search import Answer, Hit


@click.command(name="search")
@click.argument("query", nargs=-1, required=True)
@click.option("--project", default="", help="Only this project's folder (`patterns`: the patterns).")
@click.option("--kind", default="", type=click.Choice(["", *(kind.value for kind in Kind)]), metavar="KIND")
@click.option("--tag", default="", help="Only with this tag.")
@click.option("--path", default="", help="Only about this path of a project, or what is above or below it.")
@click.option("--since", metavar="WHEN", help="Only said since (2026-03-01, `3 days ago`).")
@click.option("--machine", default="", help="Only said on this machine.")
@click.option("--limit", type=click.IntRange(1), default=10, show_default=True)
@click.option("--all", "ended", is_flag=True, help="Also rejected, retired and superseded ones.")
@kb_option
@json_option
@pass_face
def command(  # noqa: PLR0913, PLR0917 - one argument an option
    face: Face,
    query: tuple[str, ...],
    project: str,
    kind: str,
    tag: str,
    path: str,
    since: str | None,
    machine: str,
    limit: int,
    kb: Path | None,
    *,
    ended: bool,
    as_json: bool,
) -> int:
    """Find learnings by what they say and mean, best first; say so when nothing is relevant."""
    keep_to_one_thread()
    moment = utc(parse_moment(since, datetime.now().astimezone())) if since else ""
    filters = Filters(project, kind, tag, path, moment, machine, ended)
    answer = find(face.environment, face.knowledge_base(kb), " ".join(query), filters, limit)
    if as_json:
        print_json(answer)
        return 0
    out = console()
    for hit in answer.hits:
        _print_hit(out, hit)
    if not answer.hits:
        out.print(_say_nothing(answer, ended=ended))
    for note in answer.notes:
        click.echo(note, err=True)
    return 0


def _print_hit(out: Console, hit: Hit) -> None:
    learning = hit.entry.learning
    at = max((source.at for source in learning.sources), default=learning.created)
    about = f"{learning.kind.value}, {learning.status.value}, {local_time(at)[:10]}"
    out.print(f"[bold]{learning.id}[/]  {hit.entry.project}  {about}")
    out.print("  ", _highlight(hit), sep="")


def _highlight(hit: Hit) -> Text:
    """Return the claim with the query's words in bold, and nothing hidden in it."""
    from rich.text import Text  # noqa: PLC0415 - 40 ms that `--json` does not pay

    claim, text, end = hit.entry.learning.claim, Text(), 0
    for start, stop in hit.marks:
        text.append(show_hidden(claim[end:start])).append(show_hidden(claim[start:stop]), style="bold yellow")
        end = stop
    return text.append(show_hidden(claim[end:]))


def _say_nothing(answer: Answer, *, ended: bool) -> str:
    where = f"among {plural(answer.searched, 'learning')}"
    hint = "" if ended else " --all also looks at rejected and retired learnings."
    return f"Nothing {'relevant' if answer.abstained else 'found'} {where}.{hint}"
