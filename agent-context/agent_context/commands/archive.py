"""`agent-context archive`: the copies of sessions on this machine."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from agent_context.archive import ARCHIVE, Archive, Copy
from agent_context.commands.face import Face, console, json_option, pass_face, plural, print_json
from agent_context.errors import AgentContextError
from agent_context.syncing.harvesting import MEGABYTE


@click.group(name="archive")
def command() -> None:
    """List, show or prune the compressed copies of sessions that sync keeps on this machine."""


@command.command(name="list")
@json_option
@pass_face
def list_copies(face: Face, *, as_json: bool) -> int:
    """List the copies, oldest session first."""
    archive = Archive(face.environment.data_dir / ARCHIVE)
    copies = archive.copies()
    if as_json:
        print_json(copies)
        return 0
    out = console()
    for copy in copies:
        day = datetime.fromtimestamp(copy.mtime_ns / 1e9, UTC).date()
        out.print(f"{copy.name}  {day}  {copy.size / MEGABYTE:8.2f} MB  {copy.path}", markup=False)
    total = sum(archive.size(copy) for copy in copies)
    out.print(f"{plural(len(copies), 'copy').replace('copys', 'copies')}, {total / MEGABYTE:.1f} MB on disk")
    return 0


@command.command(name="show")
@click.argument("name")
@pass_face
def show_copy(face: Face, name: str) -> int:
    """Print the session file that the copy NAME (any unique beginning of it) holds, byte for byte."""
    archive = Archive(face.environment.data_dir / ARCHIVE)
    for piece in archive.lines(_find(archive, name)):
        sys.stdout.buffer.write(piece)
    return 0


@command.command(name="prune")
@click.option("--keep-mb", type=click.IntRange(0), help="Default: archive_mb of machine.toml.")
@pass_face
def prune_copies(face: Face, keep_mb: int | None) -> int:
    """Delete the oldest copies until all fit; copies of sessions that were never read go last."""
    archive = Archive(face.environment.data_dir / ARCHIVE)
    pruned = archive.prune((face.environment.own.archive_mb if keep_mb is None else keep_mb) * MEGABYTE)
    click.echo(f"Deleted {len(pruned.names)} copies, {pruned.bytes / MEGABYTE:.1f} MB.")
    return 0


def _find(archive: Archive, name: str) -> Copy:
    found = [copy for copy in archive.copies() if copy.name.startswith(name)]
    if len(found) != 1:
        raise AgentContextError(
            f"{len(found)} copies have a name that begins with {name}",
            hint="agent-context archive list shows the names",
        )
    return found[0]
