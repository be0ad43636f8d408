"""`agent-context quarantine`: what the screen held back on this machine, and a person's decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from agent_context.commands.face import Face, json_option, kb_option, pass_face, plural, print_json
from agent_context.known_values import load_guard
from agent_context.quarantine import Quarantine
from agent_context.review.quarantining import release as release_held
from agent_context.screening.replacing import rewrite_candidate
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.knowledge import KnowledgeBase
    from agent_context.quarantine import Held
    from agent_context.screening.guarding import Guard


@click.group(name="quarantine")
def command() -> None:
    """List, release or drop what the screen held back; it lies on this machine alone, never in git."""


@command.command(name="list")
@kb_option
@json_option
@pass_face
def list_(face: Face, kb: Path | None, *, as_json: bool) -> int:
    """List what waits, oldest first; secrets in it are masked."""
    knowledge_base = face.knowledge_base(kb)
    guard = _guard(face, knowledge_base)
    waiting = [_masked(held, guard) for held in _open(face, knowledge_base).list()]
    if as_json:
        print_json(waiting)
        return 0
    for held in waiting:
        click.echo(f"{held.id}  {held.project}  {held.reason}")
        click.echo(f"    {show_hidden(held.candidate.claim)}")
    click.echo(f"{plural(len(waiting), 'candidate')} in quarantine.")
    return 0


@command.command()
@click.argument("identity", metavar="ID")
@kb_option
@json_option
@pass_face
def show(face: Face, identity: str, kb: Path | None, *, as_json: bool) -> int:
    """Show one (any unique beginning of its id) with what was found where; secrets in it are masked."""
    knowledge_base = face.knowledge_base(kb)
    quarantine = _open(face, knowledge_base)
    held = _masked(quarantine.find(identity), _guard(face, knowledge_base))
    if as_json:
        print_json(held)
        return 0
    click.echo(f"{held.id}  {held.project}  session {held.candidate.session}  {held.at}")
    click.echo(f"why: {held.reason}")
    for finding in held.findings:
        click.echo(f"    {finding.kind}: {finding.rule} ({finding.severity}) {finding.masked}")
    click.echo(f"claim: {show_hidden(held.candidate.claim)}")
    if held.candidate.why:
        click.echo(f"because: {show_hidden(held.candidate.why)}")
    for quote in held.candidate.evidence:
        click.echo(f"{quote.speaker.value}: {show_hidden(quote.quote)}")
    click.echo(f"As it was found, unmasked: {quarantine.path_of(held.id)}", err=True)
    return 0


@command.command()
@click.argument("identity", metavar="ID")
@click.option("--reason", default="", help="Why it may go on; kept with the allowance.")
@kb_option
@pass_face
def release(face: Face, identity: str, reason: str, kb: Path | None) -> int:
    """Make it an accepted learning, and allow by hash, in agent-context.toml, what was found in it."""
    knowledge_base = face.knowledge_base(kb)
    quarantine = _open(face, knowledge_base)
    held, guard = quarantine.find(identity), _guard(face, knowledge_base)
    learned = release_held(knowledge_base, face.environment, quarantine, held, guard, reason)
    click.echo(f"{learned.id}  {learned.path}")
    return 0


@command.command()
@click.argument("ids", nargs=-1, metavar="ID...")
@click.option("--all", "everything", is_flag=True, help="Drop all that waits.")
@kb_option
@pass_face
def drop(face: Face, ids: tuple[str, ...], kb: Path | None, *, everything: bool) -> int:
    """Drop them for good: the same words do not come back into quarantine."""
    if bool(ids) == everything:
        raise click.UsageError("name what to drop by its id (agent-context quarantine list), or give --all")
    quarantine = _open(face, face.knowledge_base(kb))
    chosen = quarantine.list() if everything else [quarantine.find(identity) for identity in ids]
    for held in chosen:
        quarantine.drop(held)
    click.echo(f"Dropped {plural(len(chosen), 'candidate')}.")
    return 0


def _open(face: Face, knowledge_base: KnowledgeBase) -> Quarantine:
    return Quarantine(face.environment.data_dir, knowledge_base.root)


def _guard(face: Face, knowledge_base: KnowledgeBase) -> Guard:
    return load_guard(knowledge_base.settings, face.environment.cwd)


def _masked(held: Held, guard: Guard) -> Held:
    """Return what is held with its secrets redacted, as it may be shown."""
    return msgspec.structs.replace(held, candidate=rewrite_candidate(held.candidate, guard.clean))
