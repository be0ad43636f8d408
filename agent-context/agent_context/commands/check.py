"""`agent-context check`: is the knowledge base sound?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.checking import check
from agent_context.commands.face import Face, json_option, kb_option, pass_face, plural, print_json

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="check")
@click.option("--since", default="", metavar="COMMIT", help="Only what differs from it: a pull request.")
@kb_option
@json_option
@pass_face
def command(face: Face, since: str, kb: Path | None, *, as_json: bool) -> int:
    """Validate the knowledge base: format, ids, references, secrets, poison. Exits 1 with file:line for each."""
    knowledge_base = face.knowledge_base(kb)
    problems = check(knowledge_base, since)
    if as_json:
        print_json(problems)
    else:
        for problem in problems:
            click.echo(f"{problem.path}:{problem.line}: {problem.message}")
            if problem.hint:
                click.echo(f"    {problem.hint}")
        count = len(knowledge_base.load().entries)
        click.echo(f"{plural(count, 'learning')} read, {plural(len(problems), 'problem')}", err=bool(problems))
    return 1 if problems else 0
