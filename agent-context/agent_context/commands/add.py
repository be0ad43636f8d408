"""`agent-context add`: a learning by hand, or several from a program."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
import msgspec

from agent_context.commands.face import Face, json_option, kb_option, pass_face, print_json
from agent_context.errors import AgentContextError
from agent_context.learning import Kind, Speaker, Status
from agent_context.review.reviewing import BY_HAND, add_learnings, state_candidate

if TYPE_CHECKING:
    from pathlib import Path


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of `add --stdin`."""

    claim: str
    why: str = ""
    kind: Kind = Kind.CONVENTION
    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    session: str = BY_HAND


@click.command(name="add")
@click.argument("claim", required=False)
@click.option("--stdin", is_flag=True, help="Read JSON lines {claim, why, kind, tags, paths, session}; unreviewed.")
@click.option("--project", help="The project's folder, or `patterns`. Default: the checkout you are in.")
@click.option("--kind", type=click.Choice([kind.value for kind in Kind]), default="convention", show_default=True)
@click.option("--why", default="", help="The reason, a further paragraph.")
@click.option("--tag", "tags", multiple=True, help="A tag; may be given several times.")
@click.option("--path", "paths", multiple=True, help="A path or glob it is about; may be given several times.")
@click.option("--local", is_flag=True, help="Keep it on this machine: in no commit, on no site; agents here see it.")
@kb_option
@json_option
@pass_face
def command(  # noqa: PLR0913 - one argument an option
    face: Face,
    claim: str | None,
    project: str | None,
    kind: str,
    why: str,
    tags: tuple[str, ...],
    paths: tuple[str, ...],
    kb: Path | None,
    *,
    stdin: bool,
    local: bool,
    as_json: bool,
) -> int:
    """Write a learning down. It counts as accepted, since you said it, and is pushed by the next sync.

    With --stdin several, from a skill or a program: these wait for review like those of sessions.
    """
    if stdin == (claim is not None):
        raise click.UsageError("give one CLAIM, or several as JSON lines with --stdin")
    knowledge_base = face.knowledge_base(kb)
    place = face.place(knowledge_base, project)
    if stdin:
        statements = _read_lines(sys.stdin.buffer.read())
    else:
        statements = [Statement(claim or "", why, Kind(kind), tags, paths)]
    candidates = [
        state_candidate(
            item.claim,
            item.why,
            item.kind,
            item.tags,
            item.paths,
            origin=item.session[:40] or BY_HAND,
            speaker=Speaker.ASSISTANT if stdin else Speaker.USER,  # a program's words are not the user's
        )
        for item in statements
    ]
    status = Status.UNREVIEWED if stdin else Status.ACCEPTED
    added = add_learnings(knowledge_base, face.environment, candidates, place, status, local=local)
    if as_json:
        print_json(added if stdin else added.learned[0] if added.learned else added)
    else:
        for learned in added.learned:
            click.echo(f"{learned.id}  {learned.path}")
    for dropped in added.dropped:
        click.echo(f"not added: {dropped.reason} {dropped.detail}", err=True)
    return 1 if added.dropped and not stdin else 0


def _read_lines(data: bytes) -> list[Statement]:
    found = []
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            try:
                found.append(msgspec.json.decode(line, type=Statement))
            except msgspec.DecodeError as error:
                raise AgentContextError(
                    f"line {number} of the input: {error}",
                    hint='each line is one object, {"claim": "…"}; nothing was added',
                ) from None
    return found
