"""`agent-context extract`: candidates of given session files, for trying and for machines."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from agent_context.commands.face import json_option, print_json
from agent_context.extractors import EXTRACTORS, MODELS
from agent_context.harvest.extraction import read_file
from agent_context.purse import Purse
from agent_context.transcripts.session import Session, Skipped
from agent_context.visible import show_hidden


@click.command(name="extract")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--extractor", type=click.Choice([*EXTRACTORS, *MODELS]), default="heuristic", show_default=True)
@click.option("--limit", type=click.IntRange(1), default=5, show_default=True, help="Most candidates of one session.")
@click.option("--model", default="claude-haiku-5-5", show_default=True, help="Of the extractors that ask one.")
@click.option(
    "--max-usd", type=click.FloatRange(0), default=1.0, show_default=True, help="What a model may cost, at most."
)
@click.option("--until-line", type=click.IntRange(1), help="Read each file only up to this line.")
@json_option
def command(  # noqa: PLR0913 - one argument an option
    paths: tuple[Path, ...],
    extractor: str,
    limit: int,
    model: str,
    max_usd: float,
    until_line: int | None,
    *,
    as_json: bool,
) -> int:
    """Print what session files would teach, touching nothing.

    With --json one object a line: session, at, claim, why, kind, tags, paths, evidence (quote, speaker, uuid).
    """
    lost = 0
    purse = Purse(max_usd, None)
    extract = MODELS[extractor](purse=purse, model=model) if extractor in MODELS else EXTRACTORS[extractor]
    for path in paths:
        session = _read(path, until_line)
        if isinstance(session, Skipped):
            lost += session.lost
            click.echo(f"{'lost' if session.lost else 'skipped'}: {path}: {session.reason}", err=True)
            continue
        for candidate in extract(session, (), limit=limit):
            if as_json:
                print_json(candidate)
                continue
            click.echo(f"{candidate.session}  {candidate.kind.value:13}  {show_hidden(candidate.claim)}")
            for quote in candidate.evidence:
                click.echo(f"          {quote.speaker.value}: {show_hidden(quote.quote)}")
    if purse.spent_usd:
        click.echo(f"cost: $ {purse.spent_usd:.4f}", err=True)
    return 1 if lost else 0


def _read(path: Path, until_line: int | None) -> Session | Skipped:
    """Read a session file, or its first lines by way of a temporary copy."""
    if until_line is None:
        return read_file(path)
    with TemporaryDirectory() as folder:
        part = Path(folder) / path.name
        with path.open("rb") as source, part.open("wb") as target:
            target.writelines(islice(source, until_line))
        return read_file(part)
