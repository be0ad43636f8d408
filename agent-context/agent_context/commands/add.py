"""`agent-context add`: a learning by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, pass_face, print_json
from agent_context.learning import Kind
from agent_context.projects import Place
from agent_context.reviewing import add_learning, state_candidate

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="add")
@click.argument("claim")
@click.option("--project", help="The project's folder, or `patterns`. Default: the checkout you are in.")
@click.option("--kind", type=click.Choice([kind.value for kind in Kind]), default="convention", show_default=True)
@click.option("--why", default="", help="The reason, a further paragraph.")
@click.option("--tag", "tags", multiple=True, help="A tag; may be given several times.")
@click.option("--path", "paths", multiple=True, help="A path or glob it is about; may be given several times.")
@kb_option
@json_option
@pass_face
def command(  # noqa: PLR0913 - one argument an option
    face: Face,
    claim: str,
    project: str | None,
    kind: str,
    why: str,
    tags: tuple[str, ...],
    paths: tuple[str, ...],
    kb: Path | None,
    *,
    as_json: bool,
) -> int:
    """Write a learning down. It counts as accepted, since you said it, and is pushed by the next sync."""
    folder = project or face.project_here()
    if folder is None:
        raise click.UsageError("this is no checkout of a project; name one with --project FOLDER")
    candidate = state_candidate(claim, why, Kind(kind), tags, paths)
    learned = add_learning(face.knowledge_base(kb), face.environment, candidate, Place(folder, "", "by hand"))
    if as_json:
        print_json(learned)
    else:
        click.echo(f"{learned.id}  {learned.path}")
    return 0
