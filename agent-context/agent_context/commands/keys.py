"""`agent-context keys`: who can read the learnings of encrypted projects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, pass_face, plural, print_json

if TYPE_CHECKING:
    from agent_context.keyring import Resealed

project_option = click.option("--project", required=True, help="The project's folder.")


@click.group(name="keys")
def command() -> None:
    """Encrypt a project's learnings at rest (age), and say who can read them."""


@command.command(name="list")
@kb_option
@json_option
@pass_face
def list_(face: Face, kb: Path | None, *, as_json: bool) -> int:
    """Show this machine's public keys, and for each encrypted project whom it is sealed for."""
    from agent_context.keyring import list_access  # noqa: PLC0415 - the command's own work

    knowledge_base = face.knowledge_base(kb)
    found = list_access(knowledge_base)
    own = knowledge_base.sealer.own_keys() if knowledge_base.sealer else ()
    if as_json:
        print_json({"own": own, "projects": found})
        return 0
    click.echo(f"This machine: {', '.join(own) or 'no key yet (agent-context keys add --project NAME makes one)'}")
    for access in found:
        closed = f", {access.closed} closed to this machine" if access.closed else ""
        click.echo(f"{access.project}: {plural(access.readable, 'learning')} readable here{closed}")
        for recipient in access.recipients:
            mark = "  NOT AGREED TO HERE" if recipient in access.untrusted else ""
            click.echo(f"    {recipient.key}  {recipient.name}{mark}")
        if access.untrusted:
            click.echo(f"    to agree: agent-context keys trust --project {access.project}")
    return 0


@command.command()
@click.argument("key", default="")
@project_option
@click.option("--name", default="", help="Whose key it is.")
@click.option("--convert", is_flag=True, help="Encrypt what is there already; history keeps it in clear.")
@kb_option
@pass_face
def add(face: Face, key: str, project: str, name: str, kb: Path | None, *, convert: bool) -> int:
    """Let KEY (age1..., an ssh-ed25519 line, or its file) read a project; without KEY, this machine's own."""
    from agent_context.keyring import add_key  # noqa: PLC0415 - the command's own work

    key = str(Path(key).expanduser()) if key.startswith("~") else key
    _report(add_key(face.knowledge_base(kb), face.environment, project, key, name, convert=convert))
    return 0


@command.command()
@click.argument("key")
@project_option
@kb_option
@pass_face
def remove(face: Face, key: str, project: str, kb: Path | None) -> int:
    """Seal for all but KEY (its beginning, or its name) from now on."""
    from agent_context.keyring import remove_key  # noqa: PLC0415 - the command's own work

    _report(remove_key(face.knowledge_base(kb), face.environment, project, key))
    click.echo("What was committed before can still be read with that key: change what must stay secret.", err=True)
    return 0


@command.command()
@kb_option
@pass_face
def rotate(face: Face, kb: Path | None) -> int:
    """Give this machine a new key everywhere; the old one stays on this machine, to read history."""
    from agent_context.keyring import rotate_key  # noqa: PLC0415 - the command's own work

    for resealed in rotate_key(face.knowledge_base(kb), face.environment):
        _report(resealed)
    return 0


@command.command()
@project_option
@kb_option
@pass_face
def trust(face: Face, project: str, kb: Path | None) -> int:
    """Agree to the keys that a project lists, after looking at them, and seal for them."""
    from agent_context.keyring import trust_keys  # noqa: PLC0415 - the command's own work

    _report(trust_keys(face.knowledge_base(kb), face.environment, project))
    return 0


def _report(done: Resealed) -> None:
    converted = f", {plural(done.converted, 'clear learning')} encrypted" if done.converted else ""
    click.echo(f"{done.project}: sealed for {plural(len(done.recipients), 'key')}; {done.files} sealed anew{converted}")
    click.echo("Sync brings that to the other machines: agent-context sync", err=True)
