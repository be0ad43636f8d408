"""`agent-context snippet`: what an agent is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, pass_face, plural, print_json
from agent_context.publishing import render
from agent_context.withholding import sift_all

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="snippet")
@click.argument("project", required=False)
@kb_option
@json_option
@pass_face
def command(face: Face, project: str | None, kb: Path | None, *, as_json: bool) -> int:
    """Print what an agent working in PROJECT (its folder; default: the checkout you are in) is given."""
    knowledge_base = face.knowledge_base(kb)
    folder = face.place(knowledge_base, project).folder
    if project is not None:
        knowledge_base.load_named(project)
    sifted = sift_all(knowledge_base, face.environment)
    snippet = render(sifted.entries, folder, knowledge_base.settings.snippet)
    if as_json:
        print_json(snippet)
        return 0
    click.echo(snippet.text, nl=False)
    left = f", {len(snippet.left_out)} left out for the budget" if snippet.left_out else ""
    click.echo(f"{folder}: {plural(len(snippet.included), 'learning')}, about {snippet.tokens} tokens{left}", err=True)
    return 0
