"""`agent-context extract`: candidates of given session files, for trying and for machines."""

from __future__ import annotations

from pathlib import Path

import click

from agent_context.commands.face import json_option, print_json
from agent_context.config import ExtractionSettings
from agent_context.extraction import Extraction, extract_file
from agent_context.extractors import EXTRACTORS


@click.command(name="extract")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--extractor", type=click.Choice(list(EXTRACTORS)), default="heuristic", show_default=True)
@click.option("--limit", type=click.IntRange(1), default=5, show_default=True, help="Most candidates of one session.")
@json_option
def command(paths: tuple[Path, ...], extractor: str, limit: int, *, as_json: bool) -> int:
    """Print what session files would teach, touching nothing.

    With --json one object a line: session, at, claim, why, kind, tags, paths, evidence (quote, speaker, uuid).
    """
    result = Extraction()
    settings = ExtractionSettings(extractor=extractor, per_session=limit)  # type: ignore[arg-type]
    for path in paths:
        extract_file(path, settings, result)
    for candidate in (candidate for read in result.reads for candidate in read.candidates):
        if as_json:
            print_json(candidate)
        else:
            click.echo(f"{candidate.session}  {candidate.kind.value:13}  {candidate.claim}")
            for quote in candidate.evidence:
                click.echo(f"          {quote.speaker.value}: {quote.quote}")
    for item in result.lost:
        click.echo(f"lost: {item}", err=True)
    return 1 if result.lost else 0
