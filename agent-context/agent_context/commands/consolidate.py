"""`agent-context consolidate`: what is said more than once, what holds across projects, what contradicts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, pass_face, plural, print_json, progress_bar
from agent_context.config import keep_to_one_thread
from agent_context.consolidation.asking import Asker
from agent_context.consolidation.consolidating import carry_out, choose, survey
from agent_context.consolidation.linking import Work
from agent_context.executors import choose_executor
from agent_context.harvest.extracted import Estimate
from agent_context.harvest.paying import engage
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent_context.consolidation.consolidating import Fold, Survey
    from agent_context.knowledge import Entry, KnowledgeBase


@click.command(name="consolidate")
@click.option("--project", help="Look at this project's folder alone (`patterns`: the patterns).")
@click.option("--apply", multiple=True, metavar="ID", help="Carry out the merge with this learning in it.")
@click.option("--promote", multiple=True, metavar="ID", help="Make the pattern with this learning in it.")
@click.option("--dry-run", is_flag=True, help="With --apply or --promote: show what would be done; change nothing.")
@click.option("--on", default="here", show_default=True, help="Work here, on processes[://N] or dask://HOST:PORT.")
@click.option(
    "--extractor", type=click.Choice(["heuristic", "claude-cli", "anthropic"]), help="Ask this model, not the set one."
)
@click.option("--yes", is_flag=True, help="Let a model run without a known price, or without a cap.")
@kb_option
@json_option
@pass_face
def command(  # noqa: PLR0913 - one argument an option
    face: Face,
    project: str | None,
    apply: tuple[str, ...],
    promote: tuple[str, ...],
    on: str,
    extractor: str | None,
    kb: Path | None,
    *,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Compare all living learnings; propose merges and patterns, and name those that contradict each other.

    Nothing is changed unless you name it by an id; then it is one commit, and nothing is lost: what is folded into
    another keeps its file and text, and is marked as superseded. Where an extractor asks a model, that model judges
    what is near and no guard forbids, and words what is kept.
    """
    keep_to_one_thread()
    knowledge_base = face.knowledge_base(kb)
    if extractor:
        knowledge_base.use_extractor(extractor)
    with progress_bar("blocks", shown=not as_json) as progress, _open_asker(face, knowledge_base, yes=yes) as asker:
        found = survey(knowledge_base, face.environment, project, Work(choose_executor(on), progress), asker)
    merges, patterns = choose(found.merges, apply), choose(found.promotions, promote)
    done = not dry_run and bool(merges or patterns)
    if done:
        carry_out(knowledge_base, face.environment, merges, patterns)
    if as_json:
        print_json({"merges": merges, "promotions": patterns} if apply or promote else found)
        return 0
    _print_folds("Merge" if not done else "Merged", merges if apply or promote else found.merges)
    _print_folds("Promote" if not done else "Promoted", patterns if apply or promote else found.promotions)
    if not apply and not promote:
        _print_rest(found)
    return 0


@contextmanager
def _open_asker(face: Face, knowledge_base: KnowledgeBase, *, yes: bool) -> Iterator[Asker | None]:
    """Give the model that the settings name, none where they name none."""
    engaged = engage(knowledge_base.settings, face.environment.data_dir, knowledge_base.root, _announce, yes=yes)
    if engaged is None:
        yield None
        return
    try:
        approve = engaged.payment.approve
        yield Asker(engaged.extractor, lambda tokens: approve(Estimate(1, tokens)), knowledge_base.screen, [])
    finally:
        engaged.close()


def _announce(estimate: Estimate, usd: float | None) -> None:
    price = f"about $ {usd:.4f}" if usd is not None else "at a price that is not known"
    click.echo(f"A model is asked: {estimate.tokens:,} tokens at the most, {price}", err=True)


def _print_folds(what: str, folds: tuple[Fold, ...] | list[Fold]) -> None:
    for item in folds:
        click.echo(f"{what}: {item.evidence}")
        click.echo(f"  keep  {_name(item.kept)}")
        for entry in item.folded:
            click.echo(f"  fold  {_name(entry)}")
        for reason in item.reasons:
            click.echo(f"        {show_hidden(reason)}")


def _print_rest(found: Survey) -> None:
    for pair in found.contradictions:
        click.echo(f"Contradiction, which holds? ({show_hidden(pair.reason)}, {pair.score:.2f})")
        click.echo(f"  newer {_name(pair.newer)}")
        click.echo(f"  older {_name(pair.older)}")
    for trouble in found.troubles:
        click.echo(f"Left out: {show_hidden(trouble)}", err=True)
    counts = (
        plural(len(found.merges), "merge"),
        f"{plural(len(found.promotions), 'pattern')} to promote",
        plural(len(found.contradictions), "contradiction"),
    )
    click.echo(f"{', '.join(counts)} among {plural(found.compared, 'learning')} (compared by {found.encoder}).")
    if found.merges or found.promotions:
        click.echo("Nothing is changed. To do it: --apply ID a merge, --promote ID a pattern (any id of those above).")


def _name(entry: Entry) -> str:
    return f"{entry.learning.id}  {entry.project}  {entry.learning.status}  {show_hidden(entry.learning.claim)}"
