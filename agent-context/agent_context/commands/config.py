"""`agent-context config`: what is set, and how to set it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from agent_context.commands.face import Face, json_option, kb_option, pass_face, print_json
from agent_context.config import KB_FILE, find_knowledge_base
from agent_context.configuring import change_own, change_shared, get_own, get_shared, list_own, list_shared

if TYPE_CHECKING:
    from pathlib import Path

machine_option = click.option(
    "--machine", "own", is_flag=True, help="This machine's own settings instead of the knowledge base's."
)


@click.group(name="config")
def command() -> None:
    """Show settings, or change one: the knowledge base's (shared by all machines), or with --machine this machine's."""


@command.command(name="list")
@machine_option
@kb_option
@json_option
@pass_face
def list_all(face: Face, kb: Path | None, *, own: bool, as_json: bool) -> int:
    """List every setting with its value, its default, where it is set and what it does."""
    path = face.environment.machine_file
    rows = list_own(path) if own else [*list_shared(find_knowledge_base(face.environment, kb)), *list_own(path)]
    if as_json:
        print_json(rows)
        return 0
    for row in rows:
        click.echo(f"{row.name} = {_as_toml(row.value)}")
        where = row.where if row.where == "default" else f"{row.where}; default {_as_toml(row.default)}"
        click.echo(f"    {row.description} ({where})")
    return 0


@command.command(name="get")
@click.argument("key")
@machine_option
@kb_option
@json_option
@pass_face
def get(face: Face, key: str, kb: Path | None, *, own: bool, as_json: bool) -> int:
    """Print the value of one setting: KEY is its name in full, as in sync.push."""
    if own:
        value = get_own(face.environment.machine_file, key)
    else:
        value = get_shared(find_knowledge_base(face.environment, kb), key)
    click.echo(value if isinstance(value, str) and not as_json else _as_toml(value))
    return 0


@command.command(name="set")
@click.argument("key")
@click.argument("value")
@machine_option
@kb_option
@pass_face
def set_one(face: Face, key: str, value: str, kb: Path | None, *, own: bool) -> int:
    """Set KEY to VALUE: TOML (true, 5, ["a", "b"]) or plain words, a list's with commas between.

    Comments stay. A change of the knowledge base's settings is a commit of its own, which the next sync carries to
    every machine; edits that wait in that file are committed with it.
    """
    return _change(face, kb, key, value, own=own)


@command.command(name="unset")
@click.argument("key")
@machine_option
@kb_option
@pass_face
def unset(face: Face, key: str, kb: Path | None, *, own: bool) -> int:
    """Take KEY out of the file, so that its default holds again."""
    return _change(face, kb, key, None, own=own)


def _change(face: Face, kb: Path | None, key: str, value: str | None, *, own: bool) -> int:
    if own:
        path = face.environment.machine_file
        changed, told = change_own(path, key, value), "written"
    else:
        knowledge_base = face.knowledge_base(kb)
        path = knowledge_base.root / KB_FILE
        changed, told = change_shared(knowledge_base, face.environment, key, value), "committed"
    click.echo(f"{path}: {told if changed else 'it stands so already, nothing was changed'}")
    return 0


def _as_toml(value: object) -> str:
    """Return a value on one line; JSON and TOML write all but tables alike."""
    return msgspec.json.encode(value).decode()
