"""`agent-context import`: learnings from rule files that already exist."""

from __future__ import annotations

from pathlib import Path

import click

from agent_context.commands.face import Face, json_option, kb_option, pass_face, plural, print_json
from agent_context.harvest.written import read_statements
from agent_context.learning import Kind, Status
from agent_context.review.reviewing import add_learnings, state_candidate


@click.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--project", help="The project's folder, or `patterns`. Default: the checkout you are in.")
@click.option("--accepted", is_flag=True, help="Take them as reviewed. Default: they wait for review.")
@click.option("--dry-run", is_flag=True, help="Only show what the files say.")
@kb_option
@json_option
@pass_face
def command(  # noqa: PLR0913 - one argument an option
    face: Face,
    files: tuple[Path, ...],
    project: str | None,
    kb: Path | None,
    *,
    accepted: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Make learnings of what FILES say: CLAUDE.md, AGENTS.md, cursor rules, learnings, an agent's memory.

    Their bullets and sentences become one learning each, with the file as their source; what is known already is
    dropped. Not needed for daily use: what such files of a checkout say is never proposed by sync anyway.
    """
    statements = [(file, statement) for file in files for statement in read_statements(file)]
    if dry_run:
        for file, statement in statements:
            click.echo(f"{file}: {statement}")
        return 0
    knowledge_base = face.knowledge_base(kb)
    place = face.place(knowledge_base, project)
    candidates = [
        state_candidate(statement, "", Kind.CONVENTION, (), (), origin=file.name[:40], how="import")
        for file, statement in statements
    ]
    status = Status.ACCEPTED if accepted else Status.UNREVIEWED
    added = add_learnings(knowledge_base, face.environment, candidates, place, status, "import")
    if as_json:
        print_json(added)
        return 0
    for learned in added.learned:
        click.echo(f"{learned.id}  {learned.claim}")
    for dropped in added.dropped:
        click.echo(f"dropped: {dropped.reason} {dropped.detail}: {dropped.claim}", err=True)
    click.echo(f"{plural(len(added.learned), 'learning')} imported, {len(added.dropped)} dropped", err=True)
    return 0
