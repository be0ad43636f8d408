"""`agent-context project`: what one project needs on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from agent_context.commands.face import Face, json_option, kb_option, pass_face, print_json
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.layout import Project

NEEDS_PERSON = 3


@click.group(name="project")
def command() -> None:
    """Say what a project needs here."""


@command.command(name="doctor")
@kb_option
@json_option
@click.option("--write", is_flag=True, help="Write what the checkout shows into project.toml, where that says nothing.")
@click.argument("project", required=False)
@pass_face
def examine_project(face: Face, kb: Path | None, project: str | None, *, as_json: bool, write: bool) -> int:
    """Say what PROJECT (its folder; default: the checkout around) needs, and what of it is missing on this machine.

    What project.toml does not say is read off the checkout. Commands are shown, never run. Exits 3 if anything is
    missing.
    """
    from agent_context.tooling import starting  # noqa: PLC0415 - what no other command pays

    knowledge_base = face.knowledge_base(kb)
    folder = face.place(knowledge_base, project).folder
    if folder not in knowledge_base.projects():
        raise click.UsageError(f"the knowledge base has no project {folder} (agent-context projects list)")
    known = knowledge_base.project(folder)
    checkouts = starting.find_checkouts(knowledge_base, face.environment, folder)
    wanted = starting.complete(known, starting.detect(checkouts[0])) if checkouts else known
    missing = starting.find_missing(wanted, checkouts)
    written = starting.write_detected(knowledge_base.root, folder, wanted) if write else ""
    if as_json:
        paths = [str(path) for path in checkouts]
        print_json({"project": folder, "needs": wanted, "missing": missing, "checkouts": paths})
    else:
        _print_needs(known, wanted)
        for item in missing:
            click.echo(show_hidden(f"missing: {item.what}\n         {item.remedy}"))
        if not missing:
            click.echo("Nothing is missing here.")
        if written:
            click.echo(f"wrote {written}; agent-context sync tells the other machines")
        elif wanted != known:
            click.echo(f"To keep what was read off the checkout: agent-context project doctor {folder} --write")
    return NEEDS_PERSON if missing else 0


def _print_needs(known: Project, wanted: Project) -> None:
    """Print what a project needs, marking what only the checkout says."""
    from agent_context.tooling.starting import DETECTED  # noqa: PLC0415 - the same

    said = msgspec.to_builtins(known)
    for name, value in msgspec.to_builtins(wanted).items():
        if name in DETECTED and value:
            shown = value if isinstance(value, str) else ", ".join(value)
            mark = "" if said.get(name) else "  (read off the checkout)"
            click.echo(show_hidden(f"{name.replace('_', ' '):16}  {shown}{mark}"))
