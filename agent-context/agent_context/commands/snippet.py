"""`agent-context snippet`: what an agent is given, why, where it is written, and how to take it away again."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, get_args

import click

from agent_context.commands.face import Face, json_option, kb_option, pass_face, plural, print_json
from agent_context.delivery.applying import carry_out, show
from agent_context.delivery.showing import plan_project, show_snippet
from agent_context.settings import TargetName
from agent_context.snippet import Place
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.delivery.planning import Plan
    from agent_context.snippet import Snippet

TARGETS = get_args(TargetName)
UNDONE = "The next sync writes them again, unless snippet.install is false or snippet.targets is empty"


@click.command(name="snippet")
@click.argument("project", required=False)
@click.option("--target", type=click.Choice(TARGETS), help="As it is for this target. Default: the first one set.")
@click.option("--explain", is_flag=True, help="Print each learning's score, and why it is in or out.")
@click.option("--dry-run", is_flag=True, help="Print, as a diff, what the next sync would write into checkouts.")
@click.option("--remove", is_flag=True, help="Take all that was written out of the checkouts, leaving no trace.")
@click.option("--all", "everywhere", is_flag=True, help="With --dry-run or --remove: for all projects.")
@kb_option
@json_option
@pass_face
def command(face: Face, project: str | None, target: TargetName | None, kb: Path | None, **how: bool) -> int:
    """Print what an agent working in PROJECT (its folder; default: the checkout you are in) is given."""
    knowledge_base = face.knowledge_base(kb)
    if how["everywhere"] and not (how["dry_run"] or how["remove"]):
        raise click.UsageError("--all goes with --dry-run or --remove")
    if project is not None:
        face.place(knowledge_base, project)
        knowledge_base.load_named(project)
    folder = "" if how["everywhere"] else project or face.place(knowledge_base, None).folder
    if how["dry_run"] or how["remove"]:
        plan = plan_project(knowledge_base, face.environment, folder or None, remove=how["remove"])
        return _carry_out(plan, dry_run=how["dry_run"], as_json=how["as_json"])
    snippet = show_snippet(knowledge_base, face.environment, folder, target)
    if how["as_json"]:
        print_json(snippet)
        return 0
    (_explain if how["explain"] else _print)(snippet)
    places = Counter(item.place for item in snippet.judged)
    scoped = f", {plural(places[Place.SCOPED], 'learning')} with the files they are about" if snippet.scoped else ""
    given = f"{plural(places[Place.ALWAYS], 'learning')}, about {snippet.tokens:,} of {snippet.budget:,} tokens"
    out = f", {places[Place.OUT]:,} left out (--explain says why)" if places[Place.OUT] else ""
    click.echo(f"{folder}: {given}{scoped}{out}", err=True)
    return 0


def _print(snippet: Snippet) -> None:
    click.echo(snippet.text, nl=False)
    for rule in snippet.scoped:
        click.echo(f"\n--- with {', '.join(rule.paths)} ({rule.tokens:,} tokens)\n\n{rule.text}", nl=False)


def _explain(snippet: Snippet) -> None:
    click.echo("score = confidence x recency x relevance")
    for item in snippet.judged:
        factors = f"{item.confidence:.2f} x {item.recency:.2f} x {item.relevance:.2f}"
        click.echo(f"{item.score:.2f} = {factors}  {item.place.value:<7}  {item.learning.id}  ", nl=False)
        click.echo(f"{show_hidden(item.learning.claim)}\n       {show_hidden(item.reason)}")


def _carry_out(plan: Plan, *, dry_run: bool, as_json: bool) -> int:
    outcome = carry_out(plan, dry_run=dry_run)
    if as_json:
        print_json(outcome)
        return 3 if outcome.problems else 0
    if dry_run:
        for change in plan.excludes:
            click.echo(show(change, change.path.parent.parent))
        for delivery in plan.deliveries:
            for change in delivery.changes:
                click.echo(f"# in {show_hidden(str(delivery.top))}\n{show(change, delivery.top)}")
    else:
        for item in outcome.written:
            click.echo(show_hidden(item))
    for item in (*outcome.notes, *outcome.problems):
        click.echo(show_hidden(item), err=True)
    if not (outcome.written or plan.excludes):
        click.echo("Nothing to change", err=True)
    elif not dry_run:
        click.echo(UNDONE, err=True)
    return 3 if outcome.problems else 0
