"""`agent-context init`: a knowledge base of one's own."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from agent_context.commands.face import Face, kb_option, pass_face, plural
from agent_context.founding import found_knowledge_base, plan_takeover, take_over
from agent_context.git import Repository
from agent_context.machine import save_machine_settings


@click.command(name="init")
@click.argument("directory", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--here", is_flag=True, help="Make the clone of the template around you your own.")
@click.option("--remote", default="", help="The address of your private repository, set as origin.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@kb_option
@pass_face
def command(face: Face, directory: Path | None, remote: str, kb: Path | None, *, here: bool, yes: bool) -> int:
    """Make a knowledge base in DIRECTORY, or with --here make a fresh clone of the template your own.

    --here removes the template's own learnings (after asking) in one commit that git can undo, and sets the remote.
    """
    if here == (directory is not None):
        raise click.UsageError("name a new DIRECTORY, or say --here inside a clone of the template")
    if directory is not None:
        root = directory.absolute()
        made = found_knowledge_base(root, remote, face.environment.machine)
        click.echo(f"Made {root} with {plural(len(made), 'file')}, committed.")
    else:
        knowledge_base = face.knowledge_base(kb)
        root = knowledge_base.root
        planned = plan_takeover(knowledge_base)
        click.echo(
            f"This removes the template's {plural(len(planned), 'file')} under projects/ and patterns/ in one commit."
        )
        if knowledge_base.settings.template and not yes and not click.confirm("Go on?"):
            click.echo("Nothing was changed.")
            return 1
        take_over(knowledge_base, remote, face.environment.machine)
        click.echo(f"{root} is yours.")
    if not face.environment.own.knowledge_base:
        own = msgspec.structs.replace(face.environment.own, knowledge_base=str(root))
        save_machine_settings(face.environment.machine_file, own)
        click.echo("It is this machine's knowledge base from now on.")
    repository = Repository(root)
    if repository.remote(repository.branch()) is None:
        click.echo(f"Next: give it a remote (git -C {root} remote add origin URL), then: agent-context sync")
    else:
        click.echo("Next: agent-context sync")
    return 0
