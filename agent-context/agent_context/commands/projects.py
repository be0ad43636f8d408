"""`agent-context projects`: list them, map a path to one, keep one local."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click
import msgspec

from agent_context.commands.face import Face, console, json_option, kb_option, pass_face, plural, print_json
from agent_context.identity import is_project_folder
from agent_context.local_learnings import make_local
from agent_context.machine import save_machine_settings


@click.group(name="projects")
def command() -> None:
    """List projects, map a path to one, or keep one on this machine."""


@command.command(name="list")
@kb_option
@json_option
@pass_face
def list_projects(face: Face, kb: Path | None, *, as_json: bool) -> int:
    """List the projects with their learnings, remotes and the paths this machine knows them by."""
    knowledge_base = face.knowledge_base(kb)
    counts = Counter(entry.project for entry in knowledge_base.load().entries)
    known = {**face.environment.own.checkouts, **face.environment.own.mappings}
    remotes = knowledge_base.remotes()
    rows = [
        {
            "folder": folder,
            "learnings": counts[folder],
            "remotes": sorted(remote for remote, home in remotes.items() if home == folder),
            "paths": sorted(path for path, project in known.items() if project == folder),
        }
        for folder in knowledge_base.projects()
    ]
    if as_json:
        print_json(rows)
        return 0
    out = console()
    for row in rows:
        out.print(f"[bold]{row['folder']}[/]  {plural(counts[str(row['folder'])], 'learning')}")
        for path in row["paths"]:  # type: ignore[attr-defined]
            out.print(f"  {path}", markup=False)
    if not rows:
        out.print("No projects yet: make sync brings them in.")
    return 0


@command.command(name="map")
@click.argument("path")
@click.argument("project")
@pass_face
def map_path(face: Face, path: str, project: str) -> int:
    """Say which PROJECT (its folder) the sessions under PATH belong to, where no checkout there can tell.

    Applies to what is read from now on; kept in this machine's settings, never in git.
    """
    if not is_project_folder(project):
        raise click.UsageError(f"{project} cannot be a project's folder: a-z, 0-9, dots, dashes, underscores")
    own = face.environment.own
    absolute = path if path.startswith(("/", "~")) or path[1:2] == ":" else str(Path(path).absolute())
    absolute = str(Path(absolute).expanduser()) if absolute.startswith("~") else absolute
    checkouts = {known: folder for known, folder in own.checkouts.items() if known != absolute}
    settled = msgspec.structs.replace(
        own, checkouts=checkouts, mappings={**own.mappings, absolute.rstrip("/"): project}
    )
    save_machine_settings(face.environment.machine_file, settled)
    click.echo(f"{absolute} is {project}, says {face.environment.machine_file}")
    return 0


@command.command(name="local")
@click.argument("project")
@kb_option
@pass_face
def keep_local(face: Face, project: str, kb: Path | None) -> int:
    """Keep all that is learned of PROJECT (its folder) from now on on this machine: in no commit, on no site."""
    if not is_project_folder(project):
        raise click.UsageError(f"{project} cannot be a project's folder: a-z, 0-9, dots, dashes, underscores")
    make_local(face.environment, face.knowledge_base(kb), project)
    click.echo(f"What is learned of {project} stays on this machine; what git has of it already stays there.")
    return 0
