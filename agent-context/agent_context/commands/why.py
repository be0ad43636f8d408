"""`agent-context why`: the whole story of one learning."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, local_time, pass_face, plural, print_json
from agent_context.history.story import Related, tell
from agent_context.learning import utc
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agent_context.history.story import Step, Story
    from agent_context.learning import Learning


@click.command(name="why")
@click.argument("identity", metavar="ID")
@click.option(
    "--days", type=click.IntRange(0), default=365, show_default=True, help="Doubt what is unsaid for so long."
)
@kb_option
@json_option
@pass_face
def command(face: Face, identity: str, days: int, kb: Path | None, *, as_json: bool) -> int:
    """Tell what a learning says, who said so and when, what became of it, and which commits changed it."""
    story = tell(face.knowledge_base(kb), face.environment, identity, utc(time.time()), days=days)
    if as_json:
        print_json(story)
        return 0
    _print_learning(story)
    _print_relations(story)
    _print_list("Changed", (line for step in story.steps for line in _say_step(step)))
    return 0


def _print_learning(story: Story) -> None:
    learning = story.learning
    note = learning.status_note
    click.echo(show_hidden(learning.claim))
    click.echo(f"  {learning.id}  {learning.kind}  {show_hidden(story.path)}")
    set_by = f": by {note.by}, {local_time(note.at)}, {note.reason}" if note else ""
    click.echo(show_hidden(f"  {learning.status}{set_by}"))
    click.echo(f"  confidence {story.confidence:.2f}, said in {plural(story.sessions, 'session')}")
    _print_list("Why", learning.why)
    _print_list("Quotes", (line for quote in learning.evidence for line in f"> {quote}".split("\n")))
    _print_list("Said by", _say_sources(learning))


def _print_relations(story: Story) -> None:
    for label, related in (("Supersedes", story.supersedes), ("Superseded by", story.superseded_by)):
        _print_list(label, (_say_related(item) for item in related))
    _print_list("Open", (f"{item.field}: {' | '.join(item.versions)}" for item in story.learning.conflicts))
    _print_list("Doubts", (f"{doubt.rule}: {doubt.detail}" for doubt in story.doubts))
    if story.learning.paths and not story.seen:
        click.echo("Not looked into, for want of a checkout of its project here.")


def _say_sources(learning: Learning) -> Iterable[str]:
    for source in learning.sources:
        how = f", read by {source.extractor}" if source.extractor not in ("", source.session) else ""
        where = f"session {source.session}" if source.session != source.extractor else source.session  # `by hand`
        yield f"{local_time(source.at)}  {source.machine}  {where}, the {source.speaker}{how}"
    for item in learning.confirmed:
        yield f"{item.machine}: {plural(item.count, 'session')} in all"


def _say_related(item: Related) -> str:
    return f"{item.id}  {item.project}  {item.claim}" if item.claim else f"{item.id} (not here)"


def _say_step(step: Step) -> Iterable[str]:
    sync = f"  sync {', '.join(step.syncs)}" if step.syncs else ""
    yield f"{local_time(step.at)}  {step.machine or step.author}  {step.commit[:10]}{sync}  {step.subject}"
    for line in (*step.decisions, *step.changes):
        yield f"    {line}"


def _print_list(label: str, lines: Iterable[str]) -> None:
    shown = list(lines)
    if shown:
        click.echo(f"{label}:")
    for line in shown:
        click.echo(f"  {show_hidden(line)}")
